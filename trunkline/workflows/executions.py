"""Executions: one contact's way through a workflow, or nobody's when it is about no contact."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.core import ids
from trunkline.core.db import Tx, json_text, sql
from trunkline.core.errors import NotFound
from trunkline.core.jobs import job
from trunkline.core.text import clean

Status = Literal["running", "waiting", "parked", "completed", "failed", "canceled"]
PORTION = 1000
CAP = 10_000
LONGEST_ERROR = 2000


class Turn(Struct, frozen=True):
    """A step whose turn it is, not before `at`; `tries` counts the times that it failed and may yet work."""

    node: str
    at: datetime | None = None
    tries: int = 0


class Execution(Struct):
    """As a step finds it, with its row locked. `frontier` is None before the first step."""

    id: int
    uuid: UUID
    workflow_id: int
    version: int
    contact_id: int | None
    depth: int
    status: Status
    context: dict[str, Any]
    frontier: list[dict[str, Any]] | None
    workflow: str
    workflow_status: str
    orphaned: str | None
    steps_done: int

    @property
    def turns(self) -> list[Turn] | None:
        return None if self.frontier is None else msgspec.convert(self.frontier, list[Turn])


class Beginning(Struct, frozen=True):
    """`key` says what set it going; `context` is what its steps may speak of."""

    contact_id: int | None
    key: str
    context: dict[str, Any]


class Step(Struct, frozen=True):
    node: str
    subtype: str
    status: str
    attempts: int
    note: str | None
    error: str | None
    duration_ms: int
    at: datetime


class Shown(Struct, frozen=True):
    id: int
    uuid: UUID
    workflow_id: int
    version: int
    contact_id: int | None
    contact_name: str | None
    contact_email: str | None
    status: Status
    error: str | None
    started_at: datetime
    completed_at: datetime | None


async def begin(tx: Tx, workflow_id: int, beginnings: Sequence[Beginning]) -> list[int]:
    """Set an active workflow going; a key that did so before does nothing again, nor does a deleted contact."""
    begun: list[int] = []
    for start in range(0, len(beginnings), PORTION):
        portion = beginnings[start : start + PORTION]
        begun += await tx.column(
            int,
            BEGIN,
            tx.account,
            workflow_id,
            tx.depth,
            [ids.new_uuid() for _ in portion],
            [one.contact_id for one in portion],
            [one.key for one in portion],
            [json_text(one.context) for one in portion],
        )
    for id in begun:
        go_on(tx, id)
    return begun


def go_on(tx: Tx, id: int, at: datetime | None = None) -> None:
    """Have the next steps done, now or from a moment on. One call at a time looks after an execution."""
    tx.enqueue("jobs", "workflow.run", [id], f"workflow-execution:{id}", at)


async def whose(tx: Tx, id: int) -> tuple[int, int, int] | None:
    """Workflow, version and depth of an execution."""
    rows = await tx.rows(WHOSE, tx.account, id)
    return tuple(rows[0]) if rows else None  # pyright: ignore[reportReturnType]


async def lock(tx: Tx, id: int) -> Execution:
    """Hold an execution until the commit: nobody else takes a step of it meanwhile."""
    if not await tx.value(bool, LOCK, tx.account, id):
        raise NotFound("execution", id)
    return await tx.one(Execution, LOCKED, tx.account, id)


async def keep(tx: Tx, execution: Execution, status: Status, turns: Sequence[Turn], error: str | None = None) -> None:
    """Write down how far it came."""
    frontier = msgspec.to_builtins(turns)
    told = clean(error)[:LONGEST_ERROR] if error else None
    await tx.run(KEEP, tx.account, execution.id, status, frontier, execution.context, told)


async def note(
    tx: Tx,
    execution: Execution,
    node: str,
    subtype: str,
    status: str,
    duration_ms: int,
    *,
    note: str | None = None,
    error: str | None = None,
) -> None:
    """Write down what a step came to: once, unless it is tried again."""
    texts = (clean(text)[:LONGEST_ERROR] if text else None for text in (note, error))
    position = execution.steps_done + 1
    await tx.run(NOTE, tx.account, execution.id, node, position, subtype, status, duration_ms, *texts)


async def is_paused(tx: Tx, workflow_id: int) -> bool:
    """The truth even while somebody just changes it: whoever does so waits for us, or we for them."""
    return await tx.value(str, STATUS, tx.account, workflow_id) == "paused"


@job("workflow.unpark")
async def unpark(tx: Tx, workflow_id: int) -> None:
    """Let the executions that a pause stopped go on, portion by portion."""
    if await tx.value(str, STATUS, tx.account, workflow_id) != "active":
        return
    going = await tx.column(int, UNPARK, tx.account, workflow_id, PORTION)
    for id in going:
        go_on(tx, id)
    if len(going) == PORTION:
        unpark.later(tx, workflow_id, key=f"workflow:{workflow_id}")


@job("workflow.cancel")
async def cancel(tx: Tx, workflow_id: int) -> None:
    """End what waits in a workflow that was deleted; what is running sees it at its next step."""
    if await tx.run(CANCEL, tx.account, workflow_id, PORTION) == PORTION:
        cancel.later(tx, workflow_id, key=f"workflow:{workflow_id}")


async def page(
    tx: Tx, workflow_id: int, *, status: Sequence[Status] | None = None, limit: int = 25, offset: int = 0
) -> tuple[list[Shown], int, bool]:
    """The newest first, with the number of all, and whether that was counted up to `CAP` only."""
    wanted = list(status) if status is not None else None
    rows = await tx.fetch(Shown, PAGE, tx.account, workflow_id, wanted, limit, offset)
    if wanted is None:
        return rows, await tx.value(int, TOTAL, tx.account, f"workflow:{workflow_id}") or 0, False
    number = await tx.value(int, MATCHES, tx.account, workflow_id, wanted, CAP + 1) or 0
    return rows, min(number, CAP), number > CAP


async def steps(tx: Tx, executions: Sequence[int]) -> Mapping[int, list[Step]]:
    """The log of each, in order."""
    found: dict[int, list[Step]] = {id: [] for id in executions}
    for id, *step in await tx.rows(STEPS, tx.account, list(executions)):
        found[id].append(Step(*step))
    return found


# A workflow that was paused or edited between the event and here is asked as it is now.
BEGIN = sql("""
    insert into workflow_executions (account_id, uuid, workflow_id, version, contact_id, key, depth, context)
    select $1, given.uuid, w.id, w.version, given.contact_id, given.key, $3::smallint, given.context::jsonb
    from workflows w
    cross join unnest($4::uuid[], $5::bigint[], $6::text[], $7::text[]) as given (uuid, contact_id, key, context)
    where w.account_id = $1 and w.id = $2 and w.status = 'active' and w.deleted_at is null
        and (given.contact_id is null or exists (
            select from contacts c where c.account_id = $1 and c.id = given.contact_id and c.deleted_at is null))
    order by given.contact_id, given.key
    on conflict (account_id, workflow_id, key) do nothing
    returning id
""")

WHOSE = sql("select workflow_id, version, depth from workflow_executions where account_id = $1 and id = $2")

LOCK = sql("select true from workflow_executions where account_id = $1 and id = $2 for update")

LOCKED = sql("""
    select e.id, e.uuid, e.workflow_id, e.version, e.contact_id, e.depth, e.status, e.context, e.frontier,
        w.name as workflow, w.status as workflow_status,
        case when w.deleted_at is not null then 'The workflow was deleted.'
            when e.contact_id is not null and c.id is null then 'The contact was deleted.' end as orphaned,
        (select count(*) from workflow_steps s where s.account_id = $1 and s.execution_id = $2)::int as steps_done
    from workflow_executions e
    join workflows w on w.account_id = $1 and w.id = e.workflow_id
    left join contacts c on c.account_id = $1 and c.id = e.contact_id and c.deleted_at is null
    where e.account_id = $1 and e.id = $2
""")

KEEP = sql("""
    update workflow_executions set status = $3, frontier = $4, context = $5, error = $6,
        completed_at = case when $3 in ('completed', 'failed', 'canceled') then now() end
    where account_id = $1 and id = $2
""")

NOTE = sql("""
    insert into workflow_steps as s (account_id, execution_id, node, position, subtype, status, duration_ms, note,
        error)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (account_id, execution_id, node) do update set status = excluded.status,
        attempts = s.attempts + 1, note = excluded.note, error = excluded.error,
        duration_ms = excluded.duration_ms, at = now()
    where s.status = 'retrying'
""")

STATUS = sql("""
    select case when deleted_at is null then status end from workflows where account_id = $1 and id = $2 for share
""")

UNPARK = sql("""
    update workflow_executions set status = 'running' where account_id = $1 and id in (
        select id from workflow_executions where account_id = $1 and workflow_id = $2 and status = 'parked'
        order by id limit $3 for update)
    returning id
""")

CANCEL = sql("""
    update workflow_executions set status = 'canceled', error = 'The workflow was deleted.', frontier = '[]',
        completed_at = now()
    where account_id = $1 and id in (
        select id from workflow_executions
        where account_id = $1 and workflow_id = $2 and status in ('parked', 'waiting')
        order by id limit $3 for update)
""")

PAGE = sql("""
    select e.id, e.uuid, e.workflow_id, e.version, e.contact_id, c.name as contact_name, c.email as contact_email,
        e.status, e.error, e.started_at, e.completed_at
    from workflow_executions e left join contacts c on c.account_id = $1 and c.id = e.contact_id
    where e.account_id = $1 and e.workflow_id = $2 and ($3::text[] is null or e.status = any($3))
    order by e.id desc limit $4 offset $5
""")

TOTAL = sql("select coalesce(sum(value), 0)::bigint from tallies where account_id = $1 and name = $2")

MATCHES = sql("""
    select count(*) from (
        select from workflow_executions where account_id = $1 and workflow_id = $2 and status = any($3::text[])
        limit $4) found
""")

STEPS = sql("""
    select execution_id, node, subtype, status, attempts, note, error, duration_ms, at from workflow_steps
    where account_id = $1 and execution_id = any($2::bigint[]) order by execution_id, position
""")
