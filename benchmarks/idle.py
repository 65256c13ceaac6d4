"""Memory of an installation at rest: the proportional share (PSS) of `trunkline up` and all below it."""

import asyncio
from pathlib import Path

from msgspec import Struct

from benchmarks import stage
from benchmarks.measuring import Figure, Scale
from benchmarks.stage import Stage, Up
from trunkline.proof.targets import below, title


class Size(Struct, frozen=True):
    seconds: float


SIZES: dict[Scale, Size] = {"full": Size(75), "quick": Size(3), "tiny": Size(0)}
"""A process gives back what its start took within a minute or so."""


async def run(where: Stage, size: Size) -> list[Figure]:
    async with stage.running(["up"], where.new_folder("up")) as up:
        await stage.first_page(up.url)
        await asyncio.sleep(size.seconds)
        shares = [(_name(pid), pss_mib(pid)) for pid in processes(up)]
    figures = [Figure(name="memory at rest, all processes", value=sum(mib for _, mib in shares), unit="MiB", most=160)]
    for name in sorted({name for name, _ in shares}):
        parts = [mib for other, mib in shares if other == name]
        figures.append(Figure(name=f"of it {name} ({len(parts)})", value=sum(parts), unit="MiB"))
    return figures


def processes(up: Up) -> list[int]:
    """The supervisor, all below it, and the database, wherever that hangs in the tree."""
    roots = [up.pid, int((up.data / "postgres" / "postmaster.pid").read_text().splitlines()[0])]
    return sorted({pid for root in roots for pid in (root, *below(root))})


def _name(pid: int) -> str:
    words = title(pid).split()
    if words and "postgres" in words[0]:
        return "postgres"
    return " ".join(["trunkline", *words[words.index("trunkline") + 1 :][:1]]) if "trunkline" in words else "others"


def pss_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
