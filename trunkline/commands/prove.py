"""`trunkline prove`: processes are killed at random while a broadcast runs, and then the messages are counted."""

import asyncio
import sys
from typing import Annotated, Any

import msgspec

from trunkline.commands.progress import Progress
from trunkline.core.config import Settings
from trunkline.core.errors import Refusal


def prove(
    settings: Settings,
    /,
    *,
    recipients: Annotated[int, "How many people are written to."] = 100_000,
    kills: Annotated[int, "How many processes are killed."] = 50,
    json: bool = False,
) -> None:
    """Prove that nothing is lost or doubled when processes are killed."""
    if not 100 <= recipients <= 999_999 or not 0 <= kills <= recipients // 10:
        raise Refusal("prove takes 100 to 999999 recipients, and at most one kill for ten of them.")
    from trunkline.proof import proving

    with Progress("Reached", recipients) as progress:
        proof = asyncio.run(proving.prove(recipients, kills, progress.advance))
    sys.stdout.write(msgspec.json.encode(proof).decode() + "\n" if json else _report(proof))
    if proof.lost or proof.credit_difference or proof.modes["at_most_once"].duplicates:
        raise Refusal("The proof failed.", code="disproved")


def _report(proof: Any) -> str:
    lines = [
        f"{proof.recipients:,} recipients, {proof.kills} kills in {proof.seconds:.0f} s",
        f"  lost              {proof.lost}",
        f"  duplicates        {proof.duplicates}",
        f"  unknown           {proof.unknown}",
        f"  credit difference {proof.credit_difference}",
    ]
    for name, mode in proof.modes.items():
        lines.append(
            f"  {name}: {mode.recipients:,} recipients, {mode.lost} lost, {mode.duplicates} duplicates, "
            f"{mode.unknown} unknown"
        )
    return "\n".join([*lines, ""])
