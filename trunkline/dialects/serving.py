"""The way of one request through a dialect: who, how often, what, may they, then the endpoint and its answer."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
import structlog
from asyncpg import DataError, ProgramLimitExceededError
from starlette.requests import ClientDisconnect

from trunkline.accounts import roles
from trunkline.core import clock, exact_limits
from trunkline.core.errors import (
    Forbidden,
    Invalid,
    LimitReached,
    Malformed,
    TrunklineError,
    Unauthenticated,
    Unavailable,
)
from trunkline.core.limits import Verdict
from trunkline.dialects import auth, bodies, measures, plain, repeats, replies
from trunkline.dialects import limits as rates
from trunkline.dialects.answers import Stream
from trunkline.dialects.base import Dialect
from trunkline.dialects.calls import Call, Caller
from trunkline.dialects.operations import Operation
from trunkline.dialects.refusals import NoSuchPath, ServerError, UnknownMethod
from trunkline.dialects.repeats import Repeat
from trunkline.dialects.replies import Reply
from trunkline.dialects.routing import METHODS
from trunkline.dialects.uploads import Form

log = structlog.get_logger("dialects")


class Visit:
    """One request at the dialect that owns its path; where several own it, the credential decides."""

    def __init__(self, call: Call, owners: Sequence[Dialect], receive: Any, send: Any) -> None:
        self.call = call
        self.owners = owners
        self.dialect = owners[0]
        self.receive = receive
        self.send = send
        self.streaming = False
        self.operation: Operation | None = None
        self.status = GONE

    async def serve(self, *, shared: bool) -> None:
        began = clock.monotonic()
        try:
            await self._serve(shared=shared)
        finally:
            measures.note(self.dialect.name, self.operation, self.status, clock.monotonic() - began)

    async def _serve(self, *, shared: bool) -> None:
        try:
            await plain.refuse(self.dialect, self.call)
            reply = self._answer_plainly() or await (self._answer_shared() if shared else self._answer())
        except ClientDisconnect:
            raise
        except Exception as error:  # the dialect's edge: nothing leaves in another shape
            if self.streaming:
                raise  # half an answer cannot be mended: the server cuts the connection
            reply = replies.refuse(self.dialect, self._understood(error))
        if reply is not None:
            await self._say(reply)

    def _answer_plainly(self) -> Reply | None:
        """What needs no credential: paths with a trick in them, OPTIONS, methods that nobody knows."""
        call = self.call
        if b"%" in call.scope.get("raw_path", b"") or "//" in call.scope["path"] or "\0" in call.path:
            refuse_tricks(call)
        if call.method == "OPTIONS":
            allowed = [allow for dialect in self.owners if (allow := dialect.router.allow(call.path))]
            if not allowed:
                raise NoSuchPath
            methods = set(", ".join(allowed).split(", "))
            return Reply(NO_CONTENT, b"", {"Allow": ", ".join(each for each in METHODS if each in methods)})
        if call.method not in METHODS and call.method not in NOT_SERVED:
            raise UnknownMethod("This method is not known.")
        return None

    async def _answer_shared(self) -> Reply | None:
        call = self.call
        targets = [(dialect, dialect.router.find(call.method, call.path)) for dialect in self.owners]
        for dialect, found in targets:  # what is for everybody does not ask who somebody is
            if isinstance(found, tuple) and found[0].rules.public:
                self.dialect = dialect
                return await self._answer_anybody(*found)
        for dialect, found in targets:
            self.dialect = dialect
            caller = await auth.authenticate(call, dialect.auth, dialect.name)
            if caller is not None:
                return await self._answer_to(caller, found)
        self.dialect = self.owners[0]
        self._count_stranger()
        return replies.refuse_on_shared_path()

    async def _answer(self) -> Reply | None:
        call, dialect = self.call, self.dialect
        found = dialect.router.find(call.method, call.path)
        if isinstance(found, tuple):
            self.operation = found[0]
            if found[0].rules.public:
                return await self._answer_anybody(*found)
        only = self.operation.rules.auth if self.operation else ()
        caller = await auth.authenticate(call, dialect.auth, dialect.name, only)
        if caller is None:
            self._count_stranger()
            raise Unauthenticated
        return await self._answer_to(caller, found)

    async def _answer_anybody(self, operation: Operation, values: list[str]) -> Reply | None:
        self.operation = operation
        self._count_stranger(operation.rules.bucket)
        return await self._perform(operation, values)

    async def _answer_to(self, caller: Caller, found: tuple[Operation, list[str]] | TrunklineError) -> Reply | None:
        self.call.admit(caller)
        self._count_general()
        if isinstance(found, TrunklineError):
            raise found
        operation, values = found
        self.operation = operation
        may(caller, operation)
        if operation.rules.bucket is not None:
            await self._count_extra(operation.rules.bucket)
        return await self._perform(operation, values)

    def _count_stranger(self, name: str | None = None) -> None:
        """Requests without a valid credential count by address; too many of them are not even told so."""
        limits = self.dialect.limits
        bucket = limits.named[name] if name else limits.unauthenticated
        if bucket is not None:
            self._count(self.call.site.limiter.hit(("address", self.call.ip), bucket))

    def _count_general(self) -> None:
        call, caller = self.call, self.call.caller
        bucket = rates.of_key(caller.rate) if caller.rate else self.dialect.limits.default
        if bucket is not None:
            self._count(call.site.limiter.hit((self.dialect.name, caller.counted_as), bucket))

    async def _count_extra(self, name: str) -> None:
        call, caller, limits = self.call, self.call.caller, self.dialect.limits
        if caller.rate and rates.of_key(caller.rate) is None:
            return
        if (bucket := limits.strict.get(name)) is not None:
            key = f"{self.dialect.name}:{caller.counted_as}"
            self._count(await exact_limits.hit(call.database, caller.account, key, bucket))
        elif (bucket := limits.named.get(name)) is not None:
            self._count(call.site.limiter.hit((self.dialect.name, caller.counted_as), bucket))

    def _count(self, verdict: Verdict) -> None:
        self.call.count(verdict)
        if not verdict.allowed:
            raise LimitReached(verdict.retry_after)

    async def _perform(self, operation: Operation, values: list[str]) -> Reply | None:
        given: dict[str, Any] = {}
        for parameter, text in zip(operation.path_parameters, values, strict=True):
            given[parameter.name] = parameter.read(text, self.call.vault)
        self._take_query(operation, given)
        key = repeats.key_of(self.call) if operation.idempotent else None
        form, raw = await self._take_body(operation, given)
        try:
            repeat = Repeat(self.call, self.dialect.name, key, form, raw) if key is not None else None
            async with asyncio.timeout(operation.rules.seconds):
                if operation.tx:
                    return await self._transact(operation, given, repeat)
                return await self._run_apart(operation, given, repeat)
        except TimeoutError as error:
            raise Unavailable("The answer") from error
        finally:
            if form is not None:
                form.close()

    async def _take_body(self, operation: Operation, given: dict[str, Any]) -> tuple[Form | None, bytes]:
        return await bodies.take(self.call, self.receive, operation, given)

    async def _transact(self, operation: Operation, given: dict[str, Any], repeat: "Repeat | None") -> Reply | None:
        """The effect, its stored answer and the commit. A stream is sent before the commit: it reads as it goes."""
        caller = self.call.caller
        async with self.call.database.tx(caller.account, caller.actor) as tx:
            if repeat is not None and (earlier := await repeat.claim(tx)) is not None:
                return earlier
            given[operation.tx] = tx
            reply = await self._finish(operation, await operation.function(**given))
            if repeat is not None and reply is not None:
                await repeat.keep(tx, reply)
        return reply

    async def _run_apart(self, operation: Operation, given: dict[str, Any], repeat: Repeat | None) -> Reply | None:
        """The endpoint opens its own transactions; the claim of a repeat outlives its own for the time."""
        if repeat is None:
            return await self._finish(operation, await operation.function(**given))
        async with self.call.tx() as tx:
            if (earlier := await repeat.claim(tx)) is not None:
                return earlier
            await repeat.reserve(tx)
        try:
            reply = await self._finish(operation, await operation.function(**given))
        except BaseException:
            async with self.call.tx() as tx:
                await repeat.release(tx)
            raise
        async with self.call.tx() as tx:
            await (repeat.keep(tx, reply) if reply is not None else repeat.release(tx))
        return reply

    async def _finish(self, operation: Operation, result: Any) -> Reply | None:
        if type(result) is Stream:
            await self._pour(result)
            return None
        return replies.succeed(self.call, self.dialect, operation, result)

    def _take_query(self, operation: Operation, given: dict[str, Any]) -> None:
        call = self.call
        if operation.call:
            given[operation.call] = call
        for name in (operation.page, operation.cursor):
            if name:
                given[name] = self.dialect.page.read(call)  # type: ignore[union-attr]
        if operation.query is not None:
            given["query"] = operation.query.decode(call.query)
        if operation.loose is not None:
            given.update(msgspec.structs.asdict(operation.loose.decode(call.query)))

    async def _say(self, reply: Reply) -> None:
        media_type = reply.media_type if reply.body else None
        lines = replies.head(self.call, reply.status, media_type, reply.headers)
        if reply.status != NO_CONTENT:
            lines.append((b"content-length", b"%d" % len(reply.body)))
        await self.send({"type": "http.response.start", "status": reply.status, "headers": lines})
        body = b"" if self.call.method == "HEAD" else reply.body
        await self.send({"type": "http.response.body", "body": body})
        self.status = reply.status

    async def _pour(self, stream: Stream) -> None:
        """The first chunk is made before the status is sent, so that an early failure is still told properly."""
        chunks = aiter(stream.chunks)
        try:
            first = await anext(chunks, b"")
            headers = {**replies.disposition(stream), **stream.headers}
            lines = replies.head(self.call, OK, stream.media_type.encode(), headers)
            self.streaming = True
            await self.send({"type": "http.response.start", "status": OK, "headers": lines})
            if self.call.method != "HEAD":
                await self.send({"type": "http.response.body", "body": first, "more_body": True})
                async for chunk in chunks:
                    await self.send({"type": "http.response.body", "body": chunk, "more_body": True})
            await self.send({"type": "http.response.body", "body": b""})
            self.status = OK
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()

    def _understood(self, error: Exception) -> TrunklineError:
        if isinstance(error, Unavailable):
            log.warning("unavailable", what=error.what, cause=repr(error.__cause__), request_id=self.call.request_id)
        if isinstance(error, TrunklineError):
            return error
        if isinstance(error, (DataError, ProgramLimitExceededError)):
            return Invalid(message="The given data is out of range.")
        log.error("endpoint failed", exc_info=error, request_id=self.call.request_id, path=self.call.path)
        return ServerError()


def refuse_tricks(call: Call) -> None:
    """Encoded slashes and empty segments name nothing here; null characters and broken UTF-8 are no names at all."""
    raw = call.scope.get("raw_path", b"").partition(b"?")[0].lower()
    if "\0" in call.path:
        raise Malformed("The path contains a null character.")
    if b"%2f" in raw or b"%5c" in raw or "//" in call.scope["path"]:
        raise NoSuchPath
    try:
        unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise Malformed("The path is not valid UTF-8.") from None


def may(caller: Caller, operation: Operation) -> None:
    """Scope first, then the role's level: before the body is read and before anything is looked up."""
    rules = operation.rules
    if rules.scopes and "*" not in caller.scopes and caller.scopes.isdisjoint(rules.scopes):
        scope = rules.scopes[0]
        raise Forbidden(f"This credential lacks the required scope: {scope}.", scope=scope, code="missing_scope")
    if rules.level is not None and not roles.allows(caller.role, rules.level):  # type: ignore[arg-type]
        level = "manage" if rules.level == "admin" else rules.level
        raise Forbidden("Insufficient permissions.", level=level, code="missing_role")


NOT_SERVED = ("TRACE", "CONNECT", "QUERY")  # known to everybody, but allowed nowhere
GONE = 0  # never sent
OK = 200
NO_CONTENT = 204
