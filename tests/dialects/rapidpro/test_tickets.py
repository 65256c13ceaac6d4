"""Tickets, what is done to them, and their topics."""

import pytest

from tests import world
from trunkline.accounts import users
from trunkline.contacts import people
from trunkline.contacts.people import NewContact
from trunkline.core.ids import new_uuid
from trunkline.inbox import tickets, topics
from trunkline.inbox.tickets import NewTicket, Ticket

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ticket(database, account, ann) -> Ticket:
    """Ann's, with a conversation."""
    channel = await world.simulator(database, account)
    await world.say(database, channel, "+250788123123", "Help")
    await world.react(database)
    return await _open(database, account, ann.id)


@pytest.fixture
async def agnes(database, account):
    async with database.system(account) as tx:
        made = await users.create(tx, f"agnes.{account}@example.com", "agent", name="Agnes")
        return made.member


async def _open(database, account: int, contact: int, actor: str = "system") -> Ticket:
    async with database.tx(account, actor) as tx:
        await topics.default(tx)
        [made] = await tickets.open_many(tx, [NewTicket(uuid=new_uuid(), contact_id=contact)])
        return made


async def _others(database, account: int, count: int) -> list[Ticket]:
    async with database.tx(account) as tx:
        contacts = [await people.create(tx, NewContact(name=f"C{n}")) for n in range(count)]
    return [await _open(database, account, contact.id) for contact in contacts]


async def _act(api, action: str, wanted: list[Ticket], **more):
    body = {"action": action, "tickets": [str(one.uuid) for one in wanted], **more}
    return await api.post("/ticket_actions.json", json=body)


async def _listed(api, ticket: Ticket) -> dict:
    [row] = (await api.get(f"/tickets.json?uuid={ticket.uuid}")).json()["results"]
    return row


async def test_a_ticket_is_told_with_all_its_fields(api, database, account, ann, agnes):
    ticket = await _open(database, account, ann.id, f"user:{agnes.id}")

    told = await _listed(api, ticket)

    topic = (await api.get("/topics.json")).json()["results"][0]
    assert list(told) == [
        "uuid", "contact", "status", "topic", "body", "assignee", "opened_on", "opened_by", "opened_in", "modified_on",
        "closed_on",
    ]  # fmt: skip
    assert told | {"opened_on": 0, "modified_on": 0} == {
        "uuid": str(ticket.uuid), "contact": {"uuid": str(ann.uuid), "name": "Ann"}, "status": "open",
        "topic": {"uuid": topic["uuid"], "name": "General"}, "body": None, "assignee": None, "opened_on": 0,
        "opened_by": {"email": agnes.email, "name": "Agnes"}, "opened_in": None, "modified_on": 0, "closed_on": None,
    }  # fmt: skip


async def test_tickets_are_found_by_contact_and_by_their_older_name(api, database, account, ticket, ann):
    [other] = await _others(database, account, 1)

    by_contact = (await api.get(f"/tickets.json?contact={ann.uuid}")).json()["results"]
    by_ticket = (await api.get(f"/tickets.json?ticket={other.uuid}")).json()["results"]
    unknown = (await api.get(f"/tickets.json?contact={new_uuid()}")).json()["results"]

    assert [row["uuid"] for row in by_contact] == [str(ticket.uuid)]
    assert [row["uuid"] for row in by_ticket] == [str(other.uuid)]
    assert unknown == []


@pytest.mark.parametrize("reverse", ["", "?reverse=true"])
async def test_equal_times_are_walked_without_loss(api, database, account, connection, ann, reverse):
    await connection.execute(
        "insert into tickets (account_id, uuid, contact_id, status, opened_by, modified_at)"
        " select $1, gen_random_uuid(), $2, 'closed', 'system', '2026-03-01' from generate_series(1, 505)",
        account, ann.id,
    )  # fmt: skip
    pages, address, previous = [], f"/tickets.json{reverse}", ""
    while address:
        page = (await api.get(address)).json()
        pages.append([row["uuid"] for row in page["results"]])
        address, previous = page["next"], page["previous"]

    back = (await api.get(previous)).json()["results"]

    assert [len(page) for page in pages] == [250, 250, 5]
    assert len({uuid for page in pages for uuid in page}) == 505
    assert [row["uuid"] for row in back] == pages[1]


async def test_tickets_are_closed_once_and_opened_again(api, ticket):
    closed = await _act(api, "close", [ticket])
    again = await _act(api, "close", [ticket])
    told = await _listed(api, ticket)
    opened = await _act(api, "reopen", [ticket])

    assert (closed.status_code, closed.content) == (204, b"")
    assert (again.status_code, again.json()) == (200, {"failures": [str(ticket.uuid)]})
    assert (told["status"], told["closed_on"] is not None) == ("closed", True)
    assert (opened.status_code, (await _listed(api, ticket))["closed_on"]) == (204, None)


async def test_tickets_are_assigned_and_given_back(api, ticket, agnes):
    given = await _act(api, "assign", [ticket], assignee=agnes.email.upper())
    assigned = (await _listed(api, ticket))["assignee"]
    taken = await _act(api, "assign", [ticket], assignee=None)

    assert (given.status_code, taken.status_code) == (204, 204)
    assert assigned == {"email": agnes.email, "name": "Agnes"}
    assert (await _listed(api, ticket))["assignee"] is None


@pytest.mark.parametrize("action", ["add_note", "note"])
async def test_a_note_stands_where_they_talk(api, database, ticket, action):
    answer = await _act(api, action, [ticket], note="Please hurry")

    rows = await world.execute(
        database.dsn, "select body, user_id is not null as signed from notes where conversation_id = $1",
        ticket.conversation_id,
    )  # fmt: skip
    assert answer.status_code == 204
    assert [tuple(row) for row in rows] == [("Please hurry", True)]


async def test_a_note_about_somebody_who_never_talked_is_a_failure(api, database, account):
    [ticket] = await _others(database, account, 1)

    answer = await _act(api, "add_note", [ticket], note="Hm")

    assert (answer.status_code, answer.json()) == (200, {"failures": [str(ticket.uuid)]})


async def test_a_ticket_changes_its_topic(api, ticket):
    topic = (await api.post("/topics.json", json={"name": "Billing"})).json()

    answer = await _act(api, "change_topic", [ticket], topic=topic["uuid"])

    assert answer.status_code == 204
    assert (await _listed(api, ticket))["topic"] == {"uuid": topic["uuid"], "name": "Billing"}


async def test_a_ticket_of_others_stops_the_whole_call(api, database, other_account, stranger, ticket):
    foreign = await _open(database, other_account, stranger.id)

    answer = await _act(api, "close", [ticket, foreign])

    assert (answer.status_code, answer.json()) == (400, {"tickets": [f"No such object: {foreign.uuid}"]})
    assert (await _listed(api, ticket))["status"] == "open"
    assert (await api.get(f"/tickets.json?uuid={foreign.uuid}")).json()["results"] == []


@pytest.mark.parametrize("role", ["viewer", "stranger", "inactive"])
async def test_nothing_is_assigned_to_who_cannot_answer(api, database, account, other_account, ticket, role):
    where = other_account if role == "stranger" else account
    async with database.system(where) as tx:
        email = f"{role}.{account}@example.com"
        made = await users.create(tx, email, "viewer" if role == "viewer" else "agent")
    if role == "inactive":
        async with database.system(where) as tx:
            await users.set(tx, made.member.id, active=False)

    answer = await _act(api, "assign", [ticket], assignee=email)

    assert (answer.status_code, answer.json()) == (400, {"assignee": [f"No such object: {email}"]})


async def test_agents_see_and_close_tickets(agent, ticket):
    assert (await _act(agent, "close", [ticket])).status_code == 204
    assert (await _listed(agent, ticket))["status"] == "closed"


async def test_topics_count_their_tickets(api, database, account, ticket):
    billing = (await api.post("/topics.json", json={"name": "Billing"})).json()
    others = await _others(database, account, 2)
    await _act(api, "change_topic", others, topic=billing["uuid"])
    await _act(api, "close", others[:1])

    rows = (await api.get("/topics.json")).json()["results"]

    assert [(row["name"], row["counts"], row["system"]) for row in rows] == [
        ("Billing", {"open": 1, "closed": 1}, False),
        ("General", {"open": 1, "closed": 0}, True),
    ]


async def test_a_topic_is_made_and_renamed(api):
    made = await api.post("/topics.json", json={"name": " Support "})
    renamed = await api.post(f"/topics.json?uuid={made.json()['uuid']}", json={"name": "Help"})

    assert (made.status_code, list(made.json())) == (201, ["uuid", "name", "counts", "system", "created_on"])
    assert (made.json()["name"], made.json()["counts"]) == ("Support", {"open": 0, "closed": 0})
    assert (renamed.status_code, renamed.json()) == (200, made.json() | {"name": "Help"})


async def test_general_stays_as_it_is(api):
    [general] = (await api.get("/topics.json")).json()["results"]

    answer = await api.post(f"/topics.json?uuid={general['uuid']}", json={"name": "Other"})

    assert (answer.status_code, answer.json()) == (403, {"detail": "Cannot modify system object."})


async def test_a_workspace_has_fifty_topics(api, database, account):
    async with database.tx(account) as tx:
        for n in range(49):
            await topics.create(tx, f"T{n}")

    fiftieth = await api.post("/topics.json", json={"name": "Fifty"})
    another = await api.post("/topics.json", json={})

    assert fiftieth.status_code == 201
    assert (another.status_code, another.json()) == (
        409,
        {"detail": "Cannot create object because workspace has reached limit."},
    )
