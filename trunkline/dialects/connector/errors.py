"""How the connector dialect says no."""

from collections.abc import Mapping

from msgspec import Struct

from trunkline.dialects.base import (
    Conflict,
    Forbidden,
    Invalid,
    LimitReached,
    Malformed,
    NoSuchPath,
    NotFound,
    Rendered,
    ServerError,
    TrunklineError,
    Unauthenticated,
    status_of,
)

STATUSES: Mapping[type[TrunklineError], int] = {Invalid: 400}
"""This dialect knows no 422."""


class Reason(Struct, frozen=True):
    """`code` is for programs, `message` for people."""

    code: str
    message: str


class Error(Struct, frozen=True):
    error: Reason
    success: bool = False


def render(error: TrunklineError) -> Rendered:
    status = status_of(error)
    code, message = _reason(error)
    return UNPROCESSABLE.get(status, status), Error(Reason(code, message)), {}


def _reason(error: TrunklineError) -> tuple[str, str]:
    match error:
        case Invalid(fields=fields) if fields:
            return _field(error)
        case Malformed():
            return "INVALID_JSON" if "JSON" in error.message else "INVALID_REQUEST", error.message
        case Unauthenticated():
            return "UNAUTHORIZED", "Invalid or missing API key."
        case Forbidden(code=code):
            return FORBIDDEN.get(code, "FORBIDDEN"), error.message
        case NoSuchPath():
            return "NOT_FOUND", error.message
        case NotFound(kind=kind):
            noun = NOUNS.get(kind, kind)
            return f"{noun.upper().replace(' ', '_')}_NOT_FOUND", f"{noun.capitalize().replace('_', ' ')} not found."
        case Conflict(code=code) if code in REPEATED:
            return "DUPLICATE_REQUEST", error.message
        case LimitReached():
            return "RATE_LIMITED", error.message
        case ServerError():
            return "INTERNAL", error.message
    return CODES.get(error.code, error.code.upper()), error.message


def _field(error: Invalid) -> tuple[str, str]:
    """The first thing that is wrong; one code stands for the whole request."""
    field, (problem, *_) = next(iter(error.fields.items()))
    name = field.rpartition(".")[2]
    if error.code != Invalid.code:
        return CODES.get(error.code, error.code.upper()), problem
    if problem.endswith("is required."):
        return "MISSING_FIELD", problem
    if name in PHONES:
        return "INVALID_PHONE", "Phone number must include a valid country code."
    return "INVALID_EMAIL" if name == "email" else "INVALID_FIELD", problem


UNPROCESSABLE = {422: STATUSES[Invalid]}
PHONES = ("phone", "phoneNumber")
NOUNS = {"group": "list", "assistant": "campaign", "sub_account": "subaccount"}
FORBIDDEN = {"https_required": "HTTPS_REQUIRED", "not_an_agency": "NOT_AN_AGENCY", "suspended": "SUSPENDED"}
REPEATED = ("request_in_progress", "idempotency_key_reused", "duplicate_request")
CODES = {
    "validation_failed": "INVALID_REQUEST",
    "idempotency_key_reused": "DUPLICATE_REQUEST",
    "too_large": "TOO_LARGE",
    "smart_group": "SMART_LIST",
}
