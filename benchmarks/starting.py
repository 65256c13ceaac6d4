"""From a command to the first page: installed from a warm package cache, started for the first time, started again."""

import asyncio
import contextlib
import shutil
import sys
import time
from pathlib import Path

from msgspec import Struct

from benchmarks import stage
from benchmarks.measuring import Figure, Scale, middle
from benchmarks.stage import Stage

ROOT = Path(__file__).parents[1]


class Size(Struct, frozen=True):
    rounds: int
    install: bool


SIZES: dict[Scale, Size] = {"full": Size(3, True), "quick": Size(1, True), "tiny": Size(1, False)}


async def run(where: Stage, size: Size) -> list[Figure]:
    installed = await _install(where.new_folder("installed")) if size.install else None
    first, again = [], []
    for _ in range(size.rounds):
        data = where.new_folder("first")
        first.append(await _until_page(data))
        again.append(await _until_page(data))
    figures = [middle("first start to first page", first, "s"), middle("restart to first page", again, "s", most=2)]
    if installed is not None:
        install = Figure(name="installation from a warm package cache", value=installed, unit="s")
        whole = Figure(name="installation and first start to first page", value=installed + first[0], unit="s", most=20)
        figures = [install, whole, *figures]
    return figures


async def _until_page(data: Path) -> float:
    began = time.perf_counter()
    async with stage.running(["up"], data) as up:
        await stage.first_page(up.url)
        return time.perf_counter() - began


async def _install(folder: Path) -> float | None:
    """A new environment without the network; None when the cache lacks something or uv is not there."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        return None
    python = str(folder / "bin" / "python")
    locked = ["--offline", "--quiet", "--python", python, "--requirements", str(ROOT / "requirements.lock")]
    steps = [
        [uv, "venv", "--quiet", "--python", sys.executable, "--allow-existing", str(folder)],
        [uv, "pip", "install", *locked, "hatchling"],
        [uv, "pip", "install", *locked[:4], "--no-deps", "--no-build-isolation", str(ROOT)],
    ]
    began = time.perf_counter()
    for step in steps:
        process = await asyncio.create_subprocess_exec(*step, stderr=asyncio.subprocess.PIPE)
        _, errors = await process.communicate()
        if process.returncode:
            print(f"  not installed: {errors.decode().strip()[:300]}", file=sys.stderr)
            return None
    took = time.perf_counter() - began
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)
    return took
