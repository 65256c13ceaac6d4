"""Sub-accounts as their agency sees them."""

import re
from typing import Any

import httpx2
import pytest

from tests import world
from trunkline.accounts import accounts, users
from trunkline.billing import agencies
from trunkline.core.db import Database
from trunkline.core.ids import token

pytestmark = pytest.mark.anyio

PASSWORD = "a bird sang twice"


class Agency:
    """A signed-in owner of an agency that has credits."""

    def __init__(self, browser: httpx2.AsyncClient, account: int, csrf: str):
        self.browser, self.account, self.csrf = browser, account, csrf

    async def post(self, path: str, **values: Any) -> httpx2.Response:
        return await self.browser.post(path, data={"csrf": self.csrf, **values})


@pytest.fixture
async def agency(browser: httpx2.AsyncClient, database: Database) -> Agency:
    account = await world.workspace(database, kind="agency")
    await world.grant(database, account, 10_000)
    address = f"{token(12).lower()}@example.com"
    async with database.system(account) as tx:
        await users.create(tx, address, "owner", password=PASSWORD, name="Ana")
    await browser.post("/login", data={"email": address, "password": PASSWORD})
    found = re.search(r'name="csrf" value="(\w+)"', (await browser.get("/me")).text)
    assert found
    return Agency(browser, account, found[1])


async def open_sub(agency: Agency, database: Database, name: str = "Tea <b>") -> agencies.Sub:
    email = f"{token(12).lower()}@example.com"
    page = await agency.post("/agency/new", name=name, email=email, credits="100", monthly="")
    assert page.status_code == 200, page.text
    async with database.tx(agency.account) as tx:
        return await agencies.get(tx, email)


async def test_a_sub_account_is_opened_with_a_password_shown_once(agency: Agency, database: Database) -> None:
    email = f"{token(12).lower()}@example.com"
    page = await agency.post("/agency/new", name="Tea", email=email, credits="100", monthly="50")
    found = re.search(r'id="secret">([^<]+)<', page.text)
    assert found
    table = await agency.browser.get("/agency")

    agency.browser.cookies.clear()
    signed_in = await agency.browser.post("/login", data={"email": email, "password": found[1]})

    assert email in table.text
    assert found[1] not in table.text
    assert signed_in.headers["location"] == "/"


async def test_credits_are_given_once_however_often_the_form_comes(agency: Agency, database: Database) -> None:
    sub = await open_sub(agency, database)
    page = await agency.browser.get(f"/agency/{sub.id}")
    once = re.search(r'name="once" value="(\w+)"', page.text)
    assert once

    for _ in range(2):
        answer = await agency.post(f"/agency/{sub.id}/credits", amount="250", once=once[1], description="March")
        assert answer.status_code == 303

    async with database.tx(agency.account) as tx:
        assert (await agencies.get(tx, sub.email)).available == 350


async def test_more_than_there_is_cannot_be_given(agency: Agency, database: Database) -> None:
    sub = await open_sub(agency, database)

    page = await agency.post(f"/agency/{sub.id}/credits", amount="1000000", once="")

    assert page.status_code == 422
    assert 'id="amount-problem"' in page.text


async def test_an_allowance_is_set(agency: Agency, database: Database) -> None:
    sub = await open_sub(agency, database)

    await agency.post(f"/agency/{sub.id}/allowance", monthly="70", roll_over="1")

    async with database.tx(agency.account) as tx:
        changed = await agencies.get(tx, sub.email)
    assert (changed.monthly, changed.roll_over, changed.available) == (70, True, 170)


async def test_a_sub_account_is_suspended_and_resumed(agency: Agency, database: Database) -> None:
    sub = await open_sub(agency, database)
    states = []

    for on in ("1", ""):
        await agency.post(f"/agency/{sub.id}/suspension", on=on)
        async with database.system() as tx:
            states.append((await accounts.get(tx, sub.id)).suspended)

    assert states == [True, False]


async def test_a_deleted_one_leaves_the_table(agency: Agency, database: Database) -> None:
    sub = await open_sub(agency, database)

    answer = await agency.post(f"/agency/{sub.id}/removal")

    assert answer.status_code == 303
    assert sub.email not in (await agency.browser.get("/agency")).text


async def test_anothers_sub_account_is_unknown(agency: Agency, database: Database) -> None:
    other = await world.workspace(database, kind="agency")
    async with database.tx(other) as tx:
        opened = await agencies.open(tx, "Theirs", f"{token(12).lower()}@example.com")

    assert (await agency.browser.get(f"/agency/{opened.account.id}")).status_code == 404
    assert (await agency.post(f"/agency/{opened.account.id}/credits", amount="1")).status_code == 404
    assert (await agency.post(f"/agency/{opened.account.id}/suspension", on="1")).status_code == 404


async def test_a_workspace_is_no_agency(ana: httpx2.AsyncClient) -> None:
    assert (await ana.get("/agency")).status_code == 403


async def test_one_goes_over_only_where_one_is_a_member(agency: Agency, database: Database) -> None:
    sub = await open_sub(agency, database)

    without = await agency.browser.get("/agency")
    answer = await agency.post("/workspace", workspace=str(sub.uuid))

    assert "Switch there" not in without.text
    assert answer.status_code == 404


async def test_standing_in_is_said_above_every_page_and_ended(agency: Agency, database: Database) -> None:
    sub = await open_sub(agency, database)
    before = await agency.browser.get(f"/agency/{sub.id}")

    begun = await agency.post(f"/agency/{sub.id}/visit", reason="Ticket 7")
    there = await agency.browser.get("/contacts")
    ended = await agency.post("/visit/end")
    after = await agency.browser.get("/contacts")

    assert "Stand in for them" in before.text
    assert (begun.status_code, begun.headers["location"]) == (303, "/")
    assert "You stand in for Tea &lt;b&gt; until" in there.text
    assert ended.headers["location"] == f"/agency/{sub.id}"
    assert "You stand in" not in after.text


async def test_a_visitor_deletes_nothing_that_only_an_owner_may(agency: Agency, database: Database) -> None:
    sub = await open_sub(agency, database)
    await agency.post(f"/agency/{sub.id}/visit")

    refused = await agency.post(f"/agency/{sub.id}/removal")

    assert refused.status_code == 403


async def test_nobody_stands_in_for_anothers_sub_account(agency: Agency, database: Database) -> None:
    other = await world.workspace(database, kind="agency")
    async with database.tx(other) as tx:
        opened = await agencies.open(tx, "Theirs", f"{token(12).lower()}@example.com")

    assert (await agency.post(f"/agency/{opened.account.id}/visit")).status_code == 404
    assert (await agency.post("/visit/end")).headers["location"] == "/"
