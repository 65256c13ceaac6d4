"""Reaching out: a program writes to somebody on a channel that it names, in the conversation they have there."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.core import clock
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid
from trunkline.core.text import clean
from trunkline.core.urns import Urn
from trunkline.inbox import conversations
from trunkline.inbox.conversations import Conversation, Replied
from trunkline.messaging import recipients, sending
from trunkline.messaging.channels import Channel
from trunkline.messaging.recipients import Recipient
from trunkline.messaging.sending import Draft, Queued, Rejected

LETTERS_A_MINUTE = 500
"""How fast somebody types."""
UNWANTED = "The contact wants no messages."
MOST_PIECES = 30
"""Parts of one text that are sent as messages of their own."""


class Reached(Struct, frozen=True):
    """The messages in the order in which they go out."""

    conversation: Conversation
    messages: list[Queued]

    @property
    def credits(self) -> int:
        return sum(message.credits for message in self.messages)


async def write(
    tx: Tx,
    channel: Channel,
    contact_id: int,
    to: Urn,
    texts: Sequence[str],
    *,
    template_id: int | None = None,
    headers: dict[str, Any] | None = None,
) -> Reached:
    """Queue texts for a contact: the first one now, each further one when it could have been typed.

    The conversation with them on this channel opens, or opens again. Raises `Invalid` when nothing is said, when they
    want no messages, or when only a template may be sent.
    """
    texts = [shown for text in texts if (shown := visible(text))]
    if not texts:
        raise Invalid({"body": ["The body field is required."]})
    if await recipients.refused(tx, [contact_id]):
        raise Invalid(message=UNWANTED, code="recipient_opted_out")
    if template_id is None and await recipients.silent(tx, channel, [contact_id]):
        raise Invalid(message=recipients.TEMPLATE_REQUIRED, code="template_required")
    conversation = await conversations.start(tx, contact_id, channel)
    draft = Draft(
        contact_id=contact_id,
        to=to,
        template_id=template_id,
        conversation_id=conversation.id,
        headers=headers or {},
    )
    queued = [await _queue(tx, channel, draft, text, wait) for text, wait in zip(texts, _waits(texts), strict=True)]
    at = clock.now()
    replies = [
        Replied(conversation_id=conversation.id, message_id=one.id, text=text, at=at)
        for one, text in zip(queued, texts, strict=True)
    ]
    await conversations.replied(tx, replies)
    return Reached(conversation, queued)


async def write_to_phone(tx: Tx, channel: Channel, phone: str, texts: Sequence[str]) -> tuple[Recipient, Reached]:
    """The same for whoever has this phone number; an unknown one becomes a contact."""
    try:
        phone = recipients.read(channel.sends_as, phone)
    except ValueError as error:
        raise Invalid({"phoneNumber": [str(error)]}) from None
    found = await recipients.resolve(tx, channel, [phone], source="api")
    if phone not in found:
        raise Invalid(message=UNWANTED, code="recipient_opted_out")
    return found[phone], await write(tx, channel, found[phone].contact_id, found[phone].urn, texts)


def pieces(text: str) -> list[str]:
    """The parts of a text between blank lines."""
    parts = BLANK_LINES.split(text.replace("\r\n", "\n"))
    found = [shown for part in parts if (shown := visible(part))]
    if len(found) > MOST_PIECES:
        raise Invalid({"message": [f"The message field must not have more than {MOST_PIECES} parts."]})
    return found


def visible(text: str) -> str:
    """The text as it goes out; empty when nobody would see anything of it."""
    text = clean(text).strip()
    return text if VISIBLE.search(text) else ""


def _waits(texts: Sequence[str]) -> list[timedelta]:
    waits, minutes = [timedelta()], 0.0
    for text in texts[1:]:
        minutes += len(text) / LETTERS_A_MINUTE
        waits.append(timedelta(minutes=minutes))
    return waits


async def _queue(tx: Tx, channel: Channel, draft: Draft, text: str, wait: timedelta) -> Queued:
    draft = msgspec.structs.replace(draft, text=text)
    at = clock.now() + wait if wait else None
    [outcome] = await sending.queue_many(tx, channel, [draft], at=at)
    if isinstance(outcome, Rejected):
        raise Invalid(message=outcome.message, code=outcome.code)
    return outcome


BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
# A zero-width character or a soft hyphen by itself is nothing that anybody reads.
VISIBLE = re.compile(
    r"[^\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
