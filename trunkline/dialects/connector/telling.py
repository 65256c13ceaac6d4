"""How the account's own webhook puts what happened: flat keys, read in a few statements for a batch of events."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trunkline.ai import events as ai
from trunkline.contacts import events as contacts
from trunkline.contacts import people
from trunkline.contacts.records import Contact
from trunkline.core import ids, opaque
from trunkline.core.db import Tx
from trunkline.core.events import Happened
from trunkline.dialects.base import Moment, moment
from trunkline.flows import facts, runs
from trunkline.inbox import sessions
from trunkline.inbox.events import MessagesFiled
from trunkline.messaging import told as messages
from trunkline.messaging.events import MessagesChanged
from trunkline.webhooks import signing
from trunkline.webhooks.deliveries import Told, Wants

AT_ONCE = 1000

Teller = Callable[[Tx, Sequence[Happened], Wants], Awaitable[list[Told]]]


class Envelope(Struct, frozen=True):
    """`id` is the same as `webhook-id` in the head: by it receivers know repeats."""

    event: str
    id: str
    timestamp: Moment
    data: dict[str, Any]


async def tell(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    """A batch of events of one type in the words of this dialect; nothing for what it has no words for."""
    name, teller = TELLERS.get(type(happened[0].event), ("", None))
    return await teller(tx, happened, wants) if teller and wants(name) else []


async def _created(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    return await _new(tx, [(one.event.contact_id, one.created_at) for one in happened])


async def _imported(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    return await _new(tx, [(id, one.created_at) for one in happened for id in one.event.created])


async def _new(tx: Tx, whom: Sequence[tuple[int, datetime]]) -> list[Told]:
    def data(contact: Contact, given: Any) -> dict[str, Any]:
        names = {"contactFirstName": contact.first_name, "contactLastName": contact.last_name}
        return names | {"channel": contact.source, "createdAt": moment(contact.created_at)}

    return await _told(tx, "new_contact", [(id, at, None) for id, at in whom], data)


async def _tagged(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    """A filter of tags is about the tag itself here, not about what else the contact has."""
    whom = [(id, one.created_at, one.event.name) for one in happened for id in one.event.added]
    return await _told(tx, "contact_tagged", whom, lambda contact, tag: {"tag": tag}, tags=lambda tag: [tag])


async def _received(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    return await _messages(tx, [(id, one.created_at) for one in happened for id, _ in one.event.filed])


async def _sent(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    """Told when the channel took it, once; what a campaign sends is no talk."""
    return await _messages(tx, [(id, one.created_at) for one in happened for id in one.event.taken])


async def _messages(tx: Tx, moves: Sequence[tuple[int, datetime]]) -> list[Told]:
    told: list[Told] = []
    for start in range(0, len(moves), AT_ONCE):
        portion = moves[start : start + AT_ONCE]
        found = await messages.spoken(tx, [id for id, _ in portion])
        whom = [(found[id].contact_id, at, found[id]) for id, at in portion if id in found]
        told += await _told(tx, "new_message", whom, lambda contact, row: _message(tx, row))
    return told


def _message(tx: Tx, row: messages.Spoken) -> dict[str, Any]:
    vault = tx.database.tools.vault
    id = opaque.write(vault, "message", row.id)
    data: dict[str, Any] = {
        "messageBody": row.text, "messageId": id, "messageSid": row.external_id or id, "channel": row.channel,
        "direction": "inbound" if row.direction == "in" else "outbound", "conversationId": None,
        "timestamp": moment(row.at),
    }  # fmt: skip
    if row.scheme in ("tel", "whatsapp"):
        data["contactPhone"] = row.shown_address
    if row.conversation_id is not None:
        data["conversationId"] = opaque.write(vault, "conversation", row.conversation_id)
    return data


async def _alerted(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    def data(contact: Contact, event: ai.HumanAlerted) -> dict[str, Any]:
        conversation = opaque.write(tx.database.tools.vault, "conversation", event.conversation_id)
        return {"reason": event.reason, "lastMessage": event.last_message, "conversationId": conversation}

    return await _told(tx, "human_alerted", [(o.event.contact_id, o.created_at, o.event) for o in happened], data)


async def _summarised(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    known = await sessions.latest(tx, [one.event.conversation_id for one in happened])

    def data(contact: Contact, event: ai.ConversationSummarised) -> dict[str, Any]:
        session = known.get(event.conversation_id)
        id = opaque.write(tx.database.tools.vault, "session", session) if session else None
        return {"summary": event.summary, "sessionId": id}

    whom = [(one.event.contact_id, one.created_at, one.event) for one in happened]
    return await _told(tx, "conversation_summary", whom, data)


async def _completed(tx: Tx, happened: Sequence[Happened], wants: Wants) -> list[Told]:
    ended = [(run, one.created_at) for one in happened for run in one.event.runs if run[3] == "completed"]
    answers = await runs.results(tx, [run[0] for run, _ in ended]) if ended else {}

    def data(contact: Contact, run: tuple[str, int, int, str]) -> dict[str, Any]:
        return {"flowId": opaque.write(tx.database.tools.vault, "flow", run[1]), "answers": answers[run[0]]}

    return await _told(tx, "flow_completed", [(run[2], at, run) for run, at in ended if run[0] in answers], data)


async def _told(
    tx: Tx,
    name: str,
    whom: Iterable[tuple[int, datetime, Any]],
    data: Callable[[Contact, Any], dict[str, Any]],
    tags: Callable[[Any], Sequence[str]] | None = None,
) -> list[Told]:
    """One for each contact and thing that happened; `data` adds to what is told of every contact."""
    vault, told, all_of = tx.database.tools.vault, [], list(whom)
    for start in range(0, len(all_of), AT_ONCE):
        portion = all_of[start : start + AT_ONCE]
        found = {row.id: row for row in await people.get_many(tx, [id for id, _, _ in portion])}
        for id, at, thing in portion:
            if contact := found.get(id):
                common = {
                    "contactId": opaque.write(vault, "contact", id), "contactPhone": contact.phone,
                    "contactEmail": contact.email,
                }  # fmt: skip
                uuid = ids.new_uuid()
                payload = Envelope(name, signing.webhook_id(uuid), moment(at), common | data(contact, thing))
                about = tags(thing) if tags else [tag.name for tag in contact.tags]
                told.append(Told(name, None, payload, about, uuid))
    return told


TELLERS: dict[type, tuple[str, Teller]] = {
    contacts.ContactCreated: ("new_contact", _created),
    contacts.ContactsImported: ("new_contact", _imported),
    contacts.TagsChanged: ("contact_tagged", _tagged),
    MessagesFiled: ("new_message", _received),
    MessagesChanged: ("new_message", _sent),
    ai.HumanAlerted: ("human_alerted", _alerted),
    ai.ConversationSummarised: ("conversation_summary", _summarised),
    facts.RunsEnded: ("flow_completed", _completed),
}
