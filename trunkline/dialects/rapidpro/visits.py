"""The way of one request: path, credential, method, right, rate, then the endpoint."""

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from trunkline.core.limits import Bucket
from trunkline.dialects import limits as rates
from trunkline.dialects import serving
from trunkline.dialects.base import Dialect, Forbidden, LimitReached, MethodNotAllowed, Operation
from trunkline.dialects.calls import Call, Caller
from trunkline.dialects.rapidpro import bodies, docs, roles
from trunkline.dialects.rapidpro.errors import NoCredentials, NoPermission, NotAcceptable, Undocumented
from trunkline.dialects.refusals import NoSuchPath, UnknownMethod
from trunkline.dialects.replies import Reply
from trunkline.dialects.routing import METHODS
from trunkline.dialects.serving import Visit
from trunkline.dialects.uploads import Form


class RapidproVisit(Visit):
    """`/contacts.json` is data, `/contacts` its documentation.

    Clients follow links as they are, so these name the scheme and host that the client used, whatever is public.
    """

    def __init__(self, call: Call, owners: Sequence[Dialect], receive: Any, send: Any) -> None:
        call.site = structs.replace(call.site, public_url="")
        super().__init__(call, owners, receive, send)

    def _answer_plainly(self) -> Reply | None:
        serving.refuse_tricks(self.call)
        if self.call.method not in METHODS and self.call.method not in serving.NOT_SERVED:
            raise UnknownMethod("This method is not known.")
        return None if _is_data(self.call) else self._tell()

    async def _answer(self) -> Reply | None:
        call, endpoint = self.call, self.call.path.removeprefix("/").removesuffix(SUFFIX)
        found = self.dialect.router.find(call.method, call.path)
        if isinstance(found, NoSuchPath):
            raise found
        if not _accepts_json(call):
            raise NotAcceptable
        if call.method in ("HEAD", "OPTIONS"):
            found = MethodNotAllowed(self.dialect.router.allow(call.path) or "")
        if isinstance(found, tuple) and found[0].rules.public:
            return await self._answer_anybody(*found)
        await self._admit()
        if endpoint in roles.TABLE and roles.TABLE[endpoint].first and not roles.TABLE[endpoint].of(call.caller.role):
            raise NoPermission
        if isinstance(found, Exception):
            raise _named(found, call)
        self.operation = found[0]
        if not roles.allows(endpoint, call.caller.role, call.method):
            raise NoPermission
        self._count_scope(endpoint)
        return _signed(await self._perform(*found), call.caller)

    def _tell(self) -> Reply:
        """The documentation: for everybody, and without a look at anything stored."""
        call = self.call
        raw = call.scope["path"].removeprefix(call.mount)
        page = docs.page(self.dialect, call, call.path.removeprefix("/")) if raw in ("", "/", call.path) else None
        if page is None:
            raise NoSuchPath
        if call.method != "GET":
            raise Undocumented(403 if call.method == "POST" and call.path else 405, page)
        if docs.prefers_json(call):
            return Reply(200, b"{}" if call.path == "/definitions" else b"[]", {})
        return Reply(200, page.encode(), {}, b"text/html; charset=utf-8")

    async def _admit(self) -> None:
        """Reading stays open to a workspace that is suspended; writing asks for itself."""
        try:
            for credential in self.dialect.auth:
                caller = await credential.caller(self.call, self.dialect.name)
                if caller is not None:
                    self.call.admit(caller)
                    return
            raise NoCredentials
        except Forbidden:
            self._count_stranger()
            raise

    def _count_scope(self, endpoint: str) -> None:
        """The whole workspace counts together, costly endpoints each for themselves."""
        call, caller = self.call, self.call.caller
        scope = f"v2.{endpoint}" if endpoint in SCOPES else "v2"
        rate = caller.rate or caller.settings.get(f"rate.{scope}")
        bucket = rates.of_key(rate) if rate else self.dialect.limits.default
        if bucket is None:
            return
        verdict = call.site.limiter.hit(
            (self.dialect.name, caller.account), Bucket(scope, bucket.limit, bucket.per_seconds)
        )
        call.count(verdict)
        if not verdict.allowed:
            raise LimitReached(max(1, verdict.retry_after))

    async def _take_body(self, operation: Operation, given: dict[str, Any]) -> tuple[Form | None, bytes]:
        return await bodies.take(self.call, self.receive, operation, given)

    def _take_query(self, operation: Operation, given: dict[str, Any]) -> None:
        """Of a repeated parameter the last counts, unless the endpoint takes several."""
        call = self.call
        if operation.cursor:
            given[operation.cursor] = self.dialect.page.read(call)  # type: ignore[union-attr]
        if operation.call:
            given[operation.call] = call
        if operation.query is not None:
            given["query"] = operation.query.decode_last(call.query)


def _is_data(call: Call) -> bool:
    raw = call.scope["path"].removeprefix(call.mount)
    return raw.endswith((SUFFIX, f"{SUFFIX}/"))


def _accepts_json(call: Call) -> bool:
    accept = (call.header("accept") or "*/*").lower()
    kinds = {part.partition(";")[0].strip() for part in accept.split(",")}
    return not kinds.isdisjoint(("*/*", "application/*", "application/json"))


def _named(error: Exception, call: Call) -> Exception:
    if isinstance(error, MethodNotAllowed):
        allowed = [method for method in error.allow.split(", ") if method not in ("HEAD", "OPTIONS")]
        error = MethodNotAllowed(", ".join(allowed))
        error.message = f'Method "{call.method}" not allowed.'
        error.args = (error.message,)
    return error


def _signed(reply: Reply | None, caller: Caller) -> Reply | None:
    """Which workspace answered, by number and by uuid."""
    if reply is not None:
        reply.headers = {
            **reply.headers,
            "X-Temba-Org": str(caller.account),
            "X-Temba-Workspace": str(caller.account_uuid),
        }
    return reply


SUFFIX = ".json"
SCOPES = ("contacts", "messages", "runs", "broadcasts")
