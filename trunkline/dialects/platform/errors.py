"""How the platform dialect says no."""

from msgspec import Struct

from trunkline.dialects.base import Conflict, Forbidden, Invalid, Rendered, TrunklineError, status_of


class Error(Struct, frozen=True, omit_defaults=True):
    """`code` is there where programs may want to tell refusals of one status apart."""

    message: str
    code: str | None = None


class Unprocessable(Struct, frozen=True, omit_defaults=True):
    """`errors` has the problems of each field; without it, the state of things forbids what was asked."""

    message: str
    errors: dict[str, list[str]] = {}
    code: str | None = None


class Refused(Struct, frozen=True, omit_defaults=True):
    """`required_role` is the level that the role must allow: view, create, interact, manage or dangerous."""

    message: str
    code: str
    error: str | None = None
    required_role: str | None = None


def render(error: TrunklineError) -> Rendered:
    match error:
        case Forbidden(scope=str(scope)):
            body = Refused(f"This token lacks the required scope: {scope}.", "MISSING_SCOPE")
        case Forbidden(level=str(level)):
            body = Refused(error.message, "FORBIDDEN", error.message, level)
        case Forbidden():
            told = WORKSPACES.get(error.code, error.message)
            body = Refused(error.message, error.code.upper(), told)
        case Conflict(code="request_in_progress"):
            body = Error(error.message, error.code.upper())
        case Conflict():
            return UNPROCESSABLE, _conflict(error), {}
        case Invalid(fields=fields) if fields:
            body = Unprocessable(_summed_up(fields), fields)
        case Invalid():
            body = Unprocessable(error.message, code=None if error.code == Invalid.code else error.code.upper())
        case _:
            body = Error(error.message, CODES.get(error.code))
    return status_of(error), body, {}


def _conflict(conflict: Conflict) -> Unprocessable:
    """A duplicate is told at each field that somebody else has already; anything else is a matter of state."""
    match conflict.details:
        case {"owners": dict(owners)}:
            taken = {str(field): [TAKEN.format(field)] for field in owners}
        case {"field": str(field)}:
            taken = {field: [conflict.message]}
        case _:
            return Unprocessable(conflict.message, code=conflict.code.upper())
    return Unprocessable(_summed_up(taken), taken)


def _summed_up(fields: dict[str, list[str]]) -> str:
    """The first problem, and how many more there are."""
    problems = [problem for told in fields.values() for problem in told]
    if len(problems) < 2:
        return problems[0] if problems else "The given data is invalid."
    more = len(problems) - 1
    return f"{problems[0]} (and {more} more {'error' if more == 1 else 'errors'})"


UNPROCESSABLE = 422
TAKEN = "A contact with this {} already exists in this workspace."
WORKSPACES = {"no_workspace": "No active workspace."}
CODES = {"insufficient_credits": "INSUFFICIENT_CREDITS", "wrong_credentials": "WRONG_CREDENTIALS"}
