"""What is sent and received is counted, by kind of channel and outcome."""

import pytest

from tests import world
from trunkline.channels.base import Status
from trunkline.core.db import Database
from trunkline.messaging import measures, receiving

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+40740111222", "+40740333444"


async def test_a_send_counts_with_the_time_that_it_took(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    sent, waits = measures.SENDS.of("simulator", "sent"), measures.WAITS.of("outbound")
    latency = measures.LATENCY.of("simulator", "api")
    before = sent.value, sum(waits.counts), sum(latency.counts), latency.total
    [id] = await world.queue(database, account, channel, [PHONE])
    await world.execute(database.dsn, "update messages set created_at = now() - interval '1 minute' where id = $1", id)

    await world.deliver(database, account)

    assert (sent.value, sum(waits.counts), sum(latency.counts)) == (before[0] + 1, before[1] + 1, before[2] + 1)
    assert 60 <= latency.total - before[3] < 120


async def test_what_was_not_sent_after_all_counts_by_its_reason(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    withheld = measures.WITHHELD.of("simulator", "expired")
    before = withheld.value
    [id] = await world.queue(database, account, channel, [PHONE])
    await world.execute(database.dsn, "update messages set expires_at = now() where id = $1", id)

    await world.deliver(database, account)

    assert withheld.value == before + 1


async def test_what_providers_tell_counts_by_what_it_is(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    await world.say(database, channel, PHONE, "Hello", id="one")
    before = {what: measures.RECEIVED.of("simulator", what).value for what in ("message", "repeat", "report")}

    await world.say(database, channel, PHONE, "Hello", id="one")
    await world.say(database, channel, OTHER, "Hello", id="two")
    await receiving.take(database, channel, [Status(status="sent", external_id="nobody knows it")])

    after = {what: measures.RECEIVED.of("simulator", what).value for what in ("message", "repeat", "report")}
    assert {what: after[what] - before[what] for what in after} == {"message": 1, "repeat": 1, "report": 1}
