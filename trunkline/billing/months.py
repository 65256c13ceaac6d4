"""Months: what begins with one. Looked at every quarter of an hour, since that is how zones differ."""

from trunkline.billing import allowances, channel_months
from trunkline.core.jobs import Desk, job


@job("billing.months", apart=True)
async def begin(desk: Desk) -> None:
    """Allowances first, so that there is something to pay the channels with. Doing it again changes nothing."""
    await allowances.catch_up(desk.database)
    await channel_months.catch_up(desk.database)
