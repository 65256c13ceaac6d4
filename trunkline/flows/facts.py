"""What happens to flows, for the outbox. (What happens inside a sprint is in events.py.)"""

from trunkline.core.events import Event


class FlowSaved(Event, frozen=True):
    """A flow is new, or has a new revision or another name."""

    type = "flow.saved"

    id: int
    revision: int


class FlowsArchived(Event, frozen=True):
    """Flows were put away, or with `archived` False brought back."""

    type = "flow.archived"

    ids: list[int]
    archived: bool


class StartChanged(Event, frozen=True):
    type = "flow.start_changed"

    id: int
    status: str


class RunsEnded(Event, frozen=True):
    """Runs that ended in one commit: (run, flow, contact, status)."""

    type = "flow.runs_ended"

    runs: list[tuple[str, int, int, str]]
