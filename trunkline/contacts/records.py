"""The contact: as it is read, as it is made, as it is changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid
from trunkline.core.urns import Urn

Status = Literal["active", "blocked", "stopped", "archived"]
STATUSES: tuple[Status, ...] = ("active", "blocked", "stopped", "archived")


class TagRef(Struct, frozen=True):
    id: int
    name: str
    color: str


class Contact(Struct):
    """`company` is the company's name; `phone` is E.164 where it could be read, else as typed."""

    id: int
    uuid: UUID
    name: str
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    title: str | None
    buying_role: str | None
    is_primary: bool
    company_id: int | None
    company: str | None
    city: str | None
    country: str | None
    timezone: str | None
    language: str | None
    avatar: str | None
    lead_score: int
    status: Status
    do_not_disturb: bool
    do_not_disturb_reason: str | None
    bot_active: bool
    notes: str | None
    owner_id: int | None
    fields: dict[str, Any]
    metadata: dict[str, Any]
    source: str
    last_contacted_at: datetime | None
    last_seen_at: datetime | None
    last_inbound_at: datetime | None
    unsubscribed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    tags: list[TagRef] = []


class NewContact(Struct, kw_only=True):
    """What a contact may be made of; everything is optional. `name` wins over first and last name."""

    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    urns: list[Urn] = []
    title: str | None = None
    buying_role: str | None = None
    is_primary: bool = False
    company: str | None = None
    company_id: int | None = None
    city: str | None = None
    country: str | None = None
    timezone: str | None = None
    language: str | None = None
    avatar: str | None = None
    lead_score: int = 0
    status: Status = "active"
    do_not_disturb: bool = False
    do_not_disturb_reason: str | None = None
    bot_active: bool = True
    notes: str | None = None
    owner_id: int | None = None
    fields: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    source: str = ""


class Changes(Struct, kw_only=True):
    """Only what is given changes; None empties. `fields` and `metadata` merge, a null in them removes the key."""

    name: str | None | UnsetType = UNSET
    first_name: str | None | UnsetType = UNSET
    last_name: str | None | UnsetType = UNSET
    email: str | None | UnsetType = UNSET
    phone: str | None | UnsetType = UNSET
    title: str | None | UnsetType = UNSET
    buying_role: str | None | UnsetType = UNSET
    is_primary: bool | UnsetType = UNSET
    company: str | None | UnsetType = UNSET
    company_id: int | None | UnsetType = UNSET
    city: str | None | UnsetType = UNSET
    country: str | None | UnsetType = UNSET
    timezone: str | None | UnsetType = UNSET
    language: str | None | UnsetType = UNSET
    avatar: str | None | UnsetType = UNSET
    lead_score: int | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    do_not_disturb: bool | UnsetType = UNSET
    do_not_disturb_reason: str | None | UnsetType = UNSET
    bot_active: bool | UnsetType = UNSET
    notes: str | None | UnsetType = UNSET
    owner_id: int | None | UnsetType = UNSET
    fields: dict[str, Any] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET}


async def load(tx: Tx, ids: Sequence[int], *, deleted: bool = False) -> list[Contact]:
    """The contacts with these ids in no order; deleted ones only if asked for."""
    wanted = [id for id in ids if 0 < id < 2**63]
    return await with_tags(tx, await tx.fetch(Contact, BY_IDS, tx.account, wanted, deleted))


async def with_tags(tx: Tx, contacts: list[Contact]) -> list[Contact]:
    """Fill in the tags; a second statement by ids is faster than an aggregate for each row."""
    if not contacts:
        return contacts
    by_id = {contact.id: contact for contact in contacts}
    for contact_id, *tag in await tx.rows(TAGS, tx.account, list(by_id)):
        contact = by_id[contact_id]
        contact.tags = [*contact.tags, TagRef(*tag)]
    return contacts


def checked_values(given: Mapping[str, Any], name: str, *, most_bytes: int = 65_536) -> None:
    """Custom values come from outside and are stored as they are, within bounds."""
    if len(given) > 500 or any(len(key) > 255 or "\0" in key for key in given):
        raise Invalid({name: [f"The {name} field has too many keys, or a key that cannot be stored."]})
    try:
        text = msgspec.json.encode(given)
    except (RecursionError, TypeError, ValueError, UnicodeEncodeError):
        raise Invalid({name: [f"The {name} field cannot be stored."]}) from None
    if len(text) > most_bytes or rb"\u0000" in text or _depth(given) > 20:
        raise Invalid({name: [f"The {name} field is too large, too deep or holds a character that cannot be stored."]})


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > 20:
            break
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return depth


COLUMNS = """
    c.id, c.uuid, c.name, c.first_name, c.last_name, c.email, c.phone, c.title, c.buying_role, c.is_primary,
    c.company_id,
    (select co.name from companies co where co.account_id = c.account_id and co.id = c.company_id) as company,
    c.city, c.country, c.timezone, c.language, c.avatar, c.lead_score, c.status, c.do_not_disturb,
    c.do_not_disturb_reason, c.bot_active, c.notes, c.owner_id, c.fields, c.metadata, c.source, c.last_contacted_at,
    c.last_seen_at, c.last_inbound_at, c.unsubscribed_at, c.created_at, c.updated_at, c.deleted_at
"""

BY_IDS = sql(f"""
    select {COLUMNS} from contacts c where c.account_id = $1 and c.id = any($2) and (c.deleted_at is null or $3)
""")

TAGS = sql("""
    select ct.contact_id, t.id, t.name, t.color
    from contact_tags ct join tags t on t.account_id = ct.account_id and t.id = ct.tag_id
    where ct.account_id = $1 and ct.contact_id = any($2)
    order by t.name_key
""")
