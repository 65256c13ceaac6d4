"""Opt-ins: what contacts may be asked whether they want it, by name."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from trunkline.contacts import names
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict
from trunkline.core.ids import new_uuid


class OptIn(Struct, frozen=True):
    id: int
    uuid: UUID
    name: str
    created_at: datetime


async def create(tx: Tx, name: str) -> OptIn:
    name = names.required(name)
    made = await tx.maybe(OptIn, INSERT, tx.account, new_uuid(), name, names.key(name))
    if made is None:
        raise Conflict("optin_exists", "An opt-in with this name already exists.", field="name")
    return made


async def all_of(tx: Tx) -> list[OptIn]:
    """Every one, the newest first."""
    return await tx.fetch(OptIn, ALL, tx.account)


INSERT = sql("""
    insert into optins (account_id, uuid, name, name_key) values ($1, $2, $3, $4)
    on conflict (account_id, name_key) do nothing returning id, uuid, name, created_at
""")

ALL = sql("select id, uuid, name, created_at from optins where account_id = $1 order by id desc")
