"""The status page: is it working, how busy is it, what needs a person."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trunkline import __version__, health
from trunkline.campaigns import broadcasts
from trunkline.campaigns.broadcasts import Broadcast, Progress
from trunkline.core import clock, events
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Unauthenticated
from trunkline.inbox import listing
from trunkline.messaging import channels
from trunkline.web import rendering, visitors
from trunkline.web.visitors import Visitor

MOST_BROADCASTS = 10


class Api(Struct, frozen=True):
    name: str
    title: str
    path: str


class Channel(Struct, frozen=True):
    name: str
    kind: str
    sends_as: str
    address: str
    active: bool
    trouble: str | None


class Sending(Struct, frozen=True):
    """A broadcast under way; `done` are the messages that wait no more."""

    id: int
    name: str
    channel: str
    status: str
    total: int
    done: int
    handed_over: int
    failed: int


class Status(Struct, frozen=True):
    """The installation's `numbers`, and what belongs to the workspace. `conversations` are counted by status."""

    version: str
    at: datetime
    numbers: health.Numbers
    channels: list[Channel]
    broadcasts: list[Sending]
    conversations: dict[str, int]

    @property
    def is_well(self) -> bool:
        return bool(self.numbers.workers) and not self.numbers.held and not self.troubled

    @property
    def troubled(self) -> list[Channel]:
        return [channel for channel in self.channels if channel.trouble]


def routes(database: Database, served: Iterable[Any]) -> list[Route]:
    pulse = Pulse(database)
    apis = [Api(each.name, each.title, each.address) for each in served]

    async def page(request: Request, visitor: Visitor) -> Response:
        status = await _look(database, pulse, visitor)
        return rendering.page("status.html", visitor=visitor, status=status, apis=apis, kinds=sorted(events.TYPES))

    async def numbers(request: Request) -> Response:
        visitor = await visitors.find(database, request)
        if visitor is None:
            raise Unauthenticated
        status = await _look(database, pulse, visitor)
        headers = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"}
        return Response(msgspec.json.encode(status), 200, headers, "application/json")

    return [Route("/", visitors.signed_in(database, page)), Route("/status.json", numbers)]


class Pulse:
    """The installation's numbers, counted once a second at most, however many look."""

    def __init__(self, database: Database):
        self._database = database
        self._lock = asyncio.Lock()
        self._counted: tuple[float, health.Numbers] | None = None

    async def numbers(self) -> health.Numbers:
        async with self._lock:
            if self._counted is None or self._counted[0] <= clock.monotonic():
                numbers = await health.numbers(self._database)
                self._counted = (clock.monotonic() + 1, numbers)
            return self._counted[1]


async def _look(database: Database, pulse: Pulse, visitor: Visitor) -> Status:
    numbers = await pulse.numbers()
    async with database.tx(visitor.account_id, visitor.actor) as tx:
        return Status(
            version=__version__,
            at=clock.now(),
            numbers=numbers,
            channels=[_channel(each) for each in await channels.all_of(tx)],
            broadcasts=await _sending(tx),
            conversations=await listing.by_status(tx),
        )


async def _sending(tx: Tx) -> list[Sending]:
    running, _ = await broadcasts.page(tx, status=["sending", "paused"], limit=MOST_BROADCASTS)
    progress = await broadcasts.progress(tx, running)
    return [_broadcast(each, progress[each.id]) for each in running]


def _broadcast(broadcast: Broadcast, progress: Progress) -> Sending:
    return Sending(
        id=broadcast.id,
        name=broadcast.name,
        channel=broadcast.channel,
        status=broadcast.status,
        total=progress.total,
        done=progress.handed_over + progress.failed + progress.canceled,
        handed_over=progress.handed_over,
        failed=progress.failed,
    )


def _channel(channel: channels.Channel) -> Channel:
    return Channel(
        name=channel.name,
        kind=channel.kind,
        sends_as=channel.sends_as,
        address=channel.address,
        active=channel.active,
        trouble=channel.trouble,
    )
