"""Sub-accounts and their credits over HTTP, and every wrong way to ask for them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests import world
from trunkline.billing import agencies, transfers
from trunkline.core import ids, opaque
from trunkline.core.db import Database
from trunkline.dialects.dispatch import Dialects

pytestmark = pytest.mark.anyio

CLIENT = "client@example.com"


@pytest.fixture
async def agency(database: Database) -> int:
    """An agency with one sub-account that has 42 credits."""
    agency = await world.workspace(database, kind="agency")
    async with database.tx(agency) as tx:
        await agencies.open(tx, "Acme", CLIENT)
    async with database.tx(agency) as tx:
        await transfers.transfer(tx, CLIENT, 42)
    return agency


@pytest.fixture
async def sub(database: Database, agency: int) -> int:
    async with database.tx(agency) as tx:
        return (await agencies.get(tx, CLIENT)).id


@pytest.fixture
async def agent(anybody: httpx2.AsyncClient, new_key: Any, agency: int) -> httpx2.AsyncClient:
    """A client with the agency's key in its header."""
    anybody.headers["x-api-key"] = await new_key("connector", rate="off", account=agency)
    return anybody


@pytest.fixture
async def plain(dialects: Dialects) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without anything."""
    transport = httpx2.ASGITransport(dialects)
    async with httpx2.AsyncClient(transport=transport, base_url="https://testserver/v1") as client:
        yield client


def fresh() -> str:
    return f"jane-{ids.token(10).lower()}@example.com"


async def grant(client: httpx2.AsyncClient, **body: Any) -> httpx2.Response:
    return await client.post("/subaccounts/credits", json={"email": CLIENT, "amount": 500, **body})


async def balance(client: httpx2.AsyncClient) -> int:
    answer = await client.get("/subaccounts", params={"email": CLIENT})
    return answer.json()["data"]["usage_limits"]["credits"]


async def test_forty_two_and_five_hundred_are_five_hundred_and_forty_two(
    agent: httpx2.AsyncClient, sub: int, vault: Any
) -> None:
    answer = await grant(agent, description="Auto-recharge via webhook")

    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "sub_account_id": opaque.write(vault, "account", sub),
        "credits_added": 500,
        "new_balance": 542,
    }


async def test_the_same_key_again_gets_the_first_answer_and_grants_nothing(agent: httpx2.AsyncClient) -> None:
    first = await grant(agent, idempotency_key="ar_1")
    await grant(agent, amount=1)

    again = await grant(agent, idempotency_key="ar_1")

    assert again.status_code == 200
    assert again.json() == first.json() | {"idempotent_replay": True}
    assert await balance(agent) == 543


async def test_the_header_is_the_same_key(agent: httpx2.AsyncClient) -> None:
    body = {"email": CLIENT, "amount": 500}
    await agent.post("/subaccounts/credits", json=body, headers={"Idempotency-Key": "ar_1"})

    again = await grant(agent, idempotency_key="ar_1")

    assert again.json()["idempotent_replay"] is True
    assert await balance(agent) == 542


async def test_two_different_keys_are_one_too_many(agent: httpx2.AsyncClient) -> None:
    body = {"email": CLIENT, "amount": 500, "idempotency_key": "a"}

    answer = await agent.post("/subaccounts/credits", json=body, headers={"Idempotency-Key": "b"})

    assert answer.status_code == 400
    assert await balance(agent) == 42


async def test_a_key_stands_for_one_amount(agent: httpx2.AsyncClient) -> None:
    await grant(agent, idempotency_key="ar_1")

    answer = await grant(agent, idempotency_key="ar_1", amount=499)

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "DUPLICATE_REQUEST")
    assert await balance(agent) == 542


async def test_a_storm_of_equal_requests_grants_once(agent: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(grant(agent, idempotency_key="ar_1") for _ in range(50)))

    assert {(answer.status_code, answer.json()["new_balance"]) for answer in answers} == {(200, 542)}
    assert sum("idempotent_replay" not in answer.json() for answer in answers) == 1
    assert await balance(agent) == 542


async def test_a_metered_agency_cannot_give_what_it_has_not(
    agent: httpx2.AsyncClient, database: Any, agency: int
) -> None:
    await world.grant(database, agency, 100)

    answer = await grant(agent)

    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "INSUFFICIENT_CREDITS")
    assert await balance(agent) == 42


@pytest.mark.parametrize(
    "amount",
    ["0", "-500", "0.5", '"500"', "1e308", "NaN", "9007199254740993", "null", "true", "1000000000001", "[5]", "1e400"],
)
async def test_b71_an_amount_that_is_none_is_refused(agent: httpx2.AsyncClient, amount: str) -> None:
    content = f'{{"email": "{CLIENT}", "amount": {amount}}}'

    answer = await agent.post("/subaccounts/credits", content=content, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert await balance(agent) == 42


async def test_b72_whoever_is_not_below_the_agency_does_not_exist(
    agent: httpx2.AsyncClient, database: Database, agency: int, connection: Any
) -> None:
    other = await world.workspace(database, kind="agency")
    async with database.tx(other) as tx:
        await agencies.open(tx, "Theirs", "theirs@example.com")
    await connection.execute("update accounts set email = 'own@example.com' where id = $1", agency)

    answers = [
        await grant(agent, email=email)
        for email in ("unknown@example.com", "theirs@example.com", "own@example.com", "no address", "", "a@b\u0301.com")
    ]

    assert {(answer.status_code, answer.json()["error"]["code"]) for answer in answers} == {
        (404, "SUBACCOUNT_NOT_FOUND")
    }
    assert len({answer.text for answer in answers}) == 1


async def test_b72_an_email_counts_without_case(agent: httpx2.AsyncClient) -> None:
    assert (await grant(agent, email="CLIENT@Example.com")).json()["new_balance"] == 542


async def test_b72_a_key_of_no_agency_is_refused(api: httpx2.AsyncClient) -> None:
    answer = await grant(api)

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "NOT_AN_AGENCY")


async def test_b73_a_key_in_the_address_is_none(plain: httpx2.AsyncClient, agent: httpx2.AsyncClient) -> None:
    key = agent.headers["x-api-key"]

    answer = await plain.post("/subaccounts/credits", params={"apiKey": key}, json={"email": CLIENT, "amount": 5})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    assert await balance(agent) == 42


async def test_two_keys_that_differ_are_none(agent: httpx2.AsyncClient, new_key: Any, agency: int) -> None:
    other = await new_key("connector", rate="off", account=agency)

    answer = await agent.post("/subaccounts/credits", params={"apiKey": other}, json={"email": CLIENT, "amount": 5})

    assert answer.status_code == 401


@pytest.mark.parametrize("missing", ["email", "amount"])
async def test_a_missing_field_is_named(agent: httpx2.AsyncClient, missing: str) -> None:
    body = {name: value for name, value in {"email": CLIENT, "amount": 5}.items() if name != missing}

    answer = await agent.post("/subaccounts/credits", json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MISSING_FIELD")


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
async def test_a_key_that_cannot_be_kept_is_refused(agent: httpx2.AsyncClient, key: str) -> None:
    answer = await grant(agent, idempotency_key=key)

    assert answer.status_code == 400
    assert await balance(agent) == 42


async def test_an_agent_of_the_agency_may_not_give_credits(
    plain: httpx2.AsyncClient, new_key: Any, agency: int
) -> None:
    plain.headers["x-api-key"] = await new_key("connector", role="agent", account=agency)

    assert (await grant(plain)).status_code == 403


async def test_b22_what_nobody_may_set_is_ignored(agent: httpx2.AsyncClient) -> None:
    email = fresh()
    body = {"email": email, "first_name": "Jane", "last_name": "Smith", "credits": 9999, "is_admin": True, "id": 1}

    made = await agent.post("/subaccounts", json=body)

    assert made.status_code == 201
    assert made.json()["data"]["usage_limits"]["credits"] == 0


async def test_a_sub_account_is_made_with_all_that_was_told(agent: httpx2.AsyncClient) -> None:
    email = fresh()
    told = {
        "email": email,
        "first_name": "Jane",
        "last_name": "Smith",
        "business_name": "Smith & Co",
        "description": "A bakery",
        "address_line": "1 Main Street",
        "city": "Cluj-Napoca",
        "country": "RO",
        "postal_code": "400001",
        "state": "Cluj",
        "time_zone_id": "Europe/Bucharest",
        "language": "ro",
    }
    limits = {"monthly_credits": 100, "credits": 25, "roll_over_to_next_month": True}

    made = await agent.post("/subaccounts", json=told | {"usage_limits": limits})
    shown = await agent.get("/subaccounts", params={"email": email})

    assert made.status_code == 201
    data = made.json()["data"]
    assert len(data.pop("password")) >= 15
    assert shown.json() == {"success": True, "data": data}
    assert len(data.pop("id")) == 20
    assert data == told | {
        "role": "Sub Account",
        "is_agency_sub_account": True,
        "credits_used_today": 0,
        "usage_limits": {
            "monthly_credits": 100,
            "monthly_credits_used": 0,
            "credits": 125,
            "roll_over_to_next_month": True,
        },
    }


async def test_what_the_agency_cannot_pay_for_is_not_made(
    agent: httpx2.AsyncClient, database: Any, agency: int
) -> None:
    await world.grant(database, agency, 100)
    email = fresh()
    body = {"email": email, "first_name": "J", "last_name": "S", "usage_limits": {"monthly_credits": 101}}

    answer = await agent.post("/subaccounts", json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INSUFFICIENT_CREDITS")
    assert (await agent.get("/subaccounts", params={"email": email})).status_code == 404


async def test_an_address_stands_for_one_sub_account(agent: httpx2.AsyncClient) -> None:
    answer = await agent.post("/subaccounts", json={"email": CLIENT, "first_name": "J", "last_name": "S"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "ACCOUNT_EXISTS")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"email": "no address"}, "INVALID_EMAIL"),
        ({"email": None}, "MISSING_FIELD"),
        ({"first_name": ""}, "MISSING_FIELD"),
        ({"first_name": "x" * 61}, "INVALID_FIELD"),
        ({"last_name": 5}, "INVALID_FIELD"),
        ({"country": "Romania"}, "INVALID_FIELD"),
        ({"time_zone_id": "Mars/Olympus"}, "INVALID_FIELD"),
        ({"business_name": "two\nlines"}, "INVALID_FIELD"),
        ({"usage_limits": {"monthly_credits": -1}}, "INVALID_FIELD"),
        ({"usage_limits": {"credits": 0.5}}, "INVALID_FIELD"),
        ({"usage_limits": []}, "INVALID_FIELD"),
    ],
)
async def test_a_wrong_field_makes_no_sub_account(agent: httpx2.AsyncClient, wrong: dict[str, Any], code: str) -> None:
    body = {"email": fresh(), "first_name": "Jane", "last_name": "Smith", **wrong}

    answer = await agent.post("/subaccounts", json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_who_is_no_agency_has_no_sub_accounts(api: httpx2.AsyncClient, method: str) -> None:
    body = {"email": fresh(), "first_name": "J", "last_name": "S"} if method == "POST" else None

    answer = await api.request(method, "/subaccounts", params={"email": CLIENT}, json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "NOT_AN_AGENCY")


async def test_sub_accounts_are_listed_in_pages(agent: httpx2.AsyncClient, database: Database, agency: int) -> None:
    async with database.tx(agency) as tx:
        await agencies.open(tx, "Second", "second@example.com")

    first = (await agent.get("/subaccounts", params={"limit": 1})).json()
    second = (await agent.get("/subaccounts", params={"limit": 1, "after": first["next"]})).json()

    assert [sub["email"] for page in (first, second) for sub in page["data"]] == [CLIENT, "second@example.com"]
    assert second["next"] is None
    assert (await agent.get("/subaccounts", params={"after": "nonsense"})).status_code == 400


async def test_a_deleted_sub_account_is_gone_at_once(
    agent: httpx2.AsyncClient, new_key: Any, sub: int, plain: httpx2.AsyncClient, dialects: Dialects
) -> None:
    plain.headers["x-api-key"] = await new_key("connector", rate="off", account=sub)
    before = (await plain.get("/lists")).status_code

    answer = await agent.delete("/subaccounts", params={"email": CLIENT})
    dialects.site.credentials.forget(sub)  # as every process hears, soon after the commit

    assert answer.json() == {"success": True, "message": "Sub-account deleted successfully"}
    assert before == 200
    assert (await plain.get("/lists")).status_code == 401
    assert (await agent.get("/subaccounts", params={"email": CLIENT})).status_code == 404
    assert (await grant(agent)).status_code == 404
    assert (await agent.delete("/subaccounts", params={"email": CLIENT})).status_code == 404


async def test_deleting_needs_an_address(agent: httpx2.AsyncClient) -> None:
    answer = await agent.delete("/subaccounts")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MISSING_FIELD")
