"""Asking an agency for credits: once for each time that they run low, with one key, until they came."""

import json
from typing import Any

import pytest

from tests import world
from trunkline.billing import credits, recharges
from trunkline.billing.recharges import Recharge

pytestmark = pytest.mark.anyio

URL = "https://agency.example.com/recharge"


@pytest.fixture
async def low(clients: Any) -> Any:
    """A sub-account with 60 credits that is to be recharged at 50; everything before is over and done."""
    await clients.set(clients.agency, auto_recharge_url=URL)
    await clients.set(clients.sub, auto_recharge_threshold=50, auto_recharge_amount=500)
    await clients.give(60)
    await world.react(clients.database)
    return clients


async def asked(clients: Any) -> list[Recharge]:
    await world.react(clients.database)
    async with clients.database.tx(clients.agency) as tx:
        return await recharges.latest(tx)


async def told(clients: Any) -> list[dict[str, Any]]:
    rows = await world.execute(
        clients.database.dsn,
        "select body, url from webhook_deliveries where account_id = $1 order by id",
        clients.agency,
    )
    assert {row["url"] for row in rows} <= {URL}
    return [json.loads(row["body"]) for row in rows]


async def wake(clients: Any) -> None:
    """Let the calls of the sub-account that wait for their moment run, at whatever the clock says now."""
    await world.execute(clients.database.dsn, "update jobs set run_at = now() where account_id = $1", clients.sub)
    await world.react(clients.database)


async def test_the_agency_is_told_what_the_seed_says(low: Any) -> None:
    await low.spend(18)

    [request] = await asked(low)

    [payload] = await told(low)
    assert payload.pop("triggered_at").endswith("Z")
    assert len(payload["sub_account"].pop("id")) == 20
    assert payload == {
        "event": "subaccount.auto_recharge",
        "idempotency_key": request.key,
        "sub_account": {"email": "client@example.com", "name": "Acme"},
        "current_balance": 42,
        "threshold": 50,
        "recharge_amount": 500,
        "currency": "USD",
        "unit_price": "0.10",
    }
    assert request.key.startswith("ar_01")
    assert len(request.key) == 29


async def test_the_answer_with_the_key_closes_the_request(low: Any) -> None:
    await low.spend(18)
    [request] = await asked(low)

    given = await low.give(500, request.key)
    again = await low.give(500, request.key)

    assert (given.balance, again.balance, again.repeated) == (542, 542, True)
    assert (await asked(low))[0].closed_at is not None


async def test_credits_without_the_key_close_it_when_they_are_enough(low: Any) -> None:
    await low.spend(18)
    await asked(low)

    await low.give(3)
    after_few = (await asked(low))[0].closed_at
    await low.give(100)

    assert after_few is None
    assert (await asked(low))[0].closed_at is not None


async def test_the_operators_credits_close_it_too(low: Any) -> None:
    await low.spend(18)
    await asked(low)

    await low.grant(low.sub, 100)

    assert (await asked(low))[0].closed_at is not None


async def test_going_up_and_down_asks_no_second_time_while_a_request_is_open(low: Any, later: Any) -> None:
    async with low.database.tx(low.sub) as tx:
        await credits.reserve(tx, 20, "test")
    await asked(low)

    later(minutes=30)
    async with low.database.tx(low.sub) as tx:
        await credits.refund(tx, 20, "test")
    async with low.database.tx(low.sub) as tx:
        await credits.reserve(tx, 20, "test")

    assert len(await asked(low)) == 1


async def test_a_new_fall_after_a_recharge_has_a_new_key(low: Any, later: Any) -> None:
    await low.spend(18)
    await asked(low)
    await low.give(500)

    later(minutes=11)
    await low.spend(500)

    requests = await asked(low)
    assert len({request.key for request in requests}) == 2
    assert [request.closed_at is None for request in requests] == [True, False]


async def test_a_new_fall_within_ten_minutes_waits_for_their_end(low: Any, later: Any) -> None:
    await low.spend(18)
    await asked(low)
    await low.give(10)
    later(minutes=5)
    await low.spend(10)

    before = len(await asked(low))
    later(minutes=11)
    await wake(low)

    assert (before, len(await asked(low))) == (1, 2)


async def test_a_fall_that_was_made_good_meanwhile_is_forgotten(low: Any, later: Any) -> None:
    await low.spend(18)
    await asked(low)
    await low.give(10)
    later(minutes=5)
    await low.spend(10)
    await asked(low)
    await low.give(500)

    later(minutes=11)
    await wake(low)

    assert len(await asked(low)) == 1


async def test_after_a_day_without_credits_there_is_a_new_request(low: Any, later: Any) -> None:
    await low.spend(18)
    [first] = await asked(low)

    later(hours=23)
    await wake(low)
    still = await asked(low)
    later(hours=25)
    async with low.database.system(low.sub) as tx:
        recharges.consider.later(tx, False)
    await wake(low)

    assert [one.key for one in still] == [first.key]
    requests = await asked(low)
    assert [request.closed_at is None for request in requests] == [True, False]


async def test_the_agencys_settings_are_those_of_its_sub_accounts(low: Any) -> None:
    await low.set(low.sub, auto_recharge_threshold="", auto_recharge_amount="")
    await low.set(low.agency, auto_recharge_threshold=30, auto_recharge_amount=200)

    await low.spend(29)
    before = await asked(low)
    await low.spend(1)

    assert before == []
    assert [(one.threshold, one.amount) for one in await asked(low)] == [(30, 200)]


@pytest.mark.parametrize("missing", ["auto_recharge_amount", "auto_recharge_threshold", "auto_recharge_url"])
async def test_without_all_three_settings_nobody_is_asked(low: Any, missing: str) -> None:
    await low.set(low.agency if missing == "auto_recharge_url" else low.sub, **{missing: ""})

    await low.spend(18)

    assert await asked(low) == []


async def test_a_workspace_of_its_own_asks_nobody(clients: Any, account: int) -> None:
    await clients.set(account, auto_recharge_threshold=50, auto_recharge_amount=500, auto_recharge_url=URL)
    await clients.grant(account, 60)
    async with clients.database.tx(account) as tx:
        await credits.charge(tx, 20, "test")

    assert await asked(clients) == []


async def test_a_key_of_another_sub_account_closes_nothing(low: Any) -> None:
    from trunkline.billing import agencies, transfers

    await low.spend(18)
    [request] = await asked(low)
    async with low.database.tx(low.agency) as tx:
        await agencies.open(tx, "Other", "other@example.com")
    async with low.database.tx(low.agency) as tx:
        await transfers.transfer(tx, "other@example.com", 500, idempotency_key=request.key)

    assert (await asked(low))[0].closed_at is None
