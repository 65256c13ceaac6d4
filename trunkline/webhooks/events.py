"""What happens to webhook endpoints."""

from trunkline.core.events import Event


class WebhookChanged(Event, frozen=True):
    """Made, changed, or deleted; `status` says which."""

    type = "webhook.changed"

    id: int
    status: str


class WebhookDisabled(Event, frozen=True):
    """We switched it off: it said that it is `gone`, or it was `failing` for days."""

    type = "webhook.disabled"

    id: int
    reason: str
