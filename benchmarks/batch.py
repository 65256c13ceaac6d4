"""Five hundred SMS by one call of the portal, to people who are contacts already, beside a bare COPY of the same rows.

The bare one copies what a call of ours wrote, into the same tables with their indexes and triggers, each five hundred
a transaction. It reads no JSON, knows no contact, renders nothing, judges nobody and answers nothing.
"""

import time
from collections.abc import Sequence
from itertools import count
from typing import Any

import aiohttp
import asyncpg
from msgspec import Struct

from benchmarks import stage
from benchmarks.measuring import Figure, Scale, interleaved, middle, percentile, ratio
from benchmarks.stage import Stage
from trunkline.core.ids import new_uuid
from trunkline.messaging import channels

TABLES = ("messages", "outbound")
BEYOND = 1_000_000_000
"""Ids of what is copied begin here: nothing of ours comes so far."""


class Size(Struct, frozen=True):
    calls: int
    """A round."""
    rounds: int
    recipients: int = 500


SIZES: dict[Scale, Size] = {"full": Size(20, 5), "quick": Size(8, 3), "tiny": Size(1, 1, 10)}


async def run(where: Stage, size: Size) -> list[Figure]:
    async with where.database("batch") as database:
        workspace = await stage.workspace(database)
        await stage.people(database, workspace.id, size.calls * size.recipients, "tel")
        key = await stage.key(database, workspace, "portal", rate_limit="off")
        async with database.tx(workspace.id) as tx:
            await channels.create(tx, "simulator", "Phones", "+40700000000", {})
        folder = where.new_folder("web")
        (folder / "secret").write_text((database.tools.settings.data / "secret").read_text())
        owner = await asyncpg.connect(database.dsn)
        try:
            async with stage.running(["web"], folder, TRUNKLINE_DATABASE_URL=database.dsn) as web:
                return await _compare(f"{web.url}/api/portal/v1/messages/send-batch", key, owner, size)
        finally:
            await owner.close()


async def _compare(url: str, key: str, owner: asyncpg.Connection, size: Size) -> list[Figure]:
    await _send(url, key, size)
    rows = Rows(owner)
    await rows.read(size.recipients)

    async def ours() -> list[float]:
        await owner.execute("vacuum analyze messages, outbound")
        return await _send(url, key, size)

    async def raw() -> list[float]:
        await owner.execute("vacuum analyze messages, outbound")
        return [await rows.copy() for _ in range(size.calls)]

    rounds = await interleaved(size.rounds, ours=ours, raw=raw)
    waits = [wait for taken in rounds["ours"] for wait in taken]
    rates, bare = ([size.recipients * 1000 * len(one) / sum(one) for one in rounds[name]] for name in ("ours", "raw"))
    number = size.recipients
    return [
        Figure(name=f"{number} messages by one call: p50", value=percentile(waits, 50), unit="ms", most=60),
        Figure(name=f"{number} messages by one call: p99", value=percentile(waits, 99), unit="ms"),
        middle("messages taken by calls", rates, "/s"),
        middle("the same rows by bare COPY", bare, "/s"),
        ratio("messages taken: rate beside bare COPY", rates, bare, least=0.4),
    ]


async def _send(url: str, key: str, size: Size) -> list[float]:
    waits = []
    async with aiohttp.ClientSession(headers={"X-API-Key": key}) as session:
        for call in range(size.calls):
            first = 1 + call * size.recipients
            people = [
                {"to": stage.phone(number), "variables": {"day": "Sunday"}}
                for number in range(first, first + size.recipients)
            ]
            body = {"channel": "sms", "body": "Half off until {{day}}.", "recipients": people}
            began = time.perf_counter()
            async with session.post(url, json=body) as response:
                assert response.status == 202, (await response.text())[:300]
                await response.read()
            waits.append((time.perf_counter() - began) * 1000)
    return waits


class Rows:
    """What one call wrote, and how to write it again under other ids."""

    def __init__(self, owner: asyncpg.Connection):
        self._owner = owner
        self._columns: dict[str, list[str]] = {}
        self._kept: dict[str, list[list[Any]]] = {}
        self._ids = count(BEYOND)

    async def read(self, number: int) -> None:
        for table in TABLES:
            columns = [row[0] for row in await self._owner.fetch(COLUMNS, table)]
            rows = await self._owner.fetch(f"select {', '.join(columns)} from {table} order by id limit $1", number)
            assert len(rows) == number
            self._columns[table], self._kept[table] = columns, [list(row) for row in rows]

    async def copy(self) -> float:
        """Milliseconds to their commit."""
        ids = [next(self._ids) for _ in self._kept["messages"]]
        fresh = {table: self._fresh(table, ids) for table in TABLES}
        began = time.perf_counter()
        async with self._owner.transaction():
            for table in TABLES:
                await self._owner.copy_records_to_table(table, records=fresh[table], columns=self._columns[table])
        return (time.perf_counter() - began) * 1000

    def _fresh(self, table: str, ids: Sequence[int]) -> list[list[Any]]:
        columns = self._columns[table]
        changed = [list(row) for row in self._kept[table]]
        for row, id in zip(changed, ids, strict=True):
            row[columns.index("id")] = id
            if "uuid" in columns:
                row[columns.index("uuid")] = new_uuid()
        return changed


COLUMNS = """
    select column_name::text from information_schema.columns
    where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER' order by ordinal_position
"""
