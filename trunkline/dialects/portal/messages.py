"""Messages of the portal dialect: send one or many, ask what became of them."""

from trunkline.dialects.base import Data, OutOfCredits, Tx
from trunkline.dialects.portal import message_shapes as shapes
from trunkline.dialects.portal.dialect import portal
from trunkline.messaging import dispatches, messages
from trunkline.messaging.dispatches import Item, Taken


@portal.post("/messages/send", scope="send", status=202, bucket="send", raises=(OutOfCredits,))
async def send_message(tx: Tx, body: shapes.MessageIn) -> Data[shapes.MessageOut]:
    """Send a message by SMS, email or WhatsApp.

    Say what by `template_key` or `body`, in both of which `variables` are filled in. It goes by `integration_id`, else
    for SMS as `sms_routing` says, else by the default integration of the channel. Unknown recipients become contacts.
    A `scheduled_at` that has passed means now.
    """
    sent = await dispatches.send(tx, shapes.dispatch(body), Item(body.to))
    [taken] = sent.outcomes
    assert isinstance(taken, Taken)
    return Data(shapes.message(body, sent, taken))


@portal.post("/messages/send-batch", scope="send", status=202, bucket="send", raises=(OutOfCredits,))
async def send_batch(tx: Tx, body: shapes.BatchIn) -> Data[shapes.BatchOut]:
    """Send a message to up to 500 recipients.

    Good recipients are accepted, bad and repeated ones are reported with an error each; when all are bad, the whole
    request is. Credits are reserved for all together: if they do not suffice, nothing is sent. A batch counts as one
    request.
    """
    items = [Item(recipient.to, recipient.variables or {}) for recipient in body.recipients]
    return Data(shapes.batch(await dispatches.send_batch(tx, shapes.dispatch(body), items)))


@portal.get("/messages/{id}/status", scope="read")
async def message_status(tx: Tx, id: int) -> Data[shapes.StatusOut]:
    """Get the delivery status of a message."""
    return Data(shapes.status(await messages.get(tx, id)))


@portal.post("/messages/batch-status", scope="read", idempotent=False)
async def batch_status(tx: Tx, body: shapes.StatusesIn) -> shapes.StatusesOut:
    """Get the delivery status of up to 100 messages.

    The answer keeps the order of the request, each message once; unknown ids are listed in `meta.not_found`.
    """
    found = await messages.get_many(tx, body.message_ids)
    known = {message.id for message in found}
    missing = [id for id in dict.fromkeys(body.message_ids) if id not in known]
    return shapes.StatusesOut([shapes.status(message) for message in found], shapes.Missing(missing))
