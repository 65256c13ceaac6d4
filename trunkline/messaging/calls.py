"""Calls: messages that are spoken on the telephone. A call is its message's row, and how it went stands here."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.core import clock, phones
from trunkline.core.db import Tx, sql
from trunkline.core.egress import BadUrl
from trunkline.core.errors import Invalid, NotFound
from trunkline.messaging import channels, recipients, sending
from trunkline.messaging.channels import Channel
from trunkline.messaging.contents import MOST
from trunkline.messaging.recipients import Recipient
from trunkline.messaging.sending import Draft, Queued, Rejected

SOURCE = "api"
PATIENCE = timedelta(hours=1)
"""A call that could not be begun for so long is not wanted any more: nobody expects a phone to ring at night."""

Problems = dict[str, list[str]]


class Order(Struct, frozen=True, kw_only=True):
    """Whom to call and what to say. `voice` wins over `language`; `sender` must be the channel's own number."""

    to: str
    message: str
    webhook_url: str | None = None
    integration_id: int | None = None
    voice: str | None = None
    language: str | None = None
    sender: str | None = None


class Moment(Struct, frozen=True):
    status: str
    at: datetime


class Call(Struct, frozen=True):
    """`seconds` is how long somebody listened. `channel_id` may be the operator's."""

    id: int
    contact_id: int
    channel_id: int
    address: str
    text: str
    status: str
    reason: str | None
    error: str | None
    provider_code: str | None
    seconds: int | None
    credits: int
    webhook_url: str | None
    steps: list[dict[str, Any]]
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None

    @property
    def timeline(self) -> list[Moment]:
        """When it took each step, in order."""
        return sorted(msgspec.convert(self.steps, list[Moment]), key=lambda one: one.at)


async def initiate(tx: Tx, order: Order) -> Call:
    """Queue a call. Raises `Invalid` with everything that is wrong, `OutOfCredits` when it cannot be paid."""
    problems, code = _check(tx, order), None
    channel = None
    try:
        channel = await channels.choose(tx, "voice", order.integration_id)
        _check_sender(tx, channel, order.sender, problems)
    except Invalid as error:
        problems, code = {**problems, **error.fields}, error.code
    if problems or channel is None:
        raise Invalid(problems, code=code if len(problems) == 1 else None)
    recipient = await _reach(tx, channel, order.to)
    draft = Draft(contact_id=recipient.contact_id, to=recipient.urn, text=order.message, headers=_voice(order))
    [queued] = await sending.queue_many(tx, channel, [draft], expires_at=clock.now() + PATIENCE)
    if isinstance(queued, Rejected):
        raise Invalid({"to": [queued.message]}, code=queued.code)
    await note(tx, channel, [(draft, queued)], order.webhook_url)
    return await get(tx, queued.id)


async def note(tx: Tx, channel: Channel, queued: Sequence[tuple[Draft, Queued]], url: str | None = None) -> None:
    """Make calls of messages that have just been queued."""
    rows = [(taken.id, draft.contact_id, draft.to.path, taken.created_at) for draft, taken in queued]
    if rows:
        await tx.run(INSERT, tx.account, channel.id, url, *(list(column) for column in zip(*rows, strict=True)))


async def get(tx: Tx, id: int) -> Call:
    call = await tx.maybe(Call, SELECT, tx.account, id) if 0 < id < 2**63 else None
    if call is None:
        raise NotFound("call", id)
    return call


def _check(tx: Tx, order: Order) -> Problems:
    problems: Problems = {}
    try:
        if phones.is_extra_charged(recipients.read("voice", order.to)):
            problems["to"] = ["Numbers that bill whoever calls them are not called."]
    except ValueError as error:
        problems["to"] = [str(error)]
    if not order.message.strip():
        problems["message"] = ["The message field is required."]
    elif len(order.message) > MOST["voice"]:
        problems["message"] = [f"The message field must not be greater than {MOST['voice']} characters."]
    elif MARKUP.search(order.message):
        problems["message"] = ["The message is spoken as it stands; markup is not."]
    if order.webhook_url is not None:
        try:
            tx.database.tools.egress.check_url(order.webhook_url)
        except BadUrl as error:
            problems["webhook_url"] = [str(error)]
    return problems


def _check_sender(tx: Tx, channel: Channel, sender: str | None, problems: Problems) -> None:
    """A caller shows a number of its own."""
    if sender is None:
        return
    own = {channel.address, str(channels.open_sealed(tx.database.tools, channel).settings.get("from", ""))}
    if _bare(sender) not in {_bare(one) for one in own if one}:
        problems["from"] = ["This integration does not call from that number."]


async def _reach(tx: Tx, channel: Channel, to: str) -> Recipient:
    """The contact behind a number, made if nobody knows it, unless they want no calls."""
    number = recipients.read("voice", to)
    found = await recipients.resolve(tx, channel, [number], source=SOURCE)
    recipient = found.get(number)
    if recipient is None or await recipients.refused(tx, [recipient.contact_id]):
        raise Invalid({"to": ["The recipient has opted out."]}, code="recipient_opted_out")
    return recipient


def _voice(order: Order) -> dict[str, Any]:
    voice = order.voice or order.language
    return {"voice": voice} if voice else {}


def _bare(number: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", number)


MARKUP = re.compile(r"<[/!?]?[A-Za-z][^<>]*>")

INSERT = sql("""
    with spoken as (update messages set kind = 'call' where account_id = $1 and id = any($4::bigint[]))
    insert into calls (account_id, id, contact_id, channel_id, address, status, webhook_url, created_at, timeline)
    select $1, id, contact_id, $2, address, 'queued', $3, created_at,
        jsonb_build_array(jsonb_build_object('status', 'queued', 'at', created_at))
    from unnest($4::bigint[], $5::bigint[], $6::text[], $7::timestamptz[]) as c (id, contact_id, address, created_at)
""")

SELECT = sql("""
    select c.id, c.contact_id, c.channel_id, c.address, coalesce(m.body, '') as text, c.status, c.reason, c.error,
        c.provider_code, c.seconds, m.credits, c.webhook_url, c.timeline as steps, c.created_at, c.answered_at,
        c.ended_at
    from calls c join messages m on m.account_id = c.account_id and m.id = c.id
    where c.account_id = $1 and c.id = $2
""")
