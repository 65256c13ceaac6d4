"""Triggers: what starts a flow by itself. Words, calls, new conversations, the clock, closed tickets, opt-ins."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from msgspec import Struct

from trunkline.core import schedules
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.ids import new_uuid
from trunkline.core.jobs import job
from trunkline.flows import starts
from trunkline.flows.starts import NewStart
from trunkline.flows.stock import Rule, Stock

Kind = Literal[
    "keyword", "catch_all", "inbound_call", "missed_call", "new_conversation", "schedule", "closed_ticket", "referral",
    "opt_in", "opt_out",
]  # fmt: skip
Match = Literal["first_word", "only_word"]
KINDS: tuple[str, ...] = get_args(Kind)


class Trigger(Struct, frozen=True):
    """`groups` limit it to their members, `exclude_groups` keep theirs out; without groups it is for everybody.

    A schedule starts the flow for its groups and contacts. `channel_id` None is every channel.
    """

    id: int
    uuid: UUID
    kind: Kind
    flow_id: int
    channel_id: int | None
    keywords: list[str]
    match: Match | None
    referrer: str | None
    groups: list[int]
    exclude_groups: list[int]
    contacts: list[int]
    cron: str | None
    archived: bool
    created_at: datetime
    modified_at: datetime


class NewTrigger(Struct, frozen=True, kw_only=True):
    kind: Kind
    flow_id: int
    channel_id: int | None = None
    keywords: Sequence[str] = ()
    match: Match = "first_word"
    referrer: str | None = None
    groups: Sequence[int] = ()
    exclude_groups: Sequence[int] = ()
    contacts: Sequence[int] = ()
    cron: str | None = None
    timezone: str | None = None


async def create(tx: Tx, new: NewTrigger) -> Trigger:
    """A trigger in use. An older one for exactly the same goes to the archive."""
    _check(new)
    keywords = sorted({folded(word) for word in new.keywords})
    await tx.run(SUPERSEDE, tx.account, new.kind, keywords, new.channel_id, list(new.groups), new.referrer)
    uuid = new_uuid()
    match = new.match if new.kind == "keyword" else None
    columns = (uuid, new.kind, new.flow_id, new.channel_id, keywords, match, new.referrer)
    people = (list(new.groups), list(new.exclude_groups), list(new.contacts))
    trigger = await tx.maybe(Trigger, INSERT, tx.account, *columns, *people, new.cron)
    if trigger is None:
        raise NotFound("flow", new.flow_id)
    if new.cron:
        await schedules.every(
            tx, f"trigger:{uuid}", new.cron, fire_schedule, trigger.id, timezone=new.timezone or "UTC"
        )
    return trigger


async def get(tx: Tx, id: int) -> Trigger:
    trigger = await tx.maybe(Trigger, BY_ID, tx.account, id) if 0 < id < 2**63 else None
    if trigger is None:
        raise NotFound("trigger", id)
    return trigger


async def all_of(tx: Tx, *, archived: bool = False) -> list[Trigger]:
    """The newest first."""
    return await tx.fetch(Trigger, ALL, tx.account, archived)


async def zones(tx: Tx, schedules_of: Sequence[Trigger]) -> dict[int, str]:
    """By whose clock schedules fire, by trigger."""
    names = {f"trigger:{one.uuid}": one.id for one in schedules_of if one.cron}
    return {names[name]: zone for name, zone in (await schedules.zones(tx, list(names))).items()}


async def archive(tx: Tx, ids: Sequence[int]) -> list[int]:
    return await _stop(tx, await tx.rows(ARCHIVE, tx.account, list(ids)))


async def archive_for_flows(tx: Tx, flows: Sequence[int]) -> list[int]:
    """Triggers of flows that nobody can start any more."""
    return await _stop(tx, await tx.rows(ARCHIVE_FOR_FLOWS, tx.account, list(flows)))


async def delete(tx: Tx, id: int) -> None:
    trigger = await get(tx, id)
    await schedules.stop(tx, f"trigger:{trigger.uuid}")
    await tx.run(DELETE, tx.account, id)


@job("flow.trigger_scheduled")
async def fire_schedule(tx: Tx, id: int) -> None:
    """The time of a schedule has come: its flow starts for its groups and contacts."""
    trigger = await tx.maybe(Trigger, BY_ID, tx.account, id)
    if trigger is None or trigger.archived:
        return
    new = NewStart(
        flow_id=trigger.flow_id,
        origin="trigger",
        groups=trigger.groups,
        contacts=trigger.contacts,
        exclude_groups=trigger.exclude_groups,
    )
    await starts.create(tx, new)


def matching(
    stock: Stock,
    kind: Kind,
    groups: Collection[int],
    *,
    channel_id: int | None = None,
    text: str = "",
    referrer: str | None = None,
) -> tuple[Rule, str] | None:
    """The trigger that applies to a contact in these groups, and the keyword that it heard.

    The one that says most wins: a referrer before none, a channel before all, groups before everybody; then the newest.
    """
    words = [folded(word) for word in WORDS.findall(text)]
    found = [
        (rule, keyword)
        for rule in stock.triggers
        if rule.kind == kind
        and stock.flow(rule.flow_id)
        and (rule.channel_id is None or rule.channel_id == channel_id)
        and (rule.referrer is None or rule.referrer.lower() == (referrer or "").lower())
        and (not rule.groups or any(group in groups for group in rule.groups))
        and not any(group in groups for group in rule.exclude_groups)
        and (keyword := _keyword(rule, words)) is not None
    ]
    return max(found, key=lambda one: _weight(one[0]), default=None)


def folded(word: str) -> str:
    return word.strip().casefold()


def _keyword(rule: Rule, words: Sequence[str]) -> str | None:
    """The keyword of a rule that these words say; "" for rules that need none."""
    if rule.kind != "keyword":
        return ""
    if not words or (rule.match == "only_word" and len(words) > 1):
        return None
    return words[0] if words[0] in rule.keywords else None


def _weight(rule: Rule) -> tuple[bool, bool, bool, int]:
    return (rule.referrer is not None, rule.channel_id is not None, bool(rule.groups), rule.id)


def keyword_problem(keywords: Sequence[str]) -> str | None:
    """What is wrong with the words of a keyword trigger, as a sentence."""
    if not keywords:
        return "A keyword trigger needs keywords."
    if any(not re.fullmatch(r"[^\W_](?:[\w']*)", folded(word)) or len(word) > 16 for word in keywords):
        return "A keyword is one word of at most 16 letters and digits."
    return None


def _check(new: NewTrigger) -> None:
    problems: dict[str, list[str]] = {}
    if (new.kind == "keyword" or new.keywords) and (problem := keyword_problem(new.keywords)):
        problems["keywords"] = [problem]
    if (new.kind == "schedule") != (new.cron is not None):
        problems["cron"] = ["A schedule, and nothing else, needs its times."]
    if new.cron is not None and (problem := schedules.problem(new.cron, new.timezone or "UTC")):
        problems["cron"] = [problem]
    if new.kind == "schedule" and not new.groups and not new.contacts:
        problems["groups"] = ["A schedule needs groups or contacts."]
    if problems:
        raise Invalid(problems)


async def _stop(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> list[int]:
    for _, uuid, cron in rows:
        if cron:
            await schedules.stop(tx, f"trigger:{uuid}")
    return [id for id, *_ in rows]


WORDS = re.compile(r"[\w']+|[^\w\s]")

_COLUMNS = """id, uuid, kind, flow_id, channel_id, keywords, match, referrer, groups, exclude_groups, contacts, cron,
    archived, created_at, modified_at"""

INSERT = sql(f"""
    insert into flow_triggers (account_id, uuid, kind, flow_id, channel_id, keywords, match, referrer, groups,
        exclude_groups, contacts, cron)
    select $1, $2, $3, f.id, $5, $6, $7, $8, $9, $10, $11, $12
    from flows f where f.account_id = $1 and f.id = $4 and not f.archived
    returning {_COLUMNS}
""")

SUPERSEDE = sql("""
    update flow_triggers set archived = true, modified_at = now()
    where account_id = $1 and kind = $2 and kind <> 'schedule' and not archived and keywords = $3
        and channel_id is not distinct from $4 and groups = $5 and referrer is not distinct from $6
""")

BY_ID = sql(f"select {_COLUMNS} from flow_triggers where account_id = $1 and id = $2")

ALL = sql(f"select {_COLUMNS} from flow_triggers where account_id = $1 and archived = $2 order by id desc")

ARCHIVE = sql("""
    update flow_triggers set archived = true, modified_at = now()
    where account_id = $1 and id = any($2::bigint[]) and not archived returning id, uuid, cron
""")

ARCHIVE_FOR_FLOWS = sql("""
    update flow_triggers set archived = true, modified_at = now()
    where account_id = $1 and flow_id = any($2::bigint[]) and not archived returning id, uuid, cron
""")

DELETE = sql("delete from flow_triggers where account_id = $1 and id = $2")
