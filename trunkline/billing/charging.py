"""Charging: what a metered account pays at once; an unmetered one pays nothing."""

from trunkline.billing import credits, metering
from trunkline.core.db import Tx


async def charge(tx: Tx, amount: int, reason: str, reference: str = "") -> int:
    """Spend credits if the account is metered, and return how many. Raises OutOfCredits and then takes none.

    `credits.refund_spent` with the returned number undoes it.
    """
    if not await metering.is_metered(tx):
        return 0
    await credits.charge(tx, amount, reason, reference)
    return amount
