"""Usage: what AI was asked and what it took, as deltas of the account's days that reports sum up.

The subject of each is the provider. Money is in millionths of what the operator's prices are in.
"""

from msgspec import Struct

from trunkline.core.db import Tx, sql

MILLION = 1_000_000


class Outcome(Struct, kw_only=True):
    """How one call went. Without `ok` it gave nothing, and no credits are charged for it."""

    ok: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    cost: int = 0
    elapsed_ms: int = 0
    confidence: float | None = None


async def note(tx: Tx, kind: str, provider: str, outcome: Outcome) -> None:
    """Add one call to its day."""
    deltas = {
        "requests": 1,
        "failures": int(not outcome.ok),
        "replies": int(outcome.ok and kind == "reply"),
        "tokens_in": outcome.tokens_in,
        "tokens_out": outcome.tokens_out,
        "cost": outcome.cost,
        "milliseconds": outcome.elapsed_ms,
        "confidence": round((outcome.confidence or 0) * 1000),
        "judged": int(outcome.confidence is not None),
    }
    counted = {f"ai.{name}": value for name, value in deltas.items() if value}
    await tx.run(NOTE, tx.account, provider, list(counted), list(counted.values()))


def money(cost: int) -> float:
    """Millionths as an amount of money."""
    return cost / MILLION


NOTE = sql("""
    insert into daily (account_id, name, day, subject, value)
    select $1, name, account_day($1, now()), $2, value from unnest($3::text[], $4::bigint[]) as counted (name, value)
""")
