"""What contacts, tags and canned responses look like on the platform's wire."""

from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from trunkline.contacts.imports import ImportReport
from trunkline.contacts.people import Contact
from trunkline.contacts.records import Status as Stored
from trunkline.contacts.tags import Tag
from trunkline.dialects.base import Moment, moment
from trunkline.inbox.canned import Canned

T = TypeVar("T")

Status = Literal["active", "inactive", "unsubscribed"]
FirstName = Annotated[str, Meta(min_length=1, max_length=255, examples=["Jane"])]
Text = Annotated[str, Meta(max_length=255)]
ShortText = Annotated[str, Meta(max_length=100)]
Address = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        pattern=r"^[ \t]*[^\s@]+@[^\s@.]+(\.[^\s@.]+)+[ \t]*$",
        extra_json_schema={"format": "email"},
        examples=["jane@example.com"],
    ),
]
Phone = Annotated[str, Meta(max_length=50, examples=["+40740111222"])]
Score = Annotated[int, Meta(ge=0, le=100)]
TagIds = Annotated[list[int], Meta(max_length=1000)]
Fields = dict[str, Any]

# As stored -> as told. The first that is told so is what gets stored.
STATUSES: dict[Stored, Status] = {
    "active": "active",
    "archived": "inactive",
    "blocked": "inactive",
    "stopped": "unsubscribed",
}


class Done(Struct, Generic[T], frozen=True):
    """What an action did, in words too."""

    data: T
    message: str


class ContactQuery(Struct):
    """`search` finds parts of names, email and company. An unknown `sort_by` means created_at."""

    search: str | None = None
    status: str | None = None
    tag_id: int | None = None
    country: str | None = None
    min_score: int | None = None
    max_score: int | None = None
    sort_by: str = "created_at"
    sort_dir: str = "desc"


class ContactIn(Struct):
    first_name: FirstName
    email: Address
    last_name: Text | None = None
    phone: Phone | None = None
    company: Text | None = None
    job_title: Text | None = None
    city: Text | None = None
    country: ShortText | None = None
    timezone: ShortText | None = None
    lead_score: Score | None = None
    custom_fields: Fields | None = None
    tag_ids: TagIds | None = None


class ContactChanges(Struct):
    """What is left out stays. `tag_ids` replaces all tags; in `custom_fields` null removes a field."""

    first_name: FirstName | UnsetType = UNSET
    last_name: Text | None | UnsetType = UNSET
    email: Address | UnsetType = UNSET
    phone: Phone | None | UnsetType = UNSET
    company: Text | None | UnsetType = UNSET
    job_title: Text | None | UnsetType = UNSET
    city: Text | None | UnsetType = UNSET
    country: ShortText | None | UnsetType = UNSET
    timezone: ShortText | None | UnsetType = UNSET
    lead_score: Score | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    custom_fields: Fields | UnsetType = UNSET
    tag_ids: TagIds | UnsetType = UNSET


class TagRef(Struct):
    id: int
    name: str
    color: str


class ContactOut(Struct):
    """`conversations_count` and `deals_count` are there when a single contact is asked for."""

    id: int
    uuid: UUID
    first_name: str
    last_name: str | None
    full_name: str
    email: str | None
    phone: str | None
    company: str | None
    job_title: str | None
    avatar_path: str | None
    city: str | None
    country: str | None
    timezone: str | None
    lead_score: int
    status: Status
    custom_fields: Fields
    tags: list[TagRef]
    last_contacted_at: Moment | None
    last_seen_at: Moment | None
    unsubscribed_at: Moment | None
    created_at: Moment
    updated_at: Moment
    conversations_count: int | UnsetType = UNSET
    deals_count: int | UnsetType = UNSET


def contact(row: Contact) -> ContactOut:
    return ContactOut(
        row.id, row.uuid, row.first_name, row.last_name or None, row.name, row.email, row.phone, row.company,
        row.title, row.avatar, row.city, row.country, row.timezone, row.lead_score, STATUSES[row.status], row.fields,
        row.tags,  # pyright: ignore[reportArgumentType]
        moment(row.last_contacted_at), moment(row.last_seen_at), moment(row.unsubscribed_at),
        moment(row.created_at), moment(row.updated_at),
    )  # fmt: skip


class Imported(Struct):
    """`imported` and `skipped` count rows, `created` and `updated` contacts; at most 50 rows are explained."""

    imported: int
    skipped: int
    errors: list[str]
    created: int
    updated: int


def imported(report: ImportReport) -> Imported:
    return Imported(report.imported, report.skipped, report.errors, report.created, report.updated)


Color = Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$", examples=["#8B5CF6"])]
TagName = Annotated[str, Meta(min_length=1, max_length=255, examples=["VIP"])]


class TagIn(Struct):
    """Without a `color` the tag gets the usual one."""

    name: TagName
    color: Color | None = None


class TagChanges(Struct):
    """What is left out stays."""

    name: TagName | UnsetType = UNSET
    color: Color | UnsetType = UNSET


class TagOut(Struct):
    id: int
    name: str
    color: str
    contacts_count: int


def tag(row: Tag) -> TagOut:
    return TagOut(row.id, row.name, row.color, row.count)


Title = Annotated[str, Meta(min_length=1, max_length=255, examples=["Greeting"])]
Shortcut = Annotated[str, Meta(max_length=64, examples=["/greet"])]
Html = Annotated[str, Meta(min_length=1, max_length=100_000, examples=["Hello! How can I help you today?"])]


class CannedIn(Struct):
    """`shortcut` begins with a slash and is unique; `body` is HTML."""

    title: Title
    body: Html
    shortcut: Shortcut | None = None


class CannedChanges(Struct):
    """What is left out stays."""

    title: Title | UnsetType = UNSET
    body: Html | UnsetType = UNSET
    shortcut: Shortcut | None | UnsetType = UNSET


class CannedOut(Struct):
    id: int
    title: str
    shortcut: str | None
    body: str
    created_at: Moment
    updated_at: Moment


def canned(row: Canned) -> CannedOut:
    return CannedOut(row.id, row.title, row.shortcut, row.body, moment(row.created_at), moment(row.updated_at))
