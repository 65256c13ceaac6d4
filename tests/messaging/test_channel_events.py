"""Channel events: stored once, kept for a while, and what they mean for consent."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests import world
from trunkline.channels.base import ChannelEvent
from trunkline.contacts import consents, people
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.errors import Invalid
from trunkline.core.jobs import Call, Desk
from trunkline.core.urns import Urn
from trunkline.messaging import channel_events, receiving
from trunkline.messaging.channels import POOL, Channel

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


async def kept(database: Database, account: int, **which) -> list[channel_events.Occurred]:
    async with database.tx(account) as tx:
        return await channel_events.page(tx, **which)


async def is_stopped(database: Database, account: int) -> bool:
    async with database.tx(account) as tx:
        return await consents.suppressed(tx, "sms", [PHONE]) != set()


async def test_an_event_makes_a_contact_of_a_stranger(database: Database, account: int, channel: Channel) -> None:
    moment = datetime(2026, 5, 1, 12, tzinfo=UTC)

    noted = await world.happen(
        database, channel, "referral", PHONE, "e1", name="Jane", extra={"referrer_id": "ad"}, occurred_at=moment
    )

    [event] = await kept(database, account)
    assert (event.id, event.type, event.contact_name, event.extra, event.occurred_at) == (
        noted.event_id,
        "referral",
        "Jane",
        {"referrer_id": "ad"},
        moment,
    )
    assert event.channel_uuid == channel.uuid


async def test_sixteen_copies_at_once_are_one_event(database: Database, account: int, channel: Channel) -> None:
    takes = [world.happen(database, channel, "call_in_missed", PHONE, "e1") for _ in range(16)]

    answers = await asyncio.gather(*takes)

    assert len(await kept(database, account)) == 1
    assert sorted(answer.duplicate for answer in answers) == [False] + [True] * 15
    assert len({(answer.event_id, answer.contact_id) for answer in answers}) == 1


async def test_copies_in_one_call_are_one_event(database: Database, account: int, channel: Channel) -> None:
    event = ChannelEvent(type="optin", urn=Urn("tel", PHONE), external_id="e1")

    taken = await receiving.take_all(database, channel, [event, event])

    assert [answer.duplicate for answer in taken.events] == [False, True]


async def test_without_an_id_each_one_counts(database: Database, account: int, channel: Channel) -> None:
    for _ in range(2):
        await world.happen(database, channel, "call_in_missed", PHONE)

    assert len(await kept(database, account)) == 2


async def test_the_same_id_on_another_channel_is_another_event(
    database: Database, account: int, channel: Channel
) -> None:
    other = await world.simulator(database, account)
    await world.happen(database, channel, "call_in_missed", PHONE, "e1")

    noted = await world.happen(database, other, "call_in_missed", PHONE, "e1")

    assert noted.duplicate is False


async def test_who_rings_was_there(database: Database, account: int, channel: Channel) -> None:
    noted = await world.happen(database, channel, "call_in_missed", PHONE)

    async with database.tx(account) as tx:
        assert (await people.get(tx, noted.contact_id)).last_inbound_at is not None


async def test_being_rung_is_no_sign_of_life(database: Database, account: int, channel: Channel) -> None:
    noted = await world.happen(database, channel, "call_out", PHONE)

    async with database.tx(account) as tx:
        assert (await people.get(tx, noted.contact_id)).last_inbound_at is None


@pytest.mark.parametrize("type", ["optout", "stop_contact"])
async def test_who_says_no_to_the_provider_has_said_it_to_us(
    database: Database, account: int, channel: Channel, type: str
) -> None:
    noted = await world.happen(database, channel, type, PHONE)

    assert await is_stopped(database, account)
    async with database.tx(account) as tx:
        assert (await people.get(tx, noted.contact_id)).status == "stopped"


async def test_who_opts_in_again_is_written_to_again(database: Database, account: int, channel: Channel) -> None:
    await world.happen(database, channel, "optout", PHONE)

    await world.happen(database, channel, "optin", PHONE)

    assert not await is_stopped(database, account)


async def test_a_yes_that_is_older_than_the_stop_lifts_nothing(
    database: Database, account: int, channel: Channel
) -> None:
    await world.happen(database, channel, "optout", PHONE)

    await world.happen(database, channel, "optin", PHONE, occurred_at=clock.now() - timedelta(hours=1))

    assert await is_stopped(database, account)


async def test_a_wish_to_be_deleted_is_noted_for_people_to_decide(
    database: Database, account: int, channel: Channel
) -> None:
    noted = await world.happen(database, channel, "delete_contact", PHONE)

    async with database.tx(account) as tx:
        assert (await people.get(tx, noted.contact_id)).status == "active"
    assert [event.type for event in await kept(database, account)] == ["delete_contact"]


async def test_what_a_provider_says_has_its_limit(database: Database, channel: Channel) -> None:
    with pytest.raises(Invalid):
        await world.happen(database, channel, "referral", PHONE, extra={"text": "x" * 20_000})


async def test_null_characters_are_left_out(database: Database, account: int, channel: Channel) -> None:
    await world.happen(database, channel, "referral", PHONE, "e\x001", extra={"a\x00": ["b\x00"]})

    [event] = await kept(database, account)
    assert event.extra == {"a": ["b"]}


async def test_events_on_a_pool_channel_belong_to_whoever_wrote_there(database: Database, account: int) -> None:
    pool = await world.simulator(database, POOL)

    taken = await receiving.take_all(
        database, pool, [ChannelEvent(type="optin", urn=Urn("tel", "+40799000222"), external_id="e1")]
    )

    assert taken.events == []


async def test_they_are_read_newest_first_and_by_contact(database: Database, account: int, channel: Channel) -> None:
    ids = [(await world.happen(database, channel, "call_in", PHONE)).event_id for _ in range(3)]
    other = await world.happen(database, channel, "call_in", "+40740999888")

    first = await kept(database, account, limit=2)
    rest = await kept(database, account, beyond=(first[-1].created_at, first[-1].id))
    hers = await kept(database, account, contact=other.contact_id)

    assert [event.id for event in first + rest] == [other.event_id, *reversed(ids)]
    assert [event.id for event in hers] == [other.event_id]


async def test_another_workspace_sees_none(
    database: Database, account: int, other_account: int, channel: Channel
) -> None:
    noted = await world.happen(database, channel, "call_in", PHONE)

    assert await kept(database, other_account, id=noted.event_id) == []
    assert await kept(database, other_account, contact=noted.contact_id) == []


async def test_old_ones_are_pruned(database: Database, account: int, channel: Channel) -> None:
    old = await world.happen(database, channel, "call_in", PHONE)
    new = await world.happen(database, channel, "call_in", PHONE)
    await world.execute(
        database.dsn,
        "update channel_events set created_at = now() - interval '91 days' where account_id = $1 and id = $2",
        account,
        old.event_id,
    )

    await channel_events.prune.run(
        Desk(database, Call(0, 1, None, "channel_events.prune", [], "system", "", 0, 1), database.tools)
    )

    assert [event.id for event in await kept(database, account)] == [new.event_id]
