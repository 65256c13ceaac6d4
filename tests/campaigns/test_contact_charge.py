"""What a campaign costs for each contact: once, and only where the message has no price of its own."""

from typing import Any

import pytest

from tests import world
from trunkline.billing import credits, prices
from trunkline.billing.credits import Balance
from trunkline.campaigns import broadcasts, expanding
from trunkline.campaigns.broadcasts import NewBroadcast
from trunkline.core.db import Database
from trunkline.messaging import statuses
from trunkline.messaging.channels import Channel
from trunkline.messaging.statuses import Change

pytestmark = pytest.mark.anyio

NUMBERS = ["+40740000001", "+40740000002", "+40740000003"]


@pytest.fixture
async def own(database: Database, account: int) -> Channel:
    """A channel of the account's own that carries SMS somewhere."""
    return await world.custom(database, account, "http://127.0.0.1:9/hook", **{"as": "sms"})


async def expand(database: Database, account: int, body: str = "Hello") -> int:
    await world.contacts(database, account, NUMBERS)
    async with database.tx(account) as tx:
        id = (await broadcasts.create(tx, NewBroadcast(name="News", channel="sms", body=body))).id
        await broadcasts.send(tx, id)
    await world.react(database)
    return id


async def balance(database: Database, account: int) -> Balance:
    async with database.tx(account) as tx:
        assert await credits.check(tx) is None
        return await credits.balance(tx)


async def test_each_contact_costs_one_credit_however_long_the_text(
    database: Database, account: int, own: Channel
) -> None:
    await world.grant(database, account, 10)

    id = await expand(database, account, "x" * 400)

    reserved = await balance(database, account)
    messages = await world.execute(database.dsn, "select id from messages where broadcast_id = $1", id)
    async with database.tx(account) as tx:
        await statuses.apply_many(tx, [Change(row["id"], "delivered") for row in messages])
    assert reserved == Balance(7, 3)
    assert await balance(database, account) == Balance(7, 0)


async def test_the_price_is_the_same_when_the_text_is_made(database: Database, account: int, own: Channel) -> None:
    await world.grant(database, account, 10)
    id = await expand(database, account, "Hello {{first_name}}, " + "x" * 400)

    await world.deliver(database, account)

    rows = await world.execute(database.dsn, "select credits from messages where broadcast_id = $1", id)
    assert {row["credits"] for row in rows} == {1}
    now = await balance(database, account)
    assert now.available + now.reserved <= 10


async def test_who_cannot_be_paid_for_is_left_out(database: Database, account: int, own: Channel) -> None:
    await world.grant(database, account, 2)

    id = await expand(database, account)

    rows = await world.execute(
        database.dsn, "select reason, count(*) as n from messages where broadcast_id = $1 group by reason", id
    )
    assert {row["reason"]: row["n"] for row in rows} == {None: 2, "insufficient_credits": 1}


async def test_an_unmetered_account_pays_nothing(database: Database, account: int, own: Channel) -> None:
    id = await expand(database, account)

    rows = await world.execute(database.dsn, "select credits from messages where broadcast_id = $1", id)
    assert {row["credits"] for row in rows} == {0}


async def test_a_message_with_a_price_of_its_own_is_not_charged_twice(database: Database, account: int) -> None:
    await world.simulator(database, account)
    await world.grant(database, account, 10)

    await expand(database, account)

    assert await balance(database, account) == Balance(7, 3)


async def test_a_single_message_is_no_campaign(database: Database, account: int, own: Channel) -> None:
    await world.grant(database, account, 10)

    await world.queue(database, account, own, NUMBERS)

    assert await balance(database, account) == Balance(10, 0)


async def test_canceling_gives_the_credits_back(database: Database, account: int, own: Channel) -> None:
    await world.grant(database, account, 10)
    id = await expand(database, account)

    async with database.tx(account) as tx:
        await broadcasts.cancel(tx, id)
    await world.react(database)

    assert await balance(database, account) == Balance(10, 0)


@pytest.mark.parametrize(
    ("kind", "sends_as", "more", "price"),
    [
        ("custom_http", "sms", {"pool": False, "metered": True, "segments": 3}, 1),
        ("custom_http", "whatsapp", {"pool": False, "metered": True, "segments": 1}, 1),
        ("custom_http", "sms", {"pool": False, "metered": False, "segments": 3}, 0),
        ("custom_http", "sms", {"pool": True, "metered": True, "segments": 3}, 3),
        ("simulator", "sms", {"pool": False, "metered": True, "segments": 2}, 2),
        ("smtp", "email", {"pool": False, "metered": True, "segments": 1}, 0),
    ],
)
def test_the_price_of_a_contact(kind: str, sends_as: str, more: dict[str, Any], price: int) -> None:
    assert prices.campaign_message(kind, sends_as, **more) == price


async def test_a_campaign_that_ends_keeps_nothing_reserved(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    await world.grant(database, account, 10)
    await expand(database, account)

    await world.deliver(database, account)
    await expanding.finish(database)
    await world.react(database)

    assert channel.kind == "simulator"
    assert (await balance(database, account)).reserved == 0
