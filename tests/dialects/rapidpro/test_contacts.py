"""Contacts: what is told of them, what makes and changes them, and what is done to many."""

import anyio
import pytest

from tests import world
from trunkline.accounts import settings
from trunkline.contacts import fields, groups, notes, people
from trunkline.contacts.people import NewContact
from trunkline.core import urns

pytestmark = pytest.mark.anyio


@pytest.fixture
async def register(database, account):
    """Fields of each type, in a workspace of Rwanda."""
    async with database.tx(account) as tx:
        await settings.put(tx, {"timezone": "Africa/Kigali", "country": "RW"})
        await fields.create(tx, "Nick")
        await fields.create(tx, "Age", "number")
        await fields.create(tx, "Joined", "datetime")


async def _one(api, uuid) -> dict:
    return (await api.get("/contacts.json", params={"uuid": uuid})).json()["results"][0]


async def test_a_contact_is_told_whole(api, database, account, ann, group, register):
    async with database.tx(account) as tx:
        await groups.add(tx, group.id, [ann.id])
        await people.set_fields(tx, {ann.id: {"age": "40.00"}})

    found = await _one(api, ann.uuid)

    assert list(found) == [
        "uuid", "name", "status", "language", "urns", "groups", "notes", "fields", "flow", "created_on",
        "modified_on", "last_seen_on", "blocked", "stopped",
    ]  # fmt: skip
    assert found["urns"] == ["tel:+250788123123"]
    assert found["groups"] == [{"uuid": str(group.uuid), "name": "Reporters"}]
    assert found["fields"] == {"nick": None, "age": "40", "joined": None}
    assert len(found["modified_on"]) == len("2016-10-13T11:54:32.525277Z")
    assert (found["status"], found["blocked"], found["last_seen_on"]) == ("active", False, None)


async def test_an_empty_contact_is_fine(api):
    answer = await api.post("/contacts.json", json={})

    assert answer.status_code == 201
    assert (answer.json()["name"], answer.json()["urns"]) == (None, [])


async def test_creating_takes_everything(api, group, register):
    body = {
        "name": "Don",
        "language": "fra",
        "urns": ["tel:+250-78-8000004", "twitter:@Don"],
        "groups": ["reporters"],
        "fields": {"nick": "Donnie", "age": 40, "joined": "2017-11-11T11:12:13Z"},
        "note": "Prefers mornings",
    }

    made = (await api.post("/contacts.json", json=body)).json()

    assert made["urns"] == ["tel:+250788000004", "twitter:don"]
    assert made["groups"][0]["uuid"] == str(group.uuid)
    assert made["fields"] == {"nick": "Donnie", "age": "40", "joined": "2017-11-11T13:12:13+02:00"}
    assert made["notes"][0]["text"] == "Prefers mornings"
    assert made["notes"][0]["created_by"]["email"].endswith("@example.com")


@pytest.mark.parametrize(
    ("written", "day"),
    [("31-12-2017", "2017-12-31"), ("12-31-2017", None), ("2017-11-11T11:12:13", None), ("garbage", None)],
)
async def test_dates_are_read_as_the_workspace_writes_them(api, register, written, day):
    made = (await api.post("/contacts.json", json={"fields": {"joined": written}})).json()

    assert (made["fields"]["joined"] or "")[:10] == (day or "")


async def test_only_what_is_sent_changes(api, ann, group):
    await api.post("/contacts.json", params={"uuid": ann.uuid}, json={"groups": ["Reporters"], "language": "eng"})

    answer = await api.post("/contacts.json", params={"uuid": ann.uuid}, json={"name": "Anna", "fields": {}})

    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["language"]) == ("Anna", "eng")
    assert answer.json()["groups"][0]["name"] == "Reporters"


async def test_fields_merge_and_empty_ones_clear(api, register):
    uuid = (await api.post("/contacts.json", json={"fields": {"nick": "A", "age": "1"}})).json()["uuid"]

    changed = (await api.post(f"/contacts.json?uuid={uuid}", json={"fields": {"age": ""}})).json()

    assert changed["fields"] == {"nick": "A", "age": None, "joined": None}


async def test_urns_take_the_place_of_all_and_anothers_is_skipped(api, database, account, ann):
    async with database.tx(account) as tx:
        await people.create(tx, NewContact(urns=[urns.parse("twitter:bob")]))

    changed = await api.post(f"/contacts.json?uuid={ann.uuid}", json={"urns": ["twitter:ann", "twitter:bob"]})

    assert changed.status_code == 200
    assert changed.json()["urns"] == ["twitter:ann"]


async def test_every_change_of_addresses_moves_the_time(api, ann):
    before = (await _one(api, ann.uuid))["modified_on"]

    after = (await api.post(f"/contacts.json?uuid={ann.uuid}", json={"urns": ["twitter:ann"]})).json()["modified_on"]

    assert after > before


async def test_an_address_of_nobody_makes_a_contact(api, register):
    answer = await api.post("/contacts.json", params={"urn": "tel:0788 000 005"}, json={"name": "New"})

    assert answer.status_code == 201
    assert answer.json()["urns"] == ["tel:+250788000005"]


async def test_an_address_finds_its_owner_who_keeps_the_others(api, ann):
    answer = await api.post("/contacts.json", params={"urn": "tel:+250788123123"}, json={"name": "Anna"})

    assert answer.status_code == 200
    assert (answer.json()["uuid"], answer.json()["urns"]) == (str(ann.uuid), ["tel:+250788123123"])


async def test_an_address_of_another_workspace_is_free(api, stranger):
    answer = await api.post("/contacts.json", json={"urns": ["tel:+250788999999"]})

    assert answer.status_code == 201


async def test_five_notes_are_kept(api, ann):
    for number in range(notes.KEPT + 1):
        answer = await api.post(f"/contacts.json?uuid={ann.uuid}", json={"note": f"note {number}"})

    assert [note["text"] for note in answer.json()["notes"]] == [f"note {number}" for number in range(1, 6)]


async def test_addresses_can_be_told_with_their_channels(api, database, account, ann):
    channel = await world.simulator(database, account)

    found = (await api.get("/contacts.json", params={"expand_urns": "true"})).json()["results"][0]

    assert found["urns"] == [
        {
            "channel": {"uuid": str(channel.uuid), "name": channel.name},
            "scheme": "tel",
            "path": "+250788123123",
            "display": None,
        }
    ]


async def test_anonymous_workspaces_hide_addresses(api, database, account, ann):
    async with database.tx(account) as tx:
        await settings.put(tx, {"anon": True})

    found = (await api.get("/contacts.json")).json()["results"][0]
    lookup = await api.get("/contacts.json", params={"urn": "tel:+250788123123"})
    update = await api.post(f"/contacts.json?uuid={ann.uuid}", json={"urns": ["twitter:ann"]})

    assert found["urns"] == ["tel:********"]
    assert found["ref"]
    assert lookup.json() == {"detail": "URN lookups not allowed for anonymous organizations"}
    assert update.json() == {"urns": ["Updating URNs not allowed for anonymous organizations"]}


async def test_deleting_frees_addresses_and_leaves_a_shell(api, ann):
    gone = await api.delete("/contacts.json", params={"uuid": ann.uuid})
    again = await api.delete("/contacts.json", params={"uuid": ann.uuid})
    shell = (await api.get("/contacts.json", params={"deleted": "true"})).json()["results"]

    assert (gone.status_code, gone.content) == (204, b"")
    assert again.status_code == 404
    assert [(one["uuid"], one["name"], one["urns"], one["fields"], one["status"]) for one in shell] == [
        (str(ann.uuid), None, [], {}, None)
    ]
    assert (await api.get("/contacts.json")).json()["results"] == []
    assert (await api.post("/contacts.json", json={"urns": ["tel:+250788123123"]})).status_code == 201


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"group": "Reporters"}, ["Ann"]),
        ({"group": "reporters"}, []),
        ({"group": "Nobody"}, []),
        ({"urn": "tel:+250788123123"}, ["Ann"]),
        ({"urn": "tel:+250788123124"}, []),
        ({"after": "2001-01-01", "before": "2002-01-01"}, []),
        ({"after": "garbage"}, []),
        ({"before": "2016-13-40T00:00:00Z"}, []),
        ({"after": "2001-01-01T00:00:00.000000Z"}, ["Bob", "Ann"]),
        ({"reverse": "1", "search": "ignored"}, ["Ann", "Bob"]),
        ({"uuid": "01234567-89ab-4cde-8123-456789abcdef"}, []),
    ],
)
async def test_filters(api, database, account, ann, group, params, found):
    async with database.tx(account) as tx:
        await groups.add(tx, group.id, [ann.id])
    async with database.tx(account) as tx:
        await people.create(tx, NewContact(name="Bob"))

    rows = (await api.get("/contacts.json", params=params)).json()["results"]

    assert [row["name"] for row in rows] == found


async def test_both_ends_of_a_time_belong_to_it(api, ann):
    at = (await _one(api, ann.uuid))["modified_on"]

    rows = (await api.get("/contacts.json", params={"after": at, "before": at})).json()["results"]

    assert len(rows) == 1


async def test_an_agent_sees_and_writes_what_fields_allow(agent, database, account, ann, register):
    async with database.tx(account) as tx:
        await fields.update(tx, "nick", agent_access="edit")
        await fields.update(tx, "joined", agent_access="none")

    edited = await agent.post(f"/contacts.json?uuid={ann.uuid}", json={"fields": {"nick": "A"}})
    refused = await agent.post(f"/contacts.json?uuid={ann.uuid}", json={"fields": {"age": "1"}})
    hidden = await agent.post(f"/contacts.json?uuid={ann.uuid}", json={"fields": {"joined": "1"}})

    assert edited.json()["fields"] == {"nick": "A", "age": None}
    assert refused.json() == {"fields": ["Editing of 'age' values disallowed for current user."]}
    assert hidden.json() == {"fields": ["Invalid contact field key: joined"]}


async def test_101_fields_are_too_many(api):
    answer = await api.post("/contacts.json", json={"fields": {f"f{number}": "x" for number in range(101)}})

    assert answer.json() == {"fields": ["Ensure this field has no more than 100 elements."]}


async def test_actions_on_many(api, database, account, group, ann):
    body = {"contacts": [str(ann.uuid)], "group": str(group.uuid)}

    added = await api.post("/contact_actions.json", json={**body, "action": "add"})
    member = (await _one(api, ann.uuid))["groups"]
    blocked = await api.post("/contact_actions.json", json={"contacts": body["contacts"], "action": "block"})
    after = await _one(api, ann.uuid)
    await api.post("/contact_actions.json", json={"contacts": ["tel:+250788123123"], "action": "unblock"})

    assert (added.status_code, added.content) == (204, b"")
    assert len(member) == 1
    assert blocked.status_code == 204
    assert (after["status"], after["blocked"], after["groups"]) == ("blocked", True, [])
    assert (await _one(api, ann.uuid))["status"] == "active"


async def test_messages_of_contacts_are_put_away_and_deleted_with_them(api, database, account, ann, connection):
    channel = await world.simulator(database, account)
    await world.say(database, channel, "+250788123123", "Hello")
    body = {"contacts": [str(ann.uuid)]}

    await api.post("/contact_actions.json", json={**body, "action": "archive_messages"})
    archived = await connection.fetchval("select visibility from messages where account_id = $1", account)
    await api.post("/contact_actions.json", json={**body, "action": "delete"})
    await world.react(database)
    row = await connection.fetchrow("select visibility, body from messages where account_id = $1", account)

    assert archived == "archived"
    assert (await api.get("/contacts.json")).json()["results"] == []
    assert tuple(row) == ("deleted", "")


async def test_the_same_urn_from_many_at_once_makes_one_contact(api, database, account):
    codes = []

    async def create():
        codes.append((await api.post("/contacts.json", json={"urns": ["tel:+250788000009"]})).status_code)

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(create)

    assert sorted(codes) == [201, *[400] * 7]
