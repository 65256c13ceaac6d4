"""A dialect: one public API as a table of operations. Dialect authors import everything from here.

    portal = Dialect(name="portal", prefixes=("/api/portal/v1",), auth=(HeaderKey("X-API-Key"),), …)

    @portal.post("/contacts", scope="write", status=201)
    async def create_contact(tx: Tx, body: shapes.ContactIn) -> Data[shapes.ContactOut]:
        \"\"\"Create a contact. At least one of phone or email is needed.\"\"\"
        return Data(shapes.contact(await people.create(tx, …)))

The annotations say what an endpoint takes: `tx`, path parameters by name (`id: int`, `id: UUID`), `body` (JSON),
`query` (a Struct) or keyword-only scalars, `page: Page`, `cursor: Cursor`, `file: Upload`, `call: Call`. It returns a
shape, `Data[…]`, `Paged[…]`, None (204), an `Answer` or a `Stream`. Everything else happens around it, in this order:
credential, general rate limit, path and method, scope, role level, further buckets, body, idempotency, transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from trunkline.accounts import roles
from trunkline.core.db import Tx
from trunkline.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    LimitReached,
    Malformed,
    NotFound,
    OutOfCredits,
    PeerFailed,
    TooLarge,
    TrunklineError,
    Unauthenticated,
    Unavailable,
)
from trunkline.core.paging import Page
from trunkline.dialects.answers import Answer, Data, Email, Moment, Paged, Stream, Url, json_array, moment
from trunkline.dialects.auth import BearerKey, Credential, HeaderKey, QueryKey, SessionBearer
from trunkline.dialects.calls import Call, Caller
from trunkline.dialects.limits import Limits
from trunkline.dialects.operations import MEBIBYTE, Endpoint, Opaque, Operation, Rules
from trunkline.dialects.pages import BareArray, Cursor, PageNumbers, Paging
from trunkline.dialects.refusals import (
    MethodNotAllowed,
    NoSuchPath,
    ServerError,
    UnknownMethod,
    UnsupportedMedia,
)
from trunkline.dialects.routing import Router
from trunkline.dialects.uploads import Upload

F = TypeVar("F", bound=Endpoint)

Rendered = tuple[int, object, Mapping[str, str]]

# The only place with numbers. A dialect's renderer starts from these and may say otherwise.
STATUS: dict[type[TrunklineError], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    OutOfCredits: 402,
    Forbidden: 403,
    NotFound: 404,
    NoSuchPath: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    TooLarge: 413,
    UnsupportedMedia: 415,
    Invalid: 422,
    LimitReached: 429,
    ServerError: 500,
    PeerFailed: 500,
    UnknownMethod: 501,
    Unavailable: 503,
}


def status_of(error: TrunklineError) -> int:
    return status_of_kind(type(error))


def status_of_kind(kind: type[TrunklineError]) -> int:
    return _nearest(kind, STATUS)


def _nearest(kind: type[TrunklineError], numbers: Mapping[type[TrunklineError], int]) -> int:
    """The number of an error class or of its nearest ancestor; that of `Invalid` for what has none."""
    return next((numbers[ancestor] for ancestor in kind.__mro__ if ancestor in numbers), numbers[Invalid])


class Dialect:
    """One public API. `prefixes` are its own, `shared` ones it owns with others: there the key decides.

    `errors` renders any refusal as status, body and headers. `error_shape` describes those bodies for OpenAPI:
    one Struct, or Structs by status with None for the rest. `statuses` are the numbers that differ from the usual
    ones. `https`: what comes over plain HTTP is refused, unless the operator allows it. `visits` is the kind of `Visit`
    that serves it, for an API that goes another way from request to answer; such a one shares no prefix.
    """

    def __init__(
        self,
        name: str,
        *,
        prefixes: Sequence[str],
        auth: Sequence[Credential],
        errors: Callable[[TrunklineError], Rendered],
        error_shape: Any,
        limits: Limits,
        page: Paging | None = None,
        shared: Sequence[str] = (),
        scopes: Mapping[str, str] | None = None,
        statuses: Mapping[type[TrunklineError], int] | None = None,
        https: bool = False,
        title: str = "",
        description: str = "",
        visits: Any = None,
    ) -> None:
        self.name = name
        self.prefixes = tuple(prefixes)
        self.shared = tuple(shared)
        self.address = (*self.shared, *self.prefixes)[0]
        """The prefix that documents name: the one that its clients know."""
        self.auth = tuple(auth)
        self.errors = errors
        self.error_shapes: dict[int | None, Any] = error_shape if isinstance(error_shape, dict) else {None: error_shape}
        self.limits = limits
        self.page = page
        self.scopes = dict(scopes or {})
        self.statuses = {**STATUS, **(statuses or {})}
        self.https = https
        self.title = title or f"{name.capitalize()} API"
        self.description = description
        self.visits = visits
        self.operations: list[Operation] = []
        self.router: Router[Operation] = Router()

    def status_of(self, kind: type[TrunklineError]) -> int:
        """The number of an error class in this dialect."""
        return _nearest(kind, self.statuses)

    def get(self, *paths: str, **rules: Any) -> Callable[[F], F]:
        return self._operation("GET", paths, rules)

    def post(self, *paths: str, **rules: Any) -> Callable[[F], F]:
        return self._operation("POST", paths, rules)

    def put(self, *paths: str, **rules: Any) -> Callable[[F], F]:
        return self._operation("PUT", paths, rules)

    def patch(self, *paths: str, **rules: Any) -> Callable[[F], F]:
        return self._operation("PATCH", paths, rules)

    def delete(self, *paths: str, **rules: Any) -> Callable[[F], F]:
        return self._operation("DELETE", paths, rules)

    def _operation(self, method: str, paths: tuple[str, ...], rules: dict[str, Any]) -> Callable[[F], F]:
        methods = (method, *rules.pop("also", ()))
        told = Rules(scopes=_scopes(rules.pop("scope", None)), **rules)
        self._check(told)

        def add(function: F) -> F:
            for each in methods:
                operation = Operation(each, paths, function, told)
                self.operations.append(operation)
                for path in paths:
                    self.router.add(each, path, operation)
            return function

        return add

    def _check(self, rules: Rules) -> None:
        unknown = [scope for scope in rules.scopes if scope not in self.scopes]
        if unknown:
            raise TypeError(f"{self.name} has no scope {unknown[0]!r}")
        if rules.level is not None and rules.level not in roles.LEAST:
            raise TypeError(f"there is no level {rules.level!r}")
        if rules.bucket is not None and not self.limits.knows(rules.bucket):
            raise TypeError(f"{self.name} has no bucket {rules.bucket!r}")


def _scopes(scope: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (scope,) if isinstance(scope, str) else scope or ()


__all__ = [
    "MEBIBYTE",
    "Answer",
    "BareArray",
    "BearerKey",
    "Call",
    "Caller",
    "Conflict",
    "Cursor",
    "Data",
    "Dialect",
    "Email",
    "Forbidden",
    "HeaderKey",
    "Invalid",
    "LimitReached",
    "Limits",
    "Malformed",
    "MethodNotAllowed",
    "Moment",
    "NoSuchPath",
    "NotFound",
    "Opaque",
    "Operation",
    "OutOfCredits",
    "Page",
    "PageNumbers",
    "Paged",
    "PeerFailed",
    "QueryKey",
    "Rendered",
    "ServerError",
    "SessionBearer",
    "Stream",
    "TooLarge",
    "TrunklineError",
    "Tx",
    "Unauthenticated",
    "Unavailable",
    "UnknownMethod",
    "UnsupportedMedia",
    "Upload",
    "Url",
    "json_array",
    "moment",
    "status_of",
]
