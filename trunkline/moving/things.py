"""Fields, globals, labels and groups on their way in."""

from typing import Any
from uuid import UUID

from trunkline.contacts import fields, groups, names
from trunkline.contacts.fields import TYPES
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid, TrunklineError
from trunkline.flows import globals as values
from trunkline.messaging import labels
from trunkline.moving.steps import Notes

Rows = list[dict[str, Any]]


async def carry_fields(tx: Tx, rows: Rows, notes: Notes) -> None:
    known = {each.key: each for each in await fields.all(tx)}
    for row in rows:
        key, type = row["key"], row.get("type") or row.get("value_type") or "text"
        type = {"numeric": "number"}.get(type, type)
        if type not in TYPES:
            notes.leave(f"Field {key}: {type} is no type here.")
        elif key in known:
            if known[key].type != type:
                notes.problems.append(f"Field {key} is {known[key].type} here and stays so; there it is {type}.")
            notes.done += 1
        else:
            await fields.create(tx, row.get("name") or row.get("label") or key, type, key=key)
            notes.done += 1


async def carry_globals(tx: Tx, rows: Rows, notes: Notes) -> None:
    known = {each.key for each in await values.all_of(tx)}
    for row in rows:
        if row["key"] in known:
            notes.done += 1
            continue
        try:
            made = await values.create(tx, row["name"], row["value"])
        except TrunklineError as error:
            notes.leave(f"Global {row['key']}: {error.message}")
            continue
        notes.done += 1
        if made.key != row["key"]:
            notes.problems.append(f"Global {row['key']} has the key {made.key} here.")


async def carry_labels(tx: Tx, rows: Rows, notes: Notes) -> None:
    """A label that is here under another uuid is the same one: names are unique."""
    known = {names.key(each.name) for each in await labels.all_of(tx)}
    for row in reversed(rows):  # the oldest first, as they were made
        if names.key(row["name"]) not in known:
            await labels.create(tx, row["name"], uuid=UUID(row["uuid"]))
    notes.done += len(rows)


async def carry_groups(tx: Tx, rows: Rows, notes: Notes) -> None:
    """Those of the product itself are here already. Queries that cannot be read here become groups kept by hand."""
    wanted = [row for row in rows if not row.get("system")]
    known = await groups.by_uuid(tx, [UUID(row["uuid"]) for row in wanted])
    named = await groups.by_names(tx, [row["name"] for row in wanted])
    for row in reversed(wanted):  # the oldest first, as they were made
        notes.done += 1
        if UUID(row["uuid"]) in known:
            continue
        if row["name"] in named:
            notes.problems.append(f"Group {row['name']} is here already; its contacts join it.")
            continue
        await _make(tx, row, notes)


async def _make(tx: Tx, row: dict[str, Any], notes: Notes) -> None:
    uuid = UUID(row["uuid"])
    try:
        await groups.create(tx, row["name"], query=row.get("query") or None, uuid=uuid)
    except Invalid as error:
        if not row.get("query"):
            raise
        notes.problems.append(f"Group {row['name']} is kept by hand here: its query {row['query']!r}: {error.message}")
        await groups.create(tx, row["name"], uuid=uuid)
