"""A command of the shell beside a running server, which has its database open already."""

import asyncio
import sys
import time

from msgspec import Struct

from benchmarks import stage
from benchmarks.measuring import Figure, Scale, interleaved, middle
from benchmarks.stage import Stage
from trunkline.storage import postgres


class Size(Struct, frozen=True):
    rounds: int


SIZES: dict[Scale, Size] = {"full": Size(7), "quick": Size(3), "tiny": Size(1)}


async def run(where: Stage, size: Size) -> list[Figure]:
    async with stage.running(["up"], where.new_folder("up")) as up:
        async with postgres.database(up.data) as dsn, stage.opened(dsn, up.data) as database:
            workspace = await stage.workspace(database)
        create = ["key", "create", "--account", workspace.uuid, "--user", "owner@example.com", "--dialect", "portal"]
        rounds = await interleaved(
            size.rounds,
            version=lambda: _run("--version"),
            create=lambda: _run(*create, "--data", str(up.data), "--json"),
        )
    return [
        middle("trunkline --version", rounds["version"], "ms"),
        middle("trunkline key create", rounds["create"], "ms"),
    ]


async def _run(*words: str) -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "trunkline", *words),
        env=stage.clean_environment(),
        stdout=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(stage.PATIENCE):
        assert await process.wait() == 0, words
    return (time.perf_counter() - began) * 1000
