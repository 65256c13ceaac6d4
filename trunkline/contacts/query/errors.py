"""What is wrong with a query: a code for programs, its particulars, and a sentence for people."""

from typing import Literal

Code = Literal[
    "syntax",
    "invalid_number",
    "invalid_date",
    "invalid_status",
    "invalid_language",
    "invalid_group",
    "invalid_flow",
    "invalid_partial_name",
    "invalid_partial_urn",
    "unsupported_contains",
    "unsupported_comparison",
    "unsupported_setcheck",
    "unknown_property_type",
    "unknown_property",
    "redacted_urns",
    "too_complex",
]


class QueryError(ValueError):
    """The only error that reading a query raises."""

    def __init__(self, code: Code, message: str, **extra: str):
        super().__init__(message)
        self.code, self.message, self.extra = code, message, extra
