"""How the portal's webhooks put what happened: the payloads, read in one statement for a batch of events."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trunkline.billing.events import CreditsLow
from trunkline.campaigns import broadcasts
from trunkline.campaigns import events as campaigns
from trunkline.contacts import events as contacts
from trunkline.contacts import people
from trunkline.core.db import Tx
from trunkline.core.errors import NotFound
from trunkline.core.events import Happened
from trunkline.dialects.base import Moment, moment
from trunkline.dialects.portal import shapes
from trunkline.dialects.portal.message_shapes import Failure
from trunkline.inbox.events import MessagesFiled
from trunkline.messaging import callbook
from trunkline.messaging import events as messaging
from trunkline.messaging import told as messages
from trunkline.messaging.statuses import BOUNCES
from trunkline.messaging.told import Outgoing
from trunkline.webhooks.deliveries import Told, Wants

AT_ONCE = 1000

Teller = Callable[[Tx, Sequence[Happened], Wants], Awaitable[list[Told]]]


class Envelope(Struct, frozen=True):
    type: str
    timestamp: Moment
    data: Any


class MessageTold(Struct, frozen=True, omit_defaults=True):
    """`url` stands in `message.clicked` alone."""

    id: int | None
    channel: str
    to: str
    status: str
    template_key: str | None
    batch_id: str | None
    campaign_id: int | None
    contact_id: int | None
    error: Failure | None
    segments: int
    credits: int
    at: Moment
    url: str = ""


async def tell(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    """A batch of events of one type in the words of this dialect; nothing for what it has no words for."""
    teller = TELLERS.get(type(happened[0].event))
    return await teller(tx, happened, wants) if teller else []


async def _queued(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    if not wants("message.queued"):
        return []
    moves = [(id, "queued", None, one.created_at, "") for one in happened for id in one.event.ids]
    return await _messages(tx, "message.queued", moves)


async def _changed(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    """One for each message and status that somebody waits for; the rest is not even read."""
    told: list[Told] = []
    for status in ("sent", "delivered", "read", "failed"):
        names = [f"message.{status}", *(["message.bounced"] if status == "failed" else [])]
        if any(map(wants, names)):
            moves = [
                (id, status, reason, one.created_at, "")
                for one in happened
                for id, now, _, _, reason in one.event.changes
                if now == status
            ]
            told += await _messages(tx, f"message.{status}", moves)
    return told


async def _opened(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    if not wants("message.opened"):
        return []
    moves = [(id, "opened", None, one.created_at, "") for one in happened for id, _, _ in one.event.opened]
    return await _messages(tx, "message.opened", moves)


async def _clicked(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    if not wants("message.clicked"):
        return []
    moves = [(id, "clicked", None, one.created_at, url) for one in happened for id, _, _, url in one.event.clicked]
    return await _messages(tx, "message.clicked", moves)


Move = tuple[int, str, str | None, datetime, str]
"""Message, status, reason, moment, address of a link."""


async def _messages(tx: Tx, name: str, moves: Sequence[Move]) -> list[Told]:
    told: list[Told] = []
    for start in range(0, len(moves), AT_ONCE):
        portion = moves[start : start + AT_ONCE]
        found = await messages.outgoing(tx, [id for id, *_ in portion])
        for id, status, reason, at, url in portion:
            if row := found.get(id):
                told.append(_told(name, row, status, reason, at, url))
                if status == "failed" and row.channel == "email" and reason in BOUNCES:
                    told.append(_told("message.bounced", row, status, reason, at))
    return told


def _told(name: str, row: Outgoing, status: str, reason: str | None, at: datetime, url: str = "") -> Told:
    error = None
    if status == "failed":
        code = reason or row.reason or "failed"
        error = Failure(code, row.error or f"{code.replace('_', ' ').capitalize()}.", row.provider_code)
    data = MessageTold(
        row.id, row.channel, row.shown_address, status, row.template_key, row.batch, row.broadcast_id, row.contact_id,
        error, row.segments, row.credits, moment(at), url,
    )  # fmt: skip
    return _wrapped(name, at, data, row.channel)


async def _called(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    """In the words that the call's own webhook_url hears."""
    steps = [callbook.told(one.event) for one in happened]
    return [Told(step["type"], "voice", step) for step in steps if wants(step["type"])]


async def _received(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    """Told when the message has its conversation: within a second, and with its number."""
    if not wants("message.received"):
        return []
    filed = [(id, home, one.created_at) for one in happened for id, home in one.event.filed]
    told: list[Told] = []
    for start in range(0, len(filed), AT_ONCE):
        portion = filed[start : start + AT_ONCE]
        found = await messages.incoming(tx, [id for id, *_ in portion])
        for id, home, at in portion:
            if row := found.get(id):
                data = {
                    "id": row.id, "channel": row.channel, "from": row.shown_address,
                    "to": messages.shown(row.scheme, row.to), "body": row.text, "contact_id": row.contact_id,
                    "conversation_id": home, "media": row.attachments, "at": moment(row.created_at),
                }  # fmt: skip
                told.append(_wrapped("message.received", at, data, row.channel))
    return told


async def _created(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    return await _contacts(tx, "contact.created", [(one.event.contact_id, one) for one in happened], wants)


async def _updated(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    return await _contacts(tx, "contact.updated", [(one.event.contact_id, one) for one in happened], wants)


async def _status_changed(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    whom = [(id, one) for one in happened for id in one.event.contact_ids]
    return await _contacts(tx, "contact.updated", whom, wants)


async def _tagged(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    whom = [(id, one) for one in happened for id in (*one.event.added, *one.event.removed)]
    return await _contacts(tx, "contact.updated", whom, wants)


async def _imported(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    created = [(id, one) for one in happened for id in one.event.created]
    updated = [(id, one) for one in happened for id in one.event.updated]
    told = await _contacts(tx, "contact.created", created, wants)
    return told + await _contacts(tx, "contact.updated", updated, wants)


async def _deleted(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    whom = [(id, one) for one in happened for id in one.event.contact_ids]
    return await _contacts(tx, "contact.deleted", whom, wants)


async def _opted_out(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    """The contact, and where a mail was the reason that mail."""
    whom = [(one.event.contact_id, one) for one in happened if one.event.contact_id is not None]
    told = await _contacts(tx, "contact.opted_out", whom, wants)
    mails = [one for one in happened if one.event.kind == "email" and one.event.source in REASONS]
    mails = [one for one in mails if one.event.contact_id is not None and wants(REASONS[one.event.source])]
    if not mails:
        return told
    last = await messages.last_mails(tx, [(one.event.contact_id, one.event.address) for one in mails])
    for one in mails:
        name = REASONS[one.event.source]
        if row := last.get((one.event.contact_id, one.event.address)):
            told.append(_told(name, row, name.removeprefix("message."), None, one.created_at))
    return told


async def _contacts(tx: Tx, name: str, whom: Iterable[tuple[int, Happened]], wants: Wants) -> list[Told]:
    """Each contact once, however often it changed in the batch: the payload is the same."""
    last = dict(whom) if wants(name) else {}
    ids, told = list(last), []
    for start in range(0, len(ids), AT_ONCE):
        for row in await people.get_many(tx, ids[start : start + AT_ONCE], deleted=True):
            told.append(_wrapped(name, last[row.id].created_at, shapes.contact(row)))
    return told


async def _campaign(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    told: list[Told] = []
    for one in happened:
        name = CAMPAIGNS[type(one.event)]
        if not wants(name):
            continue
        try:
            row = await broadcasts.get(tx, one.event.id)
        except NotFound:  # deleted meanwhile: nobody can ask about it any more
            continue
        now = (await broadcasts.progress(tx, [row]))[row.id]
        stats = shapes.campaign_progress(row, now).stats
        data: dict[str, Any] = {"id": row.id, "name": row.name, "channel": row.channel, "stats": stats}
        if isinstance(one.event, campaigns.BroadcastFailed):
            data["reason"] = one.event.why
        told.append(_wrapped(name, one.created_at, data, row.channel))
    return told


async def _credits_low(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    if not wants("credits.low"):
        return []
    figures = [(one, {"balance": one.event.balance, "threshold": one.event.threshold}) for one in happened]
    return [_wrapped("credits.low", one.created_at, data) for one, data in figures]


def _wrapped(name: str, at: datetime, data: Any, channel: str | None = None) -> Told:
    return Told(name, channel, Envelope(name, moment(at), data))


REASONS = {"link": "message.unsubscribed", "complaint": "message.complained"}
"""Why somebody stopped, by where it came from."""

CAMPAIGNS: dict[type, str] = {
    campaigns.BroadcastStarted: "campaign.started",
    campaigns.BroadcastCompleted: "campaign.completed",
    campaigns.BroadcastFailed: "campaign.failed",
}

TELLERS: dict[type, Teller] = {
    messaging.MessagesQueued: _queued,
    messaging.MessagesChanged: _changed,
    messaging.CallChanged: _called,
    messaging.MailsOpened: _opened,
    messaging.MailsClicked: _clicked,
    MessagesFiled: _received,
    contacts.ContactCreated: _created,
    contacts.ContactUpdated: _updated,
    contacts.ContactStatusChanged: _status_changed,
    contacts.TagsChanged: _tagged,
    contacts.ContactsImported: _imported,
    contacts.ContactDeleted: _deleted,
    contacts.ContactOptedOut: _opted_out,
    campaigns.BroadcastStarted: _campaign,
    campaigns.BroadcastCompleted: _campaign,
    campaigns.BroadcastFailed: _campaign,
    CreditsLow: _credits_low,
}
