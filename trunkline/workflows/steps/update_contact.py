"""Write one field of the contact."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from trunkline.accounts import accounts
from trunkline.contacts import people
from trunkline.contacts.records import Changes
from trunkline.core.db import Tx
from trunkline.workflows.context import stored_name
from trunkline.workflows.definition import Problems
from trunkline.workflows.steps.base import Outcome, Scene, Step, StepFailed

TEXTS = {
    *("first_name", "last_name", "name", "email", "phone", "company", "title", "city", "country", "timezone"),
    *("language", "notes", "buying_role"),
}
STATUSES = {"active": "active", "inactive": "archived", "unsubscribed": "stopped", "archived": "archived"}
FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
FIXED = ("id", "uuid", "created_at", "updated_at", "deleted_at", "tags", "source", "metadata", "fields", "company_id")


class Config(Struct, frozen=True):
    """A field that the contact does not have by nature is a custom field, with or without custom_fields before it."""

    field: Annotated[str, Meta(min_length=1, max_length=255)]
    value: str | int | float | bool | None = None


async def check(tx: Tx, config: Config) -> Problems:
    if stored_name(config.field) in FIXED:
        return {"field": ["This field cannot be changed."]}
    return {}


async def run(tx: Tx, scene: Scene, config: Config) -> Outcome:
    value = scene.text(config.value) if isinstance(config.value, str) else config.value
    changes = Changes(**_changes(stored_name(config.field), value))
    country = (await accounts.current(tx)).country
    await people.update(tx, scene.contact_id, changes, country=country, loose_phone=True)
    return Outcome()


def _changes(name: str, value: Any) -> dict[str, Any]:
    """The change under the name and in the type that contacts have for it."""
    word = "" if value is None else msgspec.json.encode(value).decode() if isinstance(value, bool) else str(value)
    if name in TEXTS:
        return {name: word or None}
    match name:
        case "lead_score":
            return {name: _number(word)}
        case "status":
            if word.strip().lower() not in STATUSES:
                raise StepFailed(f"{word!r} is no status of a contact.")
            return {name: STATUSES[word.strip().lower()]}
        case "do_not_disturb" | "bot_active":
            if word.strip().lower() not in FLAGS:
                raise StepFailed(f"{word!r} is neither true nor false.")
            return {name: FLAGS[word.strip().lower()]}
    return {"fields": {name.removeprefix("fields."): None if word == "" else value}}


def _number(word: str) -> int:
    try:
        return int(float(word or 0))
    except (ValueError, OverflowError):
        raise StepFailed(f"{word!r} is no number.") from None


STEP = Step(config=Config, run=run, check=check)
