"""Dispatches: messages as programs ask for them, one content for one address or hundreds.

Everything is done for all recipients together: a handful of statements, whatever their number.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trunkline.contacts.records import checked_values
from trunkline.core import ids, text
from trunkline.core.db import Tx
from trunkline.core.egress import BadUrl
from trunkline.core.errors import Invalid
from trunkline.messaging import channels, contents, moments, recipients, sending
from trunkline.messaging.channels import Channel
from trunkline.messaging.contents import Content, Said, Unfit
from trunkline.messaging.recipients import Recipient
from trunkline.messaging.sending import Draft, Queued

MOST_RECIPIENTS = 500
SOURCE = "api"

Problems = dict[str, list[str]]


class Item(Struct, frozen=True):
    """One recipient as the caller wrote it; its variables win over the shared ones."""

    to: str
    variables: Mapping[str, Any] = {}


class Dispatch(Struct, frozen=True, kw_only=True):
    """What to send. `at` in the past means now; `callback_url` is told what becomes of the message."""

    channel: str
    template_key: str | None = None
    body: str | None = None
    subject: str | None = None
    variables: Mapping[str, Any] = {}
    integration_id: int | None = None
    sms_routing: str | None = None
    at: datetime | None = None
    metadata: Mapping[str, Any] = {}
    callback_url: str | None = None


class Taken(Struct, frozen=True):
    to: str
    contact_id: int
    queued: Queued


class Refused(Struct, frozen=True):
    """Why one recipient gets nothing; `problems` by field of the recipient."""

    to: str
    code: str
    problems: Problems

    @property
    def message(self) -> str:
        return next(iter(self.problems.values()))[0]


class Sent(Struct, frozen=True):
    """The channel that carries it, and one outcome for each item in order. `at` is None for now."""

    channel: Channel
    outcomes: list[Taken | Refused]
    at: datetime | None
    batch: str | None = None


async def send(tx: Tx, dispatch: Dispatch, item: Item) -> Sent:
    """Queue one message. Raises `Invalid` with everything that is wrong, `OutOfCredits` when it cannot be paid."""
    ready = await _prepare(tx, dispatch, [item])
    [read] = ready.readings
    problems = {**ready.problems, **(read.problems if isinstance(read, Refused) else {})}
    if problems:
        raise _invalid(problems, ready.code)
    sent = await _queue(tx, dispatch, ready, None)
    [outcome] = sent.outcomes
    if isinstance(outcome, Refused):
        raise Invalid(outcome.problems, code=outcome.code)
    return sent


async def send_batch(tx: Tx, dispatch: Dispatch, items: Sequence[Item]) -> Sent:
    """Queue a message for each good recipient; bad ones are told in their outcome.

    Raises `Invalid` when the content is wrong or every recipient is bad. Credits are reserved for all together: when
    they do not suffice, `OutOfCredits` is raised and nothing is queued.
    """
    ready = await _prepare(tx, dispatch, items)
    if ready.problems:
        raise _invalid(ready.problems, ready.code)
    sent = await _queue(tx, dispatch, ready, f"b_{ids.token(20)}")
    refused = [outcome for outcome in sent.outcomes if isinstance(outcome, Refused)]
    if len(refused) == len(items):
        raise Invalid(
            {f"recipients.{n}.{field}": told for n, one in enumerate(refused) for field, told in one.problems.items()}
        )
    return sent


class _Reading(Struct, frozen=True):
    """A recipient whose address and variables are fine."""

    to: str
    said: Said


class _Ready(Struct):
    """All that could be judged before anything is written."""

    channel: Channel | None = None
    content: Content | None = None
    readings: list[_Reading | Refused] = []
    problems: Problems = {}
    code: str | None = None


async def _prepare(tx: Tx, dispatch: Dispatch, items: Sequence[Item]) -> _Ready:
    ready = _Ready(problems=_check(tx, dispatch))
    try:
        ready.content = await contents.read(
            tx, dispatch.channel, template_key=dispatch.template_key, body=dispatch.body, subject=dispatch.subject
        )
    except Invalid as error:
        ready.problems |= error.fields
    try:
        ready.channel = await channels.choose(tx, dispatch.channel, dispatch.integration_id, dispatch.sms_routing)
    except Invalid as error:
        ready.code = error.code if not ready.problems else None
        ready.problems |= error.fields
    seen: set[str] = set()
    ready.readings = [_read(dispatch, ready.content, item, seen) for item in items]
    return ready


def _check(tx: Tx, dispatch: Dispatch) -> Problems:
    problems: Problems = {}
    for check in (
        lambda: moments.later(dispatch.at),
        lambda: text.check_values(dispatch.variables),
        lambda: checked_values(dispatch.metadata, "metadata", most_bytes=8192),
    ):
        try:
            check()
        except Invalid as error:
            problems |= error.fields
    if dispatch.callback_url is not None:
        try:
            tx.database.tools.egress.check_url(dispatch.callback_url)
        except BadUrl as error:
            problems["callback_url"] = [str(error)]
    return problems


def _read(dispatch: Dispatch, content: Content | None, item: Item, seen: set[str]) -> _Reading | Refused:
    """The recipient's address and words. Problems of both are told; the code is that of the first."""
    problems: Problems = {}
    code, to, said = "", item.to, None
    try:
        to = recipients.read(dispatch.channel, item.to)
        if to in seen:
            return Refused(to, "duplicate_recipient", {"to": ["This recipient is in the batch already."]})
        seen.add(to)
    except ValueError as error:
        code = "invalid_recipient"
        problems["to"] = [str(error)]
    try:
        text.check_values(item.variables)
        said = content.render({**dispatch.variables, **item.variables}) if content else None
    except Invalid as error:
        code = code or "invalid_variables"
        problems |= error.fields
    except Unfit as error:
        code = code or error.code
        problems[error.field] = [error.message]
    return Refused(to, code, problems) if problems else _Reading(to, said or NOTHING)


async def _queue(tx: Tx, dispatch: Dispatch, ready: _Ready, batch: str | None) -> Sent:
    channel, content = ready.channel, ready.content
    assert channel is not None
    assert content is not None
    readings = [reading for reading in ready.readings if isinstance(reading, _Reading)]
    found = await recipients.resolve(tx, channel, [reading.to for reading in readings], source=SOURCE)
    outcomes: dict[str, Taken | Refused] = dict(await _unreachable(tx, channel, content, readings, found))
    at = moments.later(dispatch.at)
    drafts = {r.to: _draft(dispatch, content, found[r.to], r.said) for r in readings if r.to not in outcomes}
    queued = await sending.queue_many(tx, channel, list(drafts.values()), at=at, batch=batch, judged=True)
    for (to, draft), outcome in zip(drafts.items(), queued, strict=True):
        if isinstance(outcome, Queued):
            outcomes[to] = Taken(to, draft.contact_id, outcome)
        else:
            outcomes[to] = Refused(to, outcome.code, {"to": [outcome.message]})
    in_order = [outcomes[reading.to] if isinstance(reading, _Reading) else reading for reading in ready.readings]
    return Sent(channel, in_order, at, batch)


async def _unreachable(
    tx: Tx, channel: Channel, content: Content, readings: Sequence[_Reading], found: Mapping[str, Recipient]
) -> dict[str, Refused]:
    """Who must not get this: opted out, blocked, not to be disturbed, or silent where only templates may be sent."""
    contacts = [recipient.contact_id for recipient in found.values()]
    unwanted = await recipients.refused(tx, contacts) if contacts else set()
    silent = await recipients.silent(tx, channel, contacts) if content.template_id is None else set()
    refusals: dict[str, Refused] = {}
    for to in (reading.to for reading in readings):
        recipient = found.get(to)
        if recipient is None or recipient.contact_id in unwanted:
            refusals[to] = Refused(to, "recipient_opted_out", {"to": ["The recipient has opted out."]})
        elif recipient.contact_id in silent:
            refusals[to] = Refused(to, "template_required", {"body": [recipients.TEMPLATE_REQUIRED]})
    return refusals


def _draft(dispatch: Dispatch, content: Content, recipient: Recipient, said: Said) -> Draft:
    metadata = {"metadata": dispatch.metadata, "callback_url": dispatch.callback_url}
    return Draft(
        contact_id=recipient.contact_id,
        to=recipient.urn,
        text=said.text,
        html=said.html,
        subject=said.subject,
        template_id=content.template_id,
        metadata={name: value for name, value in metadata.items() if value},
    )


def _invalid(problems: Problems, code: str | None) -> Invalid:
    """A routing problem keeps its own code while it is the only one."""
    return Invalid(problems, code=code if code and len(problems) == 1 else None)


NOTHING = Said("", None, None)
