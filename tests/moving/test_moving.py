"""A workspace is copied from a server of ours, all of it, once, and nothing of it acts by itself."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx2
import pytest

from tests import talks, world
from tests.dialects.shell import served
from trunkline.accounts import api_keys
from trunkline.campaigns import sequences
from trunkline.campaigns.sequences import NewPoint
from trunkline.contacts import fields, groups, notes, people
from trunkline.contacts.people import NewContact
from trunkline.core import urns
from trunkline.core.db import Database
from trunkline.core.egress import Egress
from trunkline.core.errors import Refusal
from trunkline.core.http import Http
from trunkline.core.ids import new_uuid
from trunkline.dialects.dispatch import Dialects
from trunkline.dialects.rapidpro import rapidpro
from trunkline.flows import globals as values
from trunkline.flows import starts, triggers
from trunkline.flows.starts import NewStart
from trunkline.flows.triggers import NewTrigger
from trunkline.messaging import labels
from trunkline.moving import moving
from trunkline.moving.source import Source

pytestmark = pytest.mark.anyio

SOON = datetime.now(UTC) + timedelta(days=30)


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory):
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def there(database: Database, account: int) -> int:
    """A workspace with something of everything."""
    channel = await world.simulator(database, account)
    flow = await talks.save(database, account, talks.drinks())
    async with database.tx(account) as tx:
        await fields.create(tx, "EDD", "datetime")
        await fields.create(tx, "Age", "number")
        await fields.create(tx, "Drink")
        await values.create(tx, "Org Name", "Acme")
        [label] = (await labels.get_or_create(tx, ["Spam"])).values()
        hand = await groups.create(tx, "Reporters")
        await groups.create(tx, "Old", query="age > 40")
        ann = await people.create(
            tx,
            NewContact(
                name="Ann Bee",
                language="eng",
                urns=[urns.parse("tel:+250788123123"), urns.parse("mailto:ann@example.com")],
                fields={"edd": SOON.isoformat(), "age": "41"},
            ),
        )
        await people.create(tx, NewContact(name="Stan", status="stopped", urns=[urns.parse("tel:+250788000001")]))
        await groups.add(tx, hand.id, [ann.id])
        await notes.add(tx, ann.id, "Prefers mornings", None)
        series = await sequences.create(tx, "Reminders", hand.id)
        await sequences.add_point(
            tx, series.id, NewPoint(relative_to="edd", distance=-2, unit="days", delivery_hour=9, flow_id=flow.id)
        )
        await sequences.add_point(
            tx, series.id, NewPoint(relative_to="edd", distance=1, unit="hours", message={"eng": "Well?"})
        )
        await triggers.create(tx, NewTrigger(kind="keyword", flow_id=flow.id, keywords=["drink"]))
        await starts.create(tx, NewStart(flow_id=flow.id, contacts=[ann.id]))
    await world.react(database)
    heard = await world.say(database, channel, "+250788123123", "tea")
    await world.react(database)
    await world.execute(
        database.dsn, "update messages set status = 'sent' where account_id = $1 and direction = 'out'", account
    )
    async with database.tx(account) as tx:
        await labels.add(tx, [(label.id, heard.message_id)])
    return account


@pytest.fixture
async def key(database: Database, connection: asyncpg.Connection, account: int) -> str:
    user: Any = await connection.fetchval(
        "insert into users (uuid, email) values ($1, $2) returning id", new_uuid(), f"{new_uuid()}@example.com"
    )
    await connection.execute(
        "insert into memberships (account_id, user_id, role) values ($1, $2, 'admin')", account, user
    )
    async with database.tx(account, "test") as tx:
        return (await api_keys.create(tx, user, "rapidpro", rate_limit="off"))[0]


@pytest.fixture
async def source(database: Database, key: str) -> AsyncIterator[Source]:
    async with (
        served(Dialects(database, vault=database.tools.vault, served=[rapidpro])) as address,
        Http(Egress(["127.0.0.1"])) as http,
    ):
        yield Source(http, address, key)


def tell(part: str, done: int) -> None:
    """Nobody listens."""


async def lists(database: Database, key: str, name: str) -> list[dict[str, Any]]:
    transport = httpx2.ASGITransport(Dialects(database, vault=database.tools.vault, served=[rapidpro]))
    headers = {"authorization": f"Token {key}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1/api/v2", headers=headers) as client:
        found = (await client.get(f"/{name}.json")).json()["results"]
    return sorted(({name: each[name] for name in each if name not in OTHER} for each in found), key=str)


# What is another thing here: numbers, moments of making, whose channel it was, who started what.
OTHER = ("id", "created_on", "modified_on", "usages", "channel", "start", "flow_uuid", "runs", "count", "status")


@pytest.fixture
def other_key(database: Database, connection: asyncpg.Connection, other_account: int):
    async def make() -> str:
        user: Any = await connection.fetchval(
            "insert into users (uuid, email) values ($1, $2) returning id", new_uuid(), f"{new_uuid()}@example.com"
        )
        await connection.execute(
            "insert into memberships (account_id, user_id, role) values ($1, $2, 'admin')", other_account, user
        )
        async with database.tx(other_account, "test") as tx:
            return (await api_keys.create(tx, user, "rapidpro", rate_limit="off"))[0]

    return make


async def test_everything_is_here_as_it_was_there(database, there, key, source, other_account, other_key):
    report = await moving.move(database, other_account, source, tell)
    await world.react(database)

    here = await other_key()
    for name in ("fields", "globals", "flows", "contacts", "messages", "runs"):
        assert await lists(database, here, name) == await lists(database, key, name), name
    assert [each["name"] for each in await lists(database, here, "labels")] == ["Spam"]
    ours, theirs = await lists(database, here, "groups"), await lists(database, key, "groups")
    assert {(each["name"], each["query"]) for each in ours} >= {(each["name"], each["query"]) for each in theirs}
    copied = {each["part"]: (each["copied"], each["left_out"], each["finished"]) for each in report}
    assert copied == {
        "fields": (3, 0, True),
        "globals": (1, 0, True),
        "labels": (1, 0, True),
        "groups": (2, 0, True),
        "flows": (1, 0, True),
        "campaigns": (1, 0, True),
        "campaign_events": (2, 0, True),
        "contacts": (2, 0, True),
        "messages": (3, 0, True),
        "runs": (1, 0, True),
        "others": (0, 0, True),
    }


async def test_what_cannot_come_along_is_told(database, there, source, other_account):
    report = await moving.move(database, other_account, source, tell)

    [others] = [each for each in report if each["part"] == "others"]
    assert others["problems"] == [
        "1 channels: connect them anew; old messages name them.",
        "1 users: make them members with `trunkline user create`.",
        "1 flow starts: their runs came along, they themselves did not.",
    ]


async def test_nothing_acts_until_it_is_let_go(database, there, source, other_account):
    await moving.move(database, other_account, source, tell)
    await world.react(database)

    async with database.tx(other_account) as tx:
        assert await sequences.all_of(tx) == []
        assert await triggers.all_of(tx) == []
    assert await moments(database, other_account) == 0
    waiting = "select count(*) from messages where account_id = $1 and status in ('queued', 'sending', 'errored')"
    assert (await world.execute(database.dsn, waiting, other_account))[0][0] == 0

    done = await moving.release(database, other_account, "http://here.example")
    await world.react(database)

    assert done == {"campaigns": 1, "triggers": 1, "issues": []}
    async with database.tx(other_account) as tx:
        assert [each.name for each in await sequences.all_of(tx)] == ["Reminders"]
        assert [each.keywords for each in await triggers.all_of(tx)] == [["drink"]]
    assert await moments(database, other_account) == 2


async def moments(database: Database, account: int) -> int:
    rows = await world.execute(database.dsn, "select count(*) from sequence_moments where account_id = $1", account)
    return rows[0][0]


async def test_letting_go_twice_is_letting_go_once(database, there, source, other_account):
    await moving.move(database, other_account, source, tell)

    await moving.release(database, other_account, "")
    again = await moving.release(database, other_account, "")

    assert again == {"campaigns": 0, "triggers": 0, "issues": []}
    async with database.tx(other_account) as tx:
        assert len(await triggers.all_of(tx)) == 1


async def test_somebody_who_stopped_there_is_not_written_to_from_here(database, there, source, other_account):
    from trunkline.contacts import consents

    await moving.move(database, other_account, source, tell)

    async with database.tx(other_account) as tx:
        assert await consents.suppressed(tx, "sms", ["+250788000001"]) == {"+250788000001"}


class Stopping(Source):
    """A server that goes away at its n-th page."""

    def __init__(self, source: Source, after: int) -> None:
        self.__dict__ |= source.__dict__
        self.left = after

    async def page(self, endpoint: str, params: Any, cursor: str | None):
        self.left -= 1
        if self.left < 0:
            raise Refusal("gone")
        return await super().page(endpoint, params, cursor)


async def test_a_move_goes_on_where_it_stopped(database, there, account, source, other_account):
    await world.contacts(database, account, [f"+25078{number:07}" for number in range(600)])
    tries = 0

    for after in range(1, 20):
        tries += 1
        try:
            await moving.move(database, other_account, Stopping(source, after % 4 + 1), tell)
        except Refusal:
            continue
        break
    report = await moving.move(database, other_account, source, tell)

    assert tries > 2
    copied = {each["part"]: each["copied"] for each in report}
    assert (copied["contacts"], copied["messages"], copied["runs"]) == (602, 3, 1)
    rows = await world.execute(
        database.dsn, "select count(*), count(distinct uuid) from contacts where account_id = $1", other_account
    )
    assert tuple(rows[0]) == (602, 602)


async def test_a_second_move_writes_nothing_anew(database, there, source, other_account):
    first = await moving.move(database, other_account, source, tell)

    second = await moving.move(database, other_account, source, tell)

    assert second == first


async def test_an_address_of_somebody_here_stays_theirs(database, there, source, other_account):
    async with database.tx(other_account) as tx:
        mine = await people.create(tx, NewContact(name="Mine", urns=[urns.parse("tel:+250788123123")]))

    report = await moving.move(database, other_account, source, tell)

    async with database.tx(other_account) as tx:
        owner = await people.find(tx, urns.parse("tel:+250788123123"))
    assert owner is not None
    assert owner.id == mine.id
    [contacts] = [each for each in report if each["part"] == "contacts"]
    assert "which somebody here has already" in contacts["problems"][0]


async def test_a_wrong_token_is_refused_at_once(database, source, other_account):
    wrong = Source(source._http, source.root.removesuffix("/api/v2"), "wrong")

    with pytest.raises(Refusal, match="403"):
        await moving.move(database, other_account, wrong, tell)


async def test_the_other_workspace_is_only_read(database, there, key, source, other_account):
    before = [await lists(database, key, name) for name in ("contacts", "messages", "flows", "campaigns")]

    await moving.move(database, other_account, source, tell)

    assert [await lists(database, key, name) for name in ("contacts", "messages", "flows", "campaigns")] == before
