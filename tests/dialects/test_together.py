"""The dialects of one installation side by side: whose path it is, and one contact seen through all of them."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from trunkline.dialects.dispatch import Dialects

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(database, vault) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(Dialects(database, vault=vault))
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver/api/v1") as client:
        yield client


@pytest.fixture
async def platform(new_key) -> dict[str, str]:
    return {"authorization": f"Bearer {await new_key('platform')}"}


@pytest.fixture
async def portal(new_key) -> dict[str, str]:
    return {"x-api-key": await new_key("portal")}


async def test_a_contact_has_one_id_everywhere(client, platform, portal):
    body = {"name": "Maria Ionescu", "phone": "+40740111222", "tags": ["vip"]}
    id = (await client.post("/integrations/contacts", json=body, headers=portal)).json()["data"]["id"]

    told = (await client.get(f"/contacts/{id}", headers=platform)).json()["data"]

    assert (told["first_name"], told["last_name"], told["phone"]) == ("Maria", "Ionescu", "+40740111222")
    assert [tag["name"] for tag in told["tags"]] == ["vip"]


async def test_what_one_deletes_is_gone_for_the_other(client, platform, portal):
    body = {"email": "maria@example.com"}
    id = (await client.post("/integrations/contacts", json=body, headers=portal)).json()["data"]["id"]

    await client.delete(f"/contacts/{id}", headers=platform)

    assert (await client.get(f"/integrations/contacts/{id}", headers=portal)).status_code == 404


async def test_below_integrations_only_its_key_counts(client, platform, portal):
    answers = [
        await client.get("/integrations/contacts", headers=platform),
        await client.get("/integrations/contacts", headers={"x-api-key": platform["authorization"][7:]}),
        await client.get("/contacts", headers=portal),
        await client.get("/contacts", headers={"authorization": f"Bearer {portal['x-api-key']}"}),
    ]

    assert [answer.status_code for answer in answers] == [401] * 4


@pytest.mark.parametrize("path", ["/contacts", "/companies", "/nowhere"])
async def test_a_key_of_a_dialect_that_is_not_served_is_unknown(client, new_key, path):
    headers = {"authorization": f"Bearer {await new_key('developer')}"}

    answer = await client.get(path, headers=headers)

    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated.", "error": "Unauthorized"})
