"""Shapes of the developer dialect: what is known about companies, contacts and chats, in camelCase."""

from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.contacts.cards import CompanyCard, ContactCard
from trunkline.dialects.base import Moment, moment
from trunkline.inbox.cards import ConversationCard


class CompanyOut(Struct, frozen=True, rename="camel"):
    """`deal_value` is in the account's currency, `position` counts from 0 inside the stage."""

    id: UUID
    name: str
    website: str | None
    industry: str | None
    deal_value: int | float
    stage_id: UUID | None
    position: int
    logo_url: str | None
    notes: str | None
    last_contact: Moment | None
    is_customer: bool
    created_by: UUID | None
    created_at: Moment
    updated_at: Moment


class ContactOut(Struct, frozen=True, rename="camel"):
    """`phone` is written as it was typed; `user_id` is the owner."""

    id: UUID
    company_id: UUID | None
    name: str
    email: str | None
    phone: str | None
    title: str | None
    role: str | None
    notes: str | None
    is_primary: bool
    user_id: UUID | None
    created_at: Moment
    updated_at: Moment


class ConversationOut(Struct, frozen=True, rename="camel"):
    """`trust_uploads`: files of this visitor may be shown without a warning."""

    id: UUID
    company_id: UUID | None
    visitor_name: str | None
    visitor_email: str | None
    visitor_ip: str | None
    user_agent: str | None
    referrer_url: str | None
    page_url: str | None
    status: str
    assigned_to_user_id: UUID | None
    is_read: bool
    trust_uploads: bool
    tags: list[str]
    last_message_at: Moment | None
    created_at: Moment
    updated_at: Moment


def company(card: CompanyCard) -> CompanyOut:
    value = card.deal_value
    return CompanyOut(
        card.uuid,
        card.name,
        card.website,
        card.industry,
        int(value) if value == value.to_integral_value() else float(value),
        card.stage,
        card.position,
        card.logo_url,
        card.notes,
        moment(card.last_contact_at),
        card.is_customer,
        card.created_by,
        moment(card.created_at),
        moment(card.updated_at),
    )


def contact(card: ContactCard) -> ContactOut:
    return ContactOut(
        card.uuid,
        card.company,
        card.name,
        card.email,
        card.phone,
        card.title,
        card.role,
        card.notes,
        card.is_primary,
        card.owner,
        moment(card.created_at),
        moment(card.updated_at),
    )


def conversation(card: ConversationCard, *, whole_ip: bool) -> ConversationOut:
    visitor = card.visitor or {}
    ip = _text(visitor, "ip")
    return ConversationOut(
        card.uuid,
        card.company,
        _text(visitor, "name") or card.name or None,
        _text(visitor, "email") or card.email,
        ip if whole_ip or ip is None else masked(ip),
        _text(visitor, "user_agent"),
        _text(visitor, "referrer_url"),
        _text(visitor, "page_url"),
        card.status,
        card.assignee,
        card.is_read,
        visitor.get("trust_uploads") is True,
        card.tags,
        moment(card.last_message_at),
        moment(card.created_at),
        moment(card.updated_at),
    )


def masked(ip: str) -> str | None:
    """The network that an address is in: enough to tell a country, too little to tell a person."""
    try:
        address = ip_address(ip)
    except ValueError:
        return None
    return str(ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False).network_address)


def _text(visitor: dict[str, Any], name: str) -> str | None:
    value = visitor.get(name)
    return value if isinstance(value, str) and value else None
