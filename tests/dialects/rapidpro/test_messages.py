"""Messages: what is listed where, and what becomes of those that are sent."""

import pytest

from tests import world
from trunkline.accounts import settings
from trunkline.contacts import people
from trunkline.contacts.people import NewContact
from trunkline.core import urns
from trunkline.core.ids import new_uuid
from trunkline.inbox import tickets
from trunkline.inbox.tickets import NewTicket
from trunkline.messaging import labels

pytestmark = pytest.mark.anyio

KEYS = [
    "uuid", "contact", "urn", "channel", "direction", "type", "status", "archived", "visibility", "text", "labels",
    "flow", "attachments", "quick_replies", "created_on", "sent_on", "modified_on", "media", "id", "broadcast",
]  # fmt: skip


@pytest.fixture
async def channel(database, account):
    return await world.simulator(database, account)


async def _folder(api, name: str) -> list[str]:
    return [row["text"] for row in (await api.get(f"/messages.json?folder={name}")).json()["results"]]


async def test_a_message_is_queued_with_all_its_fields(api, channel, ann):
    answer = await api.post("/messages.json", json={"contact": str(ann.uuid), "text": "Hi @contact.name"})

    told = answer.json()
    assert (answer.status_code, list(told)) == (201, KEYS)
    assert told | {"uuid": 0, "created_on": 0, "modified_on": 0, "id": 0} == {
        "uuid": 0,
        "contact": {"uuid": str(ann.uuid), "name": "Ann"},
        "urn": "tel:+250788123123",
        "channel": {"uuid": str(channel.uuid), "name": channel.name},
        "direction": "out",
        "type": "text",
        "status": "queued",
        "archived": False,
        "visibility": "visible",
        "text": "Hi @contact.name",
        "labels": [],
        "flow": None,
        "attachments": [],
        "quick_replies": [],
        "created_on": 0,
        "sent_on": None,
        "modified_on": 0,
        "media": None,
        "id": 0,
        "broadcast": None,
    }


async def test_a_message_goes_out_as_it_was_written(api, database, account, channel, ann):
    await api.post("/messages.json", json={"contact": "tel:+250788123123", "text": "Hi @contact.name @@"})

    await world.deliver(database, account)

    [row] = (await api.get("/messages.json?folder=sent")).json()["results"]
    assert (row["text"], row["status"], row["sent_on"] is not None) == ("Hi @contact.name @@", "sent", True)


async def test_quick_replies_keep_their_small_print(api, database, account, channel, ann):
    body = {"contact": str(ann.uuid), "text": "?", "quick_replies": [{"text": "Yes", "extra": "I do"}, {"text": "No"}]}

    told = (await api.post("/messages.json", json=body)).json()
    await world.deliver(database, account)

    [out] = await world.execute(database.dsn, "select quick_replies from simulator_outbox where account_id=$1", account)
    assert told["quick_replies"] == [{"text": "Yes", "extra": "I do"}, {"text": "No"}]
    assert out["quick_replies"] == '["Yes", "No"]'


async def test_without_a_way_to_the_contact_the_message_has_failed(api, ann):
    answer = await api.post("/messages.json", json={"contact": str(ann.uuid), "text": "Hi"})

    told = answer.json()
    assert (answer.status_code, told["status"], told["urn"], told["channel"]) == (201, "failed", None, None)
    assert await _folder(api, "failed") == ["Hi"]


@pytest.mark.parametrize("status", ["blocked", "stopped", "archived"])
async def test_a_contact_who_rests_gets_nothing(api, database, account, channel, ann, status):
    async with database.tx(account) as tx:
        await people.change_status(tx, [ann.id], status)

    told = (await api.post("/messages.json", json={"contact": str(ann.uuid), "text": "Hi"})).json()

    assert (told["status"], told["channel"]) == ("failed", {"uuid": str(channel.uuid), "name": channel.name})


async def test_a_message_joins_the_talk_but_opens_none(api, database, account, channel, ann):
    other = await world.contacts(database, account, ["+250788000001"])
    await world.say(database, channel, "+250788123123", "Hello")
    await world.react(database)

    await api.post("/messages.json", json={"contact": str(ann.uuid), "text": "Hi"})
    await api.post("/messages.json", json={"contact": "tel:+250788000001", "text": "Hi"})

    rows = await world.execute(
        database.dsn, "select contact_id, conversation_id is not null as talks from messages where direction='out'"
        " and account_id=$1 order by id", account,
    )  # fmt: skip
    assert [(row["contact_id"], row["talks"]) for row in rows] == [(ann.id, True), (other[0], False)]


async def test_a_message_may_belong_to_a_ticket(api, database, account, channel, ann):
    await world.say(database, channel, "+250788123123", "Help me")
    await world.react(database)
    async with database.tx(account) as tx:
        [ticket] = await tickets.open_many(tx, [NewTicket(uuid=new_uuid(), contact_id=ann.id)])

    body = {"contact": str(ann.uuid), "text": "Here we are", "ticket": str(ticket.uuid)}
    told = (await api.post("/messages.json", json=body)).json()

    assert (await world.message(database, told["id"]))["conversation_id"] == ticket.conversation_id


async def test_a_text_of_4096_letters_is_taken(api, channel, ann):
    answer = await api.post("/messages.json", json={"contact": str(ann.uuid), "text": "é" * 4096})

    assert (answer.status_code, len(answer.json()["text"])) == (201, 4096)


async def test_what_came_in_is_listed_once_it_was_looked_at(api, database, channel):
    await world.say(database, channel, "+250788123123", "Hello")
    before = await _folder(api, "inbox"), (await api.get("/messages.json")).json()["results"]

    await world.react(database)

    assert before == ([], [])
    [row] = (await api.get("/messages.json?folder=INBOX")).json()["results"]
    assert (row["text"], row["direction"], row["status"], row["sent_on"]) == ("Hello", "in", "handled", None)


@pytest.fixture
async def said(api, database, account, channel, connection) -> dict[str, int]:
    """A message in each folder and state, by its text, written one minute after the other."""
    [contact] = await world.contacts(database, account, ["+250788123123"])
    states = ["queued", "sending", "errored", "unknown", "sent", "delivered", "read", "failed", "canceled"]
    ids = await world.queue(database, account, channel, ["+250788123123"] * len(states))
    flow = await connection.fetchval(
        "insert into flows (account_id, uuid, name, name_key, type, spec, revision, created_by, info)"
        " values ($1, gen_random_uuid(), 'Survey', 'survey', 'messaging', '14.0', 1, 'system', '{}') returning id",
        account,
    )
    for id, state in zip(ids, states, strict=True):
        await connection.execute("update messages set status=$2, body=$2 where id=$1", id, state)
    known = dict(zip(states, ids, strict=True))
    for text, status, visibility, flow_id in (
        ("inbox", "handled", "visible", None), ("flows", "handled", "visible", flow),
        ("archived", "handled", "archived", None), ("archived flows", "handled", "archived", flow),
        ("deleted", "handled", "deleted", None), ("received", "received", "visible", None),
    ):  # fmt: skip
        known[text] = await connection.fetchval(
            "insert into messages (account_id, direction, status, channel_id, contact_id, scheme, address, body,"
            " visibility, flow_id) values ($1, 'in', $2, $3, $4, 'tel', '+250788123123', $5, $6, $7) returning id",
            account, status, channel.id, contact, text, visibility, flow_id,
        )  # fmt: skip
    for minute, id in enumerate(known.values()):
        await connection.execute(
            "update messages set created_at = timestamptz '2026-03-01T00:00:00Z' + $2 * interval '1 minute',"
            " sent_at = case when status in ('sent', 'delivered', 'read')"
            " then timestamptz '2026-03-02T00:00:00Z' - $2 * interval '1 minute' end where id = $1",
            id, minute,
        )  # fmt: skip
    return known


@pytest.mark.parametrize(
    ("folder", "texts"),
    [
        ("inbox", ["inbox"]),
        ("flows", ["flows"]),
        ("archived", ["archived flows", "archived"]),
        ("outbox", ["errored", "sending", "queued"]),
        ("sent", ["sent", "delivered", "read", "unknown"]),
        ("failed", ["canceled", "failed"]),
        ("Incoming", []),
        ("nonsense", []),
    ],
)
async def test_a_folder_holds_what_belongs_there(api, said, folder, texts):
    assert await _folder(api, folder) == texts


async def test_without_a_folder_all_is_listed_but_the_deleted_and_the_unanswered(api, said):
    rows = (await api.get("/messages.json")).json()["results"]

    assert [row["id"] for row in rows] == sorted(
        (id for text, id in said.items() if text not in ("deleted", "received")), reverse=True
    )


async def test_states_are_told_in_the_words_of_this_api(api, said):
    rows = (await api.get("/messages.json")).json()["results"]

    assert {row["text"]: (row["status"], row["archived"], row["visibility"]) for row in rows} == {
        "queued": ("queued", False, "visible"),
        "sending": ("queued", False, "visible"),
        "errored": ("errored", False, "visible"),
        "unknown": ("wired", False, "visible"),
        "sent": ("sent", False, "visible"),
        "delivered": ("delivered", False, "visible"),
        "read": ("read", False, "visible"),
        "failed": ("failed", False, "visible"),
        "canceled": ("failed", False, "visible"),
        "inbox": ("handled", False, "visible"),
        "flows": ("handled", False, "visible"),
        "archived": ("handled", True, "archived"),
        "archived flows": ("handled", True, "archived"),
    }


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("after=2026-03-01T00:07:00Z&before=2026-03-01T00:08:00Z", ["canceled", "failed"]),
        ("before=2026-03-01T00:00:00.000000Z", ["queued"]),
        ("before=2026-02-28", []),
        ("before=notadate", []),
        ("before=2016-13-40T00:00:00Z", []),
        ("folder=sent&before=2026-03-01T00:04:00Z", ["sent", "unknown"]),
        ("folder=sent&after=2026-03-01T00:06:00Z", ["read"]),
        ("folder=inbox&after=2027-01-01", []),
        ("contact=nobody", []),
        ("contact=01234567-89ab-4cde-8123-456789abcdef", []),
        ("label=nothing", []),
        ("broadcast=4711", []),
        ("id=9223372036854775808", []),
    ],
)
async def test_filters(api, said, query, texts):
    rows = (await api.get(f"/messages.json?{query}")).json()["results"]

    assert [row["text"] for row in rows] == texts


async def test_one_message_by_its_number_and_its_uuid(api, said):
    [one] = (await api.get(f"/messages.json?id={said['flows']}")).json()["results"]

    assert (await api.get(f"/messages.json?uuid={one['uuid']}")).json()["results"] == [one]
    assert (await api.get(f"/messages.json?uuid={one['uuid']}&id={said['sent']}")).json()["results"] == []
    assert (one["flow"]["name"], one["type"]) == ("Survey", "text")


async def test_messages_of_a_contact(api, database, account, said, channel):
    await world.queue(database, account, channel, ["+250788000009"], "Other")
    async with database.tx(account) as tx:
        contact = await people.find(tx, urns.parse("tel:+250788123123"))
    uuid = str(contact and contact.uuid)

    rows = (await api.get(f"/messages.json?contact={uuid}")).json()["results"]

    assert len(rows) == 13
    assert {row["contact"]["uuid"] for row in rows} == {uuid}


@pytest.mark.parametrize("few", [0, 5000])
async def test_messages_with_a_label(api, database, account, said, monkeypatch, few):
    monkeypatch.setattr("trunkline.messaging.copies.FEW", few)
    async with database.tx(account) as tx:
        label = await labels.create(tx, "Spam")
        await labels.add(tx, [(label.id, said["inbox"]), (label.id, said["archived"]), (label.id, said["deleted"])])

    by_name = (await api.get("/messages.json?label=Spam")).json()["results"]
    by_uuid = (await api.get(f"/messages.json?label={label.uuid}")).json()["results"]

    assert [row["text"] for row in by_name] == ["archived", "inbox"]
    assert by_name == by_uuid
    assert by_name[0]["labels"] == [{"uuid": str(label.uuid), "name": "Spam"}]
    assert (await api.get("/messages.json?label=spam")).json()["results"] == []


@pytest.mark.parametrize("folder", ["", "inbox", "sent"])
async def test_equal_times_are_walked_without_loss_there_and_back(api, database, account, channel, connection, folder):
    [contact] = await world.contacts(database, account, ["+250788123123"])
    way = ("out", "sent") if folder == "sent" else ("in", "handled")
    await connection.execute(
        "insert into messages (account_id, direction, status, channel_id, contact_id, scheme, address, body,"
        " created_at, sent_at) select $1, $2, $3, $4, $5, 'tel', '+250788123123', '', '2026-03-01', '2026-03-01'"
        " from generate_series(1, 1255)", account, *way, channel.id, contact,
    )  # fmt: skip
    pages, address, previous = [], f"/messages.json?folder={folder}", ""
    while address:
        page = (await api.get(address)).json()
        pages.append([row["id"] for row in page["results"]])
        address, previous = page["next"], page["previous"]

    back = (await api.get(previous)).json()["results"]

    assert [len(page) for page in pages] == [250] * 5 + [5]
    assert len({id for page in pages for id in page}) == 1255
    assert [row["id"] for row in back] == pages[-2]


async def test_nobody_sees_the_messages_of_others(api, database, other_account, new_key):
    channel = await world.simulator(database, other_account)
    [id] = await world.queue(database, other_account, channel, ["+250788999999"])

    answers = [(await api.get(f"/messages.json{query}")).json() for query in ("", f"?id={id}", "?folder=outbox")]

    assert [answer["results"] for answer in answers] == [[], [], []]


async def test_an_anonymous_workspace_tells_no_address(api, database, account, said):
    async with database.tx(account) as tx:
        await settings.put(tx, {"anon": True}, operator=True)

    answer = await api.get("/messages.json")

    assert "250788123123" not in answer.text
    assert {row["urn"] for row in answer.json()["results"]} == {None}


async def test_an_agent_writes_but_does_not_read(agent, channel, ann):
    sent = await agent.post("/messages.json", json={"contact": str(ann.uuid), "text": "Hi"})
    read = await agent.get("/messages.json")

    assert (sent.status_code, read.status_code) == (201, 403)


@pytest.mark.parametrize("text", ["\u202eabc", "👩‍👩‍👧‍👦", "a" + "\u0301" * 64, "\U0001f600" * 10])
async def test_any_text_comes_back_as_it_was(api, channel, ann, text):
    told = (await api.post("/messages.json", json={"contact": str(ann.uuid), "text": text})).json()

    assert told["text"] == text


async def test_a_contact_without_a_name_has_none(api, database, account, channel):
    async with database.tx(account) as tx:
        nameless = await people.create(tx, NewContact(urns=[urns.parse("tel:+250788000007")]))

    told = (await api.post("/messages.json", json={"contact": str(nameless.uuid), "text": "Hi"})).json()

    assert told["contact"] == {"uuid": str(nameless.uuid), "name": None}
