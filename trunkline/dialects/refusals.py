"""Refusals that only the edge knows: they are about HTTP, not about the product."""

from trunkline.core.errors import NotFound, TrunklineError


class NoSuchPath(NotFound):
    """No operation has this path."""

    def __init__(self) -> None:
        super().__init__("path")
        self.message = "Not found."


class MethodNotAllowed(TrunklineError):
    """The path exists, the method does not; `allow` lists those that do."""

    code = "method_not_allowed"

    def __init__(self, allow: str) -> None:
        self.allow = allow
        super().__init__("Method not allowed.")


class BadCursor(NotFound):
    """A cursor that we did not make, or made for another list."""

    def __init__(self) -> None:
        super().__init__("cursor")
        self.message = "Invalid cursor"


class UnknownMethod(TrunklineError):
    code = "method_unknown"


class UnsupportedMedia(TrunklineError):
    """The body is of a type, charset or encoding that the operation does not read."""

    code = "unsupported_media_type"


class ServerError(TrunklineError):
    """Stands for a bug; the log has the details, the caller only this."""

    code = "server_error"

    def __init__(self) -> None:
        super().__init__("Server Error")
