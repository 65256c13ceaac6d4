"""Posting: a program writes to a contact by whatever channel reaches them, and does not care which one."""

from collections.abc import Sequence
from typing import Any

import msgspec

from trunkline.accounts import accounts
from trunkline.contacts.people import Contact
from trunkline.core.db import Tx, sql
from trunkline.core.urns import Urn
from trunkline.inbox import conversations
from trunkline.inbox.conversations import Replied
from trunkline.messaging import recipients, routing, sending
from trunkline.messaging.channels import Channel
from trunkline.messaging.choices import Choice, stored
from trunkline.messaging.sending import Draft, Rejected


async def post(
    tx: Tx,
    contact: Contact,
    text: str,
    *,
    attachments: Sequence[dict[str, Any]] = (),
    choices: Sequence[Choice] = (),
    conversation_id: int | None = None,
) -> int:
    """Queue a message and return its id. It is kept as failed when nothing may or can be sent to them.

    It joins the conversation they have on that channel, or the named one, but opens none.
    """
    route = await routing.of_contact(tx, contact.id)
    draft = Draft(
        contact_id=contact.id,
        to=route[0] if route else Urn("", ""),
        text=text,
        attachments=list(attachments),
        quick_replies=stored(choices),
        conversation_id=conversation_id,
    )
    if route is None:
        return await sending.fail(tx, draft, "no_route")
    channel = route[1]
    draft = msgspec.structs.replace(draft, conversation_id=conversation_id or await _home(tx, contact.id, channel))
    if reason := await _refusal(tx, contact, channel):
        return await sending.fail(tx, draft, reason, channel)
    return await _queue(tx, channel, draft)


async def _queue(tx: Tx, channel: Channel, draft: Draft) -> int:
    if channel.sends_as == "email":
        draft = msgspec.structs.replace(draft, subject=(await accounts.current(tx)).name)
    [outcome] = await sending.queue_many(tx, channel, [draft])
    if isinstance(outcome, Rejected):
        return await sending.fail(tx, draft, "suppressed", channel)
    if draft.conversation_id is not None:
        home, at = draft.conversation_id, outcome.created_at
        reply = Replied(conversation_id=home, message_id=outcome.id, text=draft.text, at=at)
        await conversations.replied(tx, [reply])
    return outcome.id


async def _refusal(tx: Tx, contact: Contact, channel: Channel) -> str | None:
    if contact.status != "active":
        return f"contact_{contact.status}"
    return "template_required" if await recipients.silent(tx, channel, [contact.id]) else None


async def _home(tx: Tx, contact_id: int, channel: Channel) -> int | None:
    return await tx.value(int, HOME, tx.account, contact_id, channel.id)


HOME = sql("""
    select id from conversations
    where account_id = $1 and contact_id = $2 and channel_id = $3 and deleted_at is null
    order by last_message_at desc nulls last, id desc limit 1
""")
