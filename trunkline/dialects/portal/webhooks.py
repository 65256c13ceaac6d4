"""Webhooks of the portal dialect: where programs want to be told, and what became of each telling."""

from msgspec import UNSET

from trunkline.core import clock
from trunkline.dialects.base import Conflict, Data, Invalid, Page, Paged, Tx, moment
from trunkline.dialects.portal import webhook_shapes as shapes
from trunkline.dialects.portal.dialect import portal
from trunkline.webhooks import deliveries, endpoints
from trunkline.webhooks.endpoints import Changes, NewEndpoint


@portal.get("/webhooks", scope="read")
async def list_webhooks(tx: Tx) -> Data[list[shapes.WebhookOut]]:
    """List webhooks. Secrets are never told again."""
    return Data([shapes.webhook(row) for row in await endpoints.all_of(tx)])


@portal.get("/webhooks/events-catalog", scope="read")
async def list_webhook_events(tx: Tx) -> Data[shapes.CatalogOut]:
    """List the events that webhooks can be told of, and the delivery profiles: named sets of them."""
    return Data(shapes.the_catalog())


@portal.get("/webhooks/{id}", scope="read")
async def get_webhook(tx: Tx, id: int) -> Data[shapes.WebhookOut]:
    """Get a webhook."""
    return Data(shapes.webhook(await endpoints.get(tx, id)))


@portal.post("/webhooks", scope="write", status=201)
async def create_webhook(tx: Tx, body: shapes.WebhookIn) -> Data[shapes.WebhookOut]:
    """Register a webhook. Keep its `secret`: this answer alone tells it.

    Give a `delivery_profile` or a list of `events`. The URL must be https and public. A workspace has at most 20.
    """
    new = NewEndpoint(
        url=body.url, profile=body.delivery_profile, events=body.events, description=body.description or ""
    )
    made, secret = await endpoints.create(tx, new)
    return Data(shapes.webhook(made, secret))


@portal.put("/webhooks/{id}", also=("PATCH",), scope="write")
async def update_webhook(tx: Tx, id: int, body: shapes.WebhookChanges) -> Data[shapes.WebhookOut]:
    """Update a webhook. What is left out stays.

    `is_active` switches it off and on; what waited meanwhile goes out then. `rotate_secret` makes a new secret, told
    in this answer alone; for 24 hours deliveries carry a signature of each.
    """
    changes = Changes(
        url=body.url,
        profile=body.delivery_profile,
        events=body.events,
        description=UNSET if body.description is UNSET else body.description or "",
        active=body.is_active,
        rotate=body.rotate_secret,
    )
    changed, secret = await endpoints.update(tx, id, changes)
    return Data(shapes.webhook(changed, secret))


@portal.delete("/webhooks/{id}", scope="write", status=204)
async def delete_webhook(tx: Tx, id: int) -> None:
    """Delete a webhook. What still waits for it is not sent any more."""
    await endpoints.delete(tx, id)


@portal.post("/webhooks/{id}/test", scope="write", status=202, raises=(Conflict,))
async def test_webhook(tx: Tx, id: int) -> Data[shapes.DeliveryOut]:
    """Send a test event, `webhook.test`, to this webhook alone."""
    return Data(shapes.delivery(await deliveries.test(tx, id)))


@portal.get("/webhooks/{id}/deliveries", scope="read")
async def list_webhook_deliveries(
    tx: Tx, id: int, page: Page, query: shapes.DeliveryQuery
) -> Paged[shapes.DeliveryOut]:
    """List the deliveries of the last two weeks, the newest first."""
    rows, total, capped = await deliveries.page(
        tx, id, status=query.status, event=query.event, limit=page.per_page, offset=page.offset
    )
    return Paged([shapes.delivery(row) for row in rows], total, capped=capped)


@portal.get("/webhooks/{id}/deliveries/{delivery_id}", scope="read", noun="delivery")
async def get_webhook_delivery(tx: Tx, id: int, delivery_id: int) -> Data[shapes.DeliveryDetail]:
    """Get a delivery with its payload and the log of its tries."""
    row = await deliveries.get(tx, id, delivery_id)
    return Data(shapes.delivery_detail(row, await deliveries.body(tx, row.id), await deliveries.attempts(tx, row.id)))


@portal.post(
    "/webhooks/{id}/deliveries/{delivery_id}/replay", scope="write", status=202, noun="delivery", raises=(Conflict,)
)
async def replay_webhook_delivery(tx: Tx, id: int, delivery_id: int) -> Data[shapes.DeliveryOut]:
    """Send a delivery again, whatever became of it, with the same `webhook-id`."""
    return Data(shapes.delivery(await deliveries.replay(tx, id, delivery_id)))


@portal.post("/webhooks/{id}/replay", scope="write", status=202, raises=(Conflict,))
async def replay_webhook_deliveries(tx: Tx, id: int, body: shapes.ReplayIn) -> Data[shapes.Replayed]:
    """Send again what failed in a time, at most 10,000 deliveries a call."""
    until = body.until or clock.now()
    if until <= body.since:
        raise Invalid({"until": ["It must be later than since."]})
    number, next_since = await deliveries.replay_range(tx, id, body.since, until, delivered=body.include_delivered)
    return Data(shapes.Replayed(number, moment(next_since)))
