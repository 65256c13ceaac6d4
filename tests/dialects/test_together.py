"""The dialects of one installation side by side: whose path it is, and one contact seen through all of them."""

import json
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
async def developer(new_key) -> dict[str, str]:
    return {"authorization": f"Bearer {await new_key('developer')}"}


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


@pytest.mark.parametrize("path", ["/contacts", "/tags", "/nowhere"])
async def test_a_key_of_a_dialect_that_lives_elsewhere_is_unknown(client, new_key, path):
    headers = {"authorization": f"Bearer {await new_key('connector')}"}

    answer = await client.get(path, headers=headers)

    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated.", "error": "Unauthorized"})


async def test_on_a_shared_path_the_key_chooses_the_dialect(client, platform, developer):
    told = [(await client.get("/contacts", headers=headers)).json() for headers in (platform, developer)]

    assert isinstance(told[0], dict)
    assert "data" in told[0]
    assert told[1] == []


@pytest.mark.parametrize(("key", "path"), [("platform", "/companies"), ("developer", "/tags")])
async def test_what_only_the_other_dialect_has_does_not_exist(client, platform, developer, key, path):
    headers = {"platform": platform, "developer": developer}[key]

    answer = await client.get(path, headers=headers)

    assert answer.status_code == 404
    assert ("error" in answer.json()) is (key == "developer")


async def test_what_one_writes_the_others_read(client, platform, portal, developer):
    body = {"first_name": "Dana", "last_name": "Ilie", "email": "dana@example.com", "company": "Acme"}
    id = (await client.post("/contacts", json=body, headers=platform)).json()["data"]["id"]

    by_portal = (await client.get(f"/integrations/contacts/{id}", headers=portal)).json()["data"]
    (by_developer,) = (await client.get("/contacts", headers=developer)).json()
    (company,) = (await client.get("/companies", headers=developer)).json()

    assert by_portal["name"] == by_developer["name"] == "Dana Ilie"
    assert by_developer["companyId"] == company["id"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "malformed"),
        (405, "method_not_allowed"),
        (413, "too_large"),
        (500, "server_error"),
        (501, "method_unknown"),
    ],
)
def test_what_the_server_refuses_has_the_shape_of_whose_path_it_is(database, vault, status, code):
    served = Dialects(database, vault=vault)

    portal = json.loads(served.wording("/api/v1/integrations/contacts", status, "No.") or b"")
    platform = json.loads(served.wording("/api/v1/contacts", status, "No.") or b"")

    assert (portal["code"], list(portal)) == (code, ["message", "code"])
    assert list(platform) == ["message"]
    assert served.wording("/elsewhere", status, "No.") is None
