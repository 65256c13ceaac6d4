"""What happens to conversations."""

from trunkline.core.events import Event

CHUNK = 1000
"""Most ids that one event carries."""


class ConversationOpened(Event, frozen=True):
    type = "conversation.opened"

    id: int
    contact_id: int
    channel_id: int
    channel: str


class ConversationReopened(Event, frozen=True):
    """It was closed or snoozed: somebody wrote, a person opened it again, or its time came."""

    type = "conversation.reopened"

    id: int
    contact_id: int
    channel: str


class ConversationClosed(Event, frozen=True):
    type = "conversation.closed"

    id: int
    contact_id: int
    channel: str


class ConversationAssigned(Event, frozen=True):
    """`user_id` is None when it was taken from whoever had it."""

    type = "conversation.assigned"

    id: int
    contact_id: int
    user_id: int | None


class ConversationsChanged(Event, frozen=True):
    """Anything about them changed that a list shows; at most `CHUNK` in one event."""

    type = "conversation.changed"

    ids: list[int]


class ConversationDeleted(Event, frozen=True):
    type = "conversation.deleted"

    id: int


class MessagesFiled(Event, frozen=True):
    """Inbound messages found their conversations: pairs of message and conversation, at most `CHUNK`."""

    type = "message.filed"

    filed: list[tuple[int, int]]


class NoteAdded(Event, frozen=True):
    type = "note.added"

    id: int
    conversation_id: int
    user_id: int | None


class PresenceChanged(Event, frozen=True):
    """Somebody came to a conversation, left it, or began or ceased to type."""

    type = "presence.changed"

    conversation_id: int


class TicketOpened(Event, frozen=True):
    type = "ticket.opened"

    id: int
    contact_id: int
    topic_id: int | None
    assignee_id: int | None


class TicketClosed(Event, frozen=True):
    type = "ticket.closed"

    id: int
    contact_id: int
    uuid: str
    topic_id: int | None
    assignee_id: int | None
