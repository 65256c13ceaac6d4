"""Assistants: who answers by itself, with which instructions, from which knowledge, and which one is asked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from trunkline.ai.replies import Tone
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import new_uuid
from trunkline.core.text import clean
from trunkline.knowledge import words

OPAQUE = "campaign"
"""The kind under which `core/opaque.py` hides an assistant's number: integrations call assistants campaigns."""

MOST = 100
LONGEST_NAME, LONGEST_INSTRUCTIONS, LONGEST_KEYWORD, LONGEST_FAREWELL = 255, 10_000, 64, 1000
MOST_KEYWORDS, MOST_CATEGORIES = 50, 20
LONGEST_WAIT, LONGEST_MOST = 300, 900


class Assistant(Struct, frozen=True):
    """`keywords` are folded. Without `categories` it answers from the whole knowledge base.

    It answers `wait_seconds` after the last message of a burst, `most_seconds` after the first at the latest.
    """

    id: int
    uuid: UUID
    name: str
    instructions: str
    tone: Tone
    keywords: list[str]
    categories: list[str]
    is_default: bool
    is_active: bool
    handover_text: str
    wait_seconds: int
    most_seconds: int
    created_at: datetime
    updated_at: datetime


class Changes(Struct, frozen=True, kw_only=True):
    """What is set; whatever is left out stays. `categories` are those of the knowledge base, none for all."""

    name: str | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    tone: str | UnsetType = UNSET
    keywords: Sequence[str] | UnsetType = UNSET
    categories: Sequence[str] | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    handover_text: str | UnsetType = UNSET
    wait_seconds: int | UnsetType = UNSET
    most_seconds: int | UnsetType = UNSET


async def create(tx: Tx, name: str, changes: Changes | None = None) -> Assistant:
    """Make an assistant. A new default takes the place of the one before."""
    await tx.run(IN_TURN, tx.account)
    if len(await all_of(tx)) >= MOST:
        raise Conflict("assistant_limit", f"This workspace has reached its limit of {MOST} assistants.")
    values = DEFAULTS | _read(msgspec.structs.replace(changes or Changes(), name=name))
    _check_waits(values)
    if values["is_default"]:
        await tx.run(NO_DEFAULT, tx.account, None)
    made = await tx.maybe(Assistant, INSERT, tx.account, new_uuid(), *(values[column] for column in COLUMNS))
    return made or _taken()


async def update(tx: Tx, id: int, changes: Changes) -> Assistant:
    await tx.run(IN_TURN, tx.account)
    found = await get(tx, id)
    values = msgspec.structs.asdict(found) | _read(changes)
    values["name_key"] = _key(values["name"])
    _check_waits(values)
    if values["is_default"] and not found.is_default:
        await tx.run(NO_DEFAULT, tx.account, id)
    if await tx.value(int, OTHER, tx.account, values["name_key"], id):
        _taken()
    return await tx.one(Assistant, UPDATE, tx.account, id, *(values[column] for column in COLUMNS))


async def delete(tx: Tx, id: int) -> None:
    """Whoever it talked to is answered by the default one from then on."""
    if not await tx.run(DELETE, tx.account, id if 0 < id < 2**63 else 0):
        raise NotFound("campaign", id)


async def get(tx: Tx, id: int | None) -> Assistant:
    """Raises NotFound("campaign") for what is none of the account's; None, which an id that cannot be read is, too."""
    found = await tx.maybe(Assistant, BY_ID, tx.account, id) if id is not None and 0 < id < 2**63 else None
    if found is None:
        raise NotFound("campaign", id)
    return found


async def by_uuid(tx: Tx, uuid: UUID) -> Assistant:
    found = await tx.maybe(Assistant, BY_UUID, tx.account, uuid)
    if found is None:
        raise NotFound("campaign", uuid)
    return found


async def all_of(tx: Tx) -> list[Assistant]:
    """All of the account, in the order in which they were made."""
    return await tx.fetch(Assistant, ALL, tx.account)


def choose(found: Sequence[Assistant], text: str, *, named: int | None, present: int | None) -> Assistant | None:
    """Who answers a message: the one it names, one whose keyword is in it, the one that talks already, the default.

    Of several keywords the longest counts. Only who is active is chosen.
    """
    awake = {one.id: one for one in found if one.is_active}
    default = next((one for one in awake.values() if one.is_default), None)
    return awake.get(named or 0) or _called(awake.values(), text) or awake.get(present or 0) or default


def _called(found: Any, text: str) -> Assistant | None:
    said = f" {folded(text)} "
    calls = [(len(keyword), one) for one in found for keyword in one.keywords if f" {keyword} " in said]
    return max(calls, key=lambda call: (call[0], -call[1].id))[1] if calls else None


def folded(text: str) -> str:
    """The words of a text with one space between, without case and accents."""
    return " ".join(words.words(text))


def _read(changes: Changes) -> dict[str, Any]:
    """The columns that these changes set. Raises Invalid with all that is wrong."""
    values = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET}
    problems: dict[str, list[str]] = {}
    for name, value in values.items():
        try:
            values[name] = READERS[name](value) if name in READERS else value
        except ValueError as error:
            problems[name] = [str(error)]
    if problems:
        raise Invalid(problems)
    return values | ({"name_key": _key(values["name"])} if "name" in values else {})


def _name(value: str) -> str:
    name = " ".join(clean(value).split())
    if not name:
        raise ValueError("The name field is required.")
    return _short(name, LONGEST_NAME, "name")


def _tone(value: str) -> str:
    if value not in get_args(Tone):
        raise ValueError(f"The tone must be one of {', '.join(get_args(Tone))}.")
    return value


def _keywords(value: Sequence[str]) -> list[str]:
    kept = list(dict.fromkeys(folded(_short(word, LONGEST_KEYWORD, "keyword")) for word in value))
    if "" in kept:
        raise ValueError("A keyword needs a letter or a digit.")
    if len(kept) > MOST_KEYWORDS:
        raise ValueError(f"There may not be more than {MOST_KEYWORDS} keywords.")
    return kept


def _categories(value: Sequence[str]) -> list[str]:
    kept = list(dict.fromkeys(name for word in value if (name := clean(word).strip())))
    if len(kept) > MOST_CATEGORIES:
        raise ValueError(f"There may not be more than {MOST_CATEGORIES} categories.")
    return kept


def _check_waits(values: dict[str, Any]) -> None:
    wait, most = values["wait_seconds"], values["most_seconds"]
    if not 0 <= wait <= LONGEST_WAIT:
        raise Invalid({"wait_seconds": [f"The wait must be from 0 to {LONGEST_WAIT} seconds."]})
    if not wait <= most <= LONGEST_MOST:
        raise Invalid({"most_seconds": [f"The longest wait must be from {wait} to {LONGEST_MOST} seconds."]})


def _short(text: str, most: int, name: str) -> str:
    text = clean(text).strip()
    if len(text) > most:
        raise ValueError(f"The {name} field must not be greater than {most} characters.")
    return text


def _key(name: str) -> str:
    return " ".join(name.casefold().split())


def _taken() -> Any:
    raise Invalid({"name": ["The name has already been taken."]})


READERS: dict[str, Any] = {
    "name": _name,
    "instructions": lambda value: _short(value, LONGEST_INSTRUCTIONS, "instructions"),
    "tone": _tone,
    "keywords": _keywords,
    "categories": _categories,
    "handover_text": lambda value: _short(value, LONGEST_FAREWELL, "handover text"),
}

DEFAULTS: dict[str, Any] = {
    "instructions": "",
    "tone": "professional",
    "keywords": [],
    "categories": [],
    "is_default": False,
    "is_active": True,
    "handover_text": "",
    "wait_seconds": 4,
    "most_seconds": 20,
}

COLUMNS = ("name", "name_key", *DEFAULTS)

_FIELDS = ", ".join(Assistant.__struct_fields__)
_SET = ", ".join(f"{column} = ${number}" for number, column in enumerate(COLUMNS, 3))

# Whoever makes or changes one waits for the others of the account: one default, one of a name, no more than the most.
IN_TURN = sql("select pg_advisory_xact_lock(7_404, ($1::bigint % 2147483647)::int)")

INSERT = sql(f"""
    insert into assistants (account_id, uuid, {", ".join(COLUMNS)})
    values ($1, {", ".join(f"${number + 2}" for number in range(len(COLUMNS) + 1))})
    on conflict (account_id, name_key) where deleted_at is null do nothing
    returning {_FIELDS}
""")

UPDATE = sql(f"""
    update assistants set {_SET}, updated_at = now()
    where account_id = $1 and id = $2 and deleted_at is null returning {_FIELDS}
""")

NO_DEFAULT = sql("""
    update assistants set is_default = false, updated_at = now()
    where account_id = $1 and is_default and deleted_at is null and id is distinct from $2
""")

OTHER = sql("""
    select id from assistants where account_id = $1 and name_key = $2 and id <> $3 and deleted_at is null
""")

DELETE = sql("""
    update assistants set deleted_at = now(), is_default = false
    where account_id = $1 and id = $2 and deleted_at is null
""")

BY_ID = sql(f"select {_FIELDS} from assistants where account_id = $1 and id = $2 and deleted_at is null")

BY_UUID = sql(f"select {_FIELDS} from assistants where account_id = $1 and uuid = $2 and deleted_at is null")

ALL = sql(f"select {_FIELDS} from assistants where account_id = $1 and deleted_at is null order by id")
