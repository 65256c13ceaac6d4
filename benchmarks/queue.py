"""Jobs of ten accounts that do nothing, through a worker: claimed, run, deleted in a transaction of their own."""

import asyncio
import time

import asyncpg
from msgspec import Struct

from benchmarks import stage
from benchmarks.measuring import Figure, Scale, middle
from benchmarks.stage import Stage
from trunkline.core.db import Database, Tx
from trunkline.core.jobs import JOBS, Job
from trunkline.worker import Worker

ACCOUNTS = 10
NAME = "benchmark.nothing"


class Size(Struct, frozen=True):
    jobs: int
    rounds: int


SIZES: dict[Scale, Size] = {"full": Size(5000, 3), "quick": Size(2000, 2), "tiny": Size(100, 1)}


async def nothing(tx: Tx) -> None:
    """The job."""


async def run(where: Stage, size: Size) -> list[Figure]:
    async with where.database("queue") as database:
        workspace = await stage.workspace(database)
        owner = await asyncpg.connect(database.dsn)
        JOBS[NAME] = Job(nothing, NAME, "jobs", apart=False)
        try:
            rates = [await _round(database, owner, workspace.id, size.jobs) for _ in range(size.rounds)]
        finally:
            del JOBS[NAME]
            await owner.close()
    return [middle("jobs run by a worker", rates, "/s")]


async def _round(database: Database, owner: asyncpg.Connection, first: int, jobs: int) -> float:
    worker = Worker(database, ["jobs"])
    await owner.execute(ENQUEUE, NAME, first, ACCOUNTS, jobs)
    await owner.execute("vacuum analyze jobs")
    began = time.perf_counter()
    task = asyncio.create_task(worker.run())
    async with asyncio.timeout(120):
        while not task.done() and await owner.fetchval(LEFT, NAME):
            await asyncio.sleep(0.02)
    rate = jobs / (time.perf_counter() - began)
    worker.stop()
    await task
    return rate


ENQUEUE = """
    insert into jobs (account_id, name) select $2::bigint + n % $3::int, $1 from generate_series(1, $4::int) n
"""
LEFT = "select true from jobs where name = $1 limit 1"
