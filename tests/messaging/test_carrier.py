"""The built-in carrier: what it accepts is there at once, numbered without gaps."""

import asyncio

import pytest

from tests import world
from trunkline.channels import simulator
from trunkline.channels.base import Identity, Outbound, Status
from trunkline.core.db import Database
from trunkline.core.urns import Urn
from trunkline.messaging import carrier, receiving
from trunkline.messaging.carrier import Carrier
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


def outbound(id: int, text: str = "Hello") -> Outbound:
    return Outbound(id=id, uuid=str(id), to=Urn("tel", PHONE), text=text)


async def accept(database: Database, channel: Channel, *ids: int, **behaviour: object) -> list[str]:
    identity = Identity(channel.account_id, channel.id, channel.name, channel.address)
    return await Carrier(database).accept(identity, [outbound(id) for id in ids], **behaviour)


async def outbox(database: Database, channel: Channel, after: int = 0) -> list[carrier.Delivered]:
    async with database.tx(channel.account_id) as tx:
        return await carrier.outbox(tx, channel.id, after)


async def test_what_is_accepted_can_be_read_at_once(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)

    [external] = await accept(database, channel, 1)

    [delivered] = await outbox(database, channel)
    assert (delivered.seq, delivered.external_id, delivered.to, delivered.text) == (1, external, PHONE, "Hello")


async def test_numbers_grow_without_gaps_under_many_writers(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)

    await asyncio.gather(*(accept(database, channel, n, n + 100) for n in range(20)))

    assert [one.seq for one in await outbox(database, channel)] == list(range(1, 41))


async def test_a_reader_that_follows_misses_nothing(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    writers = [asyncio.create_task(accept(database, channel, n)) for n in range(30)]
    seen: list[int] = []

    while len(seen) < 30:
        seen += [one.seq for one in await outbox(database, channel, after=seen[-1] if seen else 0)]

    await asyncio.gather(*writers)
    assert seen == list(range(1, 31))


async def test_lost_messages_count_as_sent_and_arrive_nowhere(database: Database, account: int) -> None:
    channel = await world.simulator(database, account, loss=1)
    [id] = await world.queue(database, account, channel, [PHONE])

    await world.deliver(database, account)

    assert (await world.message(database, id))["status"] == "sent"
    assert await outbox(database, channel) == []


async def test_doubled_messages_arrive_twice(database: Database, account: int) -> None:
    channel = await world.simulator(database, account, duplicate=1)
    await world.queue(database, account, channel, [PHONE])

    await world.deliver(database, account)

    assert [one.seq for one in await outbox(database, channel)] == [1, 2]


@pytest.mark.parametrize(("loss", "status"), [(0, "delivered"), (1, "failed")])
async def test_reports_come_by_themselves(database: Database, account: int, loss: int, status: str) -> None:
    channel = await world.simulator(database, account, auto_dlr=True, loss=loss)
    [id] = await world.queue(database, account, channel, [PHONE])

    await world.deliver(database, account)
    await world.react(database)

    assert (await world.message(database, id))["status"] == status


async def test_a_report_that_is_faster_than_our_own_note_counts(database: Database, account: int) -> None:
    """The carrier has taken it, a report comes, and only then the sender writes down what happened."""
    channel = await world.simulator(database, account)
    [id] = await world.queue(database, account, channel, [PHONE])
    await world.execute(database.dsn, "update messages set status = 'sending' where id = $1", id)
    [external] = await accept(database, channel, id)

    report = Status(status="delivered", external_id=external, message_id=simulator.message_of(external))
    await receiving.take(database, channel, [report])

    row = await world.message(database, id)
    assert (row["status"], row["external_id"]) == ("delivered", external)


@pytest.mark.parametrize("text", ["", "sim-", "sim-x-y", "ext-1", "sim-99999999999999999999-x", "xsim-1-a"])
def test_ids_that_are_not_the_carriers_name_no_message(text: str) -> None:
    assert simulator.message_of(text) is None


async def test_nobody_reads_the_outbox_of_another_account(database: Database, account: int, other_account: int) -> None:
    channel = await world.simulator(database, account)
    await accept(database, channel, 1)

    async with database.tx(other_account) as tx:
        assert await carrier.outbox(tx, channel.id) == []
