"""Waking: waits that took too long. Due rows are claimed by the database's clock and run in batches of a hundred."""

from datetime import timedelta
from typing import Any

from trunkline.core import clock
from trunkline.core.db import Database, Tx
from trunkline.core.jobs import Desk, job
from trunkline.flows import alone, cast, effects, running, standing, waiting
from trunkline.flows import stock as stocks
from trunkline.flows.cast import Member
from trunkline.flows.outcomes import API, Done, Part
from trunkline.flows.stock import Stock

AT_ONCE = 5000
BATCH = 100
LEASE_SECONDS = 300.0
LONGEST_CALL = timedelta(hours=5)


async def look(database: Database) -> int:
    """Hand due waits to the workers; called twice a second. Returns how many there were."""
    async with database.system() as tx:
        due = await waiting.claim(tx, AT_ONCE, LEASE_SECONDS)
        by_account: dict[int, list[tuple[int, int]]] = {}
        for one in due:
            by_account.setdefault(one.account, []).append((one.contact_id, one.version))
        for account, rows in by_account.items():
            tx.account = account
            for place in range(0, len(rows), BATCH):
                wake.later(tx, rows[place : place + BATCH])
            await tx.flush()
        return len(due)


@job("flow.wake", apart=True, at_once=2)
async def wake(desk: Desk, rows: list[list[int]]) -> None:
    """Time out or expire what these contacts wait in, unless they went on meanwhile; one commit for all."""
    async with desk.tx() as tx:
        if desk.call.is_suspect:
            await _one_by_one(tx, rows)
        else:
            stock = await stocks.of(tx)
            members = await cast.load(tx, stock, [contact for contact, _ in rows])
            await standing.interrupt(tx, [member.id for member in members.values() if _is_forgotten(member)])
            late = [members[id] for id, version in rows if id in members and _is_late(members[id], version)]
            await running.ready(tx, stock, late)
            done, pending = await running.run(tx, stock, [_part(stock, member) for member in late])
            await effects.apply(tx, stock, done)
            asking = {waiting.part.member.id for waiting in pending}
            await _one_by_one(tx, [row for row in rows if row[0] in asking])
        await desk.finish(tx)


@job("flow.wake_one", apart=True)
async def wake_one(desk: Desk, contact: int, version: int) -> None:
    async def prepare(tx: Tx, stock: Stock) -> Part | None:
        member = (await cast.load(tx, stock, [contact])).get(contact)
        if member is None or not _is_late(member, version):
            return None
        await running.ready(tx, stock, [member])
        return _part(stock, member)

    async def close(tx: Tx, done: Done | None) -> None:
        return None

    await alone.run(desk, prepare, close)


async def _one_by_one(tx: Tx, rows: list[list[int]]) -> None:
    for contact, version in rows:
        wake_one.later(tx, contact, version, key=str(contact))


def _is_late(member: Member, version: int) -> bool:
    """Who is on the telephone is left to whoever holds the line."""
    return member.waiting is not None and member.waiting.version == version and member.waiting.type != "voice"


def _is_forgotten(member: Member) -> bool:
    """Whether a call must be over, though nobody said so."""
    waited = member.waiting
    return waited is not None and waited.type == "voice" and waited.expires_at < clock.now() - LONGEST_CALL


def _part(stock: Stock, member: Member) -> Part:
    assert member.waiting is not None
    timed_out = member.waiting.timeout_at is not None and member.waiting.timeout_at <= clock.now()
    kind, event = ("wait_timeout", "wait_timed_out") if timed_out else ("wait_expiration", "wait_expired")
    resume: dict[str, Any] = {"type": kind, "event": {"type": event}}
    return running.resume(stock, member, resume, f"wake:{member.waiting.uuid}:{member.waiting.version}", lane=API)
