"""What contacts, lists and tags look like on the connector's wire."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from trunkline.ai.dealings import Dealing, Dealings
from trunkline.contacts.groups import Group
from trunkline.contacts.records import Contact
from trunkline.contacts.tags import Tag
from trunkline.core import opaque
from trunkline.core.crypto import Vault
from trunkline.dialects.base import Moment, moment
from trunkline.inbox.standing import Standing

Name = Annotated[str, Meta(max_length=255, examples=["Jane"])]
Phone = Annotated[str, Meta(max_length=64, examples=["+15551234567"])]
Mail = Annotated[str, Meta(max_length=255, examples=["jane@example.com"])]
Ref = Annotated[str, Meta(max_length=255, examples=["4UYbrhSNX2vQwJzLkF6d"])]
Label = Annotated[str, Meta(max_length=255)]


class ContactIn(Struct, kw_only=True):
    """At least one of `phone` (with the country code) and `email`; `phoneNumber` is another name of `phone`.

    `listIds` wins over `listId`. `externalId` is the contact's id on your side, by which custom channels reach them.
    """

    firstName: Name | None = None
    lastName: Name | None = None
    phone: Phone | None = None
    phoneNumber: Phone | None = None
    email: Mail | None = None
    is_bot_active: bool | None = None
    do_not_disturb: bool | None = None
    listId: Ref | None = None
    listIds: Annotated[list[Ref], Meta(max_length=100)] | None = None
    tags: Annotated[list[Label], Meta(max_length=100)] | None = None
    custom_fields: dict[str, Any] | None = None
    externalId: Label | None = None
    instagramId: Label | None = None
    channel: Label | None = None
    customChannel: Label | None = None
    chatWidgetId: Label | None = None
    currentCampaign: Label | None = None
    currentCampaignData: dict[str, Any] | None = None
    isChatWindowOpen: bool | None = None


class ContactChanges(Struct, kw_only=True):
    """What is left out stays."""

    firstName: Name | None | UnsetType = UNSET
    lastName: Name | None | UnsetType = UNSET
    email: Mail | None | UnsetType = UNSET
    is_bot_active: bool | UnsetType = UNSET
    do_not_disturb: bool | UnsetType = UNSET
    custom_fields: dict[str, Any] | UnsetType = UNSET
    channel: Label | None | UnsetType = UNSET


class Said(Struct, frozen=True):
    message: str
    contactId: str


class ContactOut(Struct, frozen=True, kw_only=True):
    """`phone` and `phoneNumber` are the same, and so are `id` and `contactId`."""

    id: str
    firstName: str
    lastName: str
    phone: str | None
    email: str | None
    createdAt: Moment
    success: bool = True
    contactId: str
    phoneNumber: str | None


class CreatedOut(ContactOut, frozen=True, kw_only=True):
    """`existing`: somebody had this phone or email already, and nothing about them was changed."""

    existing: bool
    data: Said


class TagName(Struct, frozen=True):
    name: str


class CampaignOut(Struct, frozen=True):
    id: str
    name: str


class Details(Struct, frozen=True, kw_only=True):
    """`channel` is the kind on which they talked last. `chatConcluded`: all their conversations are closed."""

    id: str
    firstName: str
    lastName: str
    email: str | None
    phoneNumber: str | None
    channel: str | None
    isBotActive: bool
    doNotDisturb: bool
    doNotDisturbReason: str | None
    createdAt: Moment
    lastActivityAt: Moment | None
    lastIncomingMessageAt: Moment | None
    hasHadActivity: bool
    creditsUsed: int
    botMessageCount: int
    chatConcluded: bool
    currentCampaign: CampaignOut | None
    campaigns: list[CampaignOut]
    tags: list[TagName]
    customFields: dict[str, Any]


class FoundOut(ContactOut, frozen=True, kw_only=True):
    contact: Details


class Done(Struct, frozen=True):
    message: str
    success: bool = True


class ListOut(Struct, frozen=True):
    id: str
    name: str
    contactsCount: int


class ListsOut(Struct, frozen=True):
    data: list[ListOut]
    success: bool = True


class TagOut(Struct, frozen=True):
    name: str
    description: str


class OnListIn(Struct):
    contactId: Ref


class OnOneListIn(Struct):
    contactId: Ref
    listId: Ref


class WhoIn(Struct):
    """One of `phoneNumber` and `email`, here or in the query."""

    phoneNumber: Phone | None = None
    email: Mail | None = None


class TagIn(WhoIn):
    """`tag` and one of `phoneNumber` and `email`, here or in the query."""

    tag: Label | None = None


class TagQuery(Struct):
    tag: Label = ""
    phoneNumber: Phone = ""
    email: Mail = ""


class WhoQuery(Struct):
    """One of both. In an address the plus of a phone number is written `%2B`."""

    phoneNumber: Phone = ""
    email: Mail = ""


def created(vault: Vault, row: Contact, *, existing: bool) -> CreatedOut:
    id = opaque.write(vault, "contact", row.id)
    message = "Contact already exists" if existing else "Contact created successfully"
    return CreatedOut(**_flat(row, id), existing=existing, data=Said(message, id))


def found(vault: Vault, row: Contact, standing: Standing, dealings: Dealings) -> FoundOut:
    id = opaque.write(vault, "contact", row.id)
    return FoundOut(**_flat(row, id), contact=_details(vault, row, standing, dealings))


def list_(vault: Vault, row: Group) -> ListOut:
    return ListOut(opaque.write(vault, "list", row.id), row.name, row.size)


def tag(row: Tag) -> TagOut:
    return TagOut(row.name, row.description)


def _flat(row: Contact, id: str) -> dict[str, Any]:
    return {
        "id": id,
        "firstName": row.first_name,
        "lastName": row.last_name,
        "phone": row.phone,
        "email": row.email,
        "createdAt": moment(row.created_at),
        "contactId": id,
        "phoneNumber": row.phone,
    }


def _campaign(vault: Vault, dealing: Dealing) -> CampaignOut:
    return CampaignOut(opaque.write(vault, "campaign", dealing.assistant_id), dealing.name)


def _details(vault: Vault, row: Contact, standing: Standing, dealings: Dealings) -> Details:
    last = max((at for at in (row.last_inbound_at, row.last_contacted_at) if at), default=None)
    return Details(
        id=opaque.write(vault, "contact", row.id),
        firstName=row.first_name,
        lastName=row.last_name,
        email=row.email,
        phoneNumber=row.phone,
        channel=standing.channel,
        isBotActive=row.bot_active,
        doNotDisturb=row.do_not_disturb,
        doNotDisturbReason=row.do_not_disturb_reason,
        createdAt=moment(row.created_at),
        lastActivityAt=moment(last),
        lastIncomingMessageAt=moment(row.last_inbound_at),
        hasHadActivity=last is not None,
        creditsUsed=dealings.credits,
        botMessageCount=standing.ai_replies_count,
        chatConcluded=standing.is_concluded,
        currentCampaign=_campaign(vault, dealings.current) if dealings.current else None,
        campaigns=[_campaign(vault, dealing) for dealing in dealings.all],
        tags=[TagName(each.name) for each in row.tags],
        customFields=row.fields,
    )
