"""What contacts, groups, campaigns and templates look like on the portal's wire."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from trunkline.campaigns.broadcasts import Broadcast, Progress
from trunkline.contacts.groups import Group
from trunkline.contacts.people import Contact
from trunkline.dialects.base import Email, Moment, moment
from trunkline.messaging.templates import Template

Name = Annotated[str, Meta(max_length=255, examples=["Maria Ionescu"])]
PartOfName = Annotated[str, Meta(max_length=255)]
Phone = Annotated[str, Meta(max_length=50, examples=["+40740111222"])]
Tags = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=255)]], Meta(max_length=100, examples=[["vip", "newsletter"]])
]
Metadata = Annotated[dict[str, Any], Meta(examples=[{"source": "crm"}])]
Routing = Literal["platform", "integration", "auto"]
Key = Annotated[str, Meta(min_length=1, max_length=100, examples=["appointment_reminder"])]


class ContactQuery(Struct):
    """`search` looks in name, email and phone."""

    search: str | None = None
    tag: str | None = None


class ContactIn(Struct):
    """`name` wins over first and last name, which are joined into it. At least one of phone and email is needed."""

    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    tags: Tags | None = None
    metadata: Metadata | None = None
    first_name: PartOfName | None = None
    last_name: PartOfName | None = None


class ContactChanges(Struct):
    """What is left out stays. `tags` replaces all tags; a null in `metadata` deletes that key."""

    name: Name | None | UnsetType = UNSET
    email: Email | None | UnsetType = UNSET
    phone: Phone | None | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET
    first_name: PartOfName | None | UnsetType = UNSET
    last_name: PartOfName | None | UnsetType = UNSET


class ContactOut(Struct):
    id: int
    name: str
    email: str | None
    phone: str | None
    tags: list[str]
    metadata: dict[str, Any]
    created_at: Moment
    updated_at: Moment


def contact(row: Contact) -> ContactOut:
    tags = [tag.name for tag in row.tags]
    times = moment(row.created_at), moment(row.updated_at)
    return ContactOut(row.id, row.name, row.email, row.phone, tags, row.metadata, *times)


class GroupOut(Struct):
    id: int
    name: str
    contacts_count: int


def group(row: Group) -> GroupOut:
    return GroupOut(row.id, row.name, row.size)


class Audience(Struct):
    """Everybody, or those in a group (or segment) or with a tag, by its id."""

    type: Literal["all", "group", "segment", "tag"] = "all"
    id: int | None = None


CampaignStatus = Literal["draft", "scheduled", "sending", "completed", "paused", "failed", "canceled"]
CampaignChannel = Literal["sms", "email", "whatsapp", "voice"]


class CampaignQuery(Struct):
    status: CampaignStatus | None = None
    channel: CampaignChannel | None = None


class CampaignIn(Struct):
    """One of `message_template` (HTML for email) and `template_key`. Without an audience it is for all contacts."""

    name: Annotated[str, Meta(min_length=1, max_length=255, examples=["Spring Sale"])]
    channel: CampaignChannel
    message_template: (
        Annotated[str, Meta(max_length=500_000, examples=["<h1>Spring Sale!</h1><p>50% off today only.</p>"])] | None
    ) = None
    subject: Annotated[str, Meta(max_length=255, examples=["Spring Sale - 50% Off"])] | None = None
    template_key: Key | None = None
    variables: dict[str, Any] = {}
    audience: Audience | None = None
    contact_ids: Annotated[list[int], Meta(min_length=1, max_length=10_000)] | None = None
    integration_id: int | None = None
    sms_routing: Routing | None = None


class AudienceOut(Struct, omit_defaults=True):
    type: str
    id: int | None = None
    contacts: int | None = None


class CampaignOut(Struct):
    """`audience.contacts` is how many contacts were named one by one."""

    id: int
    name: str
    channel: str
    status: CampaignStatus
    subject: str | None
    message_template: str
    audience: AudienceOut
    integration_id: int | None
    sms_routing: Routing | None
    scheduled_at: Moment | None
    started_at: Moment | None
    completed_at: Moment | None
    created_at: Moment
    updated_at: Moment


class CampaignSend(Struct):
    """Without `scheduled_at`, or with a moment that has passed, it starts now."""

    scheduled_at: Moment | None = None
    confirm_all: bool = False


class CampaignSent(Struct):
    id: int
    status: CampaignStatus
    scheduled_at: Moment | None


class Stats(Struct):
    """`sent` counts all that were handed over, `delivered` all that arrived, read or not."""

    total: int
    queued: int
    sent: int
    delivered: int
    read: int
    failed: int
    canceled: int
    opened: int
    clicked: int
    unsubscribed: int


class CampaignProgress(Struct):
    id: int
    status: CampaignStatus
    stats: Stats
    scheduled_at: Moment | None
    started_at: Moment | None
    completed_at: Moment | None
    failure: str | None


def campaign_status(status: str) -> Any:
    return "completed" if status == "sent" else status


def campaign(row: Broadcast) -> CampaignOut:
    times = (row.scheduled_at, row.started_at, row.completed_at, row.created_at, row.updated_at)
    named = row.audience.get("ids")
    audience = AudienceOut(row.audience["type"], row.audience.get("id"), len(named) if named else None)
    routing = ("platform" if row.pool else "auto") if row.channel == "sms" else None
    own = None if row.pool else row.channel_id
    return CampaignOut(
        row.id, row.name, row.channel, campaign_status(row.status), row.subject, row.html or row.body, audience, own,
        routing, *map(moment, times),  # pyright: ignore[reportArgumentType]
    )  # fmt: skip


def campaign_sent(row: Broadcast) -> CampaignSent:
    return CampaignSent(row.id, campaign_status(row.status), moment(row.scheduled_at))


def campaign_progress(row: Broadcast, now: Progress) -> CampaignProgress:
    stats = Stats(
        now.total, now.queued, now.handed_over, now.arrived, now.read, now.failed, now.canceled, now.opened,
        now.clicked, now.unsubscribed,
    )  # fmt: skip
    times = moment(row.scheduled_at), moment(row.started_at), moment(row.completed_at)
    return CampaignProgress(row.id, campaign_status(row.status), stats, *times, row.failure)


class TemplateIn(Struct):
    """`body` is HTML for email. Slots for variables are written `{{name}}`."""

    key: Key
    channel: CampaignChannel
    body: Annotated[str, Meta(min_length=1, max_length=500_000, examples=["Hello {{name}}, see you on {{date}}."])]
    name: Annotated[str, Meta(max_length=255)] = ""
    language: Annotated[str, Meta(max_length=35)] = "en"
    subject: Annotated[str, Meta(max_length=255)] | None = None


class TemplateChanges(Struct):
    """What is left out stays."""

    key: Key | UnsetType = UNSET
    channel: CampaignChannel | UnsetType = UNSET
    body: Annotated[str, Meta(min_length=1, max_length=500_000)] | UnsetType = UNSET
    name: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    language: Annotated[str, Meta(max_length=35)] | UnsetType = UNSET
    subject: Annotated[str, Meta(max_length=255)] | None | UnsetType = UNSET


class TemplateOut(Struct):
    id: int
    key: str
    name: str
    channel: str
    language: str
    subject: str | None
    body: str
    variables: list[str]
    status: str
    updated_at: Moment


def template(row: Template) -> TemplateOut:
    return TemplateOut(
        row.id, row.key, row.name, row.channel, row.language, row.subject, row.body, row.variables, row.status,
        moment(row.updated_at),
    )  # fmt: skip
