"""Replies: what agents write in a conversation, to the contact or as a note to each other."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trunkline.contacts import urns
from trunkline.core import mailaddr
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid
from trunkline.core.html import clean_html, is_html, to_text
from trunkline.core.text import clean
from trunkline.core.urns import Urn
from trunkline.inbox import conversations, history, notes, threads
from trunkline.inbox.conversations import Conversation, Replied
from trunkline.inbox.history import Entry
from trunkline.messaging import channels, recipients, sending
from trunkline.messaging.channels import Channel
from trunkline.messaging.sending import Draft, Rejected

ANSWERED = 10
"""How many earlier mails an answer names."""
RICH = ("email", "web_chat")
"""Where HTML is shown; elsewhere only its text goes out."""


async def reply(
    tx: Tx,
    conversation_id: int,
    text: str,
    html: str | None = None,
    *,
    user_id: int | None,
    internal: bool = False,
    cc: Sequence[str] = (),
    bcc: Sequence[str] = (),
    by_ai: bool = False,
    marks: dict[str, Any] | None = None,
    attachments: Sequence[dict[str, Any]] = (),
    subject: str | None = None,
    at: datetime | None = None,
    template_id: int | None = None,
) -> Entry:
    """Queue a reply to the contact, or with `internal` leave a note. Either text or HTML may be missing.

    `user_id` None is an automation, which neither reopens the conversation nor counts as a first response. What an
    assistant wrote is counted as such. `marks` are headers for the channel. `subject` stands in place of the
    conversation's own on a mail; with `at` the reply waits until then. With `template_id` the text is that approved
    template's, which may be sent at any time.
    """
    conversation = await conversations.get(tx, conversation_id)
    text, html = _both(conversation.channel, text, html)
    if internal:
        return await history.note(tx, (await notes.add(tx, conversation.id, text, user_id)).id)
    channel = await channels.get(tx, conversation.channel_id)
    headers = await _mail_headers(tx, conversation, cc, bcc) if conversation.channel == "email" else {}
    to = await _address(tx, conversation, channel)
    said = _Said(text, html, subject, list(attachments), at, template_id)
    return await _send(tx, conversation, channel, to, said, headers | (marks or {}), user_id, by_ai)


async def start(
    tx: Tx,
    contact_id: int,
    sends_as: str,
    text: str,
    html: str | None = None,
    *,
    subject: str | None = None,
    priority: str = "normal",
    user_id: int | None = None,
) -> Conversation:
    """Write to a contact first, on the account's channel of that kind; the conversation is the writer's."""
    channel = await channels.choose(tx, sends_as)
    text, html = _both(sends_as, text, html)
    conversation = await conversations.start(
        tx, contact_id, channel, subject=subject, priority=priority, user_id=user_id
    )
    to = await _address(tx, conversation, channel)
    headers = await _mail_headers(tx, conversation) if sends_as == "email" else {}
    await _send(tx, conversation, channel, to, _Said(text, html), headers, user_id)
    return await conversations.get(tx, conversation.id)


def parts(body: str) -> tuple[str, str | None]:
    """Text and HTML of a body that may be either: plain text keeps its line breaks."""
    return ("", body) if is_html(body) else (body, None)


def _both(sends_as: str, text: str, html: str | None) -> tuple[str, str | None]:
    clean_text, cleaned = clean(text), clean_html(clean(html)) if html else None
    return clean_text or to_text(cleaned or ""), cleaned if sends_as in RICH else None


class _Said(Struct, frozen=True):
    text: str
    html: str | None
    subject: str | None = None
    attachments: list[dict[str, Any]] = []
    at: datetime | None = None
    template_id: int | None = None


async def _send(
    tx: Tx,
    conversation: Conversation,
    channel: Channel,
    to: Urn,
    said: _Said,
    headers: dict[str, Any],
    user_id: int | None,
    by_ai: bool = False,
) -> Entry:
    if not (said.text.strip() or said.attachments):
        raise Invalid({"body": ["The body field is required."]})
    if said.template_id is None and await recipients.silent(tx, channel, [conversation.contact_id]):
        raise Invalid({"body": [recipients.TEMPLATE_REQUIRED]}, code="template_required")
    draft = Draft(
        contact_id=conversation.contact_id,
        to=to,
        text=said.text,
        html=said.html,
        subject=(said.subject or _subject(conversation, headers)) if conversation.channel == "email" else None,
        attachments=said.attachments,
        headers=headers,
        template_id=said.template_id,
        conversation_id=conversation.id,
        user_id=user_id,
    )
    [outcome] = await sending.queue_many(tx, channel, [draft], lane=sending.REPLY, at=said.at)
    if isinstance(outcome, Rejected):
        raise Invalid(message=outcome.message, code=outcome.code)
    shown = said.text or said.attachments[0].get("name") or ""
    at, home, id = outcome.created_at, conversation.id, outcome.id
    sent = Replied(conversation_id=home, message_id=id, text=shown, at=at, user_id=user_id, by_ai=by_ai)
    await conversations.replied(tx, [sent])
    return await history.message(tx, outcome.id)


async def _address(tx: Tx, conversation: Conversation, channel: Channel) -> Urn:
    """Where the contact wrote from last, else their preferred address for the channel."""
    for scheme, path in await tx.rows(LAST_ADDRESS, tx.account, conversation.id, channel.id):
        return Urn(scheme, path)
    known = await urns.of(tx, [conversation.contact_id])
    for record in known[conversation.contact_id]:
        if record.scheme in channel.schemes:
            return record.urn
    raise Invalid({"contact_id": [f"The contact has no address for {channel.sends_as}."]}, code="no_address")


def _subject(conversation: Conversation, headers: dict[str, Any]) -> str:
    subject = conversation.subject or ""
    plain = threads.key("email", subject) == subject.strip().lower()[: threads.LENGTH]
    return f"Re: {subject}" if plain and "in_reply_to" in headers else subject


async def _mail_headers(
    tx: Tx, conversation: Conversation, cc: Sequence[str] = (), bcc: Sequence[str] = ()
) -> dict[str, Any]:
    """What puts a mail into the reader's thread, and who else gets it."""
    headers: dict[str, Any] = {}
    earlier = await tx.column(str, EARLIER, tx.account, conversation.id, ANSWERED)
    if earlier:
        headers = {"in_reply_to": earlier[0], "references": earlier[::-1]}
    for name, copies in (("cc", cc), ("bcc", bcc)):
        if copies:
            headers[name] = _parsed(f"{name}_emails", copies)
    return headers


def _parsed(field: str, addresses: Sequence[str]) -> list[str]:
    good, fields = [], {}
    for position, address in enumerate(addresses):
        try:
            good.append(mailaddr.parse(address))
        except mailaddr.BadEmail as error:
            fields[f"{field}.{position}"] = [str(error)]
    if fields:
        raise Invalid(fields)
    return good


LAST_ADDRESS = sql("""
    select scheme, address from messages where account_id = $1 and conversation_id = $2 and channel_id = $3
    order by direction = 'in' desc, id desc limit 1
""")

EARLIER = sql("""
    select external_id from messages
    where account_id = $1 and conversation_id = $2 and external_id like '%@%' order by id desc limit $3
""")
