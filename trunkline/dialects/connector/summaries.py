"""Summaries of the connector dialect: asked for here, told later."""

from trunkline.ai import summaries
from trunkline.dialects.base import NotFound, Tx
from trunkline.dialects.connector import shapes
from trunkline.dialects.connector.contacts import who
from trunkline.dialects.connector.dialect import connector


@connector.post("/summaries", raises=(NotFound,))
async def summarise(tx: Tx, body: shapes.WhoIn, query: shapes.WhoQuery) -> shapes.Done:
    """Have the latest conversation with a contact summarised. Name them by phone number or email.

    The summary is written in the background: the account's webhook tells it, and the chat session shows it.
    """
    return await _ask(tx, body, query)


@connector.get("/summaries", raises=(NotFound,))
async def summarise_by_get(tx: Tx, query: shapes.WhoQuery) -> shapes.Done:
    """The same for older programs, which ask by GET."""
    return await _ask(tx, shapes.WhoIn(), query)


async def _ask(tx: Tx, body: shapes.WhoIn, query: shapes.WhoQuery) -> shapes.Done:
    contact = await who(tx, body.phoneNumber or query.phoneNumber, body.email or query.email)
    await summaries.request(tx, contact.id)
    return shapes.Done("The summary is being written")
