"""Conditions: the contact opened a mail of ours, or followed a link of one, within the last hours."""

from typing import Annotated

from msgspec import Meta, Struct

from trunkline.core.db import Tx, sql
from trunkline.workflows.steps.base import Outcome, Scene, Step


class Config(Struct, frozen=True):
    """Mails of campaigns and of workflows count, what machines open does not. Without `within_hours`, ever."""

    within_hours: Annotated[float, Meta(gt=0, le=87_600)] | None = None


async def opened(tx: Tx, scene: Scene, config: Config) -> Outcome:
    return Outcome(branch=bool(await tx.value(bool, OPENED, tx.account, scene.contact_id, config.within_hours)))


async def clicked(tx: Tx, scene: Scene, config: Config) -> Outcome:
    return Outcome(branch=bool(await tx.value(bool, CLICKED, tx.account, scene.contact_id, config.within_hours)))


OPENED, CLICKED = (
    sql(f"""
        select exists (
            select from engagements where account_id = $1 and contact_id = $2 and {moment} is not null
                and ($3::float8 is null or {moment} > now() - make_interval(secs => $3 * 3600)))
    """)
    for moment in ("opened_at", "clicked_at")
)

EMAIL_OPENED = Step(config=Config, run=opened)
EMAIL_CLICKED = Step(config=Config, run=clicked)
