"""The proof for flows: contacts talk to one while workers are killed, and each ends as if nobody had been.

One contact for each way of talking goes through the flow undisturbed, in a workspace of its own. Then the crowd does
the same under fire. Judged are the paths and results of all runs, every text that was written, and the contact itself.
"""

import asyncio
import contextlib
import random
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from trunkline.accounts import accounts
from trunkline.channels.base import Inbound
from trunkline.contacts import fields
from trunkline.core import clock, config, urns
from trunkline.core.db import Database, sql
from trunkline.core.errors import Unavailable
from trunkline.core.tools import Tools
from trunkline.flows import starts, stored
from trunkline.flows.starts import NewStart
from trunkline.messaging import channels, receiving
from trunkline.messaging.channels import Channel
from trunkline.proof import definitions
from trunkline.proof.crew import Crew
from trunkline.proof.proving import up
from trunkline.storage import postgres

SCRIPTS = (("tea please", "2"), ("juice", "Coffee!", "many", "3 cups"), ("what?", "tea"), ("coffee", "none", "10"))
"""What contacts say, one way each in turn. The third leaves the flow waiting."""

WORKERS = 2
TOGETHER = 50
IDLE_SECONDS = 180
"""With no progress for so long the run is over, and what is missing is wrong."""


class Talks(Struct, frozen=True):
    """`wrong` contacts ended otherwise than undisturbed ones, `doubled` among them heard a text too often."""

    contacts: int
    kills: int
    wrong: int
    doubled: int
    buried: int
    seconds: float

    @property
    def held(self) -> bool:
        return not (self.wrong or self.doubled or self.buried)


class Crowd(Struct, frozen=True):
    """A workspace with contacts, a channel to them and the flow."""

    account: int
    channel: Channel
    flow_id: int
    size: int


class Ending(Struct, frozen=True):
    """How a contact ended: texts heard, runs as status with path and results, and values of fields."""

    heard: list[str]
    runs: list[Any]
    fields: dict[str, Any]


async def prove(contacts: int, kills: int, progress: Callable[[int], None]) -> Talks:
    """Run it in a data folder of its own; kills touch nothing but our own children."""
    with tempfile.TemporaryDirectory(prefix="trunkline-prove-") as folder:
        data = Path(folder) / "data"
        async with up(data, "", "--no-worker"), postgres.database(data) as dsn:
            database = await Database(dsn, connections=8).open()
            database.tools = Tools(config.load(data=data))
            try:
                async with Crew(dsn, data, WORKERS) as crew:
                    return await run(database, crew, contacts, kills, progress)
            finally:
                await database.tools.close()
                await database.close()


async def run(
    database: Database,
    crew: Crew,
    contacts: int,
    kills: int,
    progress: Callable[[int], None],
    after_kill: Callable[[], Awaitable[None]] | None = None,
) -> Talks:
    """With a crew at work. `after_kill` may end the leases of the dead, which otherwise takes half a minute."""
    began = clock.monotonic()
    calm = await gather(database, len(SCRIPTS))
    await talk(database, calm, lambda count: None)
    expected = await endings(database, calm)
    crowd = await gather(database, contacts)
    heard = sum(len(expected[number % len(SCRIPTS)].heard) for number in range(contacts))
    killer = asyncio.create_task(_kill(database, crew, crowd, heard, kills, after_kill))
    try:
        await talk(database, crowd, progress)
    finally:
        killer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await killer
    return await judge(database, crew, crowd, expected, clock.monotonic() - began)


async def gather(database: Database, size: int) -> Crowd:
    """A new workspace with so many contacts."""
    async with database.system() as tx:
        account = (await accounts.create(tx, "Talkers")).id
    async with database.tx(account) as tx:
        await fields.create(tx, "Drink", "text", key="drink")
        channel, _ = await channels.create(tx, "simulator", "Phones", f"+407{account:08}", {})
        flow = await stored.save(tx, definitions.drinks())
        await tx.run(PEOPLE, tx.account, size)
        await tx.run(ADDRESSES, tx.account)
    return Crowd(account, channel, flow.id, size)


async def judge(database: Database, crew: Crew, crowd: Crowd, expected: Sequence[Ending], seconds: float) -> Talks:
    found = await endings(database, crowd)
    pairs = [(one, expected[number % len(SCRIPTS)]) for number, one in enumerate(found)]
    async with database.tx(crowd.account) as tx:
        buried = await tx.value(int, BURIED, tx.account)
    return Talks(
        contacts=crowd.size,
        kills=crew.killed,
        wrong=sum(one != right for one, right in pairs) + crowd.size - len(found),
        doubled=sum(bool(Counter(one.heard) - Counter(right.heard)) for one, right in pairs),
        buried=buried or 0,
        seconds=round(seconds, 1),
    )


async def endings(database: Database, crowd: Crowd) -> list[Ending]:
    """Of each contact, in their order."""
    async with database.tx(crowd.account) as tx:
        rows = await tx.rows(ENDINGS, tx.account)
    return [Ending(list(heard), [_timeless(one) for one in runs], values) for heard, runs, values in rows]


def _timeless(run: dict[str, Any]) -> dict[str, Any]:
    results = {
        key: {name: value for name, value in result.items() if name != "created_on"}
        for key, result in run["results"].items()
    }
    return {**run, "results": results}


async def talk(database: Database, crowd: Crowd, progress: Callable[[int], None]) -> None:
    """Start the flow for everybody, and let everybody say the first thing, then the second, and so on."""
    await _insist(lambda: _start(database, crowd))
    await _settle(database, crowd, progress)
    for turn in range(max(map(len, SCRIPTS))):
        said = [
            Inbound(urn=urns.make("tel", _phone(number)), text=script[turn], external_id=f"{number}-{turn}")
            for number in range(crowd.size)
            if turn < len(script := SCRIPTS[number % len(SCRIPTS)])
        ]
        for place in range(0, len(said), TOGETHER):
            batch = said[place : place + TOGETHER]
            await _insist(lambda batch=batch: receiving.take(database, crowd.channel, batch))
    await _settle(database, crowd, progress)


async def _start(database: Database, crowd: Crowd) -> None:
    async with database.tx(crowd.account) as tx:
        if not await tx.value(bool, STARTED, tx.account):
            ids = await tx.column(int, IDS, tx.account)
            await starts.create(tx, NewStart(flow_id=crowd.flow_id, contacts=ids))


async def _insist(work: Callable[[], Awaitable[Any]]) -> None:
    """As providers do: whatever was not taken is told again. What was taken is known by its id."""
    while True:
        try:
            await work()
            return
        except Unavailable:
            await asyncio.sleep(0.2)


async def _settle(database: Database, crowd: Crowd, progress: Callable[[int], None]) -> None:
    """Wait until nobody has anything left to do, or until nothing moves any more."""
    seen, moved_at = None, clock.monotonic()
    while clock.monotonic() - moved_at < IDLE_SECONDS:
        with contextlib.suppress(Unavailable):
            heard, is_idle = await _look(database, crowd)
            if is_idle:
                return
            if heard != seen:
                progress(heard - (heard if seen is None else seen))
                seen, moved_at = heard, clock.monotonic()
        await asyncio.sleep(0.1)


async def _kill(
    database: Database,
    crew: Crew,
    crowd: Crowd,
    heard: int,
    kills: int,
    after_kill: Callable[[], Awaitable[None]] | None,
) -> None:
    """At random points of the way."""
    for mark in sorted(random.sample(range(max(1, heard * 95 // 100)), kills)):
        while True:
            with contextlib.suppress(Unavailable):
                if (await _look(database, crowd))[0] >= mark:
                    break
            await asyncio.sleep(0.02)
        await crew.kill()
        if after_kill:
            await after_kill()


async def _look(database: Database, crowd: Crowd) -> tuple[int, bool]:
    async with database.system(crowd.account) as tx:
        [(heard, is_idle)] = await tx.rows(LOOK, crowd.account)
    return heard, is_idle


def _phone(number: int) -> str:
    return f"+40700{number:06}"


PEOPLE = sql("""
    insert into contacts (account_id, uuid, name, phone)
    select $1, gen_random_uuid(), 'Ann', '+40700' || lpad(n::text, 6, '0')
    from generate_series(0, $2::int - 1) n
""")

ADDRESSES = sql("""
    insert into urns (account_id, contact_id, scheme, path)
    select account_id, id, 'tel', phone from contacts where account_id = $1
""")

IDS = sql("select id from contacts where account_id = $1")

STARTED = sql("select exists (select from flow_starts where account_id = $1)")

LOOK = sql(
    """
    select (select count(*) from messages where account_id = $1 and direction = 'out'),
        not exists (select from events where account_id = $1)
        and not exists (select from jobs where account_id = $1 and name like 'flow.%')
        and not exists (select from inbound where account_id = $1)
    """,
    system=True,
)

BURIED = sql("select count(*) from dead_letters where account_id = $1")

ENDINGS = sql("""
    select
        array(select m.body from messages m
            where m.account_id = $1 and m.contact_id = c.id and m.direction = 'out' order by m.id) as heard,
        array(select jsonb_build_object('status', r.status, 'path', r.nodes, 'results', r.results) from flow_runs r
            where r.account_id = $1 and r.contact_id = c.id order by r.id) as runs,
        c.fields
    from contacts c where c.account_id = $1 order by c.phone
""")
