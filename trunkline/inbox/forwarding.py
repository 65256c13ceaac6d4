"""Forwarding: a message goes on by mail to somebody else, with a word of one's own above it."""

from trunkline.core import clock, mailaddr
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid
from trunkline.inbox import conversations, history, replies
from trunkline.inbox.conversations import Conversation
from trunkline.inbox.history import Entry
from trunkline.messaging import channels, recipients

LINE = "---------- Forwarded message ----------"


async def forward(tx: Tx, message_id: int, to: str, comment: str, *, user_id: int) -> Conversation:
    """Mail a message and its files to an address; returns the conversation with whoever is there.

    It is the writer's. A mail goes on from the address at which it arrived, anything else from the account's own.
    """
    entry = await history.message(tx, message_id)
    source = await conversations.get(tx, entry.conversation_id)
    own = source.channel_id if source.channel == "email" else None
    channel = await channels.choose(tx, "email", own)
    try:
        address = mailaddr.parse(to.strip())
    except mailaddr.BadEmail as error:
        raise Invalid({"to": [str(error)]}) from None
    found = await recipients.resolve(tx, channel, [address], source="inbox")
    if address not in found:
        raise Invalid({"to": ["This address wants no mails."]}, code="recipient_opted_out")
    subject = f"Fwd: {entry.subject or source.subject or source.preview[:60]}".strip()
    made = await conversations.start(tx, found[address].contact_id, channel, subject=subject, user_id=user_id)
    text = _text(entry, source, comment, await _writer(tx, entry))
    attachments = [kept for kept in entry.attachments if kept.get("url")]
    await replies.reply(tx, made.id, text, user_id=user_id, subject=subject, attachments=attachments)
    return made


async def _writer(tx: Tx, entry: Entry) -> str:
    """Who said it: a colleague, or the contact by the address they wrote from."""
    if entry.direction == "out":
        return entry.user_name or ""
    return (await history.address(tx, entry.id)) or ""


def _text(entry: Entry, source: Conversation, comment: str, writer: str) -> str:
    head = [LINE, f"From: {writer}", f"Date: {clock.iso(entry.created_at)}"]
    if entry.subject or source.subject:
        head.append(f"Subject: {entry.subject or source.subject}")
    return "\n".join([*([comment.strip(), ""] if comment.strip() else []), *head, "", entry.body])
