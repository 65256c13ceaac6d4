"""Workflows of the platform dialect: drawn, activated, paused, and what came of them."""

from msgspec import UNSET

from trunkline.dialects.base import Call, Data, Page, Paged, Tx
from trunkline.dialects.platform import workflow_shapes as shapes
from trunkline.dialects.platform.dialect import platform
from trunkline.dialects.platform.shapes import Done
from trunkline.workflows import executions, workflows
from trunkline.workflows.workflows import Changes, Workflow


@platform.get("/workflows", scope="workflows", level="view")
async def list_workflows(tx: Tx, page: Page, query: shapes.WorkflowQuery) -> Paged[shapes.WorkflowOut]:
    """List workflows.

    `status` is draft, active or paused. `sort_by` is name, status, executions_count, created_at (the default) or
    updated_at, `sort_dir` asc or desc (the default).
    """
    rows, total = await workflows.page(
        tx,
        status=query.status or None,
        search=query.search,
        sort=query.sort_by if query.sort_by in workflows.SORTS else "created_at",
        ascending=query.sort_dir.lower() == "asc",
        limit=page.per_page,
        offset=page.offset,
    )
    return Paged([shapes.workflow(row) for row in rows], total)


@platform.post("/workflows", scope="workflows", level="create", status=201)
async def create_workflow(tx: Tx, call: Call, body: shapes.WorkflowIn) -> Data[shapes.WorkflowOut]:
    """Create a workflow as a draft. What its canvas lacks to work is asked for when it is activated."""
    row = await workflows.create(
        tx, body.name, description=body.description, canvas=body.canvas_data, created_by=call.caller.user_id
    )
    return Data(_whole(tx, row))


@platform.get("/workflows/{id}", scope="workflows", level="view")
async def show_workflow(tx: Tx, id: int) -> Data[shapes.WorkflowOut]:
    """Get a workflow with its canvas.

    One that is set going by webhook.received or form.submitted has a `webhook_url`. What is posted there, as JSON or
    as the fields of a form, its steps know as `{{payload.…}}`; whom `email` or `phone` name is the contact.
    """
    return Data(_whole(tx, await workflows.get(tx, id)))


@platform.put("/workflows/{id}", scope="workflows", level="interact", also=("PATCH",))
async def update_workflow(tx: Tx, id: int, body: shapes.WorkflowChanges) -> Data[shapes.WorkflowOut]:
    """Update a workflow. What is left out stays.

    Another canvas is another version. Executions that have begun go on with theirs; an active workflow takes only a
    canvas that could be activated.
    """
    canvas = body.canvas_data if body.canvas_data is UNSET else body.canvas_data or {}
    changes = Changes(name=body.name, description=body.description, canvas=canvas)
    return Data(_whole(tx, await workflows.update(tx, id, changes)))


@platform.delete("/workflows/{id}", scope="workflows", level="manage", status=204)
async def delete_workflow(tx: Tx, id: int) -> None:
    """Delete a workflow that is not active. What waits in it is canceled."""
    await workflows.delete(tx, id)


@platform.post("/workflows/{id}/activate", scope="workflows", level="manage")
async def activate_workflow(tx: Tx, id: int) -> Done[shapes.WorkflowMoved]:
    """Activate a workflow, if its canvas can work. Executions that a pause stopped go on."""
    row = await workflows.activate(tx, id)
    return Done(shapes.WorkflowMoved(row.id, row.status), "Workflow activated.")


@platform.post("/workflows/{id}/pause", scope="workflows", level="manage")
async def pause_workflow(tx: Tx, id: int) -> Done[shapes.WorkflowMoved]:
    """Pause an active workflow. Running executions finish their step and stop there."""
    row = await workflows.pause(tx, id)
    return Done(shapes.WorkflowMoved(row.id, row.status), "Workflow paused.")


@platform.get("/workflows/{id}/executions", scope="workflows", level="view")
async def list_executions(tx: Tx, id: int, page: Page, query: shapes.ExecutionQuery) -> Paged[shapes.ExecutionOut]:
    """List the executions of a workflow, the newest first, with the log of their steps.

    `status` is running, waiting, paused, completed, failed or canceled.
    """
    row = await workflows.get(tx, id)
    status = [shapes.STATUSES.get(query.status, query.status)] if query.status else None
    rows, total, capped = await executions.page(tx, row.id, status=status, limit=page.per_page, offset=page.offset)
    steps = await executions.steps(tx, [one.id for one in rows])
    return Paged([shapes.execution(one, list(steps[one.id])) for one in rows], total, capped=capped)


def _whole(tx: Tx, row: Workflow) -> shapes.WorkflowOut:
    called = row.hook is not None and row.trigger in workflows.CALLED
    return shapes.whole(row, tx.database.tools.url(f"/hooks/workflows/{row.hook}") if called else None)
