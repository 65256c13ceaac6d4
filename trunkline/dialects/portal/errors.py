"""How the portal dialect says no."""

from msgspec import Struct

from trunkline.dialects.base import Conflict, Forbidden, Invalid, Rendered, TrunklineError, Unauthenticated, status_of


class Existing(Struct, frozen=True):
    """What is in the way."""

    id: int


class Error(Struct, frozen=True, omit_defaults=True):
    """`code` is for programs. `errors` has the problems of each field, `data` names what exists already."""

    message: str
    code: str
    errors: dict[str, list[str]] = {}
    required_scope: str | None = None
    data: Existing | None = None


def render(error: TrunklineError) -> Rendered:
    match error:
        case Unauthenticated():
            body = Error("Invalid API key.", error.code)
        case Forbidden(scope=str(scope)):
            body = Error(f"This key lacks the required scope: {scope}.", "insufficient_scope", required_scope=scope)
        case Conflict(details={"contact_id": int(id)}):
            body = Error(error.message, error.code, data=Existing(id))
        case Invalid(fields=fields) if fields:
            body = Error(error.message, error.code, fields)
        case _:
            body = Error(error.message, error.code)
    return status_of(error), body, {}
