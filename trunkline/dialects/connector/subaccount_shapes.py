"""What sub-accounts and their credits look like on the connector's wire."""

from typing import Annotated

from msgspec import Meta, Struct

from trunkline.accounts.profiles import Profile
from trunkline.billing.agencies import Sub, Terms
from trunkline.billing.transfers import Transfer
from trunkline.core import opaque
from trunkline.core.crypto import Vault

MOST = 1_000_000_000_000

Mail = Annotated[str, Meta(max_length=254, examples=["client@example.com"])]
Part = Annotated[str, Meta(min_length=1, max_length=60, examples=["Jane"])]
Line = Annotated[str, Meta(max_length=128)]
Amount = Annotated[int, Meta(ge=0, le=MOST, examples=[100])]


class CreditsIn(Struct, kw_only=True):
    """`description` is shown in the ledger. `idempotency_key` may be the header `Idempotency-Key` as well; take it
    from the auto-recharge webhook.
    """

    email: Mail
    amount: Annotated[int, Meta(ge=1, le=MOST, examples=[500])]
    description: Annotated[str, Meta(max_length=500, examples=["Auto-recharge via webhook"])] | None = None
    idempotency_key: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class CreditsOut(Struct, omit_defaults=True):
    """`idempotent_replay` marks the answer to a key that was used before: nothing was granted again."""

    sub_account_id: Annotated[str, Meta(examples=["4UYbrhSNX2vQwJzLkF6d"])]
    credits_added: Annotated[int, Meta(examples=[500])]
    new_balance: Annotated[int, Meta(examples=[542])]
    success: Annotated[bool, Meta(examples=[True])]
    idempotent_replay: bool = False


class UsageLimitsIn(Struct, kw_only=True):
    """`credits` is given once, at the start; `monthly_credits` at the start of each month."""

    monthly_credits: Amount | None = None
    credits: Amount | None = None
    roll_over_to_next_month: bool | None = None


class SubAccountIn(Struct, kw_only=True):
    email: Mail
    first_name: Part
    last_name: Part
    business_name: Line | None = None
    description: Annotated[str, Meta(max_length=1000)] | None = None
    address_line: Annotated[str, Meta(max_length=255)] | None = None
    city: Line | None = None
    country: Annotated[str, Meta(max_length=2, examples=["RO"])] | None = None
    postal_code: Annotated[str, Meta(max_length=32)] | None = None
    state: Line | None = None
    time_zone_id: Annotated[str, Meta(max_length=64, examples=["Europe/Bucharest"])] | None = None
    language: Annotated[str, Meta(max_length=35, examples=["en"])] | None = None
    usage_limits: UsageLimitsIn | None = None


class UsageLimits(Struct):
    """`credits` is what the sub-account has now, `monthly_credits_used` what it took of this month's allowance."""

    monthly_credits: int
    monthly_credits_used: int
    credits: int
    roll_over_to_next_month: bool


class SubAccountOut(Struct, omit_defaults=True):
    """`password` is there once, in the answer to the request that made the login."""

    id: str
    email: str
    first_name: str
    last_name: str
    role: Annotated[str, Meta(examples=["Sub Account"])]
    is_agency_sub_account: bool
    business_name: str | None
    description: str | None
    address_line: str | None
    city: str | None
    country: str | None
    postal_code: str | None
    state: str | None
    time_zone_id: str
    language: str | None
    credits_used_today: int
    usage_limits: UsageLimits
    password: str | None = None


class SubAccount(Struct):
    data: SubAccountOut
    success: bool = True


class SubAccounts(Struct):
    """`next` is for `after`; none on the last page."""

    data: list[SubAccountOut]
    next: str | None
    success: bool = True


class Done(Struct):
    message: str
    success: bool = True


def granted(vault: Vault, given: Transfer) -> CreditsOut:
    id = opaque.write(vault, "account", given.account_id)
    return CreditsOut(id, given.amount, given.balance, success=True, idempotent_replay=given.repeated)


def terms(wanted: UsageLimitsIn | None) -> Terms:
    if wanted is None:
        return Terms()
    return Terms(wanted.monthly_credits or 0, bool(wanted.roll_over_to_next_month), wanted.credits)


def profile(body: SubAccountIn) -> Profile:
    return Profile(
        body.first_name.strip(),
        body.last_name.strip(),
        body.business_name,
        body.description,
        body.address_line,
        body.city,
        body.state,
        body.postal_code,
        body.language,
    )


def name(body: SubAccountIn) -> str:
    """What the account is called: the business, else the person."""
    return (body.business_name or "").strip() or profile(body).person


def subaccount(vault: Vault, sub: Sub, password: str | None = None) -> SubAccountOut:
    return SubAccountOut(
        id=opaque.write(vault, "account", sub.id),
        email=sub.email,
        first_name=sub.first_name,
        last_name=sub.last_name,
        role="Sub Account",
        is_agency_sub_account=True,
        business_name=sub.business_name,
        description=sub.description,
        address_line=sub.address_line,
        city=sub.city,
        country=sub.country,
        postal_code=sub.postal_code,
        state=sub.state,
        time_zone_id=sub.timezone,
        language=sub.language,
        credits_used_today=sub.used_today,
        usage_limits=UsageLimits(sub.monthly, sub.used, sub.available, sub.roll_over),
        password=password,
    )
