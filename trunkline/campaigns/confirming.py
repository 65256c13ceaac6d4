"""Confirming: where the account wants it, a broadcast to everybody needs a second yes."""

from trunkline.accounts import accounts, settings
from trunkline.campaigns import audiences, broadcasts
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid
from trunkline.messaging import channels

MOST_UNASKED = 1000
"""So many recipients may be written to without being asked about them."""


async def check(tx: Tx, id: int, *, confirmed: bool) -> None:
    """Raise `Invalid` when a broadcast would reach a crowd that nobody chose and nobody confirmed."""
    broadcast = await broadcasts.get(tx, id)
    if confirmed or broadcast.audience["type"] != "all":
        return
    if not settings.value(await accounts.current(tx), "confirm_all"):
        return
    routing = "platform" if broadcast.pool else None
    channel = await channels.choose(tx, broadcast.channel, broadcast.channel_id, routing)
    reached = await audiences.size(tx, broadcast.audience, channel.schemes, channel.sends_as, MOST_UNASKED + 1)
    if reached > MOST_UNASKED:
        problem = f"More than {MOST_UNASKED} contacts would be written to. Send confirm_all: true to do so."
        raise Invalid({"confirm_all": [problem]}, code="confirmation_required")
