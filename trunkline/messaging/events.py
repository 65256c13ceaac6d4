"""What happens to messages and channels."""

from datetime import datetime
from typing import Any

from trunkline.core.events import Event


class MessageReceived(Event, frozen=True):
    """Somebody wrote to us. The snapshot is what answering and webhooks need; they never look for "the latest"."""

    type = "message.received"

    id: int
    contact_id: int
    channel_id: int
    sends_as: str
    scheme: str
    address: str
    text: str
    received_at: datetime
    subject: str | None
    thread: dict[str, Any] | None
    visitor: dict[str, Any] | None
    automatic: bool
    reaction: bool
    words: bool


class MessagesQueued(Event, frozen=True):
    type = "message.queued"

    ids: list[int]
    conversation_id: int | None


class MessagesChanged(Event, frozen=True):
    """New statuses of a batch: `changes` holds (message, status, conversation, broadcast, reason)."""

    type = "message.changed"

    changes: list[tuple[int, str, int | None, int | None, str | None]]


class ChannelCreated(Event, frozen=True):
    type = "channel.created"

    id: int
    kind: str


class ChannelTroubled(Event, frozen=True):
    """The provider refused the channel itself; sending waits until somebody mends the settings."""

    type = "channel.troubled"

    id: int
    detail: str


class MailsOpened(Event, frozen=True):
    """People opened mails of broadcasts, each told once: (message, broadcast, contact)."""

    type = "message.opened"

    opened: list[tuple[int, int, int]]


class MailsClicked(Event, frozen=True):
    """People followed a link of a mail, each mail told once: (message, broadcast, contact, address)."""

    type = "message.clicked"

    clicked: list[tuple[int, int, int, str]]
