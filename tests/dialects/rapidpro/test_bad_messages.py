"""Inputs about messages, broadcasts and tickets that no honest program sends; and nothing else happens."""

import pytest

from tests import world
from trunkline.accounts import settings
from trunkline.core.ids import new_uuid
from trunkline.inbox import tickets, topics
from trunkline.inbox.tickets import NewTicket

pytestmark = pytest.mark.anyio

MANY = [f"tel:+2507880{number:05}" for number in range(101)]


async def _nothing_happened(database, account: int) -> bool:
    counted = await world.execute(
        database.dsn,
        "select (select count(*) from messages where account_id = $1)"
        " + (select count(*) from flow_starts where account_id = $1)",
        account,
    )
    return counted[0][0] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"urns": ["tel:+250788123123"]}, "non_field_errors"),
        ({"text": "Hi"}, "non_field_errors"),
        ({"text": {"fra": "Salut"}, "base_language": "eng", "urns": MANY[:1]}, "non_field_errors"),
        ({"text": "Hi", "urns": MANY}, "urns"),
        ({"text": "Hi", "urns": MANY[:1], "quick_replies": [{"text": "x"}] * 11}, "quick_replies"),
        ({"text": "Hi", "urns": MANY[:1], "quick_replies": [{"text": "x" * 65}]}, "quick_replies"),
        ({"text": "x" * 4097, "urns": MANY[:1]}, "text"),
        ({"text": {"eng": None}, "urns": MANY[:1]}, "text"),
        ({"text": {"eng\0": "Hi"}, "urns": MANY[:1]}, "text"),
        ({"text": {f"x{n:02}": "Hi" for n in range(51)}, "urns": MANY[:1]}, "text"),
        ({"text": None, "urns": MANY[:1]}, "text"),
        ({"text": 5.5e300, "urns": [None]}, "urns"),
        ({"text": "Hi", "urns": MANY[:1], "attachments": {"eng": "x"}}, "attachments"),
    ],
    ids=range(13),
)
async def test_b43_a_broadcast_that_cannot_be_is_not_sent(api, database, account, body, field):
    answer = await api.post("/broadcasts.json", json=body)

    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert await _nothing_happened(database, account)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "x" * 4097}, "text"),
        ({"text": "Hi", "attachments": [str(new_uuid())] * 11}, "attachments"),
        ({"text": "Hi", "attachments": [str(new_uuid())]}, "attachments"),
        ({"text": "Hi", "attachments": ["image/png:https://files.example.com/a.png"]}, "attachments"),
        ({"text": "Hi", "attachments": [None]}, "attachments"),
        ({"text": "Hi", "attachments": [{"url": "https://files.example.com/a.png"}]}, "attachments"),
        ({"text": "\0"}, "text"),
        ({"text": True}, "text"),
        ({"text": "  "}, "non_field_errors"),
        ({"text": "Hi", "quick_replies": ["x" * 65]}, "quick_replies"),
        ({"text": "Hi", "quick_replies": [5]}, "quick_replies"),
        ({"text": "Hi", "ticket": "x"}, "ticket"),
    ],
    ids=range(12),
)
async def test_b44_a_message_that_cannot_be_is_not_sent(api, database, account, ann, body, field):
    answer = await api.post("/messages.json", json={"contact": str(ann.uuid), **body})

    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert await _nothing_happened(database, account)


@pytest.mark.parametrize(
    "query",
    ["contact={ann}&folder=inbox", "folder=inbox&label=x", "label=x&broadcast=1", "contact={ann}&broadcast=1"],
)
async def test_b50_filters_that_exclude_each_other_are_refused(api, ann, query):
    answer = await api.get(f"/messages.json?{query.format(ann=ann.uuid)}")

    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["messages", "broadcasts", "channel_events", "templates"])
@pytest.mark.parametrize("moment", ["notadate", "2016-13-40T..", "0000-01-01", "9999999999", "2026-02-30"])
async def test_b50_a_time_that_is_none_finds_nothing(api, database, account, name, moment):
    await world.queue(database, account, await world.simulator(database, account), ["+250788123123"])

    answer = await api.get(f"/{name}.json?before={moment}")

    assert (answer.status_code, answer.json()["results"]) == (200, [])


@pytest.mark.parametrize("name", ["messages", "broadcasts", "tickets", "topics", "channels", "channel_events"])
async def test_b51_a_cursor_that_is_none_is_refused(api, database, account, connection, ann, name):
    await connection.execute(
        "insert into messages (account_id, direction, status, channel_id, contact_id, scheme, address)"
        " select $1, 'in', 'handled', 0, $2, 'tel', '+250788123123' from generate_series(1, 251)", account, ann.id,
    )  # fmt: skip
    other = (await api.get("/messages.json?folder=inbox")).json()["next"].partition("cursor=")[2]
    cursors = ["x", "%00", "' or 1=1--", "cD0xJm89MA==", other[:-3]] + [other] * (name != "messages")

    answers = [await api.get(f"/{name}.json", params={"cursor": cursor}) for cursor in cursors]

    assert {(answer.status_code, answer.text) for answer in answers} == {(404, '{"detail":"Invalid cursor"}')}


async def test_b51_a_cursor_of_another_workspace_is_none(
    api, anybody, new_key, other_account, account, connection, ann
):
    await connection.execute(
        "insert into messages (account_id, direction, status, channel_id, contact_id, scheme, address)"
        " select $1, 'in', 'handled', 0, $2, 'tel', '+250788123123' from generate_series(1, 251)", account, ann.id,
    )  # fmt: skip
    address = (await api.get("/messages.json")).json()["next"]
    key = await new_key("rapidpro", role="admin", account=other_account)

    answer = await anybody.get(address, headers={"authorization": f"Token {key}"})

    assert (answer.status_code, answer.json()) == (404, {"detail": "Invalid cursor"})


@pytest.mark.parametrize(
    "more",
    [
        {"action": "assign", "assignee": "nobody@example.com"},
        {"action": "assign", "assignee": 5},
        {"action": "assign", "assignee": ["a@example.com"]},
        {"action": "add_note", "note": "x" * 10_001},
        {"action": "add_note", "note": "\0"},
        {"action": "like"},
        {"action": None},
        {"action": ["close"]},
        {"action": "change_topic", "topic": "General"},
        {"action": "change_topic", "topic": None},
    ],
)
async def test_b54_an_action_on_tickets_that_cannot_be_does_nothing(api, database, account, ann, more):
    async with database.tx(account) as tx:
        await topics.default(tx)
        [ticket] = await tickets.open_many(tx, [NewTicket(uuid=new_uuid(), contact_id=ann.id)])
    before = (await api.get("/tickets.json")).json()["results"]

    answer = await api.post("/ticket_actions.json", json={"tickets": [str(ticket.uuid)], **more})

    assert answer.status_code == 400
    assert (await api.get("/tickets.json")).json()["results"] == before


@pytest.mark.parametrize("name", ["x" * 65, "", "  ", 'a"b', "a\\b", "a\0", None, [], {}, True])
@pytest.mark.parametrize("list", ["topics", "optins"])
async def test_b55_a_name_that_cannot_be_is_refused(api, list, name):
    answer = await api.post(f"/{list}.json", json={"name": name})

    assert answer.status_code == 400
    assert [*answer.json()] == ["name"]


WRITES = [
    ("messages", {"contact": "{ann}", "text": "Hi"}),
    ("broadcasts", {"contacts": ["{ann}"], "text": "Hi"}),
    ("message_actions", {"messages": [1], "action": "archive"}),
    ("ticket_actions", {"tickets": [], "action": "close"}),
    ("topics", {"name": "A"}),
    ("optins", {"name": "A"}),
]


@pytest.mark.parametrize("state", ["flagged", "suspended"])
@pytest.mark.parametrize(("name", "body"), WRITES, ids=[name for name, _ in WRITES])
async def test_a_workspace_that_is_stopped_writes_nothing(api, database, account, connection, ann, name, body, state):
    if state == "flagged":
        async with database.tx(account) as tx:
            await settings.put(tx, {"flagged": True}, operator=True)
    else:
        await connection.execute("update accounts set suspended = true where id = $1", account)

    answer = await api.post(f"/{name}.json", json=_filled(body, str(ann.uuid)))

    sorry = f"Sorry, your workspace is currently {state}. To re-enable starting flows and sending messages, please "
    assert (answer.status_code, answer.json()) == (400, {"non_field_errors": [sorry + "contact support."]})
    assert await _nothing_happened(database, account)


async def test_a_workspace_that_is_stopped_uploads_nothing(api, database, account):
    async with database.tx(account) as tx:
        await settings.put(tx, {"flagged": True}, operator=True)

    answer = await api.post("/media.json", files={"file": ("a.pdf", b"%PDF-1.7\n")})

    assert (answer.status_code, [*answer.json()]) == (400, ["non_field_errors"])


def _filled(body: dict, contact: str) -> dict:
    def fill(value):
        if isinstance(value, str):
            return value.replace("{ann}", contact)
        return [fill(each) for each in value] if isinstance(value, list) else value

    return {name: fill(value) for name, value in body.items()}
