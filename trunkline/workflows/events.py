"""What happens to workflows, and what sets them going that is nobody else's event."""

from typing import Any

from trunkline.core.events import Event


class WorkflowChanged(Event, frozen=True):
    """Made, edited, activated, paused, deleted; `status` is what it is now."""

    type = "workflow.changed"

    id: int
    status: str


class WorkflowCalled(Event, frozen=True):
    """Somebody called the address of a workflow; `contact_id` is whom the payload names."""

    type = "workflow.called"

    id: int
    contact_id: int | None
    payload: dict[str, Any]


class NoticeAdded(Event, frozen=True):
    """Colleagues are told something; `user_id` None is for all of them."""

    type = "notice.added"

    id: int
    user_id: int | None
