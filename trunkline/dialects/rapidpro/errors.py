"""How the rapidpro dialect says no: field errors by name, or one sentence under `detail`."""

from typing import Any

from msgspec import Struct

from trunkline.dialects.base import (
    Conflict,
    Forbidden,
    Invalid,
    LimitReached,
    Malformed,
    NotFound,
    Rendered,
    ServerError,
    TrunklineError,
    status_of_kind,
)
from trunkline.dialects.replies import Written


class Error(Struct, frozen=True):
    """What does not depend on a field. Wrong fields are told as `{"field": ["…"]}`."""

    detail: str


class Rejected(TrunklineError):
    """Wrong fields: lists of sentences by name, nested where the value is."""

    code = "rejected"

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__("The given data is invalid.")
        self.body = body


class BadAsk(TrunklineError):
    """A query parameter or a combination of them that is refused; 400 with the sentence under `detail`."""

    code = "bad_ask"


class NotAcceptable(TrunklineError):
    code = "not_acceptable"

    def __init__(self) -> None:
        super().__init__("Could not satisfy the request Accept header.")


class Full(Conflict):
    """The workspace has as many of these as it may have."""

    def __init__(self) -> None:
        super().__init__("limit_reached", "Cannot create object because workspace has reached limit.")


class NoCredentials(Forbidden):
    """Never 401: clients of this API know 403 alone."""

    def __init__(self) -> None:
        super().__init__("Authentication credentials were not provided.")


class NoPermission(Forbidden):
    def __init__(self) -> None:
        super().__init__("You do not have permission to perform this action.")


class SystemObject(Forbidden):
    """What the product made may not be changed; `verb` is modify or delete."""

    def __init__(self, verb: str) -> None:
        super().__init__(f"Cannot {verb} system object.")


class Undocumented(TrunklineError):
    """Somebody wrote to a page that only tells how to write; the page is the answer."""

    code = "documentation"

    def __init__(self, status: int, page: str) -> None:
        super().__init__("Write to the same address with .json.")
        self.status = status
        self.page = page


def across(*sentences: str) -> Rejected:
    """What is wrong with the fields together."""
    return Rejected({ACROSS: list(sentences)})


def render(error: TrunklineError) -> Rendered:
    match error:
        case Undocumented(status=status, page=page):
            return status, Written(page, "text/html; charset=utf-8"), {}
        case ServerError():
            return 500, Written("Server Error. Site administrators have been notified."), {}
        case Rejected(body=body):
            return 400, body, {}
        case Invalid(fields=fields) if fields:
            return 400, fields, {}
        case Invalid(message=message):
            return 400, {ACROSS: [message]}, {}
        case NotFound(kind="cursor", message=message):
            return 404, Error(message), {}
        case NotFound():
            return 404, Error("Not found."), {}
        case LimitReached(retry_after=seconds):
            unit = "second" if seconds == 1 else "seconds"
            return 429, Error(f"Request was throttled. Expected available in {seconds} {unit}."), {}
    return STATUSES.get(type(error)) or status_of_kind(type(error)), Error(error.message), {}


ACROSS = "non_field_errors"
STATUSES: dict[type[TrunklineError], int] = {BadAsk: 400, NotAcceptable: 406, Malformed: 400}
