"""Macros: several steps under one name, for one colleague or for all: labels, a status, and a reply to look over."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from trunkline.contacts import names, values
from trunkline.core import text as template
from trunkline.core.db import Tx, json_text, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.inbox import canned
from trunkline.inbox.changes import Priority, Status

MOST = 100


class Steps(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is left out stays as it is. `reply` goes into the composer, never out by itself."""

    status: Status | None = None
    priority: Priority | None = None
    assignee: Literal["me", "nobody"] | None = None
    until: Annotated[str, Meta(max_length=40)] | None = None
    add_tags: Annotated[list[int], Meta(max_length=20)] = []
    reply: Annotated[str, Meta(max_length=10_000)] = ""


class Macro(Struct, frozen=True):
    id: int
    name: str
    steps: Steps
    is_shared: bool


async def all_of(tx: Tx, user_id: int) -> list[Macro]:
    """One's own and everybody's, by name."""
    return [_read(row) for row in await tx.fetch(_Row, ALL, tx.account, user_id)]


async def filled(tx: Tx, user_id: int, contact_id: int, agent: str) -> list[Macro]:
    """The same with their replies written for one contact; what is not known stays as `{{name}}`."""
    found = await all_of(tx, user_id)
    texts = {one.id: template.compile(one.steps.reply) for one in found}
    asked = {name for text in texts.values() for name in text.names}
    known = (await values.of_contacts(tx, [contact_id], asked)).get(contact_id, {}) | {"agent": agent}
    return [_with_reply(one, canned.filled(texts[one.id], known)[0]) for one in found]


async def create(tx: Tx, name: str, steps: Steps, user_id: int, *, shared: bool = False) -> Macro:
    name = names.required(name)
    if steps == Steps():
        raise Invalid({"steps": ["A macro needs a step."]})
    if slip := template.unclosed(steps.reply):
        raise Invalid({"reply": [f"This opens a variable and does not close it: {slip}"]})
    if len(await all_of(tx, user_id)) >= MOST:
        raise Conflict("too_many_macros", f"At most {MOST} macros can be kept. Remove one first.")
    row = await tx.one(_Row, INSERT, tx.account, None if shared else user_id, name, json_text(steps))
    return _read(row)


async def remove(tx: Tx, id: int, user_id: int) -> None:
    """Forget one of one's own, or a shared one."""
    if not await tx.run(DELETE, tx.account, id, user_id):
        raise NotFound("macro", id)


def _with_reply(macro: Macro, reply: str) -> Macro:
    return msgspec.structs.replace(macro, steps=msgspec.structs.replace(macro.steps, reply=reply))


class _Row(Struct, frozen=True):
    id: int
    name: str
    steps: dict[str, Any]
    is_shared: bool


def _read(row: _Row) -> Macro:
    return Macro(row.id, row.name, msgspec.convert(row.steps, Steps), row.is_shared)


_COLUMNS = "id, name, steps, user_id is null as is_shared"

ALL = sql(f"""
    select {_COLUMNS} from macros where account_id = $1 and (user_id = $2 or user_id is null) order by lower(name), id
""")

INSERT = sql(f"""
    insert into macros (account_id, user_id, name, steps) values ($1, $2, $3, $4::text::jsonb) returning {_COLUMNS}
""")

DELETE = sql("delete from macros where account_id = $1 and id = $2 and (user_id = $3 or user_id is null)")
