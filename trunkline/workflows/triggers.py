"""Triggers: what sets workflows going. Each is fed by events; whom an event is about gets an execution each."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from trunkline.contacts import names
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.events import Happened
from trunkline.workflows import context, executions, scheduled
from trunkline.workflows.definition import Problems
from trunkline.workflows.executions import Beginning
from trunkline.workflows.scheduled import Scheduled

DEEPEST = 5
"""Automations that led to each other; what lies deeper sets nothing going, so that circles end."""
LONGEST_TEXT = 10_000

Text = Annotated[str, Meta(max_length=255)]
Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class Anything(Struct, frozen=True):
    """No conditions."""


class Email(Struct, frozen=True):
    subject_contains: Text | None = None
    body_contains: Text | None = None


class Updated(Struct, frozen=True):
    """`field` as in the API: email, city, custom_fields.plan …"""

    field: Text | None = None


class Tagged(Struct, frozen=True):
    tag_name: Text | None = None


class Moved(Struct, frozen=True):
    stage_id: Id | None = None


class Campaign(Struct, frozen=True):
    campaign_id: Id | None = None


class Form(Struct, frozen=True):
    form_id: Text | None = None


class Trigger(Struct, frozen=True):
    """`fits` judges by its config what happened; without one, everything fits."""

    config: type[Struct] = Anything
    fits: Callable[[Any, dict[str, Any]], bool] | None = None
    check: Callable[[Tx, Any], Awaitable[Problems]] | None = None


class Fired(Struct, frozen=True):
    """Something happened to `contacts`, in the words of `facts`. `workflow` is the one that is meant, if one is.

    `mark` tells apart what one event says of one contact more than once.
    """

    trigger: str
    contacts: Sequence[int | None]
    facts: dict[str, Any]
    more: dict[str, Any] = {}
    workflow: int | None = None
    mark: str = ""


async def email_received(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: somebody wrote a mail. What machines answer sets nothing going, or two of them never stop."""
    await _react(
        tx, happened, lambda event: [_mail(event)] if event.sends_as == "email" and not event.automatic else []
    )


async def contacts_created(tx: Tx, happened: Sequence[Happened]) -> None:
    def fired(event: Any) -> list[Fired]:
        return [Fired("contact_created", [event.contact_id], {"source": event.source})]

    await _react(tx, happened, fired)


async def contacts_changed(tx: Tx, happened: Sequence[Happened]) -> None:
    def fired(event: Any) -> list[Fired]:
        return [Fired("contact_updated", [event.contact_id], {"changed": event.changed})]

    await _react(tx, happened, fired)


async def contacts_imported(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: an import stands for what happened to each contact. Which fields it changed is not known."""

    def fired(event: Any) -> list[Fired]:
        return [
            Fired("contact_created", event.created, {"source": event.source}),
            Fired("contact_updated", event.updated, {"changed": []}),
        ]

    await _react(tx, happened, fired)


async def tags_changed(tx: Tx, happened: Sequence[Happened]) -> None:
    def fired(event: Any) -> list[Fired]:
        facts = {"tag_id": event.tag_id, "tag_name": event.name}
        return [Fired("tag_added", event.added, facts), Fired("tag_removed", event.removed, facts)]

    await _react(tx, happened, fired)


async def stages_changed(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: a deal moved. It is about the primary contact of its company, else about the one known longest."""
    companies = list({one.event.company_id for one in happened})
    found = {id: (name, contact) for id, name, contact in await tx.rows(PEOPLE, tx.account, companies)}
    stages = {one.event.stage_id for one in happened} | {one.event.previous_id for one in happened}
    named = dict(await tx.rows(STAGES, tx.account, [id for id in stages if id]))

    def fired(event: Any) -> list[Fired]:
        name, contact = found.get(event.company_id, (None, None))
        facts = {
            "deal_id": event.company_id,
            "deal_name": name,
            "stage_id": event.stage_id,
            "stage_name": named.get(event.stage_id),
            "previous_stage_id": event.previous_id,
            "previous_stage_name": named.get(event.previous_id),
        }
        return [Fired("deal_stage_changed", [contact], facts)]

    await _react(tx, happened, fired)


async def mails_opened(tx: Tx, happened: Sequence[Happened]) -> None:
    def fired(event: Any) -> list[Fired]:
        return [
            Fired("campaign_opened", [contact], {"campaign_id": broadcast, "message_id": message}, mark=f":{message}")
            for message, broadcast, contact in event.opened
            if broadcast
        ]

    await _react(tx, happened, fired)


async def mails_clicked(tx: Tx, happened: Sequence[Happened]) -> None:
    def fired(event: Any) -> list[Fired]:
        return [
            Fired(
                "campaign_clicked",
                [contact],
                {"campaign_id": broadcast, "message_id": message, "url": url},
                mark=f":{message}",
            )
            for message, broadcast, contact, url in event.clicked
            if broadcast
        ]

    await _react(tx, happened, fired)


async def called(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: somebody called a workflow's address, with a form or with whatever their program knows."""

    def fired(event: Any) -> list[Fired]:
        payload = event.payload
        facts: dict[str, Any] = {"form_id": payload.get("form_id", payload.get("form"))}
        return [
            Fired(trigger, [event.contact_id], facts, {"payload": payload}, event.id)
            for trigger in ("webhook_received", "form_submitted")
        ]

    await _react(tx, happened, fired)


async def _react(tx: Tx, happened: Sequence[Happened], fired: Callable[[Any], list[Fired]]) -> None:
    """Give each workflow that listens its executions, but those that caused it themselves."""
    moved = [(one, what) for one in happened if one.depth <= DEEPEST for what in fired(one.event) if what.contacts]
    if not moved:
        return
    names = sorted({what.trigger for _, what in moved})
    for listening in await tx.fetch(_Listening, LISTENING, tx.account, names):
        beginnings = [
            beginning for one, what in moved if _concerns(listening, one, what) for beginning in _beginnings(one, what)
        ]
        await executions.begin(tx, listening.id, beginnings)


class _Listening(Struct, frozen=True):
    id: int
    trigger: str
    config: dict[str, Any]


def _concerns(listening: _Listening, one: Happened, what: Fired) -> bool:
    if what.trigger != listening.trigger or what.workflow not in (None, listening.id):
        return False
    if one.cause == f"workflow:{listening.id}":
        return False
    trigger = TRIGGERS[listening.trigger]
    config = msgspec.convert(listening.config, trigger.config, strict=False)
    return trigger.fits is None or trigger.fits(config, what.facts)


def _beginnings(one: Happened, what: Fired) -> list[Beginning]:
    spoken_of = {"trigger": {"type": what.trigger, "at": clock.iso(one.created_at), **what.facts}, **what.more}
    return [Beginning(id, f"event:{one.id}:{id or ''}{what.mark}", spoken_of) for id in dict.fromkeys(what.contacts)]


def _mail(event: Any) -> Fired:
    facts = {
        "message_id": event.id,
        "channel_id": event.channel_id,
        "from": event.address,
        "subject": event.subject or "",
        "text": event.text[:LONGEST_TEXT],
    }
    return Fired("email_received", [event.contact_id], facts)


def _fits_email(config: Email, facts: dict[str, Any]) -> bool:
    wanted = ((config.subject_contains, facts["subject"]), (config.body_contains, facts["text"]))
    return all(not part or part.casefold() in text.casefold() for part, text in wanted)


def _fits_updated(config: Updated, facts: dict[str, Any]) -> bool:
    return not config.field or context.stored_name(config.field) in facts["changed"]


def _fits_tag(config: Tagged, facts: dict[str, Any]) -> bool:
    return not config.tag_name or names.key(config.tag_name) == names.key(facts["tag_name"])


def _fits_stage(config: Moved, facts: dict[str, Any]) -> bool:
    return config.stage_id is None or config.stage_id == facts["stage_id"]


def _fits_campaign(config: Campaign, facts: dict[str, Any]) -> bool:
    return config.campaign_id is None or config.campaign_id == facts["campaign_id"]


def _fits_form(config: Form, facts: dict[str, Any]) -> bool:
    return not config.form_id or str(facts["form_id"]) == config.form_id


async def _stage_exists(tx: Tx, config: Moved) -> Problems:
    if config.stage_id is None or await tx.rows(STAGES, tx.account, [config.stage_id]):
        return {}
    return {"stage_id": ["The selected stage_id is invalid."]}


async def _campaign_exists(tx: Tx, config: Campaign) -> Problems:
    if config.campaign_id is None or await tx.value(bool, CAMPAIGN, tx.account, config.campaign_id):
        return {}
    return {"campaign_id": ["The selected campaign_id is invalid."]}


TRIGGERS: dict[str, Trigger] = {
    "email_received": Trigger(Email, _fits_email),
    "contact_created": Trigger(),
    "contact_updated": Trigger(Updated, _fits_updated),
    "deal_stage_changed": Trigger(Moved, _fits_stage, _stage_exists),
    "tag_added": Trigger(Tagged, _fits_tag),
    "tag_removed": Trigger(Tagged, _fits_tag),
    "campaign_opened": Trigger(Campaign, _fits_campaign, _campaign_exists),
    "campaign_clicked": Trigger(Campaign, _fits_campaign, _campaign_exists),
    "form_submitted": Trigger(Form, _fits_form),
    "webhook_received": Trigger(),
    "scheduled": Trigger(Scheduled, None, scheduled.check),
}

LISTENING = sql("""
    select id, trigger, trigger_config as config from workflows
    where account_id = $1 and trigger = any($2::text[]) and status = 'active' and deleted_at is null order by id
""")

PEOPLE = sql("""
    select co.id, co.name, (
        select c.id from contacts c where c.account_id = $1 and c.company_id = co.id and c.deleted_at is null
        order by c.is_primary desc, c.id limit 1) as contact
    from companies co where co.account_id = $1 and co.id = any($2::bigint[])
""")

STAGES = sql("select id, name from stages where account_id = $1 and id = any($2::bigint[])")

CAMPAIGN = sql("select true from broadcasts where account_id = $1 and id = $2")
