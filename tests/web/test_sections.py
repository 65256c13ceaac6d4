"""What all pages have in common: who may, forms of ours, forms that are shown again."""

import re

import httpx2
import pytest

from trunkline.contacts import people
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def token(ana: httpx2.AsyncClient) -> str:
    page = await ana.get("/me")
    found = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert found
    return found[1]


async def test_who_is_not_signed_in_is_sent_to_do_so(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/me")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


async def test_a_form_of_ours_is_taken_and_the_next_page_says_so(ana: httpx2.AsyncClient, token: str) -> None:
    answer = await ana.post("/me/look", data={"csrf": token, "theme": "dark", "language": "ro"})
    page = await ana.get(answer.headers["location"])

    assert answer.status_code == 303
    assert '<html lang="ro" dir="ltr" data-theme="dark">' in page.text
    assert "Saved." in page.text
    assert "Saved." not in (await ana.get("/me")).text


@pytest.mark.parametrize("csrf", ["", "0" * 64])
async def test_a_form_without_the_token_is_refused(ana: httpx2.AsyncClient, csrf: str) -> None:
    answer = await ana.post("/me/look", data={"csrf": csrf, "theme": "dark"})

    assert answer.status_code == 403
    assert "trunkline_look" not in ana.cookies


async def test_the_token_of_a_script_stands_in_a_header(ana: httpx2.AsyncClient, token: str) -> None:
    answer = await ana.post("/me/look", data={"theme": "dark"}, headers={"X-CSRF": token})

    assert answer.status_code == 303


async def test_the_palette_finds_pages_and_people(ana: httpx2.AsyncClient, database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        await people.create(tx, NewContact(name="Zoe <i>Stat</i>"))

    page = await ana.get("/palette?q=stat", headers={"HX-Request": "true"})

    assert 'href="/status"' in page.text
    assert "Zoe &lt;i&gt;Stat&lt;/i&gt;" in page.text
