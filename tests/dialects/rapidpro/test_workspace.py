"""The workspace, its users, groups, fields and globals, and the documents that tell of all."""

import pytest

from trunkline.accounts import settings, users
from trunkline.contacts import groups
from trunkline.dialects import openapi
from trunkline.dialects.rapidpro import docs, rapidpro

pytestmark = pytest.mark.anyio


@pytest.fixture
async def agnes(database, account) -> str:
    """The UUID of an agent."""
    async with database.system(account) as tx:
        return str((await users.create(tx, f"agnes{account}@example.com", "agent", name="Agnes Obel")).member.uuid)


@pytest.mark.parametrize("name", ["workspace", "org"])
async def test_the_workspace_is_told(api, database, account, name):
    async with database.tx(account) as tx:
        await settings.put(tx, {"country": "RW", "timezone": "Africa/Kigali", "languages": ["kin", "eng"]})

    told = (await api.get(f"/{name}.json")).json()

    assert told.pop("uuid")
    assert told == {
        "name": "Acme",
        "country": "RW",
        "languages": ["kin", "eng"],
        "timezone": "Africa/Kigali",
        "date_style": "day_first",
        "anon": False,
        "credits": {"used": -1, "remaining": -1},
        "primary_language": "kin",
    }


async def test_a_user_is_told_whole(api, agnes, account):
    [told] = (await api.get("/users.json", params={"uuid": agnes})).json()["results"]

    assert (told["first_name"], told["last_name"], told["role"], told["avatar"]) == ("Agnes", "Obel", "agent", None)
    assert told["email"] == f"agnes{account}@example.com"
    assert told["team"]["name"] == "All Topics"


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", 2),
        ("role=agent", 1),
        ("role=agent&role=administrator", 2),
        ("role=chief", 2),
        ("email=AGNES{account}@example.com", 1),
        ("email=nobody@example.com", 0),
        ("uuid={agnes}&uuid=01234567-89ab-4cde-8123-456789abcdef", 1),
    ],
)
async def test_filters_of_users(api, agnes, account, query, number):
    answer = await api.get(f"/users.json?{query.format(account=account, agnes=agnes)}")

    assert len(answer.json()["results"]) == number


async def test_a_hundred_uuids_are_the_most(api, agnes):
    answer = await api.get("/users.json?" + "&".join([f"uuid={agnes}"] * 101))

    assert answer.status_code == 400
    assert answer.json() == {"detail": "Param 'uuid' can have a maximum of 100 values."}


async def test_who_has_an_open_ticket_is_a_group(api):
    [told] = (await api.get("/groups.json")).json()["results"]

    assert told.pop("uuid")
    assert told == {"name": "Open Tickets", "query": "tickets > 0", "status": "ready", "system": True, "count": 0}


async def test_groups_that_are_being_filled_are_hidden(api, smart):
    assert [row["name"] for row in (await api.get("/groups.json")).json()["results"]] == ["Open Tickets"]


async def test_a_group_is_found_by_its_name_however_it_is_written(api, group):
    [told] = (await api.get("/groups.json", params={"name": "rePORTERS"})).json()["results"]

    assert told["uuid"] == str(group.uuid)


async def test_the_251st_group_is_too_many(api, database, account):
    async with database.tx(account) as tx:
        for number in range(250):
            await groups.create(tx, f"group {number}")

    answer = await api.post("/groups.json", json={"name": "One more"})

    assert answer.status_code == 409


async def test_a_field_is_told_whole(api):
    made = await api.post("/fields.json", json={"label": "Nick name", "value_type": "numeric"})

    assert made.status_code == 201
    assert made.json() == {
        "key": "nick_name",
        "name": "Nick name",
        "type": "number",
        "featured": False,
        "priority": 0,
        "usages": {"campaign_events": 0, "flows": 0, "groups": 0},
        "agent_access": "view",
        "label": "Nick name",
        "value_type": "numeric",
    }


async def test_a_fields_key_never_changes(api):
    await api.post("/fields.json", json={"name": "Nick name", "type": "text"})

    changed = await api.post("/fields.json?key=nick_name", json={"name": "Alias", "type": "text"})

    assert changed.status_code == 200
    assert (changed.json()["key"], changed.json()["name"]) == ("nick_name", "Alias")


async def test_only_the_value_of_a_global_changes(api):
    made = await api.post("/globals.json", json={"name": "Org Name", "value": "Acme"})
    changed = await api.post("/globals.json?key=org_name", json={"name": "Other", "value": "Acme Ltd"})

    assert (made.status_code, changed.status_code) == (201, 200)
    assert (changed.json()["name"], changed.json()["value"]) == ("Org Name", "Acme Ltd")


async def test_globals_are_filtered_by_their_last_change(api):
    at = (await api.post("/globals.json", json={"name": "A", "value": "1"})).json()["modified_on"]
    await api.post("/globals.json", json={"name": "B", "value": "2"})

    until = (await api.get("/globals.json", params={"before": at})).json()["results"]
    since = (await api.get("/globals.json", params={"after": at})).json()["results"]
    oldest_first = (await api.get("/globals.json", params={"reverse": "true"})).json()["results"]

    assert [row["key"] for row in until] == ["a"]
    assert [row["key"] for row in since] == ["b", "a"]
    assert [row["key"] for row in oldest_first] == ["a", "b"]


async def test_a_label_lives_and_dies(api):
    made = await api.post("/labels.json", json={"name": " Spam "})
    uuid = made.json()["uuid"]
    renamed = await api.post(f"/labels.json?uuid={uuid}", json={"name": "Ham"})
    gone = await api.delete(f"/labels.json?uuid={uuid}")

    assert made.json() == {"uuid": uuid, "name": "Spam", "count": 0}
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Ham")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await api.get("/labels.json")).json() == {"next": None, "previous": None, "results": []}


def test_every_operation_can_be_described():
    document = openapi.document(rapidpro, "https://chat.example.com")

    assert {path.removesuffix(".json").strip("/") for path in document["paths"]} >= {"contacts", "groups"}


async def test_every_endpoint_has_its_page(anybody):
    paths = {path for operation in rapidpro.operations for path in operation.paths}

    codes = {path: (await anybody.get(path.removesuffix(".json"))).status_code for path in paths}

    assert set(codes.values()) == {200}, codes


@pytest.mark.parametrize("name", sorted(docs.endpoints(rapidpro)))
async def test_a_page_explains_everything_and_gives_examples(anybody, name):
    page = (await anybody.get(f"/{name}")).text

    operations = docs.endpoints(rapidpro)[name]
    assert page.count("<h3>Example request</h3>") == page.count("<h3>Example answer</h3>") == len(operations)
    assert f"{operations[0].method} http://127.0.0.1/api/v2/{name}.json" in page
    assert "<td></td><td></td>" not in page
