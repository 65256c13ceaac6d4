"""`/live`: server-sent events. A browser that was cut off names the last id it heard and misses nothing.

An event is called by what happened, its data are ids. With `?as=update` all are called `update` and say their kind in
the data, for pages that want to hear everything.
"""

from collections.abc import AsyncIterator, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from trunkline.core import clock, live
from trunkline.core.db import Database
from trunkline.core.errors import Malformed, Unauthenticated, Unavailable
from trunkline.core.live import Update
from trunkline.web import csrf, visitors
from trunkline.web.hub import Hub, Stream
from trunkline.web.visitors import Visitor

CHECK_SECONDS = 5.0
HEARTBEAT_SECONDS = 15.0
RETRY_MS = 2000
PAGE = 1000

Written = Callable[[Update], bytes]

HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Accel-Buffering": "no",
}


def routes(database: Database, hub: Hub) -> list[Route]:
    async def events(request: Request) -> Response:
        csrf.refuse_foreign(request, public_url=database.tools.settings.public_url)
        visitor = await visitors.find(database, request)
        if visitor is None:
            raise Unauthenticated
        after = _after(request)
        written = _update if request.query_params.get("as") == "update" else _event
        hub.check_room(visitor.user.id)
        if request.method == "HEAD":
            return Response(headers=HEADERS, media_type="text/event-stream")
        return StreamingResponse(_spoken(database, hub, visitor, after, written), 200, HEADERS, "text/event-stream")

    return [Route("/live", events, methods=["GET"])]


async def _spoken(
    database: Database, hub: Hub, visitor: Visitor, after: int | None, written: Written
) -> AsyncIterator[bytes]:
    """What goes over the wire. It ends when the database is away: the browser comes back."""
    try:
        yield f"retry: {RETRY_MS}\n\n".encode()
        async with hub.stream(visitor.account_id, visitor.user.id) as stream:
            last = stream.after if after is None else after
            if after is not None and await _is_forgotten(database, after):
                last = stream.after
                yield RESET % last
            async for missed in _missed(database, visitor, last):
                last = missed[-1].seq
                yield b"".join(map(written, missed))
            async for chunk in _coming(database, visitor, stream, last, written):
                yield chunk
    except Unavailable:
        return


async def _missed(database: Database, visitor: Visitor, after: int) -> AsyncIterator[list[Update]]:
    """The stream is registered already, so that nothing falls between this and what is coming."""
    more = True
    while more:
        async with database.tx(visitor.account_id, visitor.actor) as tx:
            updates = await live.of_account(tx, after, PAGE)
        if updates:
            yield updates
            after = updates[-1].seq
        more = len(updates) == PAGE


async def _coming(
    database: Database, visitor: Visitor, stream: Stream, last: int, written: Written
) -> AsyncIterator[bytes]:
    """Updates as they happen, for as long as the visitor may see them, and a sign of life when there are none."""
    checked = spoken = clock.monotonic()
    while not stream.ended:
        updates = await stream.take(max(0, checked + CHECK_SECONDS - clock.monotonic()))
        now = clock.monotonic()
        if now >= checked + CHECK_SECONDS:
            if not await _may_stay(database, visitor):
                return
            checked = now
        if new := [update for update in updates if update.seq > last]:
            last, spoken = new[-1].seq, now
            yield b"".join(map(written, new))
        elif now >= spoken + HEARTBEAT_SECONDS:
            spoken = now
            yield b":\n\n"


async def _may_stay(database: Database, visitor: Visitor) -> bool:
    """Still signed in, still a member, still looking at the same workspace."""
    now = await visitors.of_token(database, visitor.token)
    return now is not None and now.account_id == visitor.account_id


async def _is_forgotten(database: Database, after: int) -> bool:
    """Whether the updates after this one are no longer known: too old, or of a database that was put back."""
    oldest = await live.since(database, 0, 1)
    if not oldest:
        return after > 0
    return oldest[0].seq > after + 1 or after > await live.latest(database)


def _after(request: Request) -> int | None:
    given = request.headers.get("last-event-id") or request.query_params.get("after") or ""
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < MOST_DIGITS):
        raise Malformed("Last-Event-ID and after are ids of this stream: whole numbers.")
    return int(given)


def _event(update: Update) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (update.seq, update.kind.encode(), msgspec.json.encode(update.ids))


def _update(update: Update) -> bytes:
    told = msgspec.json.encode({"kind": update.kind, "ids": update.ids})
    return b"id: %d\nevent: update\ndata: %b\n\n" % (update.seq, told)


MOST_DIGITS = 19

# What was missed is lost: load the page's state anew.
RESET = b"id: %d\nevent: reset\ndata: {}\n\n"
