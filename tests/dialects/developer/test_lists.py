"""Whole lists and walks of the developer dialect."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests import world
from trunkline.dialects.developer import developer
from trunkline.dialects.developer.shapes import masked
from trunkline.dialects.dispatch import Dialects

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(database, vault, new_key) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(Dialects(database, vault=vault, served=[developer]))
    headers = {"authorization": f"Bearer {await new_key('developer')}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as client:
        yield client


async def test_a_list_without_parameters_is_whole(client, database, account):
    await world.contacts(database, account, [f"+4074{number:07}" for number in range(1200)])

    people = (await client.get("/api/v1/contacts")).json()

    assert len({person["id"] for person in people}) == 1200


async def test_a_walk_sees_everybody_once_while_others_arrive(client, database, account):
    await world.contacts(database, account, [f"+4074{number:07}" for number in range(25)])
    seen, url = [], "/api/v1/contacts?limit=10"

    while url:
        answer = await client.get(url)
        seen += [person["id"] for person in answer.json()]
        await world.contacts(database, account, [f"+4075{len(seen):07}"])
        url = answer.links["next"]["url"] if "next" in answer.links else ""

    assert len(seen) == len(set(seen)) == 25


async def test_a_cursor_opens_in_its_own_walk_alone(client, database, account):
    await world.contacts(database, account, ["+40740111222", "+40740111333"])
    answer = await client.get("/api/v1/contacts?limit=1")
    elsewhere = answer.links["next"]["url"].replace("/contacts", "/companies")

    refused = await client.get(elsewhere)

    assert refused.status_code == 422


async def test_nobody_sees_another_account(client, database, other_account):
    await world.contacts(database, other_account, ["+40740111222"])

    people = (await client.get("/api/v1/contacts")).json()

    assert people == []


@pytest.mark.parametrize("limit", ["0", "-1", "5000"])
async def test_a_limit_out_of_range_is_brought_into_it(client, database, account, limit):
    await world.contacts(database, account, ["+40740111222"])

    answer = await client.get(f"/api/v1/contacts?limit={limit}")

    assert (answer.status_code, len(answer.json())) == (200, 1)


async def test_a_limit_that_is_no_number_is_refused(client):
    answer = await client.get("/api/v1/contacts?limit=many")

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("ip", "network"),
    [("192.168.1.77", "192.168.1.0"), ("2001:db8:12:34::5", "2001:db8:12::"), ("somewhere", None)],
)
def test_a_masked_address_tells_the_network(ip, network):
    assert masked(ip) == network
