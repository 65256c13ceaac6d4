"""Whom a campaign leaves out when it goes, and whom it went to once already."""

from datetime import timedelta

import pytest

from tests import world
from trunkline.campaigns import broadcasts, estimates, expanding, reports
from trunkline.campaigns.records import Broadcast, NewBroadcast
from trunkline.channels.base import Status
from trunkline.contacts import groups
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.errors import Invalid
from trunkline.messaging import receiving
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

NUMBERS = [f"+4074000{n:04d}" for n in range(6)]


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


@pytest.fixture
async def found(database: Database, account: int) -> list[int]:
    return await world.contacts(database, account, NUMBERS)


async def made(database: Database, account: int, audience: dict, name: str = "News") -> Broadcast:
    async with database.tx(account) as tx:
        return await broadcasts.create(tx, NewBroadcast(name=name, channel="sms", body="Hello", audience=audience))


async def complete(database: Database, account: int) -> None:
    await world.react(database)
    await world.deliver(database, account)
    await expanding.finish(database)
    await world.react(database)


async def sent(database: Database, account: int, audience: dict) -> Broadcast:
    one = await made(database, account, audience)
    async with database.tx(account) as tx:
        await broadcasts.send(tx, one.id)
    await complete(database, account)
    return one


async def reached(database: Database, account: int, one: Broadcast) -> list[str]:
    async with database.tx(account) as tx:
        return [row.address for row in await reports.recipients(tx, one)]


async def test_it_goes_to_all_but_those_left_out(
    database: Database, account: int, channel: Channel, found: list[int]
) -> None:
    async with database.tx(account) as tx:
        staff = await groups.create(tx, "Staff")
        await groups.add(tx, staff.id, found[:2])

    one = await sent(
        database, account, {"type": "all", "exclude": {"groups": [staff.id], "query": "tel = +40740000005"}}
    )

    assert await reached(database, account, one) == NUMBERS[2:5]


async def test_who_got_one_lately_is_left_out_of_the_next(
    database: Database, account: int, channel: Channel, found: list[int]
) -> None:
    await sent(database, account, {"type": "contacts", "ids": found[:4]})

    one = await sent(database, account, {"type": "all", "exclude": {"days": 7}})

    assert await reached(database, account, one) == NUMBERS[4:]


async def test_the_estimate_counts_them_apart(
    database: Database, account: int, channel: Channel, found: list[int]
) -> None:
    await sent(database, account, {"type": "contacts", "ids": found[:1]})
    audiences = [{"type": "all"}, {"type": "contacts", "ids": found}, {"type": "query", "query": "tel ~ 000"}]

    async with database.tx(account) as tx:
        counted = [
            await estimates.drops(tx, {**one, "exclude": {"days": 1, "query": "tel = +40740000005"}}, channel)
            for one in audiences
        ]

    assert [(one.asked, one.excluded, one.reached) for one in counted] == [(6, 2, 4)] * 3


async def test_a_sample_of_people_holds_none_of_them(
    database: Database, account: int, channel: Channel, found: list[int]
) -> None:
    async with database.tx(account) as tx:
        staff = await groups.create(tx, "Staff")
        await groups.add(tx, staff.id, found[1:])
        some = await estimates.sample(tx, {"type": "all", "exclude": {"groups": [staff.id]}}, channel)

    assert [person.id for person in some] == found[:1]


@pytest.mark.parametrize("later", [False, True])
async def test_nobody_is_written_to_when_the_list_of_exclusions_is_gone(
    database: Database, account: int, channel: Channel, found: list[int], later: bool
) -> None:
    async with database.tx(account) as tx:
        staff = await groups.create(tx, "Staff")
        await groups.add(tx, staff.id, found[:2])
    one = await made(database, account, {"type": "all", "exclude": {"groups": [staff.id]}})
    at = clock.now() + timedelta(hours=1)
    if later:
        async with database.tx(account) as tx:
            at = (await broadcasts.send(tx, one.id, at)).scheduled_at or at
    await world.execute(database.dsn, "delete from groups where id = $1 returning id", staff.id)

    async with database.tx(account) as tx:
        if later:
            await expanding.begin(tx, one.id, at.isoformat())
            assert (await broadcasts.get(tx, one.id)).status == "failed"
        else:
            with pytest.raises(Invalid):
                await broadcasts.send(tx, one.id)
    assert await reached(database, account, one) == []


async def test_those_with_whom_it_failed_are_written_to_again(
    database: Database, account: int, channel: Channel, found: list[int]
) -> None:
    first = await sent(database, account, {"type": "all"})
    async with database.tx(account) as tx:
        lost = [row.message_id for row in await reports.recipients(tx, first)][1:3]
    told = [Status(status="failed", message_id=id, reason="expired") for id in lost]
    await receiving.take(database, channel, told)

    again = await sent(database, account, {"type": "campaign", "id": first.id, "outcome": "failed"})

    assert await reached(database, account, again) == NUMBERS[1:3]


async def test_an_outcome_that_nobody_knows_is_refused(
    database: Database, account: int, other_account: int, channel: Channel, found: list[int]
) -> None:
    first = await made(database, account, {"type": "all"})

    with pytest.raises(Invalid):
        await made(database, account, {"type": "campaign", "id": first.id, "outcome": "happy"})
    with pytest.raises(Invalid):
        await made(database, other_account, {"type": "campaign", "id": first.id, "outcome": "failed"})
