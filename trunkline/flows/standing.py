"""Standing: where sprints left their contacts. Sessions, runs, counts, and which flow a contact is in."""

import zlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from trunkline.core.db import Tx, sql
from trunkline.flows import counts, runs, sessions, waiting
from trunkline.flows.counts import Key, Passage
from trunkline.flows.engine import Sprint
from trunkline.flows.events import DialWait, MsgWait
from trunkline.flows.facts import RunsEnded
from trunkline.flows.outcomes import Done, known
from trunkline.flows.stock import Stock
from trunkline.flows.waiting import LIFETIME, Entry

ENDINGS = ("completed", "failed", "expired", "interrupted")


async def keep(tx: Tx, stock: Stock, done: Sequence[Done]) -> None:
    """Write it all; sprints that never began leave their contacts as they are."""
    ran = [(one, one.sprint) for one in done if one.sprint]
    if not ran:
        return
    await _leave(tx, [one for one, _ in ran])
    touched = [(one, sprint, _touched(one, sprint)) for one, sprint in ran]
    rows = [(one.part.member.id, one.part.start_id, sprint.session, changed) for one, sprint, changed in touched]
    await runs.save(tx, rows, stock.flow_ids)
    await _count(tx, stock, touched)
    entries = [_entry(stock, one, sprint) for one, sprint in ran if sprint.session.status == "waiting"]
    await waiting.put(tx, entries)
    await _note_flows(tx, stock, ran, entries)
    ended = [
        (run.uuid, stock.flow_ids[run.flow.uuid], one.part.member.id, run.status)
        for one, _, changed in touched
        for run in changed
        if run.status in ENDINGS and run.flow.uuid in stock.flow_ids
    ]
    if ended:
        tx.record(RunsEnded(ended))


async def interrupt(tx: Tx, contacts: Sequence[int], status: str = "interrupted") -> int:
    """Take contacts out of what they wait in. Lock them first. Returns how many waited."""
    ended = await waiting.end(tx, contacts)
    await runs.close(tx, ended, status)
    await tx.run(SET_FLOW, tx.account, list(contacts), [None] * len(contacts))
    return len(ended)


async def _leave(tx: Tx, done: Sequence[Done]) -> None:
    """What these contacts waited in gives way to another session, or has ended."""
    others: list[UUID] = []
    for one in done:
        before = one.part.member.waiting
        if before and one.part.replaces and one.sprint and str(before.uuid) != one.sprint.session.uuid:
            others.append(before.uuid)
    await runs.close(tx, others, "interrupted")
    gone = [
        one.part.member.id
        for one in done
        if one.part.member.waiting and one.part.replaces and one.sprint and one.sprint.session.status != "waiting"
    ]
    await waiting.end(tx, gone)


def _touched(one: Done, sprint: Sprint) -> list[sessions.Run]:
    """The runs that are new or were open before; the others stay as they are stored."""
    before = one.part.before
    return [run for run in sprint.session.runs if run.uuid not in before or before[run.uuid].is_open]


def _entry(stock: Stock, one: Done, sprint: Sprint) -> Entry:
    session = sprint.session
    run = session.waiting_run
    wait = next((event for event in reversed(sprint.events) if isinstance(event, MsgWait | DialWait)), None)
    begun = (wait.created_on if wait else None) or session.created_on
    seconds = wait.timeout_seconds if isinstance(wait, MsgWait) else 0
    last = session.created_on + LIFETIME
    node = run.path[-1].node_uuid if run and run.path else None
    return Entry(
        contact_id=one.part.member.id,
        uuid=session.uuid,
        type=session.type,
        flow_id=stock.flow_ids.get(run.flow.uuid, 0) if run else one.part.flow_id,
        node=node,
        state=zlib.compress(sessions.dump(sessions.compact(session)), 3),
        wait="dial" if isinstance(wait, DialWait) else "msg",
        timeout_at=begun + timedelta(seconds=seconds) if seconds else None,
        expires_at=min((wait.expires_on if wait else None) or last, last),
        created_at=session.created_on,
    )


async def _count(tx: Tx, stock: Stock, touched: Sequence[tuple[Done, Sprint, list[sessions.Run]]]) -> None:
    counted: Counter[Key] = Counter()
    passages: list[Passage] = []
    for one, sprint, changed in touched:
        for segment in sprint.segments:
            if flow := stock.flow_ids.get(segment.flow_uuid):
                counted[flow, "exit", f"{segment.exit_uuid}:{segment.destination_uuid}"] += 1
                at: datetime = segment.time
                passages.append(Passage(flow, segment.exit_uuid, one.part.member.id, segment.operand, at))
        for run in changed:
            if flow := stock.flow_ids.get(run.flow.uuid):
                _count_run(counted, flow, one, run)
    await counts.add(tx, counted)
    await counts.remember(tx, passages)


def _count_run(counted: Counter[Key], flow: int, one: Done, run: sessions.Run) -> None:
    before, now = one.part.before.get(run.uuid), known(run)
    for step in run.path[before.steps if before else 0 :]:
        counted[flow, "node", step.node_uuid] += 1
    for key, category in now.categories.items():
        earlier = before.categories.get(key) if before else None
        if category != earlier:
            counted[flow, "result", f"{key}/{category}"] += 1
            if earlier is not None:
                counted[flow, "result", f"{key}/{earlier}"] -= 1


async def _note_flows(tx: Tx, stock: Stock, ran: Sequence[tuple[Done, Sprint]], entries: Sequence[Entry]) -> None:
    """Which flow each contact is in now, and which ones it has been in."""
    current = {entry.contact_id: entry.flow_id for entry in entries}
    changed = {
        one.part.member.id: current.get(one.part.member.id)
        for one, _ in ran
        if one.part.replaces
        and current.get(one.part.member.id) != (one.part.member.waiting.flow_id if one.part.member.waiting else None)
    }
    if changed:
        await tx.run(SET_FLOW, tx.account, list(changed), list(changed.values()))
    been = {
        (one.part.member.id, stock.flow_ids[run.flow.uuid])
        for one, sprint in ran
        for run in sprint.session.runs
        if run.uuid not in one.part.before and run.flow.uuid in stock.flow_ids
    }
    if been:
        contacts, flows = zip(*sorted(been), strict=True)
        await tx.run(NOTE_FLOWS, tx.account, list(contacts), list(flows))


SET_FLOW = sql("""
    update contacts c set current_flow_id = given.flow_id
    from unnest($2::bigint[], $3::bigint[]) as given (contact_id, flow_id)
    where c.account_id = $1 and c.id = any($2) and c.id = given.contact_id
        and c.current_flow_id is distinct from given.flow_id
""")

NOTE_FLOWS = sql("""
    insert into contact_flows (account_id, contact_id, flow_id)
    select $1, * from unnest($2::bigint[], $3::bigint[]) on conflict do nothing
""")
