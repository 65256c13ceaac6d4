"""Walks through lists: pages of 250 that miss nothing and repeat nothing, whatever is written meanwhile."""

import httpx2
import pytest

from tests import world
from trunkline.contacts import groups, people
from trunkline.contacts.people import NewContact
from trunkline.dialects.dispatch import Dialects
from trunkline.dialects.rapidpro import rapidpro
from trunkline.server.proxies import Proxied

pytestmark = pytest.mark.anyio


@pytest.fixture
async def many(database, account, connection) -> int:
    """1,255 contacts, all changed at the same moment."""
    await world.contacts(database, account, [f"+25078{number:07}" for number in range(1255)])
    await connection.execute("update contacts set updated_at = '2026-03-01T00:00:00Z' where account_id = $1", account)
    return 1255


async def _walk(api, address: str, key: str = "next") -> list[list[str]]:
    pages = []
    while address:
        page = (await api.get(address)).json()
        pages.append([row["uuid"] for row in page["results"]])
        address = page[key]
    return pages


@pytest.mark.parametrize("query", ["", "?reverse=true"])
async def test_equal_times_are_walked_without_loss(api, many, query):
    pages = await _walk(api, f"/contacts.json{query}")

    assert [len(page) for page in pages] == [250] * 5 + [5]
    assert len({uuid for page in pages for uuid in page}) == many


async def test_the_way_back_is_the_way_there(api, many):
    there = await _walk(api, "/contacts.json")
    second = (await api.get((await api.get("/contacts.json")).json()["next"])).json()
    third = (await api.get(second["next"])).json()

    back = await _walk(api, third["previous"], "previous")

    assert back == [there[1], there[0]]


async def test_a_walk_sees_all_who_were_there_while_others_come_and_go(api, database, account, many, connection):
    before = {
        str(uuid) for (uuid,) in await connection.fetch("select uuid from contacts where account_id = $1", account)
    }
    seen: list[str] = []
    address = "/contacts.json?reverse=1"
    while address:
        page = (await api.get(address)).json()
        seen += [row["uuid"] for row in page["results"]]
        address = page["next"]
        async with database.tx(account) as tx:
            gone = await people.create(tx, NewContact(name="New"))
            await people.create(tx, NewContact(name="Another"))
            await people.delete(tx, [gone.id])

    assert before <= set(seen)
    assert len(seen) == len(set(seen))


async def test_a_cursor_alone_remembers_what_was_asked(api, database, account, many, group):
    async with database.tx(account) as tx:
        everybody = [contact.id for contact in await people.page(tx, limit=300)]
        await groups.add(tx, group.id, everybody)
    first = (await api.get("/contacts.json", params={"group": "Reporters", "reverse": "true"})).json()
    cursor = first["next"].rpartition("cursor=")[2]

    rest = (await api.get(f"/contacts.json?cursor={cursor}")).json()

    assert "group=Reporters" in first["next"]
    assert len(rest["results"]) == 50
    assert rest["next"] is None


@pytest.mark.parametrize(
    "spoil", [lambda cursor: cursor[:-3], lambda cursor: "J29yIDE9MS0t", lambda cursor: "x" * 5000]
)
async def test_a_spoilt_cursor_leads_nowhere(api, many, spoil):
    cursor = (await api.get("/contacts.json")).json()["next"].rpartition("cursor=")[2]

    answer = await api.get("/contacts.json", params={"cursor": spoil(cursor)})

    assert answer.status_code == 404
    assert answer.json() == {"detail": "Invalid cursor"}


async def test_a_cursor_of_another_list_or_workspace_leads_nowhere(api, anybody, many, new_key, other_account):
    cursor = (await api.get("/contacts.json")).json()["next"].rpartition("cursor=")[2]
    foreign = {"authorization": f"Token {await new_key('rapidpro', account=other_account)}"}

    codes = [
        (await api.get("/groups.json", params={"cursor": cursor})).status_code,
        (await anybody.get("/contacts.json", params={"cursor": cursor}, headers=foreign)).status_code,
    ]

    assert codes == [404, 404]


async def test_links_name_what_the_client_used(database, vault, account, many, new_key):
    served = Proxied(
        Dialects(database, vault=vault, public_url="https://public.example", served=[rapidpro]), ["10.0.0.1"]
    )
    headers = {
        "authorization": f"Token {await new_key('rapidpro')}",
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "api.example.com",
    }
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(served, client=("10.0.0.1", 1)), base_url="http://inside:8000", headers=headers
    ) as client:
        page = (await client.get("/api/v2/contacts.json")).json()
        root = (await client.get("/api/v2/.json")).json()

    assert page["next"].startswith("https://api.example.com/api/v2/contacts.json?cursor=")
    assert root["groups"] == "https://api.example.com/api/v2/groups"
