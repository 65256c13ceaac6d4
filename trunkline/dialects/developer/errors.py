"""How the developer dialect says no."""

from msgspec import Struct

from trunkline.dialects.base import MethodNotAllowed, Rendered, TrunklineError, status_of


class Error(Struct, frozen=True):
    """`error` is the name of the status."""

    error: str
    message: str


def render(error: TrunklineError) -> Rendered:
    status = status_of(error)
    message = KEY if status == UNAUTHORIZED else error.message
    if isinstance(error, MethodNotAllowed):
        message = "This API is read-only."
    return status, Error(NAMES.get(status, "Error"), message), {}


UNAUTHORIZED = 401
KEY = "Invalid or missing API key"
NAMES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}
