"""Messages."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.contacts import people
from trunkline.core.db import Tx
from trunkline.core.tools import Tools
from trunkline.dialects.base import Call, Paged
from trunkline.dialects.rapidpro import contents, message_shapes, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import across
from trunkline.dialects.rapidpro.fields import Text
from trunkline.dialects.rapidpro.message_shapes import MessageOut
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.references import Contacts, One, Tickets
from trunkline.dialects.walking import Place, Walk
from trunkline.inbox import posting
from trunkline.messaging import copies, labels, media
from trunkline.messaging.copies import FOLDERS, Copy, Filter

FORM = {
    "contact": One("The contact to write to, by UUID or URN.", Contacts()),
    "text": Text("The text; it goes out as it is.", most=contents.LONGEST_TEXT, blank=True, required=False),
    "attachments": contents.files("Files that were uploaded before, by UUID."),
    "quick_replies": contents.quick_replies("What the reader may tap."),
    "ticket": One("The ticket that it belongs to.", Tickets(), required=False, null=True),
}


class MessageQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the message with this UUID.")] = None
    id: Annotated[str | None, Meta(description="Only the message with this number.")] = None
    contact: Annotated[str | None, Meta(description="Only messages with this contact, by UUID.")] = None
    folder: Annotated[str | None, Meta(description="inbox, flows, archived, outbox, sent or failed.")] = None
    label: Annotated[str | None, Meta(description="Only messages with the label of this UUID or name.")] = None
    broadcast: Annotated[str | None, Meta(description="Only messages of the broadcast with this number.")] = None
    before: Annotated[str | None, Meta(description="Written at this time or before.")] = None
    after: Annotated[str | None, Meta(description="Written at this time or after.")] = None


@rapidpro.get("/messages.json")
async def list_messages(tx: Tx, call: Call, walk: Walk, query: MessageQuery) -> Paged[MessageOut]:
    """List messages, the newest first; those of the folder `sent` by the time of sending.

    A message that came in is listed as soon as it was looked at. One that was deleted is not listed.
    """
    reading.exclusive(call, "contact", "folder", "label", "broadcast")
    filter = await _filter(tx, query)
    if filter is None:
        return Paged([])
    page = await walk.page(
        lambda span: copies.page(tx, filter, after=span.after, limit=span.limit, oldest_first=span.oldest_first), _place
    )
    return Paged(await message_shapes.shapes(tx, page.rows), next=page.next, previous=page.previous)


@rapidpro.post("/messages.json", fields=FORM, status=201)
async def send_message(tx: Tx, call: Call, body: Body) -> MessageOut:
    """Send a message to a contact.

    It goes to the contact's preferred address that one of your channels reaches. If there is none, the message is kept
    as failed.
    """
    given = await reading.read(tx, call, FORM, body)
    text, files, ticket = given.get("text", ""), given.get("attachments", []), given.get("ticket")
    if not text and not files:
        raise across("Must provide either text or attachments.")
    tools: Tools = tx.database.tools
    id = await posting.post(
        tx,
        given["contact"],
        text,
        attachments=[media.attached(tools, tx.account, file) for file in files],
        choices=given.get("quick_replies", []),
        conversation_id=ticket.conversation_id if ticket and ticket.contact_id == given["contact"].id else None,
    )
    [shape] = await message_shapes.shapes(tx, await copies.get_many(tx, [id]))
    return shape


async def _filter(tx: Tx, query: MessageQuery) -> Filter | None:
    """None when nothing can match."""
    after, before = reading.between(query.after, query.before)
    id, uuid = reading.whole(query.id), reading.uuid(query.uuid)
    contact = label = broadcast = folder = None
    if query.folder and (folder := query.folder.strip().lower()) not in FOLDERS:
        return None
    if query.contact and (contact := await _contact(tx, query.contact)) is None:
        return None
    if query.label and (label := await _label(tx, query.label)) is None:
        return None
    if query.broadcast:
        broadcast = reading.whole(query.broadcast, "broadcast")
    return Filter(
        id=id,
        uuid=uuid,
        folder=folder,
        contact_id=contact,
        label_id=label,
        broadcast_id=broadcast,
        since=after,
        until=before,
    )


async def _contact(tx: Tx, text: str) -> int | None:
    uuid = reading.loose_uuid(text)
    found = await people.by_uuid(tx, [uuid]) if uuid else {}
    return next((each.id for each in found.values()), None)


async def _label(tx: Tx, text: str) -> int | None:
    """By UUID, or by its name to the letter."""
    uuid: UUID | None = reading.loose_uuid(text)
    for label in (await labels.by_uuid(tx, [uuid]) if uuid else {}).values():
        return label.id
    label = await labels.find(tx, text) if "\0" not in text else None
    return label.id if label and label.name == text else None


def _place(copy: Copy) -> Place:
    return copy.shown_at, copy.id
