"""What the inbox in the browser is told, and what it may ask for."""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from trunkline.core import clock
from trunkline.core.tools import Tools
from trunkline.inbox.canned import Offered
from trunkline.inbox.changes import Priority, Status
from trunkline.inbox.drafts import Draft, Kind
from trunkline.inbox.finding import Line
from trunkline.inbox.history import Entry, Part
from trunkline.inbox.macros import Steps
from trunkline.inbox.presence import Present
from trunkline.inbox.sharing import Assigns, Reopened
from trunkline.messaging import media
from trunkline.messaging.media import File

MOST_SHOWN = 20_000
"""Characters of one message; the rest is behind its own page."""

Id = Annotated[int, Meta(ge=1, le=2**53)]
Ids = Annotated[list[Id], Meta(min_length=1, max_length=200)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]


class Said(Struct, frozen=True):
    """A message or a note. `has_original`: there is HTML, shown on a page of its own."""

    type: str
    id: int
    uuid: UUID
    direction: str
    status: str
    body: str
    is_cut: bool
    has_original: bool
    subject: str | None
    attachments: list[dict[str, Any]]
    user_id: int | None
    user_name: str | None
    reason: str | None
    error: str | None
    created_at: datetime
    scheduled_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None


class Stretch(Struct, frozen=True):
    """A stretch of a history, oldest first; `earlier` asks for the one before."""

    entries: list[Said]
    earlier: str | None


class ChannelFacts(Struct, frozen=True):
    """What the composer must know. `open_until`: after that, only templates may be sent; None for no such limit."""

    kind: str
    name: str
    address: str
    takes_files: bool
    is_active: bool
    has_window: bool
    open_until: datetime | None


class Opened(Struct, frozen=True):
    line: Line
    history: Stretch
    channel: ChannelFacts
    draft: Draft | None
    present: list[Present]
    place: int | None = None
    """In the queue of those that nobody had room for."""


class ReplyIn(Struct, forbid_unknown_fields=True):
    """`client_id` makes a repeat harmless. `seen` is the newest message on the writer's screen."""

    client_id: UUID
    text: Annotated[str, Meta(max_length=100_000)]
    seen: int = 0
    anyway: bool = False
    files: Annotated[list[UUID], Meta(max_length=10)] = []
    subject: Annotated[str, Meta(max_length=500)] | None = None
    cc: Annotated[list[str], Meta(max_length=20)] = []
    bcc: Annotated[list[str], Meta(max_length=20)] = []
    at: datetime | None = None
    hold: Annotated[int, Meta(ge=0, le=30)] = 0
    close: bool = False
    sign: bool = False


class TemplateIn(Struct, forbid_unknown_fields=True):
    client_id: UUID
    template_id: Id
    variables: Annotated[dict[Name, Annotated[str, Meta(max_length=1_000)]], Meta(max_length=50)] = {}
    seen: int = 0
    anyway: bool = False


class ForwardIn(Struct, forbid_unknown_fields=True):
    client_id: UUID
    to: Annotated[str, Meta(min_length=1, max_length=320)]
    comment: Annotated[str, Meta(max_length=10_000)] = ""


class NoteIn(Struct, forbid_unknown_fields=True):
    client_id: UUID
    text: Annotated[str, Meta(max_length=10_000)]


class ChangesIn(Struct, forbid_unknown_fields=True):
    """What is left out stays. `until` is a choice of `snoozing.moment` or an ISO moment; it snoozes."""

    ids: Ids
    status: Status | None = None
    priority: Priority | None = None
    is_starred: bool | None = None
    is_read: bool | None = None
    assignee_id: Id | None | UnsetType = UNSET
    until: Annotated[str, Meta(max_length=40)] | None = None
    add_tags: Annotated[list[Id], Meta(max_length=50)] = []
    remove_tags: Annotated[list[Id], Meta(max_length=50)] = []


class OtherContactIn(Struct, forbid_unknown_fields=True):
    contact_id: Id


class MergeIn(Struct, forbid_unknown_fields=True):
    into: Id
    ids: Ids


class DraftIn(Struct, forbid_unknown_fields=True):
    kind: Kind
    content: dict[str, Any]


class PresenceIn(Struct, forbid_unknown_fields=True):
    doing: Literal["viewing", "typing", "taking", "gone"]


class ViewIn(Struct, forbid_unknown_fields=True):
    name: Name
    query: Annotated[str, Meta(min_length=1, max_length=500)]
    is_shared: bool = False


class CannedIn(Struct, forbid_unknown_fields=True):
    """`text` is plain."""

    title: Name
    text: Annotated[str, Meta(min_length=1, max_length=10_000)]
    shortcut: Annotated[str, Meta(max_length=64)] = ""
    files: Annotated[list[UUID], Meta(max_length=10)] = []


class MacroIn(Struct, forbid_unknown_fields=True):
    name: Name
    steps: Steps
    is_shared: bool = False


class MemberIn(Struct, forbid_unknown_fields=True):
    signature: Annotated[str, Meta(max_length=5_000)] = ""
    keys: Annotated[dict[Name, Annotated[str, Meta(max_length=10)]], Meta(max_length=50)] = {}
    quiet_from: Annotated[str, Meta(max_length=5)] = ""
    quiet_until: Annotated[str, Meta(max_length=5)] = ""
    is_away: bool = False


class RulesIn(Struct, forbid_unknown_fields=True):
    assigns: Assigns = "nobody"
    reopened: Reopened = "same"
    returns: bool = False
    capacity: Annotated[int, Meta(ge=1, le=1_000)] = 20


class TagIn(Struct, forbid_unknown_fields=True):
    name: Name


class WishIn(Struct, forbid_unknown_fields=True):
    tone: Literal["professional", "friendly", "concise"] = "friendly"
    instructions: Annotated[str, Meta(max_length=1_000)] = ""


class ContactIn(Struct, forbid_unknown_fields=True):
    """One field of a contact, or whether automation may answer them."""

    name: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=320)] | UnsetType = UNSET
    phone: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    company: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    language: Annotated[str, Meta(max_length=10)] | UnsetType = UNSET
    bot_active: bool | UnsetType = UNSET
    is_blocked: bool | UnsetType = UNSET
    fields: Annotated[dict[str, Annotated[str, Meta(max_length=640)]], Meta(max_length=50)] | UnsetType = UNSET


def stretch(part: Part) -> Stretch:
    return Stretch([said(entry) for entry in part.entries], "-".join(map(str, part.earlier)) if part.earlier else None)


def said(entry: Entry) -> Said:
    return Said(
        type=entry.type,
        id=entry.id,
        uuid=entry.uuid,
        direction=entry.direction,
        status=_status(entry),
        body=entry.body[:MOST_SHOWN],
        is_cut=len(entry.body) > MOST_SHOWN,
        has_original=bool(entry.html) or len(entry.body) > MOST_SHOWN,
        subject=entry.subject,
        attachments=[_attachment(one) for one in entry.attachments],
        user_id=entry.user_id,
        user_name=entry.user_name,
        reason=entry.reason,
        error=entry.error,
        created_at=entry.created_at,
        scheduled_at=entry.scheduled_at,
        delivered_at=entry.delivered_at,
        read_at=entry.read_at,
    )


def file(kept: File, url: str) -> dict[str, Any]:
    return {"uuid": kept.uuid, "name": kept.name, "content_type": kept.content_type, "size": kept.size, "url": url}


def canned(tools: Tools, account: int, offered: Offered) -> dict[str, Any]:
    """A canned response with its files as the composer holds them."""
    files = [file(kept, path(media.address(tools, account, kept))) for kept in offered.files]
    return {name: getattr(offered, name) for name in ("id", "title", "shortcut", "text", "missing")} | {"files": files}


def _status(entry: Entry) -> str:
    """`scheduled` for what waits for its moment rather than for its turn."""
    waits = entry.status == "queued" and entry.scheduled_at is not None and entry.scheduled_at > clock.now()
    return "scheduled" if waits else entry.status


def _attachment(kept: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": str(kept.get("name") or ""),
        "content_type": str(kept.get("content_type") or ""),
        "url": path(str(kept.get("url") or "")),
    }


def path(url: str) -> str:
    """A file of ours by its path; empty for what lies elsewhere, so that no page asks for it by itself."""
    found = urlsplit(url).path
    return found if found.startswith("/m/") else ""
