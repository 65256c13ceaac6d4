"""Running: sprints of up to a hundred contacts side by side, inside one transaction as long as nobody else is asked.

A sprint that asks the outside world is set aside: the transaction ends, the call is made, the sprint goes on in
memory, and a second transaction writes what came of it, if its contact still is where it was.
"""

import asyncio
import random
import zlib
from collections.abc import Generator, Sequence
from typing import Any

from msgspec import Struct

from trunkline.contacts import urns
from trunkline.core import clock, ids
from trunkline.core.db import Tx
from trunkline.core.jobs import Desk
from trunkline.core.urns import BadUrn, Urn, parse
from trunkline.flows import addresses, engine, outside, sessions
from trunkline.flows.cast import Member
from trunkline.flows.engine import NotResumed, Sprint, Unstartable
from trunkline.flows.inputs import Call, Unreadable
from trunkline.flows.outcomes import REPLY, Done, Heard, Part, known
from trunkline.flows.requests import ClaimUrn, IsSendable, Request
from trunkline.flows.scene import Options
from trunkline.flows.stock import Indexed, Stock

TOGETHER = 16
"""Calls to the outside that one job has under way at once."""
OPTIONS = Options(max_steps=250, max_sprints=250)


class Pending(Struct):
    part: Part
    going: Generator[Request, Any, Sprint]
    request: Request
    asked: int = 0


def start(
    stock: Stock,
    member: Member,
    flow: Indexed,
    trigger: dict[str, Any],
    key: str,
    *,
    heard: Heard | None = None,
    start_id: int | None = None,
    broadcast_id: int | None = None,
    lane: int = REPLY,
    call: Call | None = None,
) -> Part:
    """A new session of a contact. A background flow leaves alone what the contact waits in.

    A voice flow begins in its call; without one the contact is called.
    """
    document = {"flow": {"uuid": flow.uuid, "name": flow.name}, "triggered_on": clock.now(), **trigger}

    def begin() -> Generator[Request, Any, Sprint]:
        return engine.start(stock.assets, stock.environment, member.contact, document, call=call, **_sources())

    replaces = flow.type != "messaging_background"
    ring = document if flow.type == "voice" and call is None else None
    return Part(member, begin, key, flow.id, {}, heard, start_id, lane, replaces, broadcast_id, ring)


def resume(
    stock: Stock,
    member: Member,
    resume: dict[str, Any],
    key: str,
    *,
    heard: Heard | None = None,
    lane: int = REPLY,
    call: Call | None = None,
) -> Part:
    """What becomes of the session that a contact waits in."""
    assert member.waiting is not None
    session = sessions.load(zlib.decompress(member.waiting.state))
    before = {run.uuid: known(run) for run in session.runs}
    document = {"resumed_on": clock.now(), **resume}

    def begin() -> Generator[Request, Any, Sprint]:
        return engine.resume(
            stock.assets, session, stock.environment, member.contact, document, call=call, **_sources()
        )

    return Part(member, begin, key, member.waiting.flow_id, before, heard, None, lane, True)


async def ready(tx: Tx, stock: Stock, members: Sequence[Member], flows: Sequence[str] = ()) -> None:
    """Have all definitions in memory that these sessions, and these flows, may need."""
    waiting = {
        run.flow.uuid
        for member in members
        if member.waiting
        for run in sessions.load(zlib.decompress(member.waiting.state)).runs
        if run.is_open
    }
    await stock.ready(tx, [*flows, *waiting])


async def run(tx: Tx, stock: Stock, parts: Sequence[Part]) -> tuple[list[Done], list[Pending]]:
    """Run sprints as far as they go without the outside world."""
    done, pending = [], []
    for part in parts:
        if part.ring is not None:
            done.append(Done(part, None))
            continue
        try:
            going = part.begin()
            outcome = await _drive(tx, part, going, next(going))
        except StopIteration as end:
            outcome = Done(part, end.value)
        except (NotResumed, Unstartable, Unreadable) as problem:
            outcome = Done(part, None, problem)
        (pending if isinstance(outcome, Pending) else done).append(outcome)
    return done, pending


async def finish(desk: Desk, stock: Stock, pending: Sequence[Pending]) -> list[Done]:
    """Run sprints to their end while no transaction is open, calling whom they ask."""
    room = asyncio.Semaphore(TOGETHER)

    async def one(waiting: Pending) -> Done:
        async with room:
            return await _finish_one(desk, stock, waiting)

    return list(await asyncio.gather(*(one(waiting) for waiting in pending)))


async def _finish_one(desk: Desk, stock: Stock, waiting: Pending) -> Done:
    outcome: Pending | Done = waiting
    while isinstance(outcome, Pending):
        answer = await outside.answer(desk, stock, outcome.request, f"{outcome.part.key}:{outcome.asked}")
        outcome.asked += 1
        try:
            request = outcome.going.send(answer)
            async with desk.tx() as tx:
                outcome = await _drive(tx, outcome.part, outcome.going, request, outcome.asked)
        except StopIteration as end:
            outcome = Done(outcome.part, end.value)
    return outcome


async def _drive(
    tx: Tx, part: Part, going: Generator[Request, Any, Sprint], request: Request, asked: int = 0
) -> Done | Pending:
    """Answer what the database can answer."""
    while True:
        match request:
            case ClaimUrn():
                answer: Any = await _may_claim(tx, part.member.id, request.urn)
            case IsSendable():
                answer = _unsendable(part.member, request)
            case _:
                return Pending(part, going, request, asked)
        try:
            request = going.send(answer)
        except StopIteration as end:
            return Done(part, end.value)


async def _may_claim(tx: Tx, contact: int, urn: str) -> bool:
    found = addresses.read(urn)
    try:
        wanted = parse(f"{found.scheme}:{found.path}")
    except BadUrn:
        wanted = Urn(found.scheme, found.path)
    return (await urns.owners(tx, [wanted])).get(wanted, contact) == contact


def _unsendable(member: Member, request: IsSendable) -> str:
    return "no_template" if request.channel_uuid in member.silent else ""


def _sources() -> dict[str, Any]:
    return {"clock": clock.now, "ids": _id, "random": random.random, "options": OPTIONS}


def _id() -> str:
    return str(ids.new_uuid())
