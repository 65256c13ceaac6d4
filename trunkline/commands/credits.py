"""`trunkline credits …`: what accounts pay with."""

from typing import Annotated

from trunkline.billing import credits, transfers
from trunkline.commands.answers import Answer, pairs
from trunkline.commands.opening import workspace
from trunkline.commands.user import AccountId
from trunkline.core.config import Settings


async def grant(
    settings: Settings,
    amount: Annotated[int, "How many credits."],
    /,
    *,
    account: AccountId,
    description: Annotated[str, "Shown in the ledger."] = "",
    idempotency_key: Annotated[str | None, "With the same key nothing is granted twice."] = None,
) -> Answer:
    """Give credits to an account."""
    async with workspace(settings, account) as (tx, found):
        given = await transfers.grant(tx, amount, description=description, idempotency_key=idempotency_key)
    document = {"balance": given.balance, "amount": given.amount, "metered_now": given.metered_now}
    text = f"{found.name} has {given.balance:,} credits."
    if given.repeated:
        text += " This key was used before; nothing was granted again."
    if given.metered_now:
        text += "\nThe account is metered from now on: what it sends costs credits. Undo it with `trunkline account set"
        text += f" --account {found.uuid} metered=no`."
    return Answer(document | {"repeated": given.repeated}, text)


async def show(settings: Settings, *, account: AccountId) -> Answer:
    """Show the credits of an account."""
    async with workspace(settings, account) as (tx, found):
        balance = await credits.balance(tx)
    document = {"balance": balance.available, "reserved": balance.reserved, "metered": found.metered}
    return Answer(document, pairs(document))
