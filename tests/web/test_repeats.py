"""Forms whose answer was lost: sent again they do nothing, and a page can ask what became of them."""

import re

import httpx2
import pytest

from trunkline.contacts import listing
from trunkline.contacts.listing import Filter
from trunkline.core.db import Database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def csrf(ana: httpx2.AsyncClient) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', (await ana.get("/me")).text)
    assert found
    return found[1]


async def test_a_form_that_is_sent_twice_is_done_once_and_leads_to_the_same_place(
    ana: httpx2.AsyncClient, csrf: str, database: Database, account: int
) -> None:
    said = {"csrf": csrf, "name": "Zoe", "once": "a1"}

    answers = [await ana.post("/contacts/new", data=said) for _ in range(2)]

    assert len({answer.headers["location"] for answer in answers}) == 1
    assert "not done again" in (await ana.get(answers[1].headers["location"])).text
    async with database.tx(account) as tx:
        assert [each.name for each in await listing.page(tx, Filter(), limit=5)] == ["Zoe"]


async def test_a_form_that_was_refused_may_be_sent_again_under_its_number(ana: httpx2.AsyncClient, csrf: str) -> None:
    wrong = {"csrf": csrf, "email": "no address", "once": "a1"}

    refused = await ana.post("/contacts/new", data=wrong)
    standing = (await ana.get("/session", params={"sent": "a1"})).json()["sent"]
    taken = await ana.post("/contacts/new", data=wrong | {"email": "zoe@example.com"})

    assert (refused.status_code, standing, taken.status_code) == (422, None, 303)


async def test_a_page_asks_who_is_signed_in_and_what_became_of_its_form(ana: httpx2.AsyncClient, csrf: str) -> None:
    await ana.post("/contacts/new", data={"csrf": csrf, "name": "Zoe", "once": "a1"})

    told = (await ana.get("/session", params={"sent": "a1"})).json()
    other = (await ana.get("/session", params={"sent": "a2"})).json()

    assert (told["csrf"], told["sent"], other["sent"]) == (csrf, "taken", None)


async def test_nobody_is_signed_in(browser: httpx2.AsyncClient) -> None:
    told = await browser.get("/session")

    assert (told.status_code, told.json()) == (200, {"user": None})


async def test_a_number_belongs_to_one_form(ana: httpx2.AsyncClient, csrf: str) -> None:
    await ana.post("/contacts/new", data={"csrf": csrf, "name": "Zoe", "once": "a1"})

    answer = await ana.post("/companies", data={"csrf": csrf, "name": "Acme", "once": "a1"})

    assert answer.status_code == 422
