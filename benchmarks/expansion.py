"""A broadcast from its audience to messages in a line, beside the bare `insert … select` into the same tables.

Both write portions of 10,000, a transaction each, in turns: a block of ours, a block of the bare one. Ours are written
by as many hands as the job has. The bare one is one connection and judges nobody: no opt-outs, no choice of address, no
price, no row-level security.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise

import asyncpg
from msgspec import Struct

from benchmarks import stage
from benchmarks.measuring import Figure, Scale, interleaved, ratio, resident_mib
from benchmarks.stage import Stage
from trunkline.campaigns import broadcasts, expanding
from trunkline.core.db import Database
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel


class Size(Struct, frozen=True):
    recipients: int
    blocks: int
    portion: int = expanding.PORTION


SIZES: dict[Scale, Size] = {"full": Size(1_000_000, 5), "quick": Size(100_000, 2), "tiny": Size(300, 3, 50)}
PUBLISHED = 1_000_000


class Block(Struct, frozen=True):
    seconds: float
    longest: float


async def run(where: Stage, size: Size) -> list[Figure]:
    async with where.database("expansion") as database:
        workspace = await stage.workspace(database)
        await stage.people(database, workspace.id, size.recipients, "tel")
        owner = await asyncpg.connect(database.dsn)
        try:
            return await _compare(database, owner, workspace.id, size)
        finally:
            await owner.close()


async def _compare(database: Database, owner: asyncpg.Connection, account: int, size: Size) -> list[Figure]:
    async with database.tx(account) as tx:
        channel, _ = await channels.create(tx, "simulator", "Bench", "+40700000000", {})
        draft = broadcasts.NewBroadcast(name="Bench", channel="sms", body="Hello {{name}}", channel_id=channel.id)
        broadcast = await broadcasts.send(tx, (await broadcasts.create(tx, draft)).id)
    ids = [row[0] for row in await owner.fetch("select id from contacts where account_id = $1 order by id", account)]
    edges = [*ids[:: size.portion], ids[-1] + 1]
    raw_portions = iter(list(pairwise(edges)))
    portions = size.recipients // size.portion // size.blocks

    async def ours() -> None:
        async with database.tx(account) as tx:
            await expanding.mark_off(tx, broadcast.id, size.portion)
        async with database.tx(account) as tx:
            await expanding.write_next(tx, broadcast.id)

    async def raw() -> None:
        await owner.execute(BARE, account, channel.id, broadcast.id + 1, *next(raw_portions))

    before = resident_mib()
    blocks = await interleaved(
        size.blocks,
        ours=lambda: _block(ours, portions, expanding.HANDS),
        raw=lambda: _block(raw, portions, 1),
    )
    grown = resident_mib() - before
    await _check(owner, account, channel, size, portions)
    return _figures(blocks["ours"], blocks["raw"], size, portions, grown)


async def _block(portion: Callable[[], Awaitable[None]], portions: int, hands: int) -> Block:
    took = []
    numbers = iter(range(portions))

    async def hand() -> None:
        for _ in numbers:
            began = time.perf_counter()
            await portion()
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(hand() for _ in range(hands)))
    return Block(time.perf_counter() - began, max(took))


async def _check(owner: asyncpg.Connection, account: int, channel: Channel, size: Size, portions: int) -> None:
    queued = await owner.fetch(COUNTS, account, channel.id)
    assert [row[1] for row in queued] == [portions * size.blocks * size.portion] * 2, queued


def _figures(ours: list[Block], raw: list[Block], size: Size, portions: int, grown: float) -> list[Figure]:
    seconds, bare = ([block.seconds for block in blocks] for blocks in (ours, raw))
    queued = portions * size.portion
    total = sum(seconds)
    return [
        Figure(
            name=f"{queued * size.blocks:,} recipients queued",
            value=total,
            unit="s",
            most=15 if queued * size.blocks == PUBLISHED else None,
            rounds=seconds,
        ),
        Figure(name="recipients queued", value=queued * size.blocks / total, unit="/s"),
        Figure(name="by bare insert … select", value=queued * size.blocks / sum(bare), unit="/s"),
        ratio("rate beside bare insert … select", bare, seconds, least=0.7),
        Figure(name="longest transaction", value=max(block.longest for block in ours) * 1000, unit="ms"),
        Figure(name="memory that the process grew by", value=grown, unit="MiB", most=16),
    ]


BARE = """
    with message as (
        insert into messages (account_id, direction, status, lane, channel_id, broadcast_id, contact_id, scheme,
            address, segments)
        select $1, 'out', 'queued', 2, $2, $3, c.id, 'tel', c.phone, 1 from contacts c
        where c.account_id = $1 and c.id >= $4 and c.id < $5
        returning id
    )
    insert into outbound (lane, channel_id, account_id, broadcast_id, run_at, id)
    select 2, $2, $1, $3, now(), id from message
"""

COUNTS = """
    select broadcast_id, count(*) from outbound where account_id = $1 and channel_id = $2 group by 1 order by 1
"""
