"""`trunkline prove`: processes are killed at random while two broadcasts run. Run on demand: it takes minutes."""

import asyncio
import sys
from typing import Any

import msgspec
from msgspec import Struct

from benchmarks import stage
from benchmarks.measuring import Figure, Scale
from benchmarks.stage import Stage


class Size(Struct, frozen=True):
    recipients: int
    kills: int


SIZES: dict[Scale, Size] = {"full": Size(100_000, 50), "quick": Size(5000, 5), "tiny": Size(200, 1)}


async def run(where: Stage, size: Size) -> list[Figure]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "trunkline", "prove", "--json"),
        *("--recipients", str(size.recipients), "--kills", str(size.kills)),
        env=stage.clean_environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(1800):
        output, _ = await process.communicate()
    return figures(msgspec.json.decode(output.splitlines()[0]))


def figures(proof: dict[str, Any]) -> list[Figure]:
    of = f"of {proof['recipients']:,} recipients, {proof['kills']} kills"
    figures = [
        Figure(name=f"messages lost, {of}", value=proof["lost"], most=0),
        Figure(name="difference in credits", value=proof["credit_difference"], most=0),
        Figure(name="time", value=proof["seconds"], unit="s"),
    ]
    for name, mode in proof["modes"].items():
        words = name.replace("_", " ")
        figures.append(Figure(name=f"{words}: duplicates", value=mode["duplicates"], most=MOST_DOUBLED.get(name)))
        figures.append(Figure(name=f"{words}: outcome unknown", value=mode["unknown"]))
    return figures


MOST_DOUBLED = {"at_most_once": 0.0}
"""At least once doubles what was in flight at a kill, as it says."""
