"""Broadcasts as they are read and written."""

from datetime import datetime, timedelta
from typing import Any, TypedDict
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

LATE_AFTER = timedelta(hours=12)
"""A scheduled broadcast that could not start for so long (the machine was off) does not start at all."""


class Variant(TypedDict):
    """A subject of an A/B test, and how many in a hundred get it."""

    subject: str
    percent: int


class Broadcast(Struct, frozen=True):
    """`trial` is told in trials.py."""

    id: int
    uuid: UUID
    name: str
    type: str
    channel: str
    channel_id: int | None
    pool: bool
    subject: str | None
    preview_text: str | None
    body: str
    html: str | None
    template_id: int | None
    variables: dict[str, Any]
    audience: dict[str, Any]
    status: str
    total: int
    failure: str | None
    scheduled_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    created_by: int | None
    created_at: datetime
    updated_at: datetime
    variants: list[Variant] | None
    body_json: dict[str, Any] | None
    trial: dict[str, Any] | None


class NewBroadcast(Struct, frozen=True, kw_only=True):
    """`pool` asks for the operator's shared channel; `channel_id` for one of the account's own."""

    name: str
    channel: str
    body: str = ""
    html: str | None = None
    subject: str | None = None
    preview_text: str | None = None
    type: str = "broadcast"
    channel_id: int | None = None
    pool: bool = False
    template_id: int | None = None
    variables: dict[str, Any] = {}
    audience: dict[str, Any] = msgspec.field(default_factory=lambda: {"type": "all"})
    created_by: int | None = None
    late_after: timedelta = LATE_AFTER
    variants: list[Variant] | None = None
    body_json: dict[str, Any] | None = None
    planned_at: datetime | None = None
    trial: dict[str, Any] | None = None


class Changes(Struct, frozen=True, kw_only=True):
    """What may change while it is a draft or scheduled; what is left out stays."""

    name: str | UnsetType = UNSET
    subject: str | None | UnsetType = UNSET
    preview_text: str | None | UnsetType = UNSET
    body: str | UnsetType = UNSET
    html: str | None | UnsetType = UNSET
    audience: dict[str, Any] | UnsetType = UNSET
    channel_id: int | None | UnsetType = UNSET
    variants: list[Variant] | None | UnsetType = UNSET
    body_json: dict[str, Any] | None | UnsetType = UNSET
    scheduled_at: datetime | None | UnsetType = UNSET
    template_id: int | None | UnsetType = UNSET
    trial: dict[str, Any] | None | UnsetType = UNSET


class Progress(Struct, frozen=True):
    """Where its messages are. `handed_over`, `arrived` add up what came further.

    Of the mails that failed, `bounced` were refused by a mailbox and `returned` had been handed over. What machines
    opened and clicked is counted apart.
    """

    total: int
    queued: int = 0
    unknown: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0
    canceled: int = 0
    opened: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    bounced: int = 0
    returned: int = 0
    machine_opened: int = 0
    machine_clicked: int = 0

    @property
    def arrived(self) -> int:
        return self.delivered + self.read

    @property
    def handed_over(self) -> int:
        return self.unknown + self.sent + self.arrived
