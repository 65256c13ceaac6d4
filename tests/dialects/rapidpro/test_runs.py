"""Runs: who went through which flow."""

from typing import Any

import asyncpg
import pytest

from tests import talks, world
from trunkline.accounts import settings
from trunkline.contacts import people
from trunkline.contacts.people import Contact
from trunkline.flows import starts
from trunkline.flows.starts import NewStart
from trunkline.flows.stored import Stored

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory):
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def connection(database):
    connection = await asyncpg.connect(database.dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def drinks(database, account) -> Stored:
    return await talks.save(database, account, talks.drinks())


@pytest.fixture
async def run(api, database, account, drinks, ann) -> dict[str, Any]:
    """Ann was asked and wants tea."""
    channel = await world.simulator(database, account)
    async with database.tx(account) as tx:
        await starts.create(tx, NewStart(flow_id=drinks.id, contacts=[ann.id]))
    await world.react(database)
    await world.say(database, channel, "+250788123123", "Tea please")
    await world.react(database)
    [told] = (await api.get("/runs.json")).json()["results"]
    return told


async def many(connection, account: int, flow: int, contact: int, number: int, **more: Any) -> None:
    await connection.execute(
        """
        insert into flow_runs (account_id, uuid, flow_id, contact_id, session, status, responded, modified_at)
        select $1, gen_random_uuid(), $2, $3, gen_random_uuid(), 'waiting', n % 2 = 0,
            '2026-01-01T00:00:00Z'::timestamptz + n / 5 * interval '1s' from generate_series(1, $4) n
        """,
        account,
        flow,
        contact,
        number,
    )


async def test_a_run_is_told_with_its_path_and_values(run, drinks, ann):
    order = "uuid flow contact start responded path values created_on modified_on exited_on exit_type id"
    assert list(run) == order.split()
    assert run["flow"] == {"uuid": str(drinks.uuid), "name": "Drinks"}
    assert run["contact"] == {
        "uuid": str(ann.uuid),
        "name": "Ann",
        "urn": "tel:+250788123123",
        "urn_display": "0788 123 123",
    }
    assert list(run["start"]) == ["uuid"]
    assert (run["responded"], run["exit_type"]) == (True, "completed")
    assert [list(step) for step in run["path"]] == [["node", "time"]] * 3
    value = run["values"]["drink"]
    assert list(value) == ["name", "value", "category", "node", "time", "input"]
    assert (value["name"], value["value"], value["category"]) == ("Drink", "Tea", "Tea")
    assert (value["input"], value["node"]) == ("Tea please", run["path"][1]["node"])
    times = [run["created_on"], run["modified_on"], run["exited_on"], value["time"], run["path"][0]["time"]]
    assert all(len(time) == 27 and time.endswith("Z") for time in times)


async def test_paths_may_be_left_out(api, run):
    plain = (await api.get("/runs.json?paths=false")).json()["results"]
    official = (await api.get("/runs.json?paths=0", headers={"user-agent": "rapidpro-python/2.21.0"})).json()["results"]
    junk = (await api.get("/runs.json?paths=true")).json()["results"]

    assert [each["path"] for each in plain + official] == [None, []]
    assert len(junk[0]["path"]) == 3


async def test_runs_are_filtered(api, run, drinks, ann, stranger):
    async def number(query: str) -> int:
        return len((await api.get(f"/runs.json?{query}")).json()["results"])

    assert [
        await number(f"uuid={run['uuid']}"),
        await number(f"id={run['id']}"),
        await number(f"uuid={run['uuid']}&id={run['id'] + 1}"),
        await number(f"uuid={ann.uuid}"),
        await number(f"flow={drinks.uuid}"),
        await number(f"flow={ann.uuid}"),
        await number(f"contact={ann.uuid}"),
        await number(f"contact={stranger.uuid}"),
        await number("contact=junk"),
        await number("responded=true"),
        await number("responded=false"),
        await number(f"after={run['modified_on']}"),
        await number(f"before={run['modified_on']}"),
        await number("after=2100-01-01"),
        await number("before=junk"),
    ] == [1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 1, 0, 0]


@pytest.mark.parametrize(
    "query", ["", "reverse=true", "flow={flow}", "contact={contact}", "responded=1", "flow={flow}&responded=1"]
)
async def test_equal_times_are_walked_without_loss(api, connection, account, drinks, ann, query):
    await many(connection, account, drinks.id, ann.id, 1255)
    address = f"/runs.json?{query.format(flow=drinks.uuid, contact=ann.uuid)}"
    seen = []

    while address:
        page = (await api.get(address)).json()
        seen += page["results"]
        address = page["next"]

    total = 627 if "responded" in query else 1255
    order = [(each["modified_on"], each["id"]) for each in seen]
    assert len({each["uuid"] for each in seen}) == len(seen) == total
    assert order == sorted(order, reverse="reverse" not in query)


async def test_addresses_are_hidden_in_an_anonymous_workspace(api, database, account, run):
    async with database.tx(account) as tx:
        await settings.put(tx, {"anon": True}, operator=True)

    [told] = (await api.get("/runs.json")).json()["results"]

    contact = told["contact"]
    assert (contact["urn"], contact["urn_display"], contact["anon_display"]) == ("tel:********", None, "Ann")
    assert len(contact["ref"]) == 6


async def test_a_deleted_contact_is_nameless(api, database, account, run, ann: Contact):
    async with database.tx(account) as tx:
        await people.delete(tx, [ann.id])

    found = (await api.get("/runs.json")).json()["results"]

    assert all(each["contact"]["name"] is None and each["contact"]["urn"] is None for each in found)


async def test_runs_of_others_are_not_shown(api, database, other_account, connection, stranger):
    theirs = await talks.save(database, other_account, talks.definition())
    await many(connection, other_account, theirs.id, stranger.id, 3)

    for query in ("", f"flow={theirs.uuid}", f"contact={stranger.uuid}"):
        assert (await api.get(f"/runs.json?{query}")).json()["results"] == []
