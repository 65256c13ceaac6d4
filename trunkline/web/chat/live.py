"""`/chat/{window}/events`: what happens in a visitor's window, as server-sent events. `Last-Event-ID` resumes."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from msgspec import Struct
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from trunkline.ai import composing
from trunkline.core.db import Database
from trunkline.core.errors import Unauthenticated, Unavailable
from trunkline.messaging.chat import stream, visitors
from trunkline.messaging.chat.stream import Entry
from trunkline.web.chat.window import Chat, Visit
from trunkline.web.chat.wire import number, shape

RETRY_MS = 2000
HOPE = 15
"""How often we look soon whether somebody begins to type, after the visitor wrote: nobody tells us of it."""
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def routes(chat: Chat) -> list[Route]:
    async def events(visit: Visit) -> Response:
        visitor = await chat.visitor(visit)
        given = visit.request.headers.get("last-event-id") or visit.request.query_params.get("after")
        after = number(given, "Last-Event-ID")
        chat.hub.check_room(visitor.id, visit.ip)
        if visit.request.method == "HEAD":
            return Response(headers=HEADERS, media_type="text/event-stream")
        last = visitor.seq if after is None else after
        return StreamingResponse(_spoken(chat, visit, visitor.id, last), 200, HEADERS, "text/event-stream")

    return [Route("/chat/{window}/events", chat.answered(events, "GET"), methods=["GET", "OPTIONS"])]


async def _spoken(chat: Chat, visit: Visit, visitor_id: int, last: int) -> AsyncIterator[bytes]:
    """What goes over the wire. It ends with the session, and when the database is away: the window comes back."""
    typing, hope = False, 0
    try:
        async with chat.hub.ear(visitor_id, visit.ip) as ear:
            yield f"retry: {RETRY_MS}\n\n".encode()
            while not ear.ended:
                # A visitor who goes away in the middle must not tear a transaction of ours apart.
                look = await asyncio.shield(asyncio.ensure_future(_look(chat.database, visit, last)))
                if look.entries:
                    last = look.entries[-1].seq
                    yield b"".join(map(_event, look.entries))
                    hope = HOPE if look.entries[-1].direction == "in" else 0
                if look.typing != typing:
                    typing = look.typing
                    yield TYPING % (b"true" if typing else b"false")
                if len(look.entries) < stream.PAGE and not await ear.wait(quick=typing or hope > 0):
                    hope -= 1
                    yield b":\n\n"
    except (Unavailable, Unauthenticated):
        return


class _Look(Struct, frozen=True):
    entries: list[Entry]
    typing: bool


async def _look(database: Database, visit: Visit, last: int) -> _Look:
    """The session is looked at each time: one that is over hears no more."""
    async with database.tx(visit.account) as tx:
        visitor = await visitors.of_token(tx, visit.window, visit.token)
        entries = await stream.since(tx, visitor.id, last)
        return _Look(entries, await composing.is_typing(tx, visit.window.channel.id, visitor.urn))


def _event(entry: Entry) -> bytes:
    return b"id: %d\nevent: message\ndata: %b\n\n" % (entry.seq, msgspec.json.encode(shape(entry)))


TYPING = b'event: typing\ndata: {"typing":%b}\n\n'
