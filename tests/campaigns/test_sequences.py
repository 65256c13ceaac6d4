"""Sequences: who gets what when, as dates, groups, zones and the clock would have it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests import talks, world
from trunkline.campaigns import points, sequences
from trunkline.campaigns.sequences import NewPoint, Point
from trunkline.contacts import fields, groups, people
from trunkline.contacts.changing import set_timezone
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.errors import Invalid, NotFound
from trunkline.flows import starts
from trunkline.flows.starts import NewStart
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


@pytest.fixture
async def group(database: Database, account: int) -> int:
    async with database.tx(account) as tx:
        await fields.create(tx, "Visit", "datetime")
        return (await groups.create(tx, "Patients")).id


@pytest.fixture
async def contact(database: Database, account: int, channel: Channel) -> int:
    [contact] = await world.contacts(database, account, [PHONE])
    return contact


async def remind(database: Database, account: int, group: int, **given) -> Point:
    """A point two days before the visit at nine, that says hello unless told otherwise."""
    wanted = {"relative_to": "visit", "distance": -2, "unit": "days", "delivery_hour": 9, **given}
    if "flow_id" not in wanted:
        wanted |= {"message": {"eng": "Hello @contact.name"}, "base_language": "eng"}
    async with database.tx(account) as tx:
        sequence = await sequences.create(tx, f"Visits {clock.monotonic()}", group)
        point = await sequences.add_point(tx, sequence.id, NewPoint(**wanted))
    await world.react(database)
    return point


async def visit(database: Database, account: int, contact: int, at: datetime) -> None:
    async with database.tx(account) as tx:
        await people.set_fields(tx, {contact: {"visit": at.isoformat()}})
    await world.react(database)


async def join(database: Database, account: int, group: int, contact: int) -> None:
    async with database.tx(account) as tx:
        await groups.add(tx, group, [contact])
    await world.react(database)


async def due(database: Database, account: int) -> list[datetime]:
    rows = await world.execute(database.dsn, "select due_at from sequence_moments where account_id = $1", account)
    return [row[0] for row in rows]


async def come(database: Database, account: int) -> None:
    """All moments of the account have come."""
    await world.execute(database.dsn, "update sequence_moments set due_at = now() where account_id = $1", account)
    await points.look(database)
    await world.react(database)


NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=30)


async def test_a_date_of_a_member_makes_a_moment(database: Database, account: int, group: int, contact: int) -> None:
    await remind(database, account, group)
    await join(database, account, group, contact)

    await visit(database, account, contact, NOON)

    assert await due(database, account) == [NOON.replace(hour=9) - timedelta(days=2)]


async def test_the_hour_is_by_the_contacts_clock(database: Database, account: int, group: int, contact: int) -> None:
    await remind(database, account, group)
    await join(database, account, group, contact)
    await visit(database, account, contact, NOON)

    async with database.tx(account) as tx:
        await set_timezone(tx, {contact: "Asia/Tokyo"})
    await world.react(database)

    [moment] = await due(database, account)
    local = moment.astimezone(ZoneInfo("Asia/Tokyo"))
    assert (local.hour, local.date()) == (9, NOON.date() - timedelta(days=2))


@pytest.mark.parametrize(("distance", "unit", "wanted"), [(90, "minutes", 90), (-3, "hours", -180)])
async def test_minutes_and_hours_are_counted_from_the_date(
    database: Database, account: int, group: int, contact: int, distance: int, unit: str, wanted: int
) -> None:
    await remind(database, account, group, distance=distance, unit=unit)
    await join(database, account, group, contact)

    await visit(database, account, contact, NOON)

    assert await due(database, account) == [NOON + timedelta(minutes=wanted)]


async def test_a_point_made_later_finds_all_members(database: Database, account: int, group: int, contact: int) -> None:
    await join(database, account, group, contact)
    await visit(database, account, contact, NOON)

    point = await remind(database, account, group)

    assert len(await due(database, account)) == 1
    async with database.tx(account) as tx:
        assert not (await sequences.get_point(tx, point.id)).scheduling


async def test_who_leaves_the_group_is_left_alone(database: Database, account: int, group: int, contact: int) -> None:
    await remind(database, account, group)
    await join(database, account, group, contact)
    await visit(database, account, contact, NOON)

    async with database.tx(account) as tx:
        await groups.remove(tx, group, [contact])
    await world.react(database)

    assert await due(database, account) == []


async def test_what_has_passed_does_not_come(database: Database, account: int, group: int, contact: int) -> None:
    await remind(database, account, group)
    await join(database, account, group, contact)

    await visit(database, account, contact, datetime.now(UTC) + timedelta(days=1))

    assert await due(database, account) == []


async def test_an_archived_sequence_forgets_its_moments(
    database: Database, account: int, group: int, contact: int
) -> None:
    point = await remind(database, account, group)
    await join(database, account, group, contact)
    await visit(database, account, contact, NOON)

    async with database.tx(account) as tx:
        await sequences.archive(tx, [point.sequence_id])
    await world.react(database)

    assert await due(database, account) == []


async def test_a_message_goes_out_in_its_moment(database: Database, account: int, group: int, contact: int) -> None:
    async with database.tx(account) as tx:
        await people.rename(tx, {contact: "Ann"})
    await remind(database, account, group)
    await join(database, account, group, contact)
    await visit(database, account, contact, NOON)

    await come(database, account)
    await come(database, account)

    assert await talks.said(database, account) == ["Hello Ann"]


async def test_a_flow_starts_in_its_moment(database: Database, account: int, group: int, contact: int) -> None:
    flow = await talks.save(database, account, talks.definition(talks.node(talks.say("@trigger.campaign.name"))))
    point = await remind(database, account, group, flow_id=flow.id)
    await join(database, account, group, contact)
    await visit(database, account, contact, NOON)

    await come(database, account)

    assert await talks.said(database, account) == [point.sequence_name]


@pytest.mark.parametrize(("mode", "said"), [("interrupt", ["Tea or coffee?", "Hi"]), ("skip", ["Tea or coffee?"])])
async def test_whoever_is_in_a_flow_is_interrupted_or_skipped(
    database: Database, account: int, group: int, contact: int, mode: str, said: list[str]
) -> None:
    drinks = await talks.save(database, account, talks.drinks())
    flow = await talks.save(database, account, talks.definition(talks.node(talks.say("Hi")), name="Hi"))
    await remind(database, account, group, flow_id=flow.id, start_mode=mode)
    await join(database, account, group, contact)
    await visit(database, account, contact, NOON)
    async with database.tx(account) as tx:
        await starts.create(tx, NewStart(flow_id=drinks.id, contacts=[contact]))
    await world.react(database)

    await come(database, account)

    assert await talks.said(database, account) == said


async def test_a_point_needs_a_date(database: Database, account: int, group: int) -> None:
    async with database.tx(account) as tx:
        await fields.create(tx, "Colour")
        sequence = await sequences.create(tx, "Visits", group)
        with pytest.raises(Invalid) as refused:
            new = NewPoint(relative_to="colour", distance=1, unit="days", message={"eng": "Hi"})
            await sequences.add_point(tx, sequence.id, new)

    assert list(refused.value.fields) == ["relative_to"]


async def test_a_sequence_of_another_tenant_does_not_exist(
    database: Database, account: int, other_account: int, group: int
) -> None:
    point = await remind(database, account, group)

    async with database.tx(other_account) as tx:
        with pytest.raises(NotFound):
            await sequences.get_point(tx, point.id)
        with pytest.raises(NotFound):
            await sequences.update(tx, point.sequence_id, name="Mine")
