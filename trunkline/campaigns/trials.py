"""Trials: an A/B test asks a part of its audience first; the rest gets the subject that did better.

The part is drawn by a hash of contact and campaign. When the time is over, or somebody chooses by hand, a second
campaign is made of the winner and goes to the same audience without those that the first one wrote to.
"""

from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

from trunkline.campaigns import broadcasts, figures
from trunkline.campaigns.records import Broadcast, NewBroadcast, Progress
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid
from trunkline.core.jobs import job

By = Literal["opened", "clicked", "hand"]
BYS: tuple[By, ...] = get_args(By)
MOST_HOURS = 24 * 14
LOOK_AGAIN = timedelta(minutes=5)


class Terms(Struct, frozen=True):
    """`percent` of the audience are asked; after `hours` what more people `opened` or `clicked` goes to the rest."""

    percent: int
    hours: int
    by: By


def check(given: dict[str, Any]) -> dict[str, Any]:
    """The terms in their stored form; raises `Invalid`."""
    problems: dict[str, list[str]] = {}
    if not isinstance(percent := given.get("percent"), int) or not 1 <= percent <= 90:
        problems["trial.percent"] = ["Between 1 and 90."]
    if not isinstance(hours := given.get("hours"), int) or not 1 <= hours <= MOST_HOURS:
        problems["trial.hours"] = [f"Between 1 and {MOST_HOURS}."]
    if given.get("by") not in BYS:
        problems["trial.by"] = [f"One of {', '.join(BYS)}."]
    if problems:
        raise Invalid(problems)
    return {name: given[name] for name in Terms.__struct_fields__}


def is_open(broadcast: Broadcast) -> bool:
    """Whether nobody has decided yet."""
    return broadcast.trial is not None and "winner" not in broadcast.trial


def moment(broadcast: Broadcast) -> datetime | None:
    """When it will be decided; None where somebody does it by hand, has done so, or nothing was sent yet."""
    if not is_open(broadcast) or broadcast.started_at is None or (broadcast.trial or {})["by"] == "hand":
        return None
    return broadcast.started_at + timedelta(hours=(broadcast.trial or {})["hours"])


def part(id: int, audience: dict[str, Any], trial: dict[str, Any] | None) -> dict[str, Any]:
    """Who of an audience is written to first."""
    return {**audience, "sample": {"percent": trial["percent"], "seed": id}} if trial else audience


def plan(tx: Tx, id: int, trial: dict[str, Any]) -> None:
    """Have it decided when its time is over, counted from now."""
    if trial["by"] != "hand":
        decide.later(tx, id, key=f"trial:{id}", at=clock.now() + timedelta(hours=trial["hours"]))


@job("broadcast.decide")
async def decide(tx: Tx, id: int) -> None:
    """Choose the winner, unless somebody has; what still sends, or was paused, is looked at again."""
    broadcast = await broadcasts.lock(tx, id, *EVERY_STATE)
    if not is_open(broadcast) or broadcast.status in ("canceled", "failed"):
        return
    if broadcast.status != "sent":
        decide.later(tx, id, key=f"trial:{id}", at=clock.now() + LOOK_AGAIN)
        return
    await _finish(tx, broadcast, best(await figures.split(tx, broadcast), broadcast.trial or {}))


async def choose(tx: Tx, id: int, winner: int) -> Broadcast:
    """Send the rest this subject, by its number from 1 on. Returns the trial."""
    broadcast = await broadcasts.lock(tx, id, "sent", refusal="The trial is still being sent.")
    if not is_open(broadcast):
        raise Conflict("invalid_state", "The winner was chosen already.")
    if not 1 <= winner <= len(broadcast.variants or ()):
        raise Invalid({"winner": ["There is no such subject."]})
    return await _finish(tx, broadcast, winner)


def best(split: list[figures.Split], trial: dict[str, Any]) -> int:
    """The number of the subject that more people liked, by their share; of equals the first."""
    return 1 + max(range(len(split)), key=lambda n: (_rate(split[n].progress, trial["by"]), -n))


def _rate(progress: Progress, by: str) -> float:
    return (progress.clicked if by == "clicked" else progress.opened) / max(1, progress.handed_over)


async def _finish(tx: Tx, broadcast: Broadcast, winner: int) -> Broadcast:
    rest, why = None, ""
    try:
        rest = await _of_the_rest(tx, broadcast, winner)
        await broadcasts.send(tx, rest.id)
    except (Conflict, Invalid) as error:  # nobody is left, or what it needs is gone
        why = error.message
        if rest:
            await broadcasts.delete(tx, rest.id)
    told = {**(broadcast.trial or {}), "winner": winner, "rest": None if why or not rest else rest.id, "why": why}
    await tx.run(DECIDED, tx.account, broadcast.id, told)
    return msgspec.structs.replace(broadcast, trial=told)


async def _of_the_rest(tx: Tx, broadcast: Broadcast, winner: int) -> Broadcast:
    """A draft of the winner for everybody whom the trial did not write to."""
    subject = (broadcast.variants or [])[winner - 1]["subject"]
    left_out = broadcast.audience.get("exclude", {})
    asked = [*left_out.get("campaigns", ()), broadcast.id]
    new = NewBroadcast(
        name=f"{broadcast.name[:200]} ({subject})"[:255],
        channel=broadcast.channel,
        body=broadcast.body,
        html=broadcast.html,
        subject=subject,
        preview_text=broadcast.preview_text,
        channel_id=None if broadcast.pool else broadcast.channel_id,
        pool=broadcast.pool,
        template_id=broadcast.template_id,
        variables=broadcast.variables,
        audience={**broadcast.audience, "exclude": {**left_out, "campaigns": asked}},
        created_by=broadcast.created_by,
    )
    return await broadcasts.create(tx, new)


EVERY_STATE = ("draft", "scheduled", "sending", "paused", "sent", "canceled", "failed")

DECIDED = sql("update broadcasts set trial = $3, updated_at = now() where account_id = $1 and id = $2")
