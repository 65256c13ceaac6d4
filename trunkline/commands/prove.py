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
    flows: Annotated[int, "Prove flows instead: how many contacts talk to one."] = 0,
    json: bool = False,
) -> None:
    """Prove that nothing is lost or doubled when processes are killed."""
    if flows:
        _prove_flows(flows, kills, json)
        return
    if not 100 <= recipients <= 999_999 or not 0 <= kills <= recipients // 10:
        raise Refusal("prove takes 100 to 999999 recipients, and at most one kill for ten of them.")
    from trunkline.proof import proving

    with Progress("Reached", recipients) as progress:
        proof = asyncio.run(proving.prove(recipients, kills, progress.advance))
    sys.stdout.write(msgspec.json.encode(proof).decode() + "\n" if json else _report(proof))
    if proof.lost or proof.credit_difference or proof.modes["at_most_once"].duplicates:
        raise Refusal("The proof failed.", code="disproved")


def _prove_flows(contacts: int, kills: int, json: bool) -> None:
    if not 100 <= contacts <= 999_999 or not 0 <= kills <= contacts // 10:
        raise Refusal("prove takes 100 to 999999 contacts for --flows, and at most one kill for ten of them.")
    from trunkline.proof import talking

    with Progress("Texts written") as progress:
        talks = asyncio.run(talking.prove(contacts, kills, progress.advance))
    sys.stdout.write(msgspec.json.encode(talks).decode() + "\n" if json else _report_talks(talks))
    if not talks.held:
        raise Refusal("The proof failed.", code="disproved")


def _report_talks(talks: Any) -> str:
    lines = [
        f"{talks.contacts:,} contacts in a flow, {talks.kills} workers killed in {talks.seconds:.0f} s",
        f"  ended otherwise than undisturbed {talks.wrong}",
        f"  heard something twice            {talks.doubled}",
        f"  calls given up                   {talks.buried}",
    ]
    return "\n".join([*lines, ""])


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
