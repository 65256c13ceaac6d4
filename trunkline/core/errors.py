"""One small hierarchy of errors; no HTTP in it. Dialects render, `dialects/base.py` knows the numbers.

Codes are stable strings. `message` is an English sentence for people; the code is for programs.
"""


class TrunklineError(Exception):
    """Something the user can understand and mend; never a bug of ours."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details = details


class Invalid(TrunklineError):
    """Bad input. `fields` maps a field's path to its problems, in the order found."""

    code = "validation_failed"

    def __init__(
        self,
        fields: dict[str, list[str]] | None = None,
        message: str | None = None,
        *,
        code: str | None = None,
    ):
        self.fields = fields or {}
        first = next((problems[0] for problems in self.fields.values() if problems), "The given data is invalid.")
        super().__init__(message or first, code=code)


class Malformed(TrunklineError):
    """The request cannot be read at all: broken JSON, broken UTF-8, too deep."""

    code = "malformed"


class Unauthenticated(TrunklineError):
    code = "unauthenticated"

    def __init__(self, message: str = "Unauthenticated.", *, code: str | None = None):
        super().__init__(message, code=code)


class Forbidden(TrunklineError):
    """The credential is known but may not do this. `scope` names what is missing, `level` the role's level."""

    code = "forbidden"

    def __init__(
        self,
        message: str = "Forbidden.",
        *,
        scope: str | None = None,
        level: str | None = None,
        code: str | None = None,
    ):
        self.scope, self.level = scope, level
        super().__init__(message, code=code)


class NotFound(TrunklineError):
    """Does not exist, or belongs to another account: the same answer for both."""

    code = "not_found"

    def __init__(self, kind: str, id: object = None):
        self.kind, self.id = kind, id
        super().__init__(f"{kind[:1].upper()}{kind[1:].replace('_', ' ')} not found.")


class Conflict(TrunklineError):
    """The state of things forbids it: a duplicate, or the wrong moment."""

    code = "conflict"

    def __init__(self, code: str, message: str | None = None, **details: object):
        super().__init__(message or code.replace("_", " ").capitalize() + ".", code=code, **details)


class TooLarge(TrunklineError):
    code = "too_large"


class LimitReached(TrunklineError):
    """Too many requests; `retry_after` in whole seconds."""

    code = "rate_limited"

    def __init__(self, retry_after: int, message: str = "Too Many Attempts."):
        self.retry_after = retry_after
        super().__init__(message)


class OutOfCredits(TrunklineError):
    code = "insufficient_credits"

    def __init__(self, balance: int, needed: int):
        self.balance, self.needed = balance, needed
        super().__init__(f"Not enough credits: {needed} needed, {balance} available.")


class Unavailable(TrunklineError):
    """Ours or a neighbour's fault, and it passes: retried, logged. `retry_after` in seconds."""

    code = "unavailable"

    def __init__(self, what: str, retry_after: int = 5):
        self.what, self.retry_after = what, retry_after
        super().__init__(f"{what} is not available right now. Try again in {retry_after} seconds.")


class PeerFailed(TrunklineError):
    """Another system that we asked for this very thing gave nothing of use. Not repeated; told as it is."""

    code = "peer_failed"


class Refusal(TrunklineError):
    """A command says no and what to do next; the CLI prints it and exits with 1."""

    code = "refused"
