"""Points that are due: their flows start, messages and letters go out, a hundred contacts in one commit."""

from collections.abc import Sequence
from typing import Any

from trunkline.campaigns import posting, sequences
from trunkline.campaigns.sequences import Point
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import NotFound
from trunkline.core.jobs import Desk, job
from trunkline.flows import alone, cast, effects, endings, running, texting
from trunkline.flows import stock as stocks
from trunkline.flows.cast import Member
from trunkline.flows.outcomes import BULK, Done, Part
from trunkline.flows.stock import Indexed, Stock

AT_ONCE = 5000
BATCH = 100


async def look(database: Database) -> int:
    """Hand due moments to the workers; called twice a second. A moment leaves its table as it becomes a job."""
    async with database.system() as tx:
        due: dict[tuple[int, int], list[tuple[int, str]]] = {}
        for account, point, contact, at in await tx.rows(TAKE, AT_ONCE):
            due.setdefault((account, point), []).append((contact, at.isoformat()))
        for (account, point), contacts in sorted(due.items()):
            tx.account = account
            for place in range(0, len(contacts), BATCH):
                portion = sorted(contacts[place : place + BATCH])
                fire.later(tx, point, [contact for contact, _ in portion], [at for _, at in portion])
            await tx.flush()
        return sum(map(len, due.values()))


@job("sequence.fire", apart=True, at_once=2)
async def fire(desk: Desk, point_id: int, contacts: list[int], moments: list[str] | None = None) -> None:
    """A point for many contacts, each at their moment; who asks the outside world, or failed before, gets a job."""
    async with desk.tx() as tx:
        point = await _living(tx, point_id)
        if point and point.letter_id is not None:
            await posting.post(tx, point.letter_id, point.id, contacts, moments or [])
        elif point and desk.call.is_suspect:
            _one_by_one(tx, point_id, contacts)
        elif point:
            await _fire_many(tx, point, contacts)
        await desk.finish(tx)


@job("sequence.fire_one", apart=True)
async def fire_one(desk: Desk, point_id: int, contact: int) -> None:
    async def prepare(tx: Tx, stock: Stock) -> Part | None:
        point = await _living(tx, point_id)
        members = await cast.load(tx, stock, [contact])
        if point is None or contact not in members:
            return None
        if point.message is not None:
            await _send(tx, point, list(members.values()))
            return None
        flow = stock.flow(point.flow_id or 0)
        if flow is None or not _may(point, members[contact], flow):
            return None
        await running.ready(tx, stock, [], [flow.uuid])
        return _part(stock, point, flow, members[contact])

    async def close(tx: Tx, done: Done | None) -> None:
        return None

    await alone.run(desk, prepare, close)


async def _fire_many(tx: Tx, point: Point, contacts: Sequence[int]) -> None:
    stock = await stocks.of(tx)
    members = list((await cast.load(tx, stock, contacts)).values())
    if point.message is not None:
        await _send(tx, point, members)
        return
    flow = stock.flow(point.flow_id or 0)
    if flow is None:
        return
    await running.ready(tx, stock, [], [flow.uuid])
    parts = [_part(stock, point, flow, member) for member in members if _may(point, member, flow)]
    done, pending = await running.run(tx, stock, parts)
    await effects.apply(tx, stock, done)
    _one_by_one(tx, point.id, [waiting.part.member.id for waiting in pending])


async def _send(tx: Tx, point: Point, members: Sequence[Member]) -> None:
    """The message of a point, a template of the contact in their language."""
    reached = [member.id for member in members if point.start_mode != "skip" or member.waiting is None]
    if point.start_mode == "interrupt":
        await endings.interrupt(tx, reached)
    message = {"translations": point.message or {}, "base_language": point.base_language}
    await texting.send(tx, message, reached, None, f"point:{point.uuid}", evaluate=True)


def _may(point: Point, member: Member, flow: Indexed) -> bool:
    """Whoever is in a flow is taken out of it, left alone, or hears only what does not disturb."""
    if member.waiting is None or point.start_mode == "interrupt":
        return member.contact.status == "active"
    return point.start_mode == "passive" and flow.type == "messaging_background"


def _part(stock: Stock, point: Point, flow: Indexed, member: Member) -> Part:
    campaign = {"uuid": str(point.sequence_uuid), "name": point.sequence_name}
    event = {"type": "campaign_fired", "campaign": campaign, "point_uuid": str(point.uuid)}
    trigger: dict[str, Any] = {"type": "campaign", "event": event}
    key = f"point:{point.uuid}:{member.contact.uuid}"
    return running.start(stock, member, flow, trigger, key, lane=BULK)


async def _living(tx: Tx, point_id: int) -> Point | None:
    """The point, unless it was deleted or its sequence put away meanwhile."""
    try:
        point = await sequences.get_point(tx, point_id)
        return None if (await sequences.get(tx, point.sequence_id)).archived else point
    except NotFound:
        return None


def _one_by_one(tx: Tx, point_id: int, contacts: Sequence[int]) -> None:
    for contact in contacts:
        fire_one.later(tx, point_id, contact, key=str(contact))


TAKE = sql(
    """
    with due as (
        select account_id, point_id, contact_id from sequence_moments where due_at <= now()
        order by due_at limit $1 for update skip locked
    )
    delete from sequence_moments d using due
    where d.account_id = due.account_id and d.point_id = due.point_id and d.contact_id = due.contact_id
    returning d.account_id, d.point_id, d.contact_id, d.due_at
    """,
    system=True,
)
