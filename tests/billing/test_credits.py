"""Credits: exact, never below zero, and explained by the ledger."""

import asyncio
from typing import Any

import pytest

from trunkline.accounts import settings
from trunkline.billing import credits, transfers
from trunkline.billing.credits import Balance
from trunkline.billing.events import CreditsLow
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Conflict, Invalid, OutOfCredits

pytestmark = pytest.mark.anyio

MOVES = [
    credits.reserve,
    credits.reserve_up_to,
    credits.capture,
    credits.refund,
    credits.charge,
    credits.refund_spent,
    credits.recapture,
]


async def test_an_account_starts_with_nothing(tx: Tx) -> None:
    assert await credits.balance(tx) == Balance(0, 0)


async def test_credits_are_put_aside_then_spent_or_given_back(tx: Tx) -> None:
    await transfers.grant(tx, 100)

    await credits.reserve(tx, 30, "message", "message:1")
    await credits.capture(tx, 20, "message", "message:1")
    await credits.refund(tx, 10, "message", "message:1")

    assert await credits.balance(tx) == Balance(80, 0)
    assert await credits.check(tx) is None


async def test_more_than_there_is_cannot_be_spent(tx: Tx) -> None:
    await transfers.grant(tx, 10)

    for spend in (credits.reserve, credits.charge):
        with pytest.raises(OutOfCredits) as refused:
            await spend(tx, 11, "message")
        assert (refused.value.balance, refused.value.needed) == (10, 11)

    assert await credits.balance(tx) == Balance(10, 0)


async def test_some_can_be_put_aside_where_all_is_too_much(tx: Tx) -> None:
    await transfers.grant(tx, 10)

    taken = [await credits.reserve_up_to(tx, 7, "broadcast") for _ in range(3)]

    assert taken == [7, 3, 0]
    assert await credits.balance(tx) == Balance(0, 10)
    assert await credits.check(tx) is None


async def test_late_proof_moves_what_was_spent_and_back(tx: Tx) -> None:
    await transfers.grant(tx, 10)
    await credits.charge(tx, 10, "message")

    await credits.refund_spent(tx, 4, "message")
    taken = await credits.recapture(tx, 6, "message")

    assert taken == 4
    assert await credits.balance(tx) == Balance(0, 0)
    assert await credits.check(tx) is None


@pytest.mark.parametrize("move", [credits.capture, credits.refund])
async def test_what_was_not_reserved_cannot_be_settled(tx: Tx, move: Any) -> None:
    await transfers.grant(tx, 10)
    await credits.reserve(tx, 5, "message")

    with pytest.raises(Conflict):
        await move(tx, 6, "message")

    assert await credits.balance(tx) == Balance(5, 5)


@pytest.mark.parametrize("move", MOVES)
async def test_nothing_moves_nothing(tx: Tx, move: Any) -> None:
    await move(tx, 0, "message")

    assert await credits.statement(tx) == []


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("amount", [-1, True, credits.MOST + 1, 10**30])
async def test_an_impossible_amount_is_refused(tx: Tx, move: Any, amount: int) -> None:
    with pytest.raises(Invalid):
        await move(tx, amount, "message")


async def test_the_statement_explains_each_change(tx: Tx) -> None:
    await transfers.grant(tx, 100, description="Invoice 7")
    await credits.reserve(tx, 30, "message", "message:1")
    await credits.capture(tx, 30, "message", "message:1")

    first = await credits.statement(tx, limit=2)
    rest = await credits.statement(tx, before=first[-1].id)

    assert [(e.source, e.target, e.amount, e.available, e.reference, e.description) for e in first + rest] == [
        ("reserved", "spent", 30, 70, "message:1", ""),
        ("available", "reserved", 30, 70, "message:1", ""),
        ("granted", "available", 100, 100, "", "Invoice 7"),
    ]


async def test_sixty_four_spenders_at_once_never_spend_too_much(
    database: Database, account: int, connection: Any
) -> None:
    async with database.tx(account) as tx:
        await transfers.grant(tx, 500)

    async def spend(number: int) -> int:
        async with database.tx(account, f"user:{number}") as tx:
            match number % 3:
                case 0:
                    await credits.charge(tx, 13, "message")
                    return 13
                case 1:
                    await credits.reserve(tx, 13, "message")
                    return 13
                case _:
                    return await credits.reserve_up_to(tx, 13, "message")

    answers = await asyncio.gather(*(spend(number) for number in range(64)), return_exceptions=True)

    taken = sum(answer for answer in answers if isinstance(answer, int))
    assert {type(answer) for answer in answers} <= {int, OutOfCredits}
    async with database.tx(account) as tx:
        left = (await credits.balance(tx)).available
        assert left == 500 - taken
        assert 0 <= left < 13
        assert await credits.check(tx) is None


async def test_a_transaction_that_fails_moves_nothing(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        await transfers.grant(tx, 10)

    async def fail_after_spending() -> None:
        async with database.tx(account) as tx:
            await credits.charge(tx, 5, "message")
            raise Invalid

    with pytest.raises(Invalid):
        await fail_after_spending()

    async with database.tx(account) as tx:
        assert await credits.balance(tx) == Balance(10, 0)


async def test_each_fall_to_the_threshold_is_told_once(database: Database, account: int, connection: Any) -> None:
    async with database.tx(account) as tx:
        await settings.put(tx, {"auto_recharge_threshold": 50})
        await transfers.grant(tx, 60)

    for amount in (5, 5, 8):
        async with database.tx(account) as tx:
            await credits.charge(tx, amount, "message")
    async with database.tx(account) as tx:
        await transfers.grant(tx, 100)
        await credits.reserve_up_to(tx, 1000, "broadcast")

    told = await connection.fetch(
        "select data ->> 'balance' as balance from events where account_id = $1 and type = $2",
        account,
        CreditsLow.type,
    )
    assert [row["balance"] for row in told] == ["50", "0"]


async def test_many_spenders_cross_the_threshold_once(database: Database, account: int, connection: Any) -> None:
    async with database.tx(account) as tx:
        await settings.put(tx, {"auto_recharge_threshold": 50})
        await transfers.grant(tx, 100)

    async def spend() -> None:
        async with database.tx(account) as tx:
            await credits.charge(tx, 3, "message")

    await asyncio.gather(*(spend() for _ in range(30)))

    told = await connection.fetchval(
        "select count(*) from events where account_id = $1 and type = $2", account, CreditsLow.type
    )
    assert told == 1


async def test_the_check_finds_what_does_not_add_up(database: Database, account: int, connection: Any) -> None:
    async with database.tx(account) as tx:
        await transfers.grant(tx, 10)
    await connection.execute("update balances set available = 11 where account_id = $1", account)

    async with database.tx(account) as tx:
        found = await credits.check(tx)
    async with database.system() as tx:
        everywhere = await credits.check_all(tx)
    await connection.execute("update balances set available = 10 where account_id = $1", account)

    assert found is not None
    assert (found.available, found.ledger_available) == (11, 10)
    assert found in everywhere


async def test_another_accounts_credits_are_out_of_reach(database: Database, account: int, other_account: int) -> None:
    async with database.tx(account) as tx:
        await transfers.grant(tx, 10)

    async with database.tx(other_account) as tx:
        tx.account = account  # a forged number: the database still knows whose transaction it is

        assert await credits.balance(tx) == Balance(0, 0)
        with pytest.raises(OutOfCredits):
            await credits.charge(tx, 1, "message")


async def test_the_ledger_cannot_be_rewritten(tx: Tx) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await tx._connection.execute("update ledger set amount = 1")
