"""Channels, channel events, opt-ins, templates, and the lists that are empty here."""

import pytest

from tests import world
from trunkline.messaging import channels, templates
from trunkline.messaging.templates import Draft

pytestmark = pytest.mark.anyio


async def test_channels_are_told_with_all_their_fields(api, database, account):
    channel = await world.simulator(database, account)
    await world.custom(database, account, "http://127.0.0.1:9/hook")

    rows = (await api.get("/channels.json")).json()["results"]

    assert [row["type"] for row in rows] == ["external", "simulator"]
    assert rows[1] | {"created_on": 0} == {
        "uuid": str(channel.uuid), "name": channel.name, "address": "+40700000000", "type": "simulator",
        "country": "RO", "device": None, "last_seen": None, "created_on": 0,
    }  # fmt: skip


async def test_channels_are_found_by_address_and_not_when_deleted(api, database, account):
    channel = await world.simulator(database, account)
    found = (await api.get("/channels.json?address=%2B40700000000")).json()["results"]
    others = (await api.get("/channels.json?address=40700000000")).json()["results"]
    async with database.tx(account) as tx:
        await channels.delete(tx, channel.uuid)

    gone = (await api.get(f"/channels.json?uuid={channel.uuid}")).json()["results"]

    assert ([row["uuid"] for row in found], others, gone) == ([str(channel.uuid)], [], [])


async def test_channel_events_are_told_with_all_their_fields(api, database, account, ann):
    channel = await world.simulator(database, account)
    await world.happen(database, channel, "call_in_missed", "+250788123123", extra={"duration": 3})
    await world.happen(database, channel, "referral", "+250788000001")

    rows = (await api.get("/channel_events.json")).json()["results"]
    of_ann = (await api.get(f"/channel_events.json?contact={ann.uuid}")).json()["results"]
    by_id = (await api.get(f"/channel_events.json?id={rows[0]['id']}")).json()["results"]
    before = (await api.get("/channel_events.json?before=2020-01-01")).json()["results"]

    assert [row["type"] for row in rows] == ["referral", "call-in-missed"]
    assert of_ann[0] | {"id": 0, "occurred_on": 0, "created_on": 0} == {
        "id": 0, "type": "call-in-missed", "contact": {"uuid": str(ann.uuid), "name": "Ann"},
        "channel": {"uuid": str(channel.uuid), "name": channel.name}, "extra": {"duration": 3}, "occurred_on": 0,
        "created_on": 0,
    }  # fmt: skip
    assert (by_id, before) == (rows[:1], [])


async def test_channel_events_are_walked_there_and_back(api, database, account, ann, connection):
    channel = await world.simulator(database, account)
    await connection.execute(
        "insert into channel_events (account_id, uuid, type, channel_id, contact_id, scheme, address, occurred_at,"
        " created_at) select $1, gen_random_uuid(), 'call_in', $2, $3, 'tel', '+250788123123', now(), '2026-03-01'"
        " from generate_series(1, 255)", account, channel.id, ann.id,
    )  # fmt: skip

    first = (await api.get("/channel_events.json")).json()
    second = (await api.get(first["next"])).json()
    back = (await api.get(second["previous"])).json()

    assert (len(first["results"]), len(second["results"])) == (250, 5)
    assert back["results"] == first["results"]


async def test_opt_ins_are_made_and_listed(api):
    made = await api.post("/optins.json", json={"name": "Jokes"})

    again = await api.post("/optins.json", json={"name": "JOKES"})

    assert (made.status_code, list(made.json())) == (201, ["uuid", "name", "created_on"])
    assert (again.status_code, again.json()) == (400, {"name": ["This field must be unique."]})
    assert (await api.get("/optins.json")).json()["results"] == [made.json()]


async def test_templates_are_told_with_a_translation_for_each_language_and_channel(api, database, account):
    hidden = Draft(key="mail", channel="email", body="Hi", subject="Hi")
    async with database.tx(account) as tx:
        first = await templates.create(tx, Draft(key="hello", name="Hello", channel="sms", body="Hi {{name}}"))
        await templates.create(tx, Draft(key="hello", channel="sms", body="Oi {{name}}", language="pt-BR"))
        await templates.create(tx, hidden)
    channel = await world.simulator(database, account)

    [told] = (await api.get("/templates.json")).json()["results"]

    ref = {"uuid": str(channel.uuid), "name": channel.name}
    common = {"namespace": "", "variable_count": 1, "status": "Approved", "channel": ref}
    assert told | {"created_on": 0, "modified_on": 0} == {
        "uuid": str(first.uuid),
        "name": "Hello",
        "translations": [
            {"language": "en", "locale": "en", "content": "Hi {{name}}", **common},
            {"language": "pt", "locale": "pt-BR", "content": "Oi {{name}}", **common},
        ],
        "created_on": 0,
        "modified_on": 0,
    }
    assert (await api.get("/templates.json?before=2020-01-01")).json()["results"] == []


@pytest.mark.parametrize("name", ["classifiers", "boundaries"])
async def test_what_there_is_none_of_is_an_empty_list(api, name):
    answer = await api.get(f"/{name}.json?geometry=true&before=x")

    assert (answer.status_code, answer.json()) == (200, {"next": None, "previous": None, "results": []})
