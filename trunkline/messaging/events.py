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
    assistant_id: int | None = None


class ChannelEventReceived(Event, frozen=True):
    """Something else than a message happened between a person and a channel; `kind` says what."""

    type = "channel.event"

    id: int
    kind: str
    contact_id: int
    channel_id: int
    extra: dict[str, Any]


class MessagesQueued(Event, frozen=True):
    """`callbacks` are those that named a URL of their own, to be told what becomes of them."""

    type = "message.queued"

    ids: list[int]
    conversation_id: int | None
    callbacks: list[int] = []


class MessagesChanged(Event, frozen=True):
    """New statuses of a batch: `changes` holds (message, status, conversation, broadcast, reason).

    `callbacks` are those that named a URL of their own. `taken` are those of no campaign of which it is known only now
    that a channel took them: whether that was `sent`, or a report of delivery that came before.
    """

    type = "message.changed"

    changes: list[tuple[int, str, int | None, int | None, str | None]]
    callbacks: list[int] = []
    taken: list[int] = []


class CallChanged(Event, frozen=True):
    """A telephone call took a step. It is the whole of what others are told, see `calls.told`.

    `seconds` is how long somebody listened, once it is over; `reason`, `error` and the exchange's `code` say why it
    came to nothing.
    """

    type = "call.changed"

    id: int
    contact_id: int
    to: str
    status: str
    seconds: int | None
    reason: str | None
    error: str | None
    code: str | None
    at: datetime


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


class VisitorJoined(Event, frozen=True):
    """The visitor of a chat window is somebody we know: what `contact_id` said there, under these addresses, is
    `into_id`'s.
    """

    type = "visitor.joined"

    contact_id: int
    into_id: int
    channel_id: int
    addresses: list[str]
