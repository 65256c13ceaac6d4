"""A spreadsheet of contacts: read, checked, copied and written in one transaction."""

import io
import time

from msgspec import Struct

from benchmarks import stage
from benchmarks.measuring import Figure, Scale, middle
from benchmarks.stage import Stage
from trunkline.contacts import imports
from trunkline.contacts.imports import Options
from trunkline.core.db import Database


class Size(Struct, frozen=True):
    rows: int
    rounds: int


SIZES: dict[Scale, Size] = {"full": Size(20_000, 2), "quick": Size(5000, 2), "tiny": Size(50, 1)}


async def run(where: Stage, size: Size) -> list[Figure]:
    async with where.database("imports") as database:
        workspace = await stage.workspace(database)
        new = [await _round(database, workspace.id, size.rows, number) for number in range(size.rounds)]
        known = [await _round(database, workspace.id, size.rows, number) for number in range(size.rounds)]
    return [middle("rows imported, all new", new, "/s"), middle("rows imported, all known", known, "/s")]


async def _round(database: Database, account: int, rows: int, number: int) -> float:
    file = io.BytesIO(_sheet(rows, number * rows))
    began = time.perf_counter()
    async with database.tx(account) as tx:
        report = await imports.run(tx, file, Options())
    assert report.imported == rows, report
    return rows / (time.perf_counter() - began)


def _sheet(rows: int, first: int) -> bytes:
    lines = (
        f"Maria,Ionescu {n},maria{n}@example.com,+4074{n:07d},Acme {n % 50},Cluj-Napoca,RO"
        for n in range(first, first + rows)
    )
    return "\n".join(["first_name,last_name,email,phone,company,city,country", *lines]).encode()
