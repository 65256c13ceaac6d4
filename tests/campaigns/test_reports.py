"""How a campaign went: reasons, course, recipients, and what is made of them."""

import csv
import io

import pytest

from tests import world
from trunkline.campaigns import broadcasts, estimates, previews, recipients, reports
from trunkline.campaigns.records import Broadcast, NewBroadcast
from trunkline.channels.base import Status
from trunkline.contacts import groups, people, tags
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database
from trunkline.messaging import consenting, receiving
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

NUMBERS = [f"+4074000{n:04d}" for n in range(4)]


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


@pytest.fixture
async def sent(database: Database, account: int, channel: Channel) -> Broadcast:
    """To four, of whom the first is read, the second lost."""
    await world.contacts(database, account, NUMBERS)
    async with database.tx(account) as tx:
        made = await broadcasts.create(tx, NewBroadcast(name="Spring", channel="sms", body="Hi"))
        await broadcasts.send(tx, made.id)
    await world.react(database)
    await world.deliver(database, account)
    async with database.tx(account) as tx:
        rows = await reports.recipients(tx, made)
    first, second = (row.message_id for row in rows[:2])
    told = [Status(status="read", message_id=first), Status(status="failed", message_id=second, reason="expired")]
    await receiving.take(database, channel, told)
    return made


async def test_failures_are_counted_by_their_reason(database: Database, account: int, sent: Broadcast) -> None:
    async with database.tx(account) as tx:
        found = await reports.reasons(tx, sent)

    assert found == [("expired", 1)]


async def test_who_arrives_after_all_is_no_failure(
    database: Database, account: int, channel: Channel, sent: Broadcast
) -> None:
    async with database.tx(account) as tx:
        [failed] = await reports.recipients(tx, sent, "failed")

    await receiving.take(database, channel, [Status(status="delivered", message_id=failed.message_id)])

    async with database.tx(account) as tx:
        assert await reports.reasons(tx, sent) == []


async def test_recipients_are_walked_in_pages_without_gaps(database: Database, account: int, sent: Broadcast) -> None:
    seen: list[str] = []
    after = (0, 0)
    async with database.tx(account) as tx:
        while rows := await reports.recipients(tx, sent, after=after, limit=3):
            seen += [row.address for row in rows]
            after = (rows[-1].contact_id, rows[-1].message_id)

    assert seen == NUMBERS


@pytest.mark.parametrize(("outcome", "number"), [("delivered", 1), ("failed", 1), ("sent", 3), ("opened", 0)])
async def test_recipients_are_found_by_what_became_of_them(
    database: Database, account: int, sent: Broadcast, outcome: reports.Outcome, number: int
) -> None:
    async with database.tx(account) as tx:
        rows = await reports.recipients(tx, sent, outcome)

    assert len(rows) == number


async def test_an_unsubscribe_stands_beside_its_recipient_and_on_the_course(
    database: Database, account: int, sent: Broadcast
) -> None:
    async with database.tx(account) as tx:
        [row, *_] = await reports.recipients(tx, sent)
        await consenting.unsubscribe(tx, row.message_id, {})

    async with database.tx(account) as tx:
        [gone] = await reports.recipients(tx, sent, "unsubscribed")
        course = await reports.course(tx, await broadcasts.get(tx, sent.id))
    assert gone.message_id == row.message_id
    assert sum(step.unsubscribed for step in course) == 1
    assert sum(step.sent for step in course) == 4


async def test_a_sheet_has_a_line_for_each_and_no_formulas(database: Database, account: int, sent: Broadcast) -> None:
    async with database.tx(account) as tx:
        [row, *_] = await reports.recipients(tx, sent)
        await people.update(tx, row.contact_id, people.Changes(name='=HYPERLINK("x")'))

    pieces = [piece async for piece in recipients.sheet(database, account, "test", sent)]

    lines = list(csv.DictReader(io.StringIO(b"".join(pieces).decode())))
    assert [line["Address"] for line in lines] == NUMBERS
    assert lines[0]["Name"] == '\'=HYPERLINK("x")'


async def test_a_group_is_made_of_those_it_did_not_reach(database: Database, account: int, sent: Broadcast) -> None:
    async with database.tx(account) as tx:
        made = await recipients.group(tx, sent, "Again", "failed")
    await world.react(database)

    async with database.tx(account) as tx:
        [failed] = await reports.recipients(tx, sent, "failed")
        assert await groups.members(tx, made.id) == [failed.contact_id]


async def test_people_of_several_tags_are_reached_once(database: Database, account: int, channel: Channel) -> None:
    found = await world.contacts(database, account, NUMBERS)
    async with database.tx(account) as tx:
        north, south = await tags.get_or_create(tx, ["north", "south"])
        await tags.add(tx, found[:3], [north.id])
        await tags.add(tx, found[1:], [south.id])
        audience = {"type": "tags", "ids": [north.id, south.id]}
        made = await broadcasts.create(tx, NewBroadcast(name="Both", channel="sms", body="Hi", audience=audience))
        drops = await estimates.drops(tx, made.audience, channel)
        await broadcasts.send(tx, made.id)
    await world.react(database)

    async with database.tx(account) as tx:
        assert (drops.asked, drops.reached) == (4, 4)
        assert (await broadcasts.get(tx, made.id)).total == 4


async def test_a_query_estimates_only_those_who_match(database: Database, account: int, channel: Channel) -> None:
    async with database.tx(account) as tx:
        await people.create(tx, NewContact(name="Zoe", phone=NUMBERS[0]))
        await people.create(tx, NewContact(name="Zoe"))
        await people.create(tx, NewContact(name="Ion", phone=NUMBERS[1]))
        drops = await estimates.drops(tx, {"type": "query", "query": "name = Zoe"}, channel)
        seen = await estimates.sample(tx, {"type": "query", "query": "name = Zoe"}, channel)

    assert (drops.asked, drops.no_address, drops.reached) == (2, 1, 1)
    assert [person.phone for person in seen] == [NUMBERS[0]]


async def test_slots_that_stay_empty_for_somebody_are_named(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        zoe = await people.create(tx, NewContact(name="Zoe", phone=NUMBERS[0]))
        made = await broadcasts.create(
            tx, NewBroadcast(name="Hi", channel="sms", body="{{name}} of {{city}}, {{country|there}}")
        )
        preview = await previews.of(tx, made, zoe.id)

    assert preview.text == "Zoe of , there"
    assert preview.empty == ["city"]


async def test_who_writes_back_is_counted_by_hour_and_found(
    database: Database, account: int, channel: Channel, sent: Broadcast
) -> None:
    for text in ("Yes", "And one more thing"):
        await world.say(database, channel, NUMBERS[2], text)
    await world.say(database, channel, "+40749999999", "A stranger")
    await world.react(database)

    async with database.tx(account) as tx:
        found = await reports.answers(tx, sent, "Europe/Bucharest")
        rows = await reports.recipients(tx, sent, "replied")

    assert found.replied == 1
    assert [row.address for row in rows] == [NUMBERS[2]]
    assert sum(hour.sent for hour in found.hours) == 4
    assert sum(hour.read for hour in found.hours) == 1
    assert sum(hour.replied for hour in found.hours) == 1


async def test_what_was_said_before_is_no_answer(
    database: Database, account: int, channel: Channel, sent: Broadcast
) -> None:
    await world.say(database, channel, NUMBERS[2], "Yes")
    await world.react(database)
    await world.execute(
        database.dsn, "update messages set created_at = created_at - interval '1 day' where account_id = $1"
        " and direction = 'in' returning id", account,
    )  # fmt: skip

    async with database.tx(account) as tx:
        assert (await reports.answers(tx, sent, "UTC")).replied == 0
