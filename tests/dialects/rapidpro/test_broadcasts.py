"""Broadcasts: to whom they go, in which language, and how they are told."""

import pytest

from tests import world
from trunkline.accounts import settings
from trunkline.campaigns import broadcasts, expanding
from trunkline.campaigns.records import NewBroadcast
from trunkline.contacts import groups, people
from trunkline.contacts.people import Changes, NewContact
from trunkline.core import urns
from trunkline.flows import starting

pytestmark = pytest.mark.anyio

KEYS = [
    "uuid", "status", "progress", "urns", "contacts", "groups", "text", "attachments", "quick_replies",
    "base_language", "created_on", "id",
]  # fmt: skip


@pytest.fixture
async def channel(database, account):
    return await world.simulator(database, account)


async def _outbox(database, account: int) -> list[tuple[str, str]]:
    await world.react(database)
    await world.deliver(database, account)
    rows = await world.execute(
        database.dsn, "select recipient, body from simulator_outbox where account_id = $1 order by recipient", account
    )
    return [(row["recipient"], row["body"]) for row in rows]


async def test_a_broadcast_is_told_with_all_its_fields(api, channel, ann, group):
    body = {
        "urns": ["tel:+250788000001"], "contacts": [str(ann.uuid)], "groups": ["reporters"],
        "text": {"eng": "Hi @contact.name", "fra": "Salut @contact.name"},
        "quick_replies": {"eng": [{"text": "Yes", "extra": "I agree"}]},
    }  # fmt: skip

    answer = await api.post("/broadcasts.json", json=body)

    told = answer.json()
    assert (answer.status_code, list(told)) == (201, KEYS)
    assert {name: told[name] for name in KEYS if name not in ("uuid", "created_on", "id")} == {
        "status": "pending",
        "progress": {"total": -1, "started": 0},
        "urns": ["tel:+250788000001"],
        "contacts": [{"uuid": str(ann.uuid), "name": "Ann"}],
        "groups": [{"uuid": str(group.uuid), "name": "Reporters"}],
        "text": {"eng": "Hi @contact.name", "fra": "Salut @contact.name"},
        "attachments": {"eng": [], "fra": []},
        "quick_replies": {"eng": [{"text": "Yes", "extra": "I agree"}], "fra": []},
        "base_language": "eng",
    }
    assert (await api.get(f"/broadcasts.json?id={told['id']}")).json()["results"] == [told]
    assert (await api.get(f"/broadcasts.json?uuid={told['uuid']}")).json()["results"] == [told]


async def test_everybody_gets_it_once_filled_in(api, database, account, channel, ann, group):
    async with database.tx(account) as tx:
        bob = await people.create(tx, NewContact(name="Bob", urns=[urns.parse("tel:+250788000002")]))
        await groups.add(tx, group.id, [ann.id, bob.id])
    body = {
        "urns": ["tel:+250788000003"], "contacts": [str(ann.uuid)], "groups": [str(group.uuid)],
        "text": "Hi @(default(contact.name, \"you\"))",
    }  # fmt: skip

    told = (await api.post("/broadcasts.json", json=body)).json()

    assert await _outbox(database, account) == [
        ("+250788000002", "Hi Bob"), ("+250788000003", "Hi you"), ("+250788123123", "Hi Ann"),
    ]  # fmt: skip
    rows = (await api.get(f"/messages.json?broadcast={told['id']}")).json()["results"]
    assert {(row["text"], row["status"], row["broadcast"], row["flow"]) for row in rows} == {
        ("Hi Bob", "sent", told["id"], None), ("Hi you", "sent", told["id"], None), ("Hi Ann", "sent", told["id"], None)
    }  # fmt: skip


async def test_progress_goes_from_pending_to_completed(api, database, account, channel, ann):
    told = (await api.post("/broadcasts.json", json={"contacts": [str(ann.uuid)], "text": "Hi"})).json()

    await world.react(database)
    await starting.finish(database)

    [now] = (await api.get(f"/broadcasts.json?id={told['id']}")).json()["results"]
    assert (now["status"], now["progress"]) == ("completed", {"total": 1, "started": 1})


@pytest.mark.parametrize(
    ("language", "heard"), [("fra", "Salut"), ("eng", "Hi"), ("kin", "Muraho"), ("spa", "Hi"), (None, "Hi")]
)
async def test_readers_get_their_language(api, database, account, channel, ann, language, heard):
    async with database.tx(account) as tx:
        await settings.put(tx, {"languages": ["eng", "fra", "kin"]}, operator=True)
        await people.update(tx, ann.id, Changes(language=language))
    text = {"kin": "Muraho", "eng": "Hi", "fra": "Salut", "spa": "Hola"}

    await api.post("/broadcasts.json", json={"contacts": [str(ann.uuid)], "text": text})

    assert await _outbox(database, account) == [("+250788123123", heard)]


async def test_parts_may_come_in_different_languages(api, ann):
    body = {
        "contacts": [str(ann.uuid)], "base_language": "eng",
        "text": {"eng": "Hi", "spa": "Hola"}, "quick_replies": {"eng": [{"text": "Yes"}], "fra": [{"text": "Oui"}]},
    }  # fmt: skip

    told = (await api.post("/broadcasts.json", json=body)).json()

    assert told["text"] == {"eng": "Hi", "spa": "Hola"}
    assert told["quick_replies"] == {"eng": [{"text": "Yes"}], "spa": [], "fra": [{"text": "Oui"}]}
    assert told["attachments"] == {"eng": [], "spa": [], "fra": []}


async def test_a_dynamic_group_is_allowed(api, database, account, channel, smart):
    async with database.tx(account) as tx:
        await people.create(tx, NewContact(name="Tall", urns=[urns.parse("tel:+250788000002")]))
    await world.react(database)

    answer = await api.post("/broadcasts.json", json={"groups": ["Tall"], "text": "Hi"})

    assert answer.status_code == 201
    assert await _outbox(database, account) == [("+250788000002", "Hi")]


async def test_a_campaign_is_listed_from_its_start_on(api, database, account, channel, ann, group):
    async with database.tx(account) as tx:
        await groups.add(tx, group.id, [ann.id])
        campaign = await broadcasts.create(
            tx, NewBroadcast(name="C", channel="sms", body="Sale!", audience={"type": "group", "id": group.id})
        )
    before = (await api.get("/broadcasts.json")).json()["results"]
    async with database.tx(account) as tx:
        await broadcasts.send(tx, campaign.id)
    await world.react(database)
    await world.deliver(database, account)
    await expanding.finish(database)

    [told] = (await api.get("/broadcasts.json")).json()["results"]

    assert before == []
    assert told | {"created_on": 0} == {
        "uuid": str(campaign.uuid), "status": "completed", "progress": {"total": 1, "started": 1}, "urns": [],
        "contacts": [], "groups": [{"uuid": str(group.uuid), "name": "Reporters"}], "text": {"eng": "Sale!"},
        "attachments": {"eng": []}, "quick_replies": {"eng": []}, "base_language": "eng", "created_on": 0,
        "id": campaign.id,
    }  # fmt: skip
    [message] = (await api.get(f"/messages.json?broadcast={campaign.id}")).json()["results"]
    assert message["text"] == "Sale!"


async def test_a_broadcast_is_no_campaign_of_the_other_pages(api, database, account, ann):
    await api.post("/broadcasts.json", json={"contacts": [str(ann.uuid)], "text": "Hi"})

    async with database.tx(account) as tx:
        _, total = await broadcasts.page(tx)

    assert total == 0
    assert (await api.get("/flow_starts.json")).status_code in (200, 404)


async def test_an_anonymous_workspace_tells_no_address(api, database, account):
    async with database.tx(account) as tx:
        await settings.put(tx, {"anon": True}, operator=True)

    told = await api.post("/broadcasts.json", json={"urns": ["tel:+250788000001"], "text": "Hi"})

    assert told.json()["urns"] is None
    assert "250788000001" not in told.text


async def test_broadcasts_are_walked_and_filtered(api, database, account, connection, ann):
    made = [
        (await api.post("/broadcasts.json", json={"contacts": [str(ann.uuid)], "text": f"{n}"})).json()["id"]
        for n in range(3)
    ]
    await connection.execute("update flow_starts set created_at = '2026-03-01T10:00:00Z' where account_id=$1", account)

    inside = (await api.get("/broadcasts.json?after=2026-03-01T10:00:00Z&before=2026-03-01T10:00:00Z")).json()
    outside = (await api.get("/broadcasts.json?before=2026-02-28")).json()

    assert [row["id"] for row in inside["results"]] == made[::-1]
    assert outside["results"] == []


async def test_nobody_sees_the_broadcasts_of_others(api, ann, new_key, other_account, anybody):
    told = (await api.post("/broadcasts.json", json={"contacts": [str(ann.uuid)], "text": "Hi"})).json()

    key = await new_key("rapidpro", role="admin", rate="off", account=other_account)
    answer = await anybody.get(f"/broadcasts.json?id={told['id']}", headers={"authorization": f"Token {key}"})

    assert answer.json()["results"] == []
