"""Scheduled: workflows that the clock sets going, once or again and again, for everybody of a group or for nobody."""

from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError
from msgspec import Meta, Struct

from trunkline.accounts import accounts, places
from trunkline.contacts import groups
from trunkline.core import clock, ids, schedules
from trunkline.core.db import Tx, sql
from trunkline.core.jobs import job
from trunkline.workflows import executions
from trunkline.workflows.definition import Node, Problems
from trunkline.workflows.executions import Beginning


class Scheduled(Struct, frozen=True):
    """`cron` has five fields, read by the clock of `timezone` or of the workspace; or `run_at` is one moment.

    With `group_id` each member gets an execution; without, there is one that is about no contact.
    """

    cron: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    run_at: datetime | None = None
    timezone: Annotated[str, Meta(max_length=100)] | None = None
    group_id: int | None = None


async def check(tx: Tx, config: Scheduled) -> Problems:
    problems: Problems = {}
    if (config.cron is None) == (config.run_at is None):
        problems["cron"] = ["Give either cron or run_at."]
    elif config.cron is not None and not _is_cron(config.cron):
        problems["cron"] = ["The cron must have five fields, like 0 9 * * 1 for Mondays at nine."]
    elif config.run_at is not None and (await _moment(tx, config)) <= clock.now():
        problems["run_at"] = ["The run at field must be a date after now."]
    if config.timezone is not None:
        try:
            places.timezone(config.timezone)
        except places.BadPlace as error:
            problems["timezone"] = [str(error)]
    if config.group_id is not None and not await groups.get_many(tx, [config.group_id]):
        problems["group_id"] = ["The selected group_id is invalid."]
    return problems


async def put(tx: Tx, workflow_id: int, trigger: Node | None) -> None:
    """Set the clock of a workflow that is put to work; one without a schedule has none."""
    await remove(tx, workflow_id)
    if trigger is None or trigger.subtype != "scheduled":
        return
    config = msgspec.convert(trigger.config, Scheduled, strict=False)
    if config.cron is not None:
        await schedules.every(tx, _name(workflow_id), config.cron, ring, workflow_id, timezone=await _zone(tx, config))
    elif config.run_at is not None:
        at = await _moment(tx, config)
        ring.later(tx, workflow_id, clock.iso(at), at=at)


async def remove(tx: Tx, workflow_id: int) -> None:
    await schedules.stop(tx, _name(workflow_id))


@job("workflow.ring")
async def ring(tx: Tx, workflow_id: int, mark: str | None = None, after: int = 0) -> None:
    """It is time: one execution, or one for each member of the group, a thousand at once. `mark` names the occasion."""
    found = await tx.value(dict, CONFIG, tx.account, workflow_id)
    if found is None:
        return
    config = msgspec.convert(found, Scheduled, strict=False)
    single = mark is not None and after == 0 and config.run_at is not None
    if single and (await _moment(tx, config)) > clock.now():
        return  # it was set to another moment since
    mark = mark or str(ids.new_uuid())
    context: dict[str, Any] = {"trigger": {"type": "scheduled", "at": clock.iso(clock.now())}}
    contacts: list[int | None] = [None]
    if config.group_id is not None:
        contacts = [*await groups.members(tx, config.group_id, after=after, limit=executions.PORTION)]
    beginnings = [Beginning(id, f"clock:{mark}:{id or ''}", context) for id in contacts]
    await executions.begin(tx, workflow_id, beginnings)
    if len(contacts) == executions.PORTION and contacts[-1]:
        ring.later(tx, workflow_id, mark, contacts[-1])


async def _moment(tx: Tx, config: Scheduled) -> datetime:
    """`run_at`; without a zone of its own it is read by the wall clock."""
    at = config.run_at
    assert at is not None
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(await _zone(tx, config)))).astimezone(UTC)


async def _zone(tx: Tx, config: Scheduled) -> str:
    if config.timezone is None:
        return (await accounts.current(tx)).timezone
    try:
        return places.timezone(config.timezone)
    except places.BadPlace:
        return "UTC"


def _is_cron(text: str) -> bool:
    try:
        return len(text.split()) == 5 and next(CronSim(text, clock.now()), None) is not None
    except CronSimError:
        return False


def _name(workflow_id: int) -> str:
    return f"workflow:{workflow_id}"


CONFIG = sql("""
    select trigger_config from workflows
    where account_id = $1 and id = $2 and status = 'active' and trigger = 'scheduled' and deleted_at is null
""")
