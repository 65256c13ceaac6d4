"""The explorer: every endpoint in a page, asked as oneself."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from trunkline.accounts import browsers
from trunkline.app import App
from trunkline.dialects.rapidpro import rapidpro

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pages(database) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(App(database))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def enter(pages: httpx2.AsyncClient, signed_in, account: int, role: str) -> str:
    """Sign in; the token of the session."""
    token, _ = await signed_in(role, account, kind="browser")
    pages.cookies.set(browsers.cookie_name(False), token)
    return token


@pytest.mark.parametrize("role", ["owner", "admin", "editor"])
async def test_it_names_every_endpoint(pages, signed_in, account, role):
    await enter(pages, signed_in, account, role)

    page = await pages.get("/api/v2/explorer/")

    assert page.status_code == 200
    named = set(re.findall(r'data-method="(\w+)" data-path="([^"]+)"', page.text))
    assert named >= {(each.method, each.path) for each in rapidpro.operations}


async def test_its_scripts_and_styles_are_our_own(pages, signed_in, account):
    await enter(pages, signed_in, account, "admin")

    page = await pages.get("/api/v2/explorer/")

    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert all(address.startswith("/static/") for address in re.findall(r'<script src="([^"]+)"', page.text))
    assert not re.search(r"<script(?![^>]+src=)|\son\w+=|\sstyle=|javascript:", page.text)


@pytest.mark.parametrize("role", [None, "agent", "viewer"])
async def test_others_are_sent_to_sign_in(pages, signed_in, account, role):
    if role:
        await enter(pages, signed_in, account, role)

    answer = await pages.get("/api/v2/explorer/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


async def test_its_requests_are_those_of_who_is_signed_in(pages, signed_in, account):
    await enter(pages, signed_in, account, "editor")
    page = (await pages.get("/api/v2/explorer/")).text
    [proof] = re.findall(r'data-csrf="(\w+)"', page)
    [address] = set(re.findall(r'data-address="([^"]+)"', page))

    without = await pages.post(f"{address}/groups.json", json={"name": "Reporters"})
    made = await pages.post(f"{address}/groups.json", json={"name": "Reporters"}, headers={"x-csrftoken": proof})
    listed = await pages.get(f"{address}/labels.json")

    assert (without.status_code, without.json()) == (403, {"detail": "CSRF Failed: CSRF token missing."})
    assert (made.status_code, listed.status_code) == (201, 200)
    assert "x-ratelimit-limit" not in listed.headers


async def test_the_documentation_leads_to_it(pages):
    page = await pages.get("/api/v2/")

    assert "/api/v2/explorer/" in page.text


async def test_no_key_is_written_into_the_page(pages, signed_in, account, new_key):
    token = await enter(pages, signed_in, account, "admin")

    page = await pages.get("/api/v2/explorer/")

    assert token not in page.text
