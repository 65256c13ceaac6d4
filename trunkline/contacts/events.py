"""What happens to contacts, their addresses, groups and tags."""

from collections.abc import Iterable, Iterator

from trunkline.core.db import Tx
from trunkline.core.events import Event

BATCH = 1000


class ContactCreated(Event, frozen=True):
    type = "contact.created"
    contact_id: int
    source: str


class ContactUpdated(Event, frozen=True):
    """`changed` names the attributes; `fields.plan` is one custom field."""

    type = "contact.updated"
    contact_id: int
    changed: list[str]


class ContactDeleted(Event, frozen=True):
    type = "contact.deleted"
    contact_ids: list[int]


class ContactsImported(Event, frozen=True):
    """One for each thousand contacts of an import; stands for their created and updated events.

    `fields` are the custom fields that it brought, as `fields.plan`.
    """

    type = "contacts.imported"
    source: str
    created: list[int]
    updated: list[int]
    fields: list[str] = []


class ContactOptedOut(Event, frozen=True):
    """An address must not be written to any more; `contact_id` is None when nobody living owns it."""

    type = "contact.opted_out"
    contact_id: int | None
    kind: str
    address: str
    source: str


class ContactOptedIn(Event, frozen=True):
    type = "contact.opted_in"
    contact_id: int | None
    kind: str
    address: str
    source: str


class ContactStatusChanged(Event, frozen=True):
    type = "contact.status_changed"
    contact_ids: list[int]
    status: str


class GroupCreated(Event, frozen=True):
    type = "group.created"
    group_id: int


class GroupFilled(Event, frozen=True):
    """Everybody was looked at: the group has whom its query finds."""

    type = "group.filled"
    group_id: int


class GroupDeleted(Event, frozen=True):
    type = "group.deleted"
    group_id: int


class GroupMembersChanged(Event, frozen=True):
    type = "group.members_changed"
    group_id: int
    added: list[int]
    removed: list[int]


class FieldRetyped(Event, frozen=True):
    """The values stay; they mean something else now."""

    type = "field.retyped"
    key: str


class TagsChanged(Event, frozen=True):
    """The contacts that got or lost one tag."""

    type = "contact.tags_changed"
    tag_id: int
    name: str
    added: list[int]
    removed: list[int]


class CompanyStageChanged(Event, frozen=True):
    type = "deal.stage_changed"
    company_id: int
    stage_id: int | None
    previous_id: int | None


def record_created(tx: Tx, ids: list[int], source: str) -> None:
    """One event for each contact, or batches when they are many."""
    if len(ids) <= BATCH:
        for id in ids:
            tx.record(ContactCreated(id, source))
        return
    for batch in batches(ids):
        tx.record(ContactsImported(source, batch, []))


def record_members(tx: Tx, group_id: int, added: list[int], removed: list[int]) -> None:
    for batch in batches(added):
        tx.record(GroupMembersChanged(group_id, batch, []))
    for batch in batches(removed):
        tx.record(GroupMembersChanged(group_id, [], batch))


def batches(ids: Iterable[int]) -> Iterator[list[int]]:
    listed = list(ids)
    for start in range(0, len(listed), BATCH):
        yield listed[start : start + BATCH]
