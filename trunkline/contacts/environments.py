"""How an account writes dates and where it is, for queries and expressions."""

from trunkline.accounts import accounts, settings
from trunkline.core.db import Tx
from trunkline.expressions.environment import DateFormat, Environment

DATE_FORMATS: dict[str, DateFormat] = {
    "day_first": "DD-MM-YYYY",
    "month_first": "MM-DD-YYYY",
    "year_first": "YYYY-MM-DD",
}


async def of_account(tx: Tx, *, redacts: bool = True) -> Environment:
    """Of the current account; without `redacts` addresses may be gone by, whatever the account hides from people."""
    account = await accounts.current(tx)
    return Environment(
        date_format=DATE_FORMATS[settings.value(account, "date_style")],
        timezone=account.timezone,
        allowed_languages=tuple(account.languages),
        default_country=account.country or "",
        redaction_policy="urns" if redacts and settings.value(account, "anon") else "none",
    )
