"""Labels: what people and flows call a message, to find it again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from trunkline.contacts import names
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, NotFound
from trunkline.core.ids import new_uuid


class Label(Struct, frozen=True):
    """`size` is the number of messages that carry it."""

    id: int
    uuid: UUID
    name: str
    created_at: datetime
    size: int


class LabelRef(Struct, frozen=True):
    id: int
    uuid: UUID
    name: str


async def create(tx: Tx, name: str, *, uuid: UUID | None = None) -> Label:
    name = names.required(name)
    id = await tx.value(int, INSERT, tx.account, uuid or new_uuid(), name, names.key(name))
    if id is None:
        raise Conflict("label_exists", "A label with this name already exists.", field="name")
    return await get(tx, id)


async def get(tx: Tx, id: int) -> Label:
    label = await tx.maybe(Label, BY_ID, tx.account, id) if 0 < id < 2**63 else None
    if label is None:
        raise NotFound("label", id)
    return label


async def by_uuid(tx: Tx, uuids: Sequence[UUID]) -> dict[UUID, Label]:
    return {label.uuid: label for label in await tx.fetch(Label, BY_UUIDS, tx.account, list(uuids))}


async def find(tx: Tx, name: str) -> Label | None:
    """The label with this name, however it is written."""
    return await tx.maybe(Label, BY_KEY, tx.account, names.key(name))


async def all_of(tx: Tx) -> list[Label]:
    """Every label, the newest first, with its size."""
    return await tx.fetch(Label, ALL, tx.account)


async def get_or_create(tx: Tx, wanted: Sequence[str]) -> dict[str, Label]:
    """The label of each name; those that are missing are made."""
    readied = {name: names.required(name) for name in dict.fromkeys(wanted)}
    keys = {names.key(name): name for name in readied.values()}
    if keys:
        await tx.run(PUT, tx.account, [new_uuid() for _ in keys], list(keys.values()), list(keys))
    found = {names.key(label.name): label for label in await tx.fetch(Label, BY_KEYS, tx.account, list(keys))}
    return {name: found[names.key(kept)] for name, kept in readied.items()}


async def rename(tx: Tx, id: int, name: str) -> Label:
    name = names.required(name)
    await get(tx, id)
    if await tx.value(int, RIVAL, tx.account, names.key(name), id):
        raise Conflict("label_exists", "A label with this name already exists.", field="name")
    await tx.run(RENAME, tx.account, id, name, names.key(name))
    return await get(tx, id)


async def delete(tx: Tx, id: int) -> None:
    """Delete a label; the messages stay."""
    await get(tx, id)
    await tx.run(STRIP, tx.account, id)
    await tx.run(DELETE, tx.account, id)


async def add(tx: Tx, pairs: Sequence[tuple[int, int]]) -> int:
    """Put labels on inbound messages, as (label, message); returns how many are new."""
    if not pairs:
        return 0
    return await tx.run(ADD, tx.account, [label for label, _ in pairs], [message for _, message in pairs])


async def remove(tx: Tx, label: int, messages: Sequence[int]) -> int:
    return await tx.run(REMOVE, tx.account, label, list(messages)) if messages else 0


async def of(tx: Tx, messages: Sequence[int]) -> dict[int, list[LabelRef]]:
    """The labels of each message, by name."""
    found: dict[int, list[LabelRef]] = {id: [] for id in messages}
    for message, *label in await tx.rows(OF, tx.account, list(messages)):
        found[message].append(LabelRef(*label))
    return found


_SELECT = """
    select l.id, l.uuid, l.name, l.created_at,
        (select coalesce(sum(t.value), 0)::bigint from tallies t
            where t.account_id = $1 and t.name = 'label:' || l.id) as size
    from labels l where l.account_id = $1
"""

INSERT = sql("""
    insert into labels (account_id, uuid, name, name_key) values ($1, $2, $3, $4)
    on conflict (account_id, name_key) do nothing returning id
""")

PUT = sql("""
    insert into labels (account_id, uuid, name, name_key)
    select $1, * from unnest($2::uuid[], $3::text[], $4::text[])
    on conflict (account_id, name_key) do nothing
""")

BY_ID = sql(f"{_SELECT} and l.id = $2")

BY_UUIDS = sql(f"{_SELECT} and l.uuid = any($2)")

BY_KEY = sql(f"{_SELECT} and l.name_key = $2")

BY_KEYS = sql(f"{_SELECT} and l.name_key = any($2)")

ALL = sql(f"{_SELECT} order by l.id desc")

RIVAL = sql("select id from labels where account_id = $1 and name_key = $2 and id <> $3")

RENAME = sql("update labels set name = $3, name_key = $4 where account_id = $1 and id = $2")

STRIP = sql("delete from message_labels where account_id = $1 and label_id = $2")

DELETE = sql("delete from labels where account_id = $1 and id = $2")

ADD = sql("""
    insert into message_labels (account_id, label_id, message_id)
    select $1, l.id, m.id from unnest($2::bigint[], $3::bigint[]) as given (label_id, message_id)
    join labels l on l.account_id = $1 and l.id = given.label_id
    join messages m on m.account_id = $1 and m.id = given.message_id and m.direction = 'in'
    on conflict do nothing
""")

REMOVE = sql("""
    delete from message_labels where account_id = $1 and label_id = $2 and message_id = any($3::bigint[])
""")

OF = sql("""
    select given.message_id, l.id, l.uuid, l.name from message_labels given
    join labels l on l.account_id = $1 and l.id = given.label_id
    where given.account_id = $1 and given.message_id = any($2::bigint[]) order by l.name_key
""")
