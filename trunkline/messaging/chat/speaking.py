"""Speaking: what a visitor writes or sends becomes a message like any other, and stands in their own stream at once."""

import asyncio
import re

from msgspec import Struct

from trunkline.channels.base import Attachment, Inbound
from trunkline.contacts import urns
from trunkline.core import pictures
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import Forbidden, Invalid
from trunkline.core.media import HEAD, judge
from trunkline.core.text import clean
from trunkline.core.urns import Urn
from trunkline.messaging import measures, media, receiving
from trunkline.messaging.chat import stream, visitors
from trunkline.messaging.chat.stream import Entry
from trunkline.messaging.chat.visitors import Visitor
from trunkline.messaging.chat.windows import Window

MOST = 4000
"""Characters of one message."""
LARGEST = 10 * 1024 * 1024
"""Bytes of one file."""
TOLD_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
KINDS = (
    "image/png", "image/apng", "image/jpeg", "image/gif", "image/webp", "audio/", "video/",
    "application/pdf", "text/plain", "text/csv", "application/vnd.", "application/msword",
)  # fmt: skip
"""Files that visitors may send: nothing that a browser would run, nothing that hides what is in it."""


class File(Struct, frozen=True):
    """A file on its way in; what its sender calls it is only a claim."""

    content: bytes
    name: str
    content_type: str


class Said(Struct, frozen=True):
    message_id: int
    entry: Entry | None
    duplicate: bool


async def say(
    database: Database,
    window: Window,
    visitor: Visitor,
    *,
    told_id: str,
    text: str = "",
    file: File | None = None,
    reaction: bool = False,
) -> Said:
    """Take a message. `told_id` is the sender's own id for it: however often it comes, it is one message."""
    text = _checked(told_id, text, file)
    external_id = f"{visitor.id}:{told_id}"
    async with database.tx(window.channel.account_id) as tx:
        known = await tx.value(int, KNOWN, tx.account, window.channel.id, external_id)
        if known is not None:
            return Said(known, await stream.of_message(tx, known), True)
    kept = [await _keep(database, window, visitor, file)] if file else []
    inbound = Inbound(
        urn=visitor.urn,
        text=text,
        external_id=external_id,
        name=visitor.facts.get("name"),
        attachments=kept,
        reaction=reaction,
        visitor=visitor.facts,
        assistant_id=visitor.assistant_id or window.assistant_id,
    )
    async with database.tx(window.channel.account_id, actor=f"channel:{window.channel.id}") as tx:
        said = await _store(tx, window, visitor, inbound)
    measures.received(window.channel, 0, 0, [said.duplicate])
    return said


def _checked(told_id: str, text: str, file: File | None) -> str:
    """The text as it is kept."""
    text = clean(text).strip()
    if not TOLD_ID.fullmatch(told_id):
        raise Invalid({"id": ["The id has 1 to 128 letters, digits, dots, - and _."]})
    if not text and file is None:
        raise Invalid({"text": ["The text field is required."]})
    if len(text) > MOST:
        raise Invalid({"text": [f"The text must not be longer than {MOST} characters."]})
    return text


async def _store(tx: Tx, window: Window, visitor: Visitor, inbound: Inbound) -> Said:
    visitor = await visitors.lock(tx, visitor)
    [received] = await receiving.store(tx, window.channel, [inbound])
    await stream.append(tx, [(visitor.id, received.message_id)])
    if visitor.email and not received.duplicate:
        await urns.claim(tx, received.contact_id, Urn("mailto", visitor.email))
    return Said(received.message_id, await stream.of_message(tx, received.message_id), received.duplicate)


async def _keep(database: Database, window: Window, visitor: Visitor, file: File) -> Attachment:
    if not window.config.trusts(identified=visitor.identified):
        raise Forbidden("Files are not taken here.", code="uploads_off")
    name = _name(file.name)
    found, _ = judge(file.content[:HEAD], name, file.content_type)
    content = await asyncio.to_thread(pictures.bared, file.content, found)
    claimed = Attachment(content_type=file.content_type, name=name, content=content)
    [kept] = await media.keep(database, window.channel.account_id, [claimed], takes=KINDS, by=f"visitor:{visitor.id}")
    if not kept.url:
        raise Invalid({"file": ["A file of this kind is not taken, or its content is not what its name says."]})
    return kept


def _name(name: str) -> str:
    """The last part of what may be a path."""
    return re.split(r"[/\\]", clean(name))[-1].strip()[:255] or "file"


KNOWN = sql("""
    select id from messages where account_id = $1 and channel_id = $2 and external_id = $3 and direction = 'in'
""")
