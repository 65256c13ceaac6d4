"""`trunkline credits …`: what accounts pay with."""

from typing import Annotated, Any, Literal

import msgspec

from trunkline.billing import agencies, channel_months, credits, statements, transfers
from trunkline.billing.agencies import Sub
from trunkline.commands.answers import Answer, pairs, table
from trunkline.commands.opening import workspace
from trunkline.commands.user import AccountId
from trunkline.core.config import Settings

Month = Annotated[str | None, "Like 2026-03; without it, this month. Months are the account's own."]


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
        used, owed = await statements.used_today(tx), await channel_months.owed(tx)
    document = {"balance": balance.available, "reserved": balance.reserved, "metered": found.metered}
    document |= {"used_today": used, "owed": owed}
    return Answer(document, pairs(document))


async def statement(settings: Settings, *, account: AccountId, month: Month = None) -> Answer:
    """Print every movement of a month as CSV, or with --json as a document."""
    async with workspace(settings, account) as (tx, found):
        made = await statements.of_month(tx, month)
    document: dict[str, Any] = {"account": str(found.uuid), "name": found.name, "timezone": found.timezone}
    return Answer(document | msgspec.to_builtins(made), statements.as_csv(made).rstrip("\n"))


async def allowance(
    settings: Settings,
    email: Annotated[str, "The sub-account's address."],
    monthly: Annotated[int, "How many credits at the start of each month; 0 ends it."],
    /,
    *,
    account: Annotated[str, "UUID of the agency."],
    roll_over: Annotated[Literal["yes", "no"], "Whether what is left of a month stays."] = "no",
) -> Answer:
    """Set what a sub-account gets each month from its agency; the first time at once."""
    async with workspace(settings, account, system=True) as (tx, _):
        sub = await agencies.set_allowance(tx, email, monthly, roll_over=roll_over == "yes")
    return Answer(_document(sub), pairs(_document(sub)))


async def below(settings: Settings, *, account: Annotated[str, "UUID of the agency."]) -> Answer:
    """Show what the sub-accounts of an agency have, what they used today and what they get each month."""
    found: list[Sub] = []
    async with workspace(settings, account, system=True) as (tx, _):
        while page := await agencies.listed(tx, found[-1].id if found else 0, 1000):
            found += page
    rows = [
        (sub.email, sub.name, sub.available, sub.used_today, sub.monthly, sub.used, sub.owed, sub.is_behind)
        for sub in found
    ]
    headings = ("Email", "Name", "Credits", "Today", "Monthly", "Used", "Owed", "Behind")
    return Answer([_document(sub) for sub in found], table(headings, rows, empty="No sub-accounts yet."))


def _document(sub: Sub) -> dict[str, Any]:
    return {
        "id": sub.id,
        "uuid": str(sub.uuid),
        "email": sub.email,
        "name": sub.name,
        "balance": sub.available,
        "reserved": sub.reserved,
        "used_today": sub.used_today,
        "owed": sub.owed,
        "monthly_credits": sub.monthly,
        "monthly_credits_used": sub.used,
        "roll_over": sub.roll_over,
        "behind": sub.is_behind,
    }
