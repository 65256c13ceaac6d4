"""What happens to broadcasts."""

from trunkline.core.events import Event


class BroadcastStarted(Event, frozen=True):
    type = "campaign.started"

    id: int
    name: str


class BroadcastChanged(Event, frozen=True):
    """Paused, resumed, canceled, scheduled."""

    type = "campaign.changed"

    id: int
    status: str


class BroadcastBraked(Event, frozen=True):
    """It paused itself, since `bounced` of `tried` mails came back; `why` says it in words."""

    type = "campaign.braked"

    id: int
    name: str
    bounced: int
    tried: int
    why: str


class BroadcastCompleted(Event, frozen=True):
    type = "campaign.completed"

    id: int
    name: str


class BroadcastFailed(Event, frozen=True):
    type = "campaign.failed"

    id: int
    name: str
    why: str
