"""Signing in and out with forms, and moving between workspaces."""

import re

import httpx2
import pytest
from starlette.applications import Starlette

from tests import world
from trunkline.accounts import sessions, throttle, users
from trunkline.core.db import Database

pytestmark = pytest.mark.anyio


def csrf(page: httpx2.Response) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
    assert found
    return found[1]


@pytest.fixture
async def second(database: Database, email: str) -> int:
    """Another workspace of Ana's."""
    account = await world.workspace(database)
    async with database.system(account) as tx:
        await users.create(tx, email, "viewer")
    return account


async def test_who_is_not_signed_in_is_sent_to_the_form(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/status")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


async def test_the_form_asks_for_email_and_password(browser: httpx2.AsyncClient) -> None:
    page = await browser.get("/login")

    assert page.status_code == 200
    assert all(f'name="{field}"' in page.text for field in ("email", "password"))


async def test_signing_in_opens_the_first_page_of_the_menu(
    browser: httpx2.AsyncClient, email: str, password: str
) -> None:
    answer = await browser.post("/login", data={"email": email, "password": password})

    start = await browser.get(answer.headers["location"])
    page = await browser.get(start.headers["location"])
    assert page.status_code == 200
    assert "Ana &lt;Pop&gt;" in page.text


@pytest.mark.parametrize(
    ("scheme", "start", "words"),
    [
        ("http", "trunkline=trs_", {"HttpOnly", "Path=/", "SameSite=lax"}),
        ("https", "__Host-trunkline=trs_", {"HttpOnly", "Path=/", "SameSite=lax", "Secure"}),
    ],
)
async def test_the_cookie_fits_the_scheme(
    app: Starlette, email: str, password: str, scheme: str, start: str, words: set[str]
) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=f"{scheme}://testserver") as client:
        answer = await client.post("/login", data={"email": email, "password": password})

    value, *attributes = answer.headers["set-cookie"].split("; ")
    assert value.startswith(start)
    assert words | {"Max-Age=2592000"} == set(attributes)


async def test_a_plain_cookie_opens_nothing_on_https(app: Starlette, ana: httpx2.AsyncClient) -> None:
    token = ana.cookies["trunkline"]

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="https://testserver") as client:
        answer = await client.get("/", headers={"Cookie": f"trunkline={token}"})

    assert answer.status_code == 303


@pytest.mark.parametrize("who", ["ana", "nobody@example.com", "", "no address", "<b>@example.com"])
async def test_a_wrong_login_says_nothing_about_who_exists(browser: httpx2.AsyncClient, email: str, who: str) -> None:
    typed = email if who == "ana" else who

    answer = await browser.post("/login", data={"email": typed, "password": "a bird sang once"})

    assert answer.status_code == 401
    assert "Wrong email address or password." in answer.text
    assert "set-cookie" not in answer.headers
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {"content": b"{}", "headers": {"content-type": "application/json"}},
        {"content": b"email=%ff%00&password=%00", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"content": b""},
    ],
)
async def test_what_is_no_form_is_a_wrong_login(browser: httpx2.AsyncClient, body: dict) -> None:
    answer = await browser.post("/login", **body)

    assert answer.status_code == 401


async def test_too_many_failures_have_to_wait(
    browser: httpx2.AsyncClient, email: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "PER_EMAIL", 1)
    await browser.post("/login", data={"email": email, "password": "a bird sang once"})

    answer = await browser.post("/login", data={"email": email, "password": password})

    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 15 * 60
    assert "Try again in 15 minutes." in answer.text


async def test_signing_in_again_ends_the_session_before(
    ana: httpx2.AsyncClient, database: Database, email: str, password: str
) -> None:
    before = ana.cookies["trunkline"]

    await ana.post("/login", data={"email": email, "password": password})

    assert ana.cookies["trunkline"] != before
    assert await sessions.find(database, before) is None


async def test_another_site_cannot_sign_anybody_in(browser: httpx2.AsyncClient, email: str, password: str) -> None:
    form = {"email": email, "password": password}

    answer = await browser.post("/login", data=form, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_programs_that_say_nothing_of_an_origin_may_sign_in(app: Starlette, email: str, password: str) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver") as client:
        answer = await client.post("/login", data={"email": email, "password": password})

    assert answer.status_code == 303


async def test_who_is_signed_in_needs_no_form(ana: httpx2.AsyncClient) -> None:
    answer = await ana.get("/login")

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_a_bearer_token_is_no_cookie(
    browser: httpx2.AsyncClient, database: Database, email: str, password: str
) -> None:
    signed_in = await sessions.login(database, email, password, kind="bearer")
    browser.cookies.set("trunkline", signed_in.token)

    answer = await browser.get("/status")

    assert answer.status_code == 303


async def test_signing_out_ends_session_and_cookie(ana: httpx2.AsyncClient, database: Database) -> None:
    token = ana.cookies["trunkline"]

    answer = await ana.post("/logout", data={"csrf": csrf(await ana.get("/status"))})

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert await sessions.find(database, token) is None
    assert "trunkline" not in ana.cookies


@pytest.mark.parametrize("path", ["/logout", "/workspace"])
@pytest.mark.parametrize("given", ["", "0" * 64, "é"])
async def test_a_form_without_the_token_changes_nothing(ana: httpx2.AsyncClient, path: str, given: str) -> None:
    answer = await ana.post(path, data={"csrf": given})

    assert answer.status_code == 403
    assert (await ana.get("/status")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "http://testserver:81"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
    ],
)
async def test_a_form_of_another_site_changes_nothing(ana: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    given = csrf(await ana.get("/status"))

    answer = await ana.post("/logout", data={"csrf": given}, headers=headers)

    assert answer.status_code == 403
    assert (await ana.get("/status")).status_code == 200


async def test_a_form_of_unsaid_origin_changes_nothing(ana: httpx2.AsyncClient) -> None:
    given = csrf(await ana.get("/status"))
    del ana.headers["Origin"]

    answer = await ana.post("/logout", data={"csrf": given})

    assert answer.status_code == 403


async def test_signing_out_twice_is_no_error(browser: httpx2.AsyncClient) -> None:
    answer = await browser.post("/logout")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


async def test_a_person_with_one_workspace_has_nothing_to_choose(ana: httpx2.AsyncClient) -> None:
    page = await ana.get("/status")

    assert "<select" not in page.text


async def test_the_chosen_workspace_is_shown(ana: httpx2.AsyncClient, database: Database, second: int) -> None:
    page = await ana.get("/status")
    other = re.findall(r'<option value="([^"]+)">', page.text)

    answer = await ana.post("/workspace", data={"csrf": csrf(page), "workspace": other[0]})

    session = await sessions.find(database, ana.cookies["trunkline"])
    assert answer.status_code == 303
    assert session is not None
    assert session.account_id == second


@pytest.mark.parametrize("uuid", ["", "x", "00000000-0000-7000-8000-000000000000"])
async def test_a_workspace_of_others_is_not_found(ana: httpx2.AsyncClient, second: int, uuid: str) -> None:
    given = csrf(await ana.get("/status"))

    answer = await ana.post("/workspace", data={"csrf": given, "workspace": uuid})

    assert answer.status_code == 404
