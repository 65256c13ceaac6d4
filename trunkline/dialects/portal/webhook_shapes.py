"""What webhooks, their events and their deliveries look like on the portal's wire."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from trunkline.dialects.base import Moment, moment
from trunkline.webhooks import catalog, signing
from trunkline.webhooks.deliveries import Attempt, Delivery
from trunkline.webhooks.endpoints import Endpoint

Address = Annotated[str, Meta(min_length=1, max_length=2048, examples=["https://example.com/webhooks/messages"])]
Description = Annotated[str, Meta(max_length=500, examples=["Delivery reports to the CRM"])]
ProfileKey = Annotated[str, Meta(max_length=50, examples=["sms_only"])]
EventName = Annotated[str, Meta(max_length=100, examples=["message.delivered"])]
EventNames = Annotated[list[EventName], Meta(min_length=1, max_length=100)]
DeliveryStatus = Literal["pending", "delivered", "failed"]


class WebhookIn(Struct):
    """One of `delivery_profile` and `events`; without either it gets everything."""

    url: Address
    delivery_profile: ProfileKey | None = None
    events: EventNames | None = None
    description: Description | None = None


class WebhookChanges(Struct):
    """What is left out stays. `rotate_secret` makes a new secret; for 24 hours the old one signs beside it."""

    url: Address | UnsetType = UNSET
    delivery_profile: ProfileKey | None | UnsetType = UNSET
    events: EventNames | None | UnsetType = UNSET
    description: Description | None | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    rotate_secret: bool = False


class WebhookOut(Struct):
    """`secret` is told when it is made and never again. `disabled_reason` is `gone` or `failing` when we did it."""

    id: int
    url: str
    delivery_profile: str | None
    events: list[str]
    description: str
    is_active: bool
    disabled_reason: str | None
    failing_since: Moment | None
    old_secret_until: Moment | None
    created_at: Moment
    updated_at: Moment
    secret: str | UnsetType = UNSET


def webhook(row: Endpoint, secret: str | None = None) -> WebhookOut:
    times = moment(row.failing_since), moment(row.old_until), moment(row.created_at), moment(row.updated_at)
    return WebhookOut(
        row.id, row.url, row.profile, catalog.names(row.profile, row.events), row.description, row.active, row.reason,
        *times, secret or UNSET,
    )  # fmt: skip


class EventOut(Struct):
    """`channels` is empty for what has none."""

    name: str
    channels: list[str]
    description: str


class ProfileOut(Struct):
    """`channels` is empty when it means all."""

    key: str
    label: str
    events: list[str]
    channels: list[str]


class CatalogOut(Struct):
    events: list[EventOut]
    profiles: list[ProfileOut]


def the_catalog() -> CatalogOut:
    events = [EventOut(kind.name, list(kind.channels), kind.description) for kind in catalog.EVENTS.values()]
    profiles = [
        ProfileOut(one.key, one.label, list(one.events), list(one.channels)) for one in catalog.PROFILES.values()
    ]
    return CatalogOut(events, profiles)


class DeliveryQuery(Struct):
    status: DeliveryStatus | None = None
    event: EventName | None = None


class DeliveryOut(Struct):
    """`webhook_id` is the header of that name. `response_status` and `error` are those of the last try."""

    id: int
    webhook_id: str
    event: str
    status: DeliveryStatus
    attempts: int
    response_status: int | None
    error: str | None
    next_attempt_at: Moment | None
    created_at: Moment
    settled_at: Moment | None


def delivery(row: Delivery) -> DeliveryOut:
    return DeliveryOut(
        row.id, signing.webhook_id(row.uuid), row.event, row.status, row.attempts, row.code,  # pyright: ignore[reportArgumentType]
        row.error, moment(row.next_at), moment(row.created_at), moment(row.settled_at),
    )  # fmt: skip


class AttemptOut(Struct):
    """`response` is the beginning of the answer."""

    at: Moment
    response_status: int | None
    duration_ms: int
    response: str
    error: str | None


class DeliveryDetail(DeliveryOut):
    payload: dict[str, Any]
    log: list[AttemptOut]


def delivery_detail(row: Delivery, body: str, tries: list[Attempt]) -> DeliveryDetail:
    log = [AttemptOut(moment(one.at), one.code, one.elapsed_ms, one.answer, one.error) for one in tries]
    told = msgspec.structs.asdict(delivery(row))
    return DeliveryDetail(**told, payload=msgspec.json.decode(body), log=log)


class ReplayIn(Struct):
    """`since` counts, `until` (now, if left out) does not. Delivered ones are sent again only if asked for."""

    since: Moment
    until: Moment | None = None
    include_delivered: bool = False


class Replayed(Struct):
    """`next_since` is where to go on, when there were more than one call takes."""

    replayed: int
    next_since: Moment | None
