"""Conversations of the platform dialect: list, start, read, change, answer."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from trunkline.contacts import people
from trunkline.dialects.base import MEBIBYTE, Call, Data, Invalid, OutOfCredits, Page, Paged, Tx
from trunkline.dialects.platform import conversation_shapes as shapes
from trunkline.dialects.platform.conversation_shapes import ConversationOut, MessageOut
from trunkline.dialects.platform.dialect import platform
from trunkline.dialects.platform.shapes import Done
from trunkline.dialects.platform.shapes import contact as contact_out
from trunkline.inbox import assignment, changes, conversations, history, listing, replies
from trunkline.inbox.conversations import Conversation
from trunkline.inbox.history import NEWEST

Before = Annotated[str, Meta(pattern=r"^[0-9]{1,19}-[0-9]{1,19}$")]


@platform.get("/conversations", scope="conversations", level="view")
async def list_conversations(tx: Tx, page: Page, query: shapes.ConversationQuery) -> Paged[ConversationOut]:
    """List conversations.

    `status` is open, pending, snoozed, closed or spam; `channel` email, chat, whatsapp, sms and so on. `sort_by` is
    last_message_at (the default), created_at, priority or status, `sort_dir` asc or desc (the default).
    """
    filter = listing.Filter(
        status=query.status or None,
        channel=_stored(query.channel) if query.channel else None,
        assigned_to=_assignee(query.assigned_to),
        contact_id=query.contact_id,
        priority=query.priority or None,
        is_starred=query.is_starred,
        is_ai_handled=query.is_ai_handled,
        is_read=query.is_read,
        search=query.search,
    )
    rows = await listing.page(
        tx,
        filter,
        sort_by=SORTS.get(query.sort_by, "last_message_at"),
        descending=query.sort_dir.lower() != "asc",
        limit=page.per_page,
        offset=page.offset,
    )
    total, capped = await listing.total(tx, filter)
    return Paged(await _out(tx, rows), total, capped=capped)


@platform.post("/conversations", scope="conversations", level="create", status=201, raises=(OutOfCredits,))
async def start_conversation(tx: Tx, call: Call, body: shapes.ConversationIn) -> Data[ConversationOut]:
    """Write to a contact.

    The message goes out on the workspace's channel of that kind. Where the contact has a conversation on it already,
    that one goes on.
    """
    text, html = replies.parts(body.message)
    kind, user = _stored(body.channel), call.caller.user_id
    try:
        row = await replies.start(
            tx, body.contact_id, kind, text, html, subject=body.subject, priority=body.priority, user_id=user
        )
    except Invalid as error:
        if "body" not in error.fields:
            raise
        raise Invalid({"message": ["The message field is required."]}) from None  # as the caller names it
    return Data(await _one(tx, row))


@platform.get("/conversations/{id}", scope="conversations", level="view")
async def show_conversation(tx: Tx, call: Call, id: int, *, before: Before | None = None) -> shapes.Opened:
    """Open a conversation: it counts as read then.

    `messages` are the newest 200, the oldest of them first; `links.earlier` leads to the 200 before.
    """
    said = await history.read(tx, id, before=_before(before))
    if call.method == "GET":
        await conversations.mark_read(tx, [id])
    told = await _one(tx, await conversations.get(tx, id))
    name = told.contact.full_name if told.contact else None
    earlier = call.url(f"/conversations/{id}") + "?before={}-{}".format(*said.earlier) if said.earlier else None
    return shapes.Opened(told, [shapes.message(entry, name) for entry in said.entries], shapes.Links(earlier))


@platform.put("/conversations/{id}", scope="conversations", level="interact", also=("PATCH",))
async def update_conversation(tx: Tx, id: int, body: shapes.ConversationChanges) -> Data[ConversationOut]:
    """Update a conversation. Status snoozed needs `snoozed_until`; it opens again at that time."""
    await changes.update(
        tx,
        id,
        changes.Changes(
            status=body.status,
            priority=body.priority,
            is_starred=body.is_starred,
            is_pinned=body.is_pinned,
            is_read=body.is_read,
            snoozed_until=body.snoozed_until,
        ),
    )
    return Data(await _one(tx, await conversations.get(tx, id)))


@platform.delete("/conversations/{id}", scope="conversations", level="manage", status=204)
async def delete_conversation(tx: Tx, id: int) -> None:
    """Delete a conversation. The contact's next message opens a new one."""
    await conversations.delete(tx, id)


@platform.post(
    "/conversations/{id}/reply",
    scope="conversations",
    level="interact",
    status=201,
    body_limit=4 * MEBIBYTE,
    raises=(OutOfCredits,),
)
async def reply(tx: Tx, call: Call, id: int, body: shapes.ReplyIn) -> Data[MessageOut]:
    """Reply to the contact, or with `internal` leave a note for colleagues.

    A reply opens a closed conversation again; a note does not. HTML is cleaned. Channels without HTML send its text.
    """
    await conversations.get(tx, id)
    text, html = _written(body)
    entry = await replies.reply(
        tx,
        id,
        text,
        html,
        user_id=call.caller.user_id,
        internal=body.internal,
        cc=body.cc_emails,
        bcc=body.bcc_emails,
    )
    return Data(shapes.message(entry))


@platform.post("/conversations/{id}/assign", scope="conversations", level="interact")
async def assign(tx: Tx, id: int, body: shapes.AssignmentIn) -> Done[ConversationOut]:
    """Assign a conversation to a colleague, or with null to nobody."""
    row = await assignment.assign(tx, id, body.user_id)
    whom = row.assignee
    told = f"Conversation assigned to {whom.name or whom.email}." if whom else "Conversation unassigned."
    return Done(await _one(tx, row), told)


@platform.post("/conversations/{id}/close", scope="conversations", level="interact")
async def close(tx: Tx, id: int) -> Done[ConversationOut]:
    """Close a conversation. Closing it again changes nothing."""
    await changes.close(tx, id)
    return Done(await _one(tx, await conversations.get(tx, id)), "Conversation closed.")


def _written(body: shapes.ReplyIn) -> tuple[str, str | None]:
    """Text and HTML of a reply; `body` may be either."""
    if body.body_text is None and body.body is None and body.body_html is None:
        raise Invalid({"body": ["The body field is required."]})
    if body.body_text is None and body.body is not None and body.body_html is None:
        return replies.parts(body.body)
    return body.body_text or body.body or "", body.body_html


async def _one(tx: Tx, row: Conversation) -> ConversationOut:
    return (await _out(tx, [row]))[0]


async def _out(tx: Tx, rows: Sequence[Conversation]) -> list[ConversationOut]:
    """With their contacts, deleted ones too: what was said with somebody outlives them."""
    found = await people.get_many(tx, [row.contact_id for row in rows], deleted=True)
    contacts = {contact.id: contact_out(contact) for contact in found}
    return [shapes.conversation(row, contacts.get(row.contact_id)) for row in rows]


def _stored(channel: str) -> str:
    return "web_chat" if channel in ("chat", "live_chat") else channel


def _assignee(text: str | None) -> int | None | Literal["unassigned"]:
    if not text:
        return None
    return "unassigned" if text == "unassigned" else int(text)


def _before(text: str | None) -> tuple[int, int]:
    if text is None:
        return NEWEST
    message, _, note = text.partition("-")
    return int(message), int(note)


SORTS: dict[str, listing.Sort] = {
    "last_message_at": "last_message_at",
    "created_at": "created_at",
    "priority": "priority",
    "status": "status",
}
