"""Globals: values that belong to the workspace and that flows read as `@globals.key`."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import new_uuid
from trunkline.core.text import clean

NAME_LENGTH = 36
VALUE_LENGTH = 10_000
MOST = 250


class Global(Struct, frozen=True):
    id: int
    uuid: UUID
    key: str
    name: str
    value: str
    created_at: datetime
    modified_at: datetime


async def create(tx: Tx, name: str, value: str) -> Global:
    """A new value; its key is made from the name and never changes."""
    name = clean(name).strip()
    key = _key(name)
    if await tx.value(int, COUNT, tx.account, MOST) == MOST:
        raise Conflict("global_limit", f"This workspace has reached its limit of {MOST} globals.")
    made = await tx.maybe(Global, INSERT, tx.account, new_uuid(), key, name, _value(value))
    if made is None:
        raise Conflict("global_exists", "A global with this name already exists.", field="name")
    return made


async def put(tx: Tx, values: Mapping[str, str]) -> None:
    """Set values by key; keys that are new become globals of that name."""
    if not values:
        return
    names = {_key(key): key for key in values}
    columns = ([new_uuid() for _ in names], list(names), [_title(key) for key in names])
    await tx.run(PUT, tx.account, *columns, [_value(values[key]) for key in names.values()])


async def update(tx: Tx, key: str, value: str) -> Global:
    changed = await tx.maybe(Global, UPDATE, tx.account, key, _value(value))
    if changed is None:
        raise NotFound("global", key)
    return changed


async def get_many(tx: Tx, keys: Sequence[str]) -> list[Global]:
    return await tx.fetch(Global, BY_KEYS, tx.account, list(keys))


async def all_of(tx: Tx) -> list[Global]:
    """All, by the time of their last change."""
    return await tx.fetch(Global, ALL, tx.account)


def _key(name: str) -> str:
    if not name:
        raise Invalid({"name": ["Name is required when creating new global."]})
    if not NAME.fullmatch(name):
        raise Invalid({"name": ["Name contains illegal characters."]})
    if len(name) > NAME_LENGTH:
        raise Invalid({"name": [f"Ensure this field has no more than {NAME_LENGTH} characters."]})
    key = NOT_KEY.sub("_", name.lower()).strip("_")
    if not key[:1].isalpha():
        raise Invalid({"name": ["Name creates Key that is invalid"]})
    return key


def _value(value: str) -> str:
    value = clean(value)
    if len(value) > VALUE_LENGTH:
        raise Invalid({"value": [f"Ensure this field has no more than {VALUE_LENGTH} characters."]})
    return value


def _title(key: str) -> str:
    return key.replace("_", " ").title()


NAME = re.compile(r"[A-Za-z0-9_ \-]+")
NOT_KEY = re.compile(r"[^a-z0-9]+")

_COLUMNS = "id, uuid, key, name, value, created_at, modified_at"

COUNT = sql("select count(*) from (select from globals where account_id = $1 limit $2) counted")

INSERT = sql(f"""
    insert into globals (account_id, uuid, key, name, value) values ($1, $2, $3, $4, $5)
    on conflict (account_id, key) do nothing returning {_COLUMNS}
""")

PUT = sql("""
    insert into globals (account_id, uuid, key, name, value)
    select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::text[])
    on conflict (account_id, key) do update set value = excluded.value, modified_at = now()
""")

UPDATE = sql(f"""
    update globals set value = $3, modified_at = now() where account_id = $1 and key = $2 returning {_COLUMNS}
""")

BY_KEYS = sql(f"select {_COLUMNS} from globals where account_id = $1 and key = any($2)")

ALL = sql(f"select {_COLUMNS} from globals where account_id = $1 order by modified_at desc, id desc")
