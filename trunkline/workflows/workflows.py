"""Workflows: drawn as drafts, activated when they are whole, paused, deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from trunkline.contacts import names
from trunkline.core import ids
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid, NotFound
from trunkline.workflows import checking, definition, executions, scheduled
from trunkline.workflows.definition import Definition
from trunkline.workflows.events import WorkflowChanged

Status = Literal["draft", "active", "paused"]
STATUSES: tuple[Status, ...] = ("draft", "active", "paused")
CALLED = ("webhook_received", "form_submitted")
"""Triggers that have an address of their own."""


class Workflow(Struct, frozen=True):
    """`hook` is the secret part of its address, of those that are called."""

    id: int
    uuid: UUID
    name: str
    description: str | None
    status: Status
    trigger: str | None
    version: int
    nodes_count: int
    hook: str | None
    created_by: int | None
    created_at: datetime
    updated_at: datetime
    executions_count: int
    canvas: dict[str, Any]


class Changes(Struct, kw_only=True):
    """Only what is given changes."""

    name: str | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    canvas: Mapping[str, Any] | UnsetType = UNSET


async def create(
    tx: Tx,
    name: str,
    *,
    description: str | None = None,
    canvas: Mapping[str, Any] | None = None,
    created_by: int | None = None,
) -> Workflow:
    """A draft. What its canvas lacks to work is asked for when it is activated."""
    name = names.required(name)
    drawn = definition.read(canvas or {})
    text = _description(description)
    row = (name, names.key(name), text, *_drawn(drawn), dict(canvas or {}), created_by)
    id = await tx.value(int, INSERT, tx.account, ids.new_uuid(), *row)
    assert id is not None
    tx.record(WorkflowChanged(id, "draft"))
    return await get(tx, id)


async def get(tx: Tx, id: int) -> Workflow:
    found = await tx.maybe(Workflow, SELECT, tx.account, id) if 0 < id < 2**63 else None
    if found is None:
        raise NotFound("workflow", id)
    return found


async def page(
    tx: Tx,
    *,
    status: str | None = None,
    search: str | None = None,
    sort: str = "created_at",
    ascending: bool = False,
    limit: int = 25,
    offset: int = 0,
) -> tuple[list[Workflow], int]:
    """By one of `SORTS`, newest first unless told otherwise, with the number of matches; without their canvases."""
    sought = names.key(search) if search else None
    rows = await tx.fetch(Workflow, PAGES[sort, ascending], tx.account, status, sought, limit, offset)
    return rows, await tx.value(int, TOTAL, tx.account, status, sought) or 0


async def update(tx: Tx, id: int, changes: Changes) -> Workflow:
    """Change what is given. Another canvas is another version, and of an active workflow it must be able to work."""
    before = await _locked(tx, id)
    name = before.name if changes.name is UNSET else names.required(changes.name)
    text = before.description if changes.description is UNSET else _description(changes.description)
    canvas = before.canvas if changes.canvas is UNSET else dict(changes.canvas)
    redrawn = canvas != before.canvas
    drawn = definition.read(canvas)
    if redrawn and before.status == "active":
        await checking.check(tx, drawn)
    await tx.run(UPDATE, tx.account, id, name, names.key(name), text, *_drawn(drawn), canvas, redrawn)
    if redrawn and before.status == "active":
        await _put_to_work(tx, id, drawn)
    tx.record(WorkflowChanged(id, before.status))
    return await get(tx, id)


async def activate(tx: Tx, id: int) -> Workflow:
    """Let events set it going; what a pause stopped goes on. Raises `Invalid` naming the nodes that cannot work."""
    before = await _locked(tx, id)
    if before.status == "active":
        raise Invalid(message="Workflow is already active.")
    drawn = definition.read(before.canvas)
    await checking.check(tx, drawn)
    await tx.run(SET_STATUS, tx.account, id, "active")
    await _put_to_work(tx, id, drawn)
    executions.unpark.later(tx, id, key=f"workflow:{id}")
    tx.record(WorkflowChanged(id, "active"))
    return await get(tx, id)


async def pause(tx: Tx, id: int) -> Workflow:
    """Nothing sets it going any more. What is running finishes its step and is parked until it is activated again."""
    before = await _locked(tx, id)
    if before.status != "active":
        raise Invalid(message="Workflow is not active.")
    await tx.run(SET_STATUS, tx.account, id, "paused")
    await scheduled.remove(tx, id)
    tx.record(WorkflowChanged(id, "paused"))
    return await get(tx, id)


async def delete(tx: Tx, id: int) -> None:
    """Delete what is not active; executions that wait in it are canceled."""
    before = await _locked(tx, id)
    if before.status == "active":
        raise Invalid(message="An active workflow cannot be deleted. Pause it first.")
    await tx.run(DELETE, tx.account, id)
    executions.cancel.later(tx, id, key=f"workflow:{id}")
    tx.record(WorkflowChanged(id, "deleted"))


async def _locked(tx: Tx, id: int) -> Workflow:
    """Whoever changes a workflow waits for whoever just does so."""
    if not 0 < id < 2**63 or await tx.value(int, LOCK, tx.account, id) is None:
        raise NotFound("workflow", id)
    return await get(tx, id)


async def _put_to_work(tx: Tx, id: int, drawn: Definition) -> None:
    """Keep the version that executions follow, and set its clock if it has one."""
    await tx.run(KEEP_VERSION, tx.account, id)
    await scheduled.put(tx, id, drawn.trigger)


def _drawn(drawn: Definition) -> tuple[str | None, dict[str, Any], int, str | None]:
    """What is kept of a canvas in columns of its own. A hook that a workflow has once, it keeps."""
    trigger = drawn.trigger.subtype or None if drawn.trigger else None
    hook = ids.token(40) if trigger in CALLED else None
    return trigger, drawn.trigger.config if drawn.trigger else {}, len(drawn.nodes), hook


def _description(text: str | None) -> str | None:
    kept = (text or "").strip()
    if len(kept) > LONGEST_DESCRIPTION:
        sentence = f"The description field must not be greater than {LONGEST_DESCRIPTION} characters."
        raise Invalid({"description": [sentence]})
    return kept or None


LONGEST_DESCRIPTION = 1000

_COUNT = """
    (select coalesce(sum(t.value), 0)::bigint from tallies t
        where t.account_id = $1 and t.name = 'workflow:' || w.id)
"""
_COLUMNS = f"""
    w.id, w.uuid, w.name, w.description, w.status, w.trigger, w.version, w.nodes_count, w.hook, w.created_by,
    w.created_at, w.updated_at, {_COUNT} as executions_count
"""
_MATCH = """
    from workflows w where w.account_id = $1 and w.deleted_at is null
        and ($2::text is null or w.status = $2) and ($3::text is null or strpos(w.name_key, $3) > 0)
"""

SORTS = {
    "name": "w.name_key",
    "status": "w.status",
    "executions_count": "executions_count",
    "created_at": "w.created_at",
    "updated_at": "w.updated_at",
}

INSERT = sql("""
    insert into workflows (account_id, uuid, name, name_key, description, trigger, trigger_config, nodes_count, hook,
        canvas, created_by)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id
""")

SELECT = sql(
    f"select {_COLUMNS}, w.canvas from workflows w where w.account_id = $1 and w.id = $2 and deleted_at is null"
)

LOCK = sql("select id from workflows where account_id = $1 and id = $2 and deleted_at is null for no key update")

PAGES = {
    (name, ascending): sql(f"""
        select {_COLUMNS}, '{{}}'::jsonb as canvas {_MATCH}
        order by {column} {"asc" if ascending else "desc"}, w.id {"asc" if ascending else "desc"} limit $4 offset $5
    """)
    for name, column in SORTS.items()
    for ascending in (True, False)
}

TOTAL = sql(f"select count(*) {_MATCH}")

UPDATE = sql("""
    update workflows set name = $3, name_key = $4, description = $5, trigger = $6, trigger_config = $7,
        nodes_count = $8, hook = coalesce(hook, $9), canvas = $10, version = version + $11::boolean::int,
        updated_at = now()
    where account_id = $1 and id = $2
""")

SET_STATUS = sql("update workflows set status = $3, updated_at = now() where account_id = $1 and id = $2")

KEEP_VERSION = sql("""
    insert into workflow_versions (account_id, workflow_id, version, canvas)
    select account_id, id, version, canvas from workflows where account_id = $1 and id = $2
    on conflict do nothing
""")

DELETE = sql("update workflows set deleted_at = now(), updated_at = now() where account_id = $1 and id = $2")
