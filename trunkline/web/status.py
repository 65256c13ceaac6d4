"""The status page: is it working, how busy is it, what needs a person."""

from datetime import datetime

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trunkline import __version__, health
from trunkline.campaigns import broadcasts
from trunkline.campaigns.broadcasts import Broadcast, Progress
from trunkline.core import clock
from trunkline.core.db import Tx
from trunkline.core.errors import Unauthenticated
from trunkline.inbox import listing
from trunkline.messaging import channels
from trunkline.web import visitors
from trunkline.web.sections import Section
from trunkline.web.visitors import Visitor
from trunkline.web.visits import Site, Visit

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


pages = Section("status")


@pages.get("/status")
async def page(visit: Visit) -> Response:
    status = await _look(visit.site, visit.visitor)
    apis = [Api(each.name, each.title, each.address) for each in visit.site.dialects.served]
    return visit.page("status.html", block="status", status=status, apis=apis)


def routes(site: Site) -> list[Route]:
    async def numbers(request: Request) -> Response:
        visitor = await visitors.find(site.database, request)
        if visitor is None:
            raise Unauthenticated
        status = await _look(site, visitor)
        headers = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"}
        return Response(msgspec.json.encode(status), 200, headers, "application/json")

    return [Route("/status.json", numbers)]


async def _look(site: Site, visitor: Visitor) -> Status:
    numbers = await site.pulse.numbers()
    async with site.database.tx(visitor.account_id, visitor.actor) as tx:
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
