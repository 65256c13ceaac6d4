"""What is wrong with a case; the answer then carries it as `error`."""

from typing import Any


class CaseError(Exception):
    """`code` is one of json, input, assets, flow, version, resume:101|102|103, mocks, internal or a query's code."""

    def __init__(self, code: str, message: str, extra: dict[str, Any] | None = None):
        super().__init__(message)
        self.code, self.message, self.extra = code, message, extra

    def document(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"code": self.code, "message": self.message}
        return shown | {"extra": self.extra} if self.extra is not None else shown
