"""Context: what the steps of an execution may speak of, as variables of their texts."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from trunkline.contacts import people, values
from trunkline.core import clock
from trunkline.core.db import Tx
from trunkline.workflows.executions import Execution

LARGEST = 65_536
"""Bytes of one thing that a step keeps for later ones."""


async def of(tx: Tx, execution: Execution) -> dict[str, Any]:
    """`{{first_name}}` and every other value of the contact, also as `{{contact.first_name}}`; `{{trigger.…}}` is what
    set it going, `{{payload.…}}` what a call brought along, `{{workflow.name}}`, and whatever earlier steps kept.
    """
    known: dict[str, Any] = {}
    if execution.contact_id is not None:
        found = await values.of_contacts(tx, [execution.contact_id], {"company"})
        known = found.get(execution.contact_id, {})
        known["job_title"] = known.get("title")
    named = {"contact": known, "workflow": {"id": execution.workflow_id, "name": execution.workflow}}
    return {**known, **named, **execution.context}


async def contact(tx: Tx, id: int) -> dict[str, Any]:
    """A contact as conditions and outgoing calls see it: plain JSON under the names of the platform's API."""
    [row] = await people.get_many(tx, [id])
    plain: dict[str, Any] = {name: _plain(getattr(row, name)) for name in PLAIN}
    status = {"active": "active", "stopped": "unsubscribed"}.get(row.status, "inactive")
    return {
        **plain,
        "full_name": row.name,
        "job_title": row.title,
        "status": status,
        "custom_fields": row.fields,
        "tags": [tag.name for tag in row.tags],
    }


def stored_name(field: str) -> str:
    """A field of the API under the name that events and rows have for it."""
    name = field.strip().removeprefix("contact.")
    for prefix in ("custom_fields.", "custom.", "fields."):
        if name.startswith(prefix):
            return f"fields.{name.removeprefix(prefix)}"
    return {"job_title": "title", "full_name": "name", "avatar_path": "avatar"}.get(name, name)


def kept(value: Any) -> Any:
    """A value from outside, if it is small enough to be carried along and can be stored; else None."""
    text = msgspec.json.encode(value)
    return None if len(text) > LARGEST or rb"\u0000" in text else value


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return clock.iso(value)
        case Decimal():
            return str(value)
    return value


PLAIN = (
    "id", "first_name", "last_name", "email", "phone", "company", "title", "city", "country", "timezone", "language",
    "lead_score", "notes", "source", "last_contacted_at", "last_seen_at", "unsubscribed_at", "created_at", "updated_at",
)  # fmt: skip
