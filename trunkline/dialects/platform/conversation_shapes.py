"""What conversations and their messages look like on the platform's wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.dialects.base import Moment, moment
from trunkline.dialects.platform.shapes import Address, ContactOut, TagRef
from trunkline.inbox.changes import Priority, Status
from trunkline.inbox.conversations import Conversation
from trunkline.inbox.history import Entry

MOST_TEXT = 500_000

Channel = Literal["email", "chat", "live_chat", "web_chat", "whatsapp", "sms", "telegram", "voice", "custom"]
Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Body = Annotated[str, Meta(max_length=MOST_TEXT, examples=["Thanks for reaching out! We will look into this."])]
MessageStatus = Literal["scheduled", "queued", "sending", "sent", "delivered", "read", "failed", "canceled", "received"]

# As stored -> as told, where the words differ.
MESSAGE_STATUSES = {"errored": "queued", "unknown": "sending", "handled": "received"}


class ConversationQuery(Struct):
    """`assigned_to` is the id of a user, or `unassigned`. `search` looks into subject and preview."""

    status: str | None = None
    channel: str | None = None
    assigned_to: Annotated[str, Meta(pattern="^([0-9]{1,18}|unassigned)?$", examples=["unassigned"])] | None = None
    contact_id: int | None = None
    priority: str | None = None
    is_starred: bool | None = None
    is_ai_handled: bool | None = None
    is_read: bool | None = None
    search: str | None = None
    sort_by: str = "last_message_at"
    sort_dir: str = "desc"


class ConversationIn(Struct):
    """`message` may be HTML; it is sent to the contact."""

    contact_id: Id
    channel: Channel
    message: Annotated[str, Meta(min_length=1, max_length=MOST_TEXT, examples=["Hello, how can we help?"])]
    subject: Annotated[str, Meta(max_length=500)] | None = None
    priority: Priority = "normal"


class ConversationChanges(Struct):
    """What is left out stays. Status snoozed needs `snoozed_until`, a moment in the future."""

    status: Status | None = None
    priority: Priority | None = None
    is_starred: bool | None = None
    is_pinned: bool | None = None
    is_read: bool | None = None
    snoozed_until: Moment | None = None


class ReplyIn(Struct):
    """One of `body`, which may be HTML, and `body_text` is needed. With `internal` it is a note for colleagues."""

    body: Body | None = None
    body_text: Body | None = None
    body_html: Annotated[str, Meta(max_length=MOST_TEXT)] | None = None
    internal: bool = False
    cc_emails: Annotated[list[Address], Meta(max_length=50)] = []
    bcc_emails: Annotated[list[Address], Meta(max_length=50)] = []


class AssignmentIn(Struct):
    """Null for nobody."""

    user_id: int | None


class AssigneeOut(Struct):
    id: int
    name: str
    email: str


class ConversationOut(Struct):
    id: int
    uuid: UUID
    channel: str
    status: Status
    priority: Priority
    subject: str | None
    preview: str
    sentiment: str | None
    is_starred: bool
    is_pinned: bool
    is_read: bool
    is_ai_handled: bool
    messages_count: int
    ai_replies_count: int
    contact: ContactOut | None
    assigned_to: AssigneeOut | None
    tags: list[TagRef]
    snoozed_until: Moment | None
    last_message_at: Moment | None
    first_response_at: Moment | None
    resolved_at: Moment | None
    created_at: Moment
    updated_at: Moment


def conversation(row: Conversation, contact: ContactOut | None) -> ConversationOut:
    assignee = row.assignee
    return ConversationOut(
        row.id,
        row.uuid,
        "chat" if row.channel == "web_chat" else row.channel,
        row.status,  # pyright: ignore[reportArgumentType]
        row.priority,  # pyright: ignore[reportArgumentType]
        row.subject,
        row.preview,
        row.sentiment,
        row.is_starred,
        row.is_pinned,
        row.is_read,
        row.is_ai_handled,
        row.messages_count,
        row.ai_replies_count,
        contact,
        AssigneeOut(assignee.id, assignee.name, assignee.email) if assignee else None,
        row.tags,  # pyright: ignore[reportArgumentType]
        moment(row.snoozed_until),
        moment(row.last_message_at),
        moment(row.first_response_at),
        moment(row.resolved_at),
        moment(row.created_at),
        moment(row.updated_at),
    )


class Sender(Struct):
    """`system` is an automation, without an id."""

    type: Literal["contact", "user", "system"]
    id: int | None
    name: str | None


class MessageOut(Struct):
    """`body` is the HTML where there is one. Ids of notes and of replies are counted apart."""

    id: int
    conversation_id: int
    body: str
    type: Literal["reply", "note", "message"]
    created_at: Moment
    direction: Literal["inbound", "outbound"]
    sender: Sender
    body_text: str
    body_html: str | None
    status: MessageStatus | None
    attachments: list[dict[str, Any]]
    sent_at: Moment | None


def message(row: Entry, contact_name: str | None = None) -> MessageOut:
    is_inbound = row.direction == "in"
    kind = "note" if row.type == "note" else "message" if is_inbound else "reply"
    return MessageOut(
        row.id, row.conversation_id, row.html or row.body, kind, moment(row.created_at),
        "inbound" if is_inbound else "outbound", _sender(row, contact_name), row.body, row.html,
        MESSAGE_STATUSES.get(row.status, row.status) or None,  # pyright: ignore[reportArgumentType]
        row.attachments, moment(row.sent_at),
    )  # fmt: skip


def _sender(row: Entry, contact_name: str | None) -> Sender:
    if row.direction == "in":
        return Sender("contact", row.contact_id, contact_name)
    if row.user_id is not None:
        return Sender("user", row.user_id, row.user_name)
    return Sender("system", None, None)


class Links(Struct):
    """`earlier` leads to what was said before."""

    earlier: str | None


class Opened(Struct):
    """A conversation with the newest of what was said in it, the oldest of that first."""

    data: ConversationOut
    messages: list[MessageOut]
    links: Links
