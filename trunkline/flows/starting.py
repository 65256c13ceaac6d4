"""Starting: from a start to running sprints. Contacts are found in portions of thousands, run a hundred at a time."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from trunkline.contacts import searching
from trunkline.contacts.query import QueryError, compiling
from trunkline.core.db import Database, Tx, sql
from trunkline.core.events import Happened
from trunkline.core.jobs import Desk, job
from trunkline.flows import alone, cast, effects, running, starts, texting
from trunkline.flows import stock as stocks
from trunkline.flows.cast import Member
from trunkline.flows.facts import StartChanged
from trunkline.flows.outcomes import BULK, Done, Part
from trunkline.flows.starts import RUNNING, Start
from trunkline.flows.stock import Indexed, Stock

PORTION = 10_000
BATCH = 100


async def queue(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: a new start is worked out by a job."""
    for one in happened:
        if one.event.status == "pending":
            expand.later(tx, one.event.id, key=f"start:{one.event.id}")


@job("flow.expand", apart=True)
async def expand(desk: Desk, id: int) -> None:
    """Find the contacts of a start, portion by portion, and share them out in batches."""
    while True:
        async with desk.tx() as tx:
            if not await next_portion(tx, id):
                return


async def next_portion(tx: Tx, id: int, size: int = PORTION) -> bool:
    """One portion under the start's lock. False when nothing is left to do."""
    if not await tx.value(bool, LOCK, tx.account, id):
        return False
    start = await starts.get(tx, id)
    if start.status not in RUNNING or start.expanded:
        return False
    try:
        found = await _found(tx, start, size)
    except QueryError as error:
        await tx.run(FAIL, tx.account, id, error.message)
        tx.record(StartChanged(id, "failed"))
        return False
    ids = [contact for contact, _ in found]
    fitting = [contact for contact, fits in found if fits]
    for place in range(0, len(fitting), BATCH):
        batch.later(tx, id, fitting[place : place + BATCH])
    cursor = max(ids, default=start.cursor)
    await tx.run(ADVANCE, tx.account, id, cursor, len(fitting), len(ids) < size)
    return len(ids) == size


@job("flow.start_batch", apart=True, at_once=2)
async def batch(desk: Desk, id: int, contacts: list[int]) -> None:
    """Give up to a hundred contacts their turn, in one commit. Who asks the outside world gets a job of their own.

    So does everybody when it failed before: one contact's trouble is not the others'.
    """
    async with desk.tx() as tx:
        start = await starts.get(tx, id)
        if start.status == "interrupted":
            contacts = []
        if desk.call.is_suspect:
            await _one_by_one(tx, id, contacts)
        elif start.message is not None:
            await _tell(tx, start, contacts)
            await tx.run(COUNT, tx.account, f"start:{id}", len(contacts))
        else:
            await _run(tx, start, contacts)
        await desk.finish(tx)


@job("flow.start_one", apart=True)
async def one(desk: Desk, id: int, contact: int) -> None:
    """One contact's turn, with all the time that its calls to the outside need."""

    async def prepare(tx: Tx, stock: Stock) -> Part | None:
        start = await starts.get(tx, id)
        flow = stock.flow(start.flow_id)
        if start.status == "interrupted" or (flow is None and start.message is None):
            return None
        if start.message is not None or flow is None:
            await _tell(tx, start, [contact])
            return None
        members = await cast.load(tx, stock, [contact])
        await running.ready(tx, stock, [], [flow.uuid])
        return _part(stock, start, flow, members[contact]) if contact in members else None

    async def close(tx: Tx, done: Done | None) -> None:
        await tx.run(COUNT, tx.account, f"start:{id}", 1)

    await alone.run(desk, prepare, close)


async def finish(database: Database) -> int:
    """Close starts whose last contact had a turn. Returns how many."""
    async with database.system() as tx:
        done = await tx.rows(FINISH)
        for account, id in done:
            tx.account = account
            tx.record(StartChanged(id, "completed"))
            await tx.flush()
        return len(done)


async def _run(tx: Tx, start: Start, contacts: list[int]) -> None:
    stock = await stocks.of(tx)
    flow = stock.flow(start.flow_id)
    members = list((await cast.load(tx, stock, contacts)).values()) if flow else []
    if flow:
        await running.ready(tx, stock, [], [flow.uuid])
    parts = [_part(stock, start, flow, member) for member in members if flow]
    done, pending = await running.run(tx, stock, parts)
    await effects.apply(tx, stock, done)
    await _one_by_one(tx, start.id, [waiting.part.member.id for waiting in pending])
    await tx.run(COUNT, tx.account, f"start:{start.id}", len(contacts) - len(pending))
    if start.status == "queued":
        await tx.run(BEGUN, tx.account, start.id)


async def _tell(tx: Tx, start: Start, contacts: list[int]) -> None:
    """Its message instead of its flow."""
    message = start.message or {}
    await texting.send(
        tx, message, contacts, start.flow_id, f"start:{start.uuid}", evaluate=bool(message.get("evaluate")),
        broadcast_id=start.broadcast_id,
    )  # fmt: skip
    if start.status == "queued":
        await tx.run(BEGUN, tx.account, start.id)


async def _one_by_one(tx: Tx, id: int, contacts: Sequence[int]) -> None:
    for contact in contacts:
        one.later(tx, id, contact, key=str(contact))


def _part(stock: Stock, start: Start, flow: Indexed, member: Member) -> Part:
    trigger: dict[str, Any] = {"type": "manual", "origin": start.origin, "batch": start.total > 1 or not start.expanded}
    if start.run_summary is not None:
        trigger = {"type": "flow_action", "run_summary": start.run_summary, "history": start.history or {}}
        trigger["batch"] = start.total > 1 or not start.expanded
    if start.params is not None:
        trigger["params"] = start.params
    key = f"start:{start.uuid}:{member.contact.uuid}"
    return running.start(stock, member, flow, trigger, key, start_id=start.id, lane=BULK)


class _Found(Struct, frozen=True):
    id: int
    fits: bool


async def _found(tx: Tx, start: Start, size: int) -> list[tuple[int, bool]]:
    """The next contacts, in order of id, and whether they are to be started."""
    extra = await _asked(tx, start.query, start.cursor, size) if start.query else []
    named = [id for id in start.contacts if id > start.cursor][:size]
    rows = await tx.fetch(
        _Found, FOUND, tx.account, start.cursor, size, sorted({*named, *extra}), start.groups, start.exclude_groups,
        start.exclude_in_flow, start.flow_id if start.exclude_started else None,
    )  # fmt: skip
    return [(row.id, row.fits) for row in rows]


async def _asked(tx: Tx, text: str, after: int, limit: int) -> list[int]:
    """The next contacts that a query finds."""
    query = await searching.attempt(tx, text)
    candidates = await searching.narrow(tx, query)
    where, values = compiling.where(query.root, query.environment, first=5)
    statement = searching.statement(f"""
        select c.id from contacts c
        where c.account_id = $1 and c.id > $2 and c.deleted_at is null
            and ($4::bigint[] is null or c.id = any($4)) and {where}
        order by c.id limit $3
    """)
    return await tx.column(int, statement, tx.account, after, limit, candidates, *values)


LOCK = sql("select true from flow_starts where account_id = $1 and id = $2 for update")

FOUND = sql("""
    select s.id, coalesce((
            select c.status = 'active' and c.deleted_at is null from contacts c where c.account_id = $1 and c.id = s.id
        ), false)
        and not exists (select from group_members x where x.account_id = $1 and x.group_id = any($6::bigint[])
            and x.contact_id = s.id)
        and not ($7::boolean and exists (
            select from flow_sessions w where w.account_id = $1 and w.contact_id = s.id))
        and ($8::bigint is null or not exists (
            select from contact_flows f where f.account_id = $1 and f.contact_id = s.id and f.flow_id = $8)) as fits
    from (
        select unnest($4::bigint[]) as id
        union
        select m.contact_id from unnest($5::bigint[]) as g (id) cross join lateral (
            select contact_id from group_members where account_id = $1 and group_id = g.id and contact_id > $2
            order by contact_id limit $3) m
        order by id limit $3
    ) s order by s.id
""")

ADVANCE = sql("""
    update flow_starts set cursor = $3, total = total + $4, expanded = $5, modified_at = now(),
        status = case when status = 'pending' then 'queued' else status end
    where account_id = $1 and id = $2
""")

FAIL = sql("""
    update flow_starts set status = 'failed', failure = $3, expanded = true, modified_at = now()
    where account_id = $1 and id = $2
""")

BEGUN = sql("""
    update flow_starts set status = 'started', modified_at = now()
    where account_id = $1 and id = $2 and status = 'queued'
""")

COUNT = sql("insert into tallies (account_id, name, value) values ($1, $2, $3)")

FINISH = sql(
    """
    update flow_starts s set status = 'completed', modified_at = now()
    where s.status in ('queued', 'started') and s.expanded and s.total <= coalesce((
        select sum(t.value) from tallies t where t.account_id = s.account_id and t.name = 'start:' || s.id), 0)
    returning s.account_id, s.id
    """,
    system=True,
)
