"""Custom fields of contacts: a register of typed keys; keys that nobody declared become text fields."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.contacts import names
from trunkline.contacts.events import FieldRetyped
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import new_uuid

Type = Literal["text", "number", "datetime", "state", "district", "ward"]
TYPES: tuple[Type, ...] = ("text", "number", "datetime", "state", "district", "ward")
Access = Literal["none", "view", "edit"]


class Field(Struct, frozen=True):
    """`agent_access` is what the role agent may do with the values."""

    id: int
    uuid: UUID
    key: str
    label: str
    type: Type
    agent_access: Access
    created_at: datetime


async def all(tx: Tx) -> list[Field]:
    """Every field, in the order they were made."""
    return await tx.fetch(Field, ALL, tx.account)


async def get(tx: Tx, key: str) -> Field:
    for field in await tx.fetch(Field, BY_KEYS, tx.account, [key]):
        return field
    raise NotFound("field", key)


async def create(tx: Tx, label: str, type: Type = "text", *, key: str | None = None) -> Field:
    """Declare a field. The key is made from the label and never changes."""
    label = names.required(label, "label")
    _check_type(type)
    field = await tx.maybe(Field, INSERT, tx.account, new_uuid(), key or slug(label), label, type)
    if field is None:
        raise Conflict("field_exists", "A field with this key already exists.", field="key")
    return field


async def update(
    tx: Tx, key: str, *, label: str | None = None, type: Type | None = None, agent_access: Access | None = None
) -> Field:
    """Change what is given. Stored values stay; they are read by the new type."""
    if type is not None:
        _check_type(type)
    new_label = names.required(label, "label") if label is not None else None
    before = await get(tx, key)
    field = await tx.one(Field, UPDATE, tx.account, key, new_label, type, agent_access)
    if field.type != before.type:
        tx.record(FieldRetyped(key))
    return field


async def get_or_create(tx: Tx, keys: Sequence[str]) -> dict[str, Field]:
    """The fields of these keys; unknown keys become text fields."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    found = {field.key: field for field in await tx.fetch(Field, BY_KEYS, tx.account, wanted)}
    if missing := [key for key in wanted if key not in found]:
        await tx.run(INSERT_KEYS, tx.account, [new_uuid() for _ in missing], missing, [_label(key) for key in missing])
        found |= {field.key: field for field in await tx.fetch(Field, BY_KEYS, tx.account, missing)}
    return found


async def readied(tx: Tx, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are stored: undeclared keys declared, typed ones in one spelling, empty ones left out."""
    if any(not key.strip() for key in values):
        raise Invalid({"custom_fields": ["A custom field needs a key."]})
    present = {key: value for key, value in values.items() if value is not None and value != ""}
    declared = await get_or_create(tx, list(present))
    return {key: stored(declared[key].type, value) for key, value in present.items()}


def stored(type: Type, value: Any) -> Any:
    """A number without trailing zeros, a date in UTC; what cannot be read by its type stays as it was given."""
    reading = read(type, value)
    match reading:
        case Decimal():
            return number_text(reading)
        case datetime():
            return reading.astimezone(UTC).isoformat()
    return value


def read(type: Type, value: Any) -> Decimal | datetime | str | None:
    """What a stored value means by the field's type, None when it means nothing."""
    if value is None or isinstance(value, bool):
        return None if type != "text" or value is None else str(value).lower()
    text = value if isinstance(value, str) else as_json(value)
    match type:
        case "number":
            return _number(text)
        case "datetime":
            return _datetime(text)
    return text


def number_text(number: Decimal) -> str:
    """Plain decimal digits without trailing zeros: `40`, `0.5`."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def slug(label: str) -> str:
    """`Home Town` becomes `home_town`."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:36]


def as_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _check_type(type: str) -> None:
    if type not in TYPES:
        raise Invalid({"type": ["The selected type is invalid."]})


def _label(key: str) -> str:
    return key.replace("_", " ").strip().title()[:255] if key.islower() else key


def _number(text: str) -> Decimal | None:
    if not NUMBER.fullmatch(text.strip()):
        return None
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None


def _datetime(text: str) -> datetime | None:
    """A moment needs its zone; a bare date or local time could mean several."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


NUMBER = re.compile(r"[+-]?(?:\d{1,36}(?:\.\d{0,18})?|\.\d{1,18})", re.ASCII)

COLUMNS = "id, uuid, key, label, type, agent_access, created_at"

ALL = sql(f"select {COLUMNS} from fields where account_id = $1 order by id")

BY_KEYS = sql(f"select {COLUMNS} from fields where account_id = $1 and key = any($2)")

INSERT = sql(f"""
    insert into fields (account_id, uuid, key, label, type) values ($1, $2, $3, $4, $5)
    on conflict (account_id, key) do nothing returning {COLUMNS}
""")

INSERT_KEYS = sql("""
    insert into fields (account_id, uuid, key, label)
    select $1, * from unnest($2::uuid[], $3::text[], $4::text[])
    on conflict (account_id, key) do nothing
""")

UPDATE = sql(f"""
    update fields set label = coalesce($3, label), type = coalesce($4, type),
        agent_access = coalesce($5, agent_access)
    where account_id = $1 and key = $2
    returning {COLUMNS}
""")
