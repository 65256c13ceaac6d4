"""What workflows and their executions look like on the platform's wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from trunkline.dialects.base import Moment, moment
from trunkline.workflows import definition
from trunkline.workflows.executions import Shown, Step
from trunkline.workflows.workflows import Workflow

Status = Literal["draft", "active", "paused"]
Ended = Literal["running", "waiting", "paused", "completed", "failed", "canceled"]
Name = Annotated[str, Meta(min_length=1, max_length=255, examples=["Welcome Series"])]
Description = Annotated[str, Meta(max_length=1000)]
Canvas = Annotated[
    dict[str, Any],
    Meta(
        examples=[
            {
                "nodes": [
                    {"id": "start", "type": "trigger", "subtype": "contact_created", "config": {}},
                    {"id": "tag", "type": "action", "subtype": "add_tag", "config": {"tag_name": "New"}},
                ],
                "edges": [{"id": "e1", "source": "start", "target": "tag"}],
            }
        ]
    ),
]


class WorkflowQuery(Struct):
    """`search` finds parts of names. An unknown `sort_by` means created_at."""

    status: str | None = None
    search: str | None = None
    sort_by: str = "created_at"
    sort_dir: str = "desc"


class WorkflowIn(Struct):
    """A canvas has at most 200 `nodes` and 500 `edges`.

    A node has an `id`, a `type` (trigger, condition or action), a `subtype` that says which one, and a `config`. An
    edge has `source` and `target`; from a condition its `condition` is "true" or "false".
    """

    name: Name
    description: Description | None = None
    canvas_data: Canvas | None = None


class WorkflowChanges(Struct):
    """What is left out stays. Another canvas is another version."""

    name: Name | UnsetType = UNSET
    description: Description | None | UnsetType = UNSET
    canvas_data: Canvas | None | UnsetType = UNSET


class NodeOut(Struct):
    id: str
    type: str
    subtype: str
    config: dict[str, Any]
    position_x: float
    position_y: float


class EdgeOut(Struct):
    """`condition` is "true", "false" or null."""

    id: str
    source_node_id: str
    target_node_id: str
    condition: str | None


class WorkflowOut(Struct):
    """Canvas, nodes and edges are there when a single workflow is asked for, `webhook_url` of one that is called."""

    id: int
    uuid: UUID
    name: str
    description: str | None
    status: Status
    trigger: str | None
    version: int
    nodes_count: int
    executions_count: int
    created_by: int | None
    created_at: Moment
    updated_at: Moment
    canvas_data: dict[str, Any] | UnsetType = UNSET
    nodes: list[NodeOut] | UnsetType = UNSET
    edges: list[EdgeOut] | UnsetType = UNSET
    webhook_url: str | UnsetType = UNSET


class WorkflowMoved(Struct):
    id: int
    status: Status


def workflow(row: Workflow) -> WorkflowOut:
    return WorkflowOut(
        row.id, row.uuid, row.name, row.description, row.status, dotted(row.trigger), row.version, row.nodes_count,
        row.executions_count, row.created_by, moment(row.created_at), moment(row.updated_at),
    )  # fmt: skip


def whole(row: Workflow, url: str | None) -> WorkflowOut:
    shown, drawn = workflow(row), definition.read(row.canvas)
    shown.canvas_data = row.canvas
    shown.nodes = [
        NodeOut(node.id, node.type, node.subtype, node.config, node.x, node.y) for node in drawn.nodes.values()
    ]
    shown.edges = [EdgeOut(edge.id, edge.source, edge.target, edge.condition) for edge in drawn.edges]
    shown.webhook_url = url if url else UNSET
    return shown


def dotted(trigger: str | None) -> str | None:
    """contact_created is told as contact.created, deal_stage_changed as deal.stage_changed."""
    return trigger.replace("_", ".", 1) if trigger else None


class ExecutionQuery(Struct):
    status: str | None = None


class ExecutedStep(Struct):
    """`status` is completed, skipped, failed or retrying."""

    node_id: str
    type: str
    status: str
    attempts: int
    note: str | None
    error: str | None
    duration_ms: int
    at: Moment


class ExecutionContact(Struct):
    id: int
    full_name: str | None
    email: str | None


class ExecutionOut(Struct):
    id: int
    uuid: UUID
    workflow_id: int
    version: int
    status: Ended
    contact: ExecutionContact | None
    error: str | None
    started_at: Moment
    completed_at: Moment | None
    steps: list[ExecutedStep]


STATUSES: dict[str, Any] = {status: status for status in ("running", "waiting", "completed", "failed", "canceled")}
STATUSES["paused"] = "parked"
TOLD: dict[str, Ended] = {stored: told for told, stored in STATUSES.items()}  # pyright: ignore[reportAssignmentType]


def execution(row: Shown, steps: list[Step]) -> ExecutionOut:
    contact = ExecutionContact(row.contact_id, row.contact_name, row.contact_email) if row.contact_id else None
    return ExecutionOut(
        row.id, row.uuid, row.workflow_id, row.version, TOLD[row.status], contact, row.error, moment(row.started_at),
        moment(row.completed_at), [_step(step) for step in steps],
    )  # fmt: skip


def _step(step: Step) -> ExecutedStep:
    return ExecutedStep(
        step.node, step.subtype, step.status, step.attempts, step.note, step.error, step.duration_ms, moment(step.at)
    )
