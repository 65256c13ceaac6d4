"""Speech: the messages of sprints, queued channel by channel and filed in the conversations that they belong to."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from trunkline.core.db import Tx, sql
from trunkline.core.errors import OutOfCredits
from trunkline.core.urns import Urn
from trunkline.flows import addresses
from trunkline.flows.events import IvrCreated, MsgCreated, MsgOut
from trunkline.flows.logs import Entry
from trunkline.flows.outcomes import Done
from trunkline.flows.stock import Stock
from trunkline.inbox import conversations
from trunkline.inbox.conversations import Replied
from trunkline.messaging import choices, sending
from trunkline.messaging import spoken as words
from trunkline.messaging.channels import Channel
from trunkline.messaging.choices import Choice
from trunkline.messaging.sending import Draft, Queued, Rejected

Spoken = tuple[Done, MsgCreated]
Key = tuple[int, int]
"""A channel and a lane."""


async def queue(tx: Tx, stock: Stock, spoken: Sequence[Spoken]) -> list[Entry]:
    """Queue messages in order; returns entries for the log about those that cannot be sent."""
    problems: list[Entry] = []
    lines: dict[Key, list[tuple[Done, Draft]]] = {}
    homes = await _homes(tx, stock, spoken)
    for one, event in spoken:
        channel = stock.channels.get(event.msg.channel.uuid) if event.msg.channel else None
        if event.msg.unsendable_reason or channel is None:
            problems.append(_unsendable(one, event.msg))
            continue
        home = homes.get((one.part.member.id, channel.id))
        draft = _draft(stock, one, event, channel, home)
        lines.setdefault((channel.id, one.part.lane), []).append((one, draft))
    by_id = {channel.id: channel for channel in stock.channels.values()}
    for (channel_id, lane), drafts in lines.items():
        problems += await _queue_line(tx, by_id[channel_id], lane, drafts)
    return problems


async def tell(tx: Tx, stock: Stock, said: Sequence[tuple[Done, IvrCreated]]) -> None:
    """Keep what is said in calls; whoever holds the line says it."""
    lines: dict[int, list[Draft]] = {}
    for one, event in said:
        if event.msg.channel and (channel := stock.channels.get(event.msg.channel.uuid)):
            lines.setdefault(channel.id, []).append(_draft(stock, one, event, channel, None))
    for channel_id, drafts in lines.items():
        await words.say(tx, channel_id, drafts)


async def _queue_line(tx: Tx, channel: Channel, lane: int, drafts: list[tuple[Done, Draft]]) -> list[Entry]:
    outcomes = await paid(tx, channel, lane, [draft for _, draft in drafts])
    problems, replies = [], []
    for (one, draft), outcome in zip(drafts, outcomes, strict=True):
        if isinstance(outcome, Rejected):
            problems.append(problem(one, outcome.message, outcome.code))
        elif draft.conversation_id is not None:
            at = outcome.created_at
            home = draft.conversation_id
            replies.append(Replied(conversation_id=home, message_id=outcome.id, text=draft.text, at=at))
    await conversations.replied(tx, replies)
    return problems


async def paid(
    tx: Tx, channel: Channel, lane: int, drafts: list[Draft], expires_at: datetime | None = None
) -> list[Queued | Rejected]:
    """All together, or one by one when the credits do not suffice for all."""
    try:
        return await sending.queue_many(tx, channel, drafts, lane=lane, expires_at=expires_at)
    except OutOfCredits as error:
        if len(drafts) == 1:
            return [Rejected(error.code, error.message)]
    return [outcome for draft in drafts for outcome in await paid(tx, channel, lane, [draft], expires_at)]


async def _homes(tx: Tx, stock: Stock, spoken: Sequence[Spoken]) -> dict[Key, int]:
    """The living conversation for each contact and channel; that of the message which is answered comes first."""
    wanted = {
        (one.part.member.id, stock.channels[event.msg.channel.uuid].id)
        for one, event in spoken
        if event.msg.channel and event.msg.channel.uuid in stock.channels
    }
    heard = {(one.part.member.id, one.part.heard.channel_id): one.part.heard for one, _ in spoken if one.part.heard}
    homes = {key: home for key, message in heard.items() if (home := message.conversation_id)}
    rest = sorted(wanted - homes.keys())
    if rest:
        contacts, channels = zip(*rest, strict=True)
        for contact, channel, conversation in await tx.rows(HOMES, tx.account, list(contacts), list(channels)):
            homes[contact, channel] = conversation
    return homes


def _draft(stock: Stock, one: Done, event: MsgCreated | IvrCreated, channel: Channel, home: int | None) -> Draft:
    msg, to = event.msg, addresses.read(event.msg.urn)
    flow = stock.flows.get(one.part.flow_id)
    return Draft(
        contact_id=one.part.member.id,
        to=Urn(to.scheme, to.path),
        uuid=UUID(event.uuid),
        text=msg.text,
        subject=(flow.name if flow else None) if channel.sends_as == "email" else None,
        attachments=[attachment(text) for text in msg.attachments],
        quick_replies=choices.stored([Choice(one.text, one.extra, one.type) for one in msg.quick_replies]),
        template_id=stock.templates.get(msg.templating.template.uuid) if msg.templating else None,
        conversation_id=home,
        flow_id=one.part.flow_id or None,
        broadcast_id=one.part.broadcast_id,
    )


def attachment(text: str) -> dict[str, str]:
    """`image/jpeg:https://…` as messages keep it."""
    content_type, _, url = text.partition(":")
    return {"content_type": content_type, "url": url, "name": url.rpartition("/")[2][:255]}


def _unsendable(one: Done, msg: MsgOut) -> Entry:
    reason = msg.unsendable_reason or "no_route"
    return problem(one, f"Not sent ({REASONS.get(reason, reason)}): {msg.text[:200]}", reason)


def problem(one: Done, text: str, code: str) -> Entry:
    return Entry(kind="error", ok=False, flow_id=one.part.flow_id, contact_id=one.part.member.id, text=text, code=code)


REASONS = {
    "no_route": "the contact has no address that a channel reaches",
    "no_template": "the contact has not written lately, so only a template may be sent",
    "contact_blocked": "the contact is blocked",
    "contact_stopped": "the contact has opted out",
    "contact_archived": "the contact is archived",
}

HOMES = sql("""
    select wanted.contact_id, wanted.channel_id, c.id
    from unnest($2::bigint[], $3::bigint[]) as wanted (contact_id, channel_id)
    cross join lateral (
        select id from conversations
        where account_id = $1 and contact_id = wanted.contact_id and channel_id = wanted.channel_id
            and deleted_at is null
        order by last_message_at desc nulls last, id desc limit 1
    ) c
""")
