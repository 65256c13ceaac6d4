"""What is done to many messages at once."""

import pytest

from tests import world
from trunkline.flows import stored, triggers
from trunkline.flows.triggers import NewTrigger
from trunkline.messaging import labels

pytestmark = pytest.mark.anyio


@pytest.fixture
async def channel(database, account):
    return await world.simulator(database, account)


@pytest.fixture
async def received(database, channel) -> list[int]:
    said = [await world.say(database, channel, "+250788123123", text) for text in ("One", "Two", "Three")]
    await world.react(database)
    return [each.message_id for each in said]


async def _act(api, action: str, messages: list, **more):
    return await api.post("/message_actions.json", json={"action": action, "messages": messages, **more})


async def _folder(api, name: str) -> list[str]:
    return [row["text"] for row in (await api.get(f"/messages.json?folder={name}")).json()["results"]]


async def test_messages_are_put_away_and_taken_back(api, received):
    away = await _act(api, "archive", received[:2])
    archived = await _folder(api, "archived"), await _folder(api, "inbox")

    back = await _act(api, "restore", received[:1])

    assert (away.status_code, away.content, back.status_code) == (204, b"", 204)
    assert archived == (["Two", "One"], ["Three"])
    assert (await _folder(api, "archived"), await _folder(api, "inbox")) == (["Two"], ["Three", "One"])


async def test_a_deleted_message_is_gone_for_good(api, database, account, received):
    async with database.tx(account) as tx:
        label = await labels.create(tx, "Spam")
        await labels.add(tx, [(label.id, received[0])])

    await _act(api, "delete", received[:1])

    again = await _act(api, "restore", received[:1])
    assert (again.status_code, again.json()) == (200, {"failures": received[:1]})
    assert (await api.get(f"/messages.json?id={received[0]}")).json()["results"] == []
    assert (await api.get("/labels.json")).json()["results"][0]["count"] == 0
    assert (await world.message(database, received[0]))["body"] == ""


async def test_labels_are_put_on_and_taken_off(api, database, account, received):
    async with database.tx(account) as tx:
        label = await labels.create(tx, "Spam")

    await _act(api, "label", received, label="spam")
    await _act(api, "unlabel", received[:1], label=str(label.uuid))

    rows = (await api.get("/messages.json?label=Spam")).json()["results"]
    assert [row["id"] for row in rows] == received[:0:-1]
    assert (await api.get("/labels.json")).json()["results"][0]["count"] == 2


async def test_a_label_that_is_named_is_made(api, received):
    await _act(api, "unlabel", received, label_name="Nothing")
    await _act(api, "label", received[:1], label_name="Fresh")

    rows = (await api.get("/labels.json")).json()["results"]
    assert [(row["name"], row["count"]) for row in rows] == [("Fresh", 1)]


async def test_the_rest_is_done_when_some_are_not_there(api, database, other_account, received):
    foreign = await world.simulator(database, other_account)
    stranger = await world.say(database, foreign, "+250788999999", "Hey")

    answer = await _act(api, "archive", [received[0], stranger.message_id, "4711", 2**70, -1])

    assert (answer.status_code, answer.json()) == (200, {"failures": [stranger.message_id, "4711", 2**70, -1]})
    assert await _folder(api, "archived") == ["One"]
    assert (await world.message(database, stranger.message_id))["visibility"] == "visible"


async def test_uuids_will_do(api, received):
    rows = (await api.get("/messages.json")).json()["results"]
    nothing = "01234567-89ab-4cde-8123-456789abcdef"

    answer = await _act(api, "archive", [rows[0]["uuid"], nothing])

    assert answer.json() == {"failures": [nothing]}
    assert await _folder(api, "archived") == ["Three"]


async def test_a_message_that_went_out_refuses_the_whole_call(api, database, account, channel, received):
    [out] = await world.queue(database, account, channel, ["+250788123123"])

    answer = await _act(api, "archive", [received[0], out])

    assert (answer.status_code, answer.json()) == (400, {"messages": [f"Not an incoming message: {out}"]})
    assert await _folder(api, "archived") == []


async def test_a_message_that_a_flow_heard_is_in_the_folder_of_flows(api, database, account, channel, connection):
    flow = {
        "uuid": "11111111-1111-4111-8111-111111111111", "name": "Echo", "spec_version": "14.4.0", "language": "eng",
        "type": "messaging", "nodes": [{
            "uuid": "21111111-1111-4111-8111-111111111111",
            "actions": [{"uuid": "31111111-1111-4111-8111-111111111111", "type": "send_msg", "text": "You said it"}],
            "exits": [{"uuid": "41111111-1111-4111-8111-111111111111"}],
        }],
    }  # fmt: skip
    async with database.tx(account) as tx:
        saved = await stored.save(tx, flow)
        await triggers.create(tx, NewTrigger(kind="catch_all", flow_id=saved.id))
    await world.say(database, channel, "+250788123123", "Hello")
    await world.react(database)

    [row] = (await api.get("/messages.json?folder=flows")).json()["results"]

    assert (row["text"], row["status"], row["flow"]["name"]) == ("Hello", "handled", "Echo")
    assert await _folder(api, "inbox") == []
