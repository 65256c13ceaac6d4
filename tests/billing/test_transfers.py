"""Credits from the operator, and from an agency to those below it."""

import asyncio
from typing import Any

import pytest
from msgspec import Struct

from tests import world
from trunkline.accounts import accounts, audit, settings, subaccounts
from trunkline.billing import agencies, credits, transfers
from trunkline.billing.credits import Balance
from trunkline.billing.events import CreditsLow
from trunkline.core.db import Database
from trunkline.core.errors import Conflict, Forbidden, Invalid, NotFound, OutOfCredits

pytestmark = pytest.mark.anyio


class Family(Struct):
    agency: int
    sub: int
    email: str = "client@example.com"


@pytest.fixture
async def family(database: Database) -> Family:
    """An agency with one sub-account."""
    agency = await world.workspace(database, kind="agency")
    async with database.tx(agency, "test") as tx:
        sub = await subaccounts.create(tx, "Client", "client@example.com")
    return Family(agency, sub.id)


async def give(database: Database, family: Family, amount: int, **options: Any) -> transfers.Transfer:
    async with database.tx(family.agency, "key:1") as tx:
        return await transfers.transfer(tx, family.email, amount, **options)


async def balance(database: Database, account: int) -> Balance:
    async with database.tx(account) as tx:
        assert await credits.check(tx) is None
        return await credits.balance(tx)


async def test_the_first_grant_makes_a_workspace_metered_and_says_so(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        first = await transfers.grant(tx, 100)
        await settings.put(tx, {"metered": "no"}, operator=True)
        second = await transfers.grant(tx, 50)
        metered = (await accounts.current(tx)).metered

    assert (first.balance, first.metered_now) == (100, True)
    assert (second.balance, second.metered_now, metered) == (150, False, False)


async def test_a_grant_is_in_the_audit_log(database: Database, account: int) -> None:
    async with database.system(account, "system") as tx:
        await transfers.grant(tx, 100)
        latest = (await audit.entries(tx))[0]

    assert (latest.action, latest.details) == ("credits.granted", {"amount": 100, "balance": 100})


@pytest.mark.parametrize("amount", [0, -5, True, credits.MOST + 1])
async def test_a_grant_of_nothing_is_refused(database: Database, family: Family, amount: int) -> None:
    async with database.tx(family.agency) as tx:
        with pytest.raises(Invalid):
            await transfers.grant(tx, amount)
        with pytest.raises(Invalid):
            await transfers.transfer(tx, family.email, amount)


async def test_two_hundred_grants_with_one_key_are_one_grant(database: Database, account: int) -> None:
    async def ask() -> transfers.Grant:
        async with database.tx(account) as tx:
            return await transfers.grant(tx, 500, idempotency_key="inv_7")

    answers = await asyncio.gather(*(ask() for _ in range(200)))

    assert {(answer.amount, answer.balance) for answer in answers} == {(500, 500)}
    assert sum(not answer.repeated for answer in answers) == 1
    assert await balance(database, account) == Balance(500, 0)


async def test_a_granted_key_cannot_be_used_for_another_amount(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        await transfers.grant(tx, 500, idempotency_key="inv_7")
        with pytest.raises(Conflict) as refused:
            await transfers.grant(tx, 400, idempotency_key="inv_7")

    assert refused.value.code == "duplicate_request"


async def test_an_unmetered_agency_gives_without_paying(database: Database, family: Family) -> None:
    await give(database, family, 42)

    given = await give(database, family, 500, description="Auto-recharge via webhook")

    assert (given.account_id, given.amount, given.balance, given.repeated) == (family.sub, 500, 542, False)
    assert await balance(database, family.sub) == Balance(542, 0)
    assert await balance(database, family.agency) == Balance(0, 0)
    async with database.tx(family.sub) as tx:
        assert (await credits.statement(tx))[0].description == "Auto-recharge via webhook"


async def test_a_metered_agency_pays_and_nothing_is_lost(database: Database, family: Family) -> None:
    async with database.tx(family.agency) as tx:
        await transfers.grant(tx, 600)

    await give(database, family, 500)

    assert await balance(database, family.agency) == Balance(100, 0)
    assert await balance(database, family.sub) == Balance(500, 0)


async def test_a_metered_agency_cannot_give_what_it_has_not(database: Database, family: Family) -> None:
    async with database.tx(family.agency) as tx:
        await transfers.grant(tx, 100)

    with pytest.raises(OutOfCredits) as refused:
        await give(database, family, 101)

    assert (refused.value.balance, refused.value.needed) == (100, 101)
    assert await balance(database, family.sub) == Balance(0, 0)


@pytest.mark.parametrize("metered", [False, True])
async def test_two_hundred_transfers_with_one_key_are_one_transfer(
    database: Database, family: Family, metered: bool
) -> None:
    if metered:
        async with database.tx(family.agency) as tx:
            await transfers.grant(tx, 600)

    answers = await asyncio.gather(*(give(database, family, 500, idempotency_key="ar_1") for _ in range(200)))

    assert {(answer.account_id, answer.amount, answer.balance) for answer in answers} == {(family.sub, 500, 500)}
    assert sum(not answer.repeated for answer in answers) == 1
    assert await balance(database, family.sub) == Balance(500, 0)
    assert await balance(database, family.agency) == Balance(100 if metered else 0, 0)


async def test_a_repeated_key_gives_the_first_answer_though_the_balance_moved_on(
    database: Database, family: Family
) -> None:
    first = await give(database, family, 500, idempotency_key="ar_1")
    await give(database, family, 10)

    again = await give(database, family, 500, idempotency_key="ar_1")

    assert (again.balance, again.repeated) == (first.balance, True)


async def test_a_key_stands_for_one_amount_and_one_sub_account(database: Database, family: Family) -> None:
    async with database.tx(family.agency) as tx:
        await subaccounts.create(tx, "Second", "second@example.com")
    await give(database, family, 500, idempotency_key="ar_1")

    for email, amount in ((family.email, 501), ("second@example.com", 500)):
        async with database.tx(family.agency) as tx:
            with pytest.raises(Conflict) as refused:
                await transfers.transfer(tx, email, amount, idempotency_key="ar_1")
            assert refused.value.code == "duplicate_request"


async def test_two_agencies_may_use_the_same_key(database: Database, family: Family) -> None:
    other = await world.workspace(database, kind="agency")
    async with database.tx(other) as tx:
        await subaccounts.create(tx, "Client", family.email)

    answers = [await give(database, each, 5, idempotency_key="ar_1") for each in (family, Family(other, 0))]

    assert [answer.repeated for answer in answers] == [False, False]
    assert answers[0].account_id != answers[1].account_id


async def test_who_is_not_below_the_agency_does_not_exist(database: Database, family: Family, connection: Any) -> None:
    other = await world.workspace(database, kind="agency")
    await connection.execute("update accounts set email = 'own@example.com' where id = $1", other)

    for email in (family.email, "unknown@example.com", "own@example.com", "nonsense", ""):
        async with database.tx(other) as tx:
            with pytest.raises(NotFound) as refused:
                await transfers.transfer(tx, email, 5)
            assert (refused.value.kind, refused.value.id) == ("sub_account", None)

    assert await balance(database, family.sub) == Balance(0, 0)


async def test_the_email_counts_without_case(database: Database, family: Family) -> None:
    async with database.tx(family.agency) as tx:
        given = await transfers.transfer(tx, "CLIENT@Example.com", 5)

    assert given.account_id == family.sub


async def test_a_workspace_gives_nobody_anything(database: Database, account: int, family: Family) -> None:
    async with database.tx(account) as tx:
        for email in (family.email, "nonsense"):
            with pytest.raises(Forbidden) as refused:
                await transfers.transfer(tx, email, 5)
            assert refused.value.code == "not_an_agency"


async def test_a_deleted_sub_account_gets_nothing(database: Database, family: Family) -> None:
    async with database.tx(family.agency) as tx:
        await subaccounts.delete(tx, family.email)

        with pytest.raises(NotFound):
            await transfers.transfer(tx, family.email, 5)


async def test_the_sub_account_is_told_and_the_agency_warned(
    database: Database, family: Family, connection: Any
) -> None:
    async with database.tx(family.agency) as tx:
        await settings.put(tx, {"auto_recharge_threshold": 150})
        await transfers.grant(tx, 600)

    await give(database, family, 500)

    told = await connection.fetchval(
        "select data::text from events where account_id = $1 and type = 'credits.granted'", family.sub
    )
    warned = await connection.fetchval(
        "select count(*) from events where account_id = $1 and type = $2", family.agency, CreditsLow.type
    )
    assert '"balance": 500' in told
    assert warned == 1


async def test_a_new_sub_account_gets_the_agencys_starting_credits(database: Database, family: Family) -> None:
    async with database.tx(family.agency) as tx:
        without = await agencies.open(tx, "Second", "second@example.com")
    async with database.tx(family.agency) as tx:
        await settings.put(tx, {"starting_credits": 25})
    async with database.tx(family.agency) as tx:
        opened = await agencies.open(tx, "Third", "third@example.com")
        known = await agencies.listed(tx)

    assert (without.balance, opened.balance) == (0, 25)
    assert [(sub.id, sub.available) for sub in known][1:] == [(without.account.id, 0), (opened.account.id, 25)]


async def test_without_the_starting_credits_there_is_no_sub_account(database: Database, family: Family) -> None:
    async with database.tx(family.agency) as tx:
        await transfers.grant(tx, 10)
        await settings.put(tx, {"starting_credits": 25})

    async with database.tx(family.agency) as tx:
        with pytest.raises(OutOfCredits):
            await agencies.open(tx, "Third", "third@example.com")
        with pytest.raises(NotFound):
            await subaccounts.find(tx, "third@example.com")


async def test_the_function_sees_no_further_than_its_callers_account(database: Database, family: Family) -> None:
    async with database.system() as tx:
        outcome = await tx._connection.fetchval(
            "select outcome from transfer_credits('client@example.com', 5, '', '', null, 'system')"
        )

    assert outcome == "not_an_agency"


async def test_a_key_of_a_transfer_is_none_for_a_grant(database: Database, family: Family) -> None:
    await give(database, family, 5, idempotency_key="ar_1")

    async with database.tx(family.agency) as tx:
        with pytest.raises(Conflict):
            await transfers.grant(tx, 5, idempotency_key="ar_1")


@pytest.mark.parametrize("key", ["", "x" * 256, "nul\0"])
async def test_a_key_that_cannot_be_kept_is_refused(database: Database, family: Family, key: str) -> None:
    with pytest.raises(Invalid):
        await give(database, family, 5, idempotency_key=key)
