"""Statements: what a month shows, and that it adds up."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from tests import world
from trunkline.billing import credits, statements, transfers
from trunkline.billing.credits import Balance
from trunkline.core.errors import Invalid

pytestmark = pytest.mark.anyio


@pytest.fixture
async def busy(clients: Any) -> Any:
    """Two months of entries: 100 came and 30 were spent in the first, 10 were put aside in the second."""
    await clients.give(100)
    await clients.spend(30)
    async with clients.database.tx(clients.sub) as tx:
        await credits.reserve(tx, 10, "messages", "message:7")
    for column, moment in (("reason <> 'messages'", "2026-02-10 12:00Z"), ("reason = 'messages'", "2026-03-01 00:00Z")):
        await world.execute(
            clients.database.dsn,
            f"update ledger set at = $2 where account_id = $1 and {column}",
            clients.sub,
            datetime.fromisoformat(moment),
        )
    return clients


async def statement(clients: Any, month: str) -> statements.Statement:
    async with clients.database.tx(clients.sub) as tx:
        return await statements.of_month(tx, month)


async def test_a_month_lies_between_two_balances(busy: Any) -> None:
    february, march = await statement(busy, "2026-02"), await statement(busy, "2026-03")

    assert (february.opening, february.closing) == (Balance(0, 0), Balance(70, 0))
    assert (february.received, february.spent, len(february.entries)) == (100, 30, 2)
    assert (march.opening, march.closing) == (Balance(70, 0), Balance(60, 10))
    assert [entry.reference for entry in march.entries] == ["message:7"]


async def test_a_month_begins_by_the_accounts_clock(busy: Any) -> None:
    march = await statement(busy, "2026-03")

    assert march.since == datetime(2026, 2, 28, 22, tzinfo=UTC)
    assert march.until == datetime(2026, 3, 31, 21, tzinfo=UTC)


async def test_a_month_without_entries_keeps_the_balance(busy: Any) -> None:
    april = await statement(busy, "2026-04")

    assert (april.opening, april.closing, april.entries) == (Balance(60, 10), Balance(60, 10), [])


async def test_a_booking_is_seen_at_once(clients: Any) -> None:
    await clients.give(42)

    async with clients.database.tx(clients.sub) as tx:
        now = await statements.of_month(tx)

    assert (now.closing, now.received) == (Balance(42, 0), 42)


async def test_an_account_without_credits_has_an_empty_statement(database: Any, account: int) -> None:
    async with database.tx(account) as tx:
        made = await statements.of_month(tx)

    assert (made.opening, made.closing, made.entries) == (Balance(0, 0), Balance(0, 0), [])


@pytest.mark.parametrize("month", ["2026-13", "2026-3", "march", "0026-01", "2026-03-01", "２026-03"])
async def test_what_is_no_month_is_refused(tx: Any, month: str) -> None:
    with pytest.raises(Invalid):
        await statements.of_month(tx, month)


async def test_the_csv_tells_the_balances_after_each_entry(busy: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(statements.as_csv(await statement(busy, "2026-03")))))

    assert [row["reason"] for row in rows] == ["opening", "messages", "closing"]
    assert [(row["available"], row["reserved"]) for row in rows] == [("70", "0"), ("60", "10"), ("60", "10")]
    assert rows[1]["available_change"] == "-10"


async def test_a_description_does_not_become_a_formula(clients: Any) -> None:
    async with clients.database.tx(clients.agency) as tx:
        await transfers.transfer(tx, clients.email, 5, description='=HYPERLINK("https://evil.example")')

    async with clients.database.tx(clients.sub) as tx:
        text = statements.as_csv(await statements.of_month(tx))

    assert "\"'=HYPERLINK" in text


async def test_today_is_counted_without_what_came_back(clients: Any) -> None:
    await clients.give(100)
    await clients.spend(30)
    async with clients.database.tx(clients.sub) as tx:
        await credits.refund_spent(tx, 10, "test")
        used = await statements.used_today(tx)

    assert used == 20
    assert (await clients.shown()).used_today == 20
