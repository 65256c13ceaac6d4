"""`/chat/{window}/…`: what the chat window on somebody's site calls. Answers are for the sites on its list alone."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from trunkline.core.db import Database
from trunkline.core.errors import (
    Forbidden,
    LimitReached,
    Malformed,
    TrunklineError,
    Unauthenticated,
)
from trunkline.core.limits import Bucket, Limiter
from trunkline.messaging.chat import speaking, stream, visitors, windows
from trunkline.messaging.chat.speaking import File
from trunkline.messaging.chat.visitors import Visitor
from trunkline.messaging.chat.windows import Window
from trunkline.web.chat import wire
from trunkline.web.chat.hub import ChatHub

PER_ADDRESS = Bucket("chat", 240)
SESSIONS = Bucket("chat_sessions", 30)
MESSAGES = Bucket("chat_messages", 20)
FILES = Bucket("chat_files", 20, 3600)
"""Calls of one address a minute, beginnings among them, messages of one visitor, files of one in an hour."""

PREFLIGHT_SECONDS = 600
CONFIG_SECONDS = 60
PAGE = 50


class Visit(Struct, frozen=True):
    """One call of a window. `visitor` is there once there is a session."""

    request: Request
    window: Window
    ip: str
    token: str = ""

    @property
    def account(self) -> int:
        return self.window.channel.account_id


Endpoint = Callable[[Visit], Awaitable[Response]]


class Chat:
    """The calls of all windows in one process."""

    def __init__(self, database: Database):
        self.database, self.hub, self.limiter = database, ChatHub(database), Limiter()

    async def close(self) -> None:
        """End all streams; windows come back by themselves and resume."""
        await self.hub.close()

    def routes(self) -> list[Route]:
        return [
            Route("/chat/widget.js", self._script, methods=["GET"]),
            Route("/chat/{window}", self._page, methods=["GET"]),
            self._route("config", self.config, "GET"),
            self._route("session", self.begin, "POST"),
            self._route("messages", self.messages, "GET", "POST"),
            self._route("files", self.upload, "POST"),
            self._route("read", self.read, "POST"),
        ]

    def _route(self, name: str, endpoint: Endpoint, *methods: str) -> Route:
        return Route(f"/chat/{{window}}/{name}", self.answered(endpoint, *methods), methods=[*methods, "OPTIONS"])

    async def _script(self, request: Request) -> Response:
        """The same for every site; browsers ask again after an hour and are told when nothing changed."""
        tag = f'"{windows.script_digest()}"'
        headers = {
            "ETag": tag,
            "Cache-Control": "public, max-age=3600",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Access-Control-Allow-Origin": "*",
        }
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(windows.script(), headers=headers, media_type="text/javascript")

    async def _page(self, request: Request) -> Response:
        """A page with nothing but the window, open: for a link, or a frame on one of the window's sites."""
        try:
            window = await windows.find(self.database, request.path_params["window"])
        except TrunklineError as error:
            return wire.refusal(error)
        policy = POLICY + " ".join(window.config.sites)
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
        script = f"/chat/widget.js?{windows.script_digest()}"
        return HTMLResponse(windows.page(window, script), headers=headers)

    def answered(self, endpoint: Endpoint, *methods: str) -> Callable[[Request], Awaitable[Response]]:
        """With what a browser must be told: who may read the answer, and what went wrong."""

        async def answer(request: Request) -> Response:
            shared: dict[str, str] = {"Vary": "Origin"}
            ip = request.client.host if request.client else ""
            try:
                self.admit(PER_ADDRESS, ip)
                window = await windows.find(self.database, request.path_params["window"])
                origin = windows.check_origin(window, request.headers.get("origin"), request.headers.get("host", ""))
                if origin is not None:
                    shared |= {"Access-Control-Allow-Origin": origin, "Cross-Origin-Resource-Policy": "cross-origin"}
                if request.method == "OPTIONS":
                    return Response(status_code=204, headers=shared | _preflight(methods))
                response = await endpoint(Visit(request, window, ip, _bearer(request)))
            except TrunklineError as error:
                response = wire.refusal(error)
            response.headers.update(shared)
            return response

        return answer

    def admit(self, bucket: Bucket, key: object) -> None:
        verdict = self.limiter.hit(str(key), bucket)
        if not verdict.allowed:
            raise LimitReached(verdict.retry_after)

    async def visitor(self, visit: Visit) -> Visitor:
        if not visit.token:
            raise Unauthenticated
        async with self.database.tx(visit.account) as tx:
            return await visitors.of_token(tx, visit.window, visit.token)

    async def config(self, visit: Visit) -> Response:
        """What a page needs to draw the window; the same for everybody."""
        return wire.written(visit.window.shown(), headers={"Cache-Control": f"public, max-age={CONFIG_SECONDS}"})

    async def begin(self, visit: Visit) -> Response:
        """A session, for somebody who is known or anonymous, with the end of what was said before."""
        self.admit(SESSIONS, visit.ip)
        hello = await wire.read(visit.request, wire.Hello)
        person = wire.person(visit.window, hello)
        if person is None and hello.visitor is None:
            raise Malformed("A visitor, or a proof of who it is, must be named.")
        facts = self._facts(visit, identified=person is not None, said=msgspec.structs.asdict(hello))
        async with self.database.tx(visit.account) as tx:
            visitor = await visitors.meet(tx, visit.window, key=hello.visitor, person=person, facts=facts)
            entries = await stream.before(tx, visitor.id, None, PAGE)
            answer = {
                "token": visitors.token(tx, visit.window, visitor),
                "expires_in": visitors.SESSION_SECONDS,
                "identified": visitor.identified,
                "uploads": visit.window.config.trusts(identified=visitor.identified),
                "messages": [wire.shape(entry) for entry in entries],
                "seq": visitor.seq,
                "read_seq": visitor.read_seq,
            }
        return wire.written(answer)

    async def messages(self, visit: Visit) -> Response:
        visitor = await self.visitor(visit)
        if visit.request.method == "GET":
            return await self._earlier(visit, visitor)
        self.admit(MESSAGES, visitor.id)
        words = await wire.read(visit.request, wire.Words)
        if words.website:
            return wire.written({"duplicate": False, "message": None}, 201)  # a program shall think that it was heard
        facts = self._facts(visit, identified=visitor.identified, said=msgspec.structs.asdict(words))
        async with self.database.tx(visit.account) as tx:
            visitor = await visitors.note(tx, visitor, facts)
        said = await speaking.say(self.database, visit.window, visitor, told_id=words.id, text=words.text)
        return wire.answer(said)

    async def _earlier(self, visit: Visit, visitor: Visitor) -> Response:
        """What was said before a number, the newest part of it."""
        before = wire.number(visit.request.query_params.get("before"), "before")
        async with self.database.tx(visit.account) as tx:
            entries = await stream.before(tx, visitor.id, before, PAGE)
        return wire.written({"messages": [wire.shape(entry) for entry in entries]})

    async def upload(self, visit: Visit) -> Response:
        """A file as the body; its name and the sender's id for it stand in the query."""
        visitor = await self.visitor(visit)
        if not visit.window.config.trusts(identified=visitor.identified):
            raise Forbidden("Files are not taken here.", code="uploads_off")
        self.admit(FILES, visitor.id)
        query, headers = visit.request.query_params, visit.request.headers
        content = await wire.body(visit.request, speaking.LARGEST)
        file = File(content, query.get("name", ""), headers.get("content-type", ""))
        said = await speaking.say(self.database, visit.window, visitor, told_id=query.get("id", ""), file=file)
        return wire.answer(said)

    async def read(self, visit: Visit) -> Response:
        """The visitor has seen everything up to a number."""
        visitor = await self.visitor(visit)
        seen = await wire.read(visit.request, wire.Seen)
        async with self.database.tx(visit.account) as tx:
            await stream.mark_read(tx, visitor.id, seen.seq)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    def _facts(self, visit: Visit, *, identified: bool, said: dict[str, Any]) -> dict[str, Any]:
        agent = visit.request.headers.get("user-agent", "")
        return visitors.facts_of(visit.window, identified=identified, said=said, ip=visit.ip, agent=agent)


def body_cap(path: str) -> int | None:
    """The most bytes that a request to a window may carry; None: not ours. Room above is refused in our words."""
    if not path.startswith("/chat/"):
        return None
    return speaking.LARGEST + 1024 * 1024 if path.endswith("/files") else 1024 * 1024


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _preflight(methods: tuple[str, ...]) -> dict[str, str]:
    return {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        "Cache-Control": "no-store",
    }


POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self' "
)
