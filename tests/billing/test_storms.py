"""Credits under load: the ledger says at every moment what the balance is, and a key is used once."""

import asyncio
import random
from typing import Any

import pytest

from trunkline.billing import credits, transfers
from trunkline.core.errors import OutOfCredits

pytestmark = pytest.mark.anyio


async def test_the_ledger_is_the_balance_at_any_time(clients: Any) -> None:
    await clients.grant(clients.agency, 2000)
    await clients.give(200)
    over = asyncio.Event()
    differences, looks = [], 0

    async def watch() -> None:
        nonlocal looks
        while not over.is_set():
            for account in (clients.agency, clients.sub):
                async with clients.database.tx(account) as tx:
                    differences.append(await credits.check(tx))
                    looks += 1

    spent, given = 0, 0

    async def spend(amount: int) -> None:
        nonlocal spent
        try:
            async with clients.database.tx(clients.sub) as tx:
                await credits.charge(tx, amount, "test")
            spent += amount
        except OutOfCredits:
            pass

    async def give(amount: int) -> None:
        nonlocal given
        await clients.give(amount)
        given += amount

    dice = random.Random(7)
    work = [spend(dice.randint(1, 9)) if dice.random() < 0.7 else give(dice.randint(1, 9)) for _ in range(300)]
    watcher = asyncio.create_task(watch())
    await asyncio.gather(*work)
    over.set()
    await watcher

    assert looks > 1
    assert set(differences) == {None}
    assert await clients.available(clients.sub) == 200 + given - spent
    assert await clients.available(clients.agency) == 1800 - given


async def test_nobody_spends_what_is_not_there(clients: Any) -> None:
    await clients.give(100)

    async def spend() -> bool:
        try:
            async with clients.database.tx(clients.sub) as tx:
                await credits.charge(tx, 3, "test")
            return True
        except OutOfCredits:
            return False

    outcomes = await asyncio.gather(*(spend() for _ in range(64)))

    assert sum(outcomes) == 33
    assert await clients.available(clients.sub) == 1


async def test_many_keys_at_once_are_granted_once_each(clients: Any) -> None:
    await clients.grant(clients.agency, 1000)
    keys = [f"ar_{n % 10}" for n in range(100)]

    answers: list[transfers.Transfer] = await asyncio.gather(*(clients.give(10, key) for key in keys))

    assert sum(not answer.repeated for answer in answers) == 10
    assert await clients.available(clients.sub) == 100
    assert await clients.available(clients.agency) == 900
