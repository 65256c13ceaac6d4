"""Spend: what an account may use in a month, credits and tokens put aside before a call and settled after it.

What a call may take at most is put aside first, so that calls at the same time do not pass a cap together. A call
that a crash cut off leaves its row behind; a schedule gives back what it held.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

from msgspec import Struct

from trunkline.accounts import accounts, settings
from trunkline.ai import usage
from trunkline.ai.models import Completion
from trunkline.ai.place import Place
from trunkline.ai.usage import Outcome
from trunkline.billing import credits, metering, prices
from trunkline.core import clock
from trunkline.core.config import Settings
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict
from trunkline.core.jobs import Desk, job

LOCAL = "local"
"""The provider of what this process does by itself: it takes no tokens."""
LOST_MINUTES = 10


class Work(Struct, frozen=True, kw_only=True):
    """What is about to be called, and the most that it may take. `cost` is in millionths."""

    kind: str
    provider: str = LOCAL
    tokens: int = 0
    cost: int = 0
    is_charged: bool = False


class Held(Struct, frozen=True):
    """What was put aside for a call."""

    kind: str
    provider: str
    month: date
    tokens: int
    cost: int
    credits: int


class Month(Struct, frozen=True):
    """What this month took so far, with what is put aside for calls under way."""

    tokens: int
    cost: int


class _Lost(Struct, frozen=True):
    account_id: int
    id: int


@asynccontextmanager
async def counted(place: Place, work: Work) -> AsyncIterator[Outcome]:
    """Around a call: `async with counted(call, work) as outcome: …; outcome.ok = True`.

    Raises OutOfCredits, or Conflict `ai_cap_reached`, before anything is done. What fails costs no credits.
    """
    async with place.tx() as tx:
        id = await begin(tx, work)
    outcome, began = Outcome(), clock.monotonic()
    try:
        yield outcome
    finally:
        outcome.elapsed_ms = outcome.elapsed_ms or round((clock.monotonic() - began) * 1000)
        async with place.tx() as tx:
            await finish(tx, id, outcome)


async def begin(tx: Tx, work: Work) -> int:
    """Put aside what the call may take; the id is for `finish`."""
    month = await _reserve(tx, work)
    amount = prices.ai_turn(metered=await metering.is_metered(tx)) if work.is_charged else 0
    id = await tx.value(int, BEGIN, tx.account, work.kind, work.provider, month, work.tokens, work.cost, amount)
    assert id is not None
    await credits.reserve(tx, amount, REASON, f"ai:{id}")
    return id


async def finish(tx: Tx, id: int, outcome: Outcome) -> None:
    """Settle a call, once; whoever comes second finds nothing left to settle."""
    held = await tx.maybe(Held, FINISH, tx.account, id)
    if held is None:
        return
    if held.tokens or outcome.tokens_in or outcome.tokens_out:
        more = outcome.tokens_in + outcome.tokens_out - held.tokens
        await tx.run(SETTLE, tx.account, held.month, more, outcome.cost - held.cost)
    settle = credits.capture if outcome.ok else credits.refund
    await settle(tx, held.credits, REASON, f"ai:{id}")
    await usage.note(tx, held.kind, held.provider, outcome)


async def this_month(tx: Tx) -> Month:
    return await tx.maybe(Month, THIS_MONTH, tx.account) or Month(0, 0)


def cost(prices: Settings, tokens_in: int, tokens_out: int) -> int:
    """What tokens cost, in millionths of the operator's money: prices are for a million tokens."""
    return round(tokens_in * prices.ai_price_in + tokens_out * prices.ai_price_out)


def take(outcome: Outcome, said: Completion, prices: Settings) -> None:
    """What a model's answer took, whether it is of use or not."""
    outcome.tokens_in, outcome.tokens_out, outcome.elapsed_ms = said.tokens_in, said.tokens_out, said.elapsed_ms
    outcome.cost = cost(prices, said.tokens_in, said.tokens_out)


@job("ai.sweep", apart=True)
async def sweep(desk: Desk) -> None:
    """Give back what calls hold that nobody finishes any more."""
    async with desk.database.system() as tx:
        lost = await tx.fetch(_Lost, LOST, LOST_MINUTES)
    for one in lost:
        async with desk.database.tx(one.account_id) as tx:
            await finish(tx, one.id, Outcome())


async def _reserve(tx: Tx, work: Work) -> date:
    account = await accounts.current(tx)
    tokens, money = (settings.value(account, name) for name in CAPS)
    most = None if money is None else money * HUNDREDTH
    month = await tx.value(date, RESERVE, tx.account, work.tokens, work.cost, tokens, most)
    if month is None:
        raise Conflict("ai_cap_reached", "This workspace has reached its limit of AI use for this month.")
    return month


REASON = "ai_reply"
CAPS = ("ai_monthly_tokens", "ai_monthly_cost")
HUNDREDTH = usage.MILLION // 100

# Local work takes nothing and passes whatever the caps say.
RESERVE = sql("""
    insert into ai_months as m (account_id, month, tokens, cost)
    select $1, date_trunc('month', account_day($1, now()))::date, $2::bigint, $3::bigint
    where $2 = 0 or ($4::bigint is null or $2 <= $4) and ($5::bigint is null or $3 <= $5)
    on conflict (account_id, month) do update set tokens = m.tokens + excluded.tokens, cost = m.cost + excluded.cost
    where $2 = 0
        or ($4::bigint is null or m.tokens + excluded.tokens <= $4)
        and ($5::bigint is null or m.cost + excluded.cost <= $5)
    returning month
""")

BEGIN = sql("""
    insert into ai_calls (account_id, kind, provider, month, tokens, cost, credits)
    values ($1, $2, $3, $4, $5, $6, $7) returning id
""")

FINISH = sql("""
    delete from ai_calls where account_id = $1 and id = $2
    returning kind, provider, month, tokens, cost, credits
""")

SETTLE = sql("""
    update ai_months set tokens = greatest(0, tokens + $3), cost = greatest(0, cost + $4)
    where account_id = $1 and month = $2
""")

THIS_MONTH = sql("""
    select tokens, cost from ai_months
    where account_id = $1 and month = date_trunc('month', account_day($1, now()))::date
""")

LOST = sql(
    """
    select account_id, id from ai_calls where started_at < now() - make_interval(mins => $1)
    order by started_at limit 500
    """,
    system=True,
)
