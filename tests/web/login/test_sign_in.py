"""The second factor, forgotten passwords and sessions, as a browser meets them."""

import re
from datetime import timedelta

import httpx2
import pytest

from trunkline.accounts import sessions
from trunkline.core import clock, totp
from trunkline.core.db import Database

pytestmark = pytest.mark.anyio


async def csrf(browser: httpx2.AsyncClient) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', (await browser.get("/me")).text)
    assert found
    return found[1]


@pytest.fixture
async def secret(ana: httpx2.AsyncClient) -> str:
    """Ana's second factor, switched on; she is still signed in."""
    page = await ana.get("/me/second-factor")
    found = re.search(r'id="totp-secret">(\w+)<', page.text)
    assert found
    code = totp.code(found[1], clock.now() - timedelta(seconds=30))
    done = await ana.post("/me/second-factor", data={"csrf": await csrf(ana), "code": code})
    assert "Recovery codes" in done.text
    return found[1]


async def first_step(browser: httpx2.AsyncClient, email: str, password: str) -> str:
    browser.cookies.clear()
    page = await browser.post("/login", data={"email": email, "password": password})
    found = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


async def test_the_picture_is_drawn_here(ana: httpx2.AsyncClient) -> None:
    page = await ana.get("/me/second-factor")

    assert 'src="data:image/svg+xml' in page.text
    assert "otpauth://totp/" in page.text


async def test_a_wrong_first_code_is_refused_beside_its_field(ana: httpx2.AsyncClient) -> None:
    page = await ana.post("/me/second-factor", data={"csrf": await csrf(ana), "code": "000000x"})

    assert page.status_code == 422
    assert 'id="code-problem"' in page.text


async def test_signing_in_takes_both_steps(ana: httpx2.AsyncClient, secret: str, email: str, password: str) -> None:
    ticket = await first_step(ana, email, password)
    between = await ana.get("/me")

    answer = await ana.post("/login/code", data={"ticket": ticket, "code": totp.code(secret, clock.now())})

    assert between.headers["location"] == "/login"
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert (await ana.get("/me")).status_code == 200


async def test_a_wrong_code_asks_again(ana: httpx2.AsyncClient, secret: str, email: str, password: str) -> None:
    ticket = await first_step(ana, email, password)

    page = await ana.post("/login/code", data={"ticket": ticket, "code": "000000"})

    assert page.status_code == 401
    assert ticket in page.text


async def test_a_forged_ticket_leads_back_to_the_password(ana: httpx2.AsyncClient, secret: str) -> None:
    ana.cookies.clear()

    page = await ana.post("/login/code", data={"ticket": "x" * 80, "code": totp.code(secret, clock.now())})

    assert page.status_code == 401
    assert 'name="password"' in page.text


async def test_another_site_cannot_post_the_code(browser: httpx2.AsyncClient) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}

    answer = await browser.post("/login/code", data={"ticket": "", "code": ""}, headers=headers)

    assert answer.status_code == 403


async def test_it_is_switched_off_with_the_password(ana: httpx2.AsyncClient, secret: str, password: str) -> None:
    token = await csrf(ana)
    wrong = await ana.post("/me/second-factor/removal", data={"csrf": token, "factor_password": "a bird sang once"})
    right = await ana.post("/me/second-factor/removal", data={"csrf": token, "factor_password": password})

    assert wrong.status_code == 422
    assert 'id="factor_password-problem"' in wrong.text
    assert right.status_code == 303
    assert "Set it up" in (await ana.get("/me")).text


async def test_programs_give_the_code_beside_the_password(
    ana: httpx2.AsyncClient, secret: str, database: Database, email: str, password: str
) -> None:
    with pytest.raises(sessions.CodeNeeded):
        await sessions.login(database, email, password, kind="bearer")


async def test_the_password_is_changed_by_who_knows_it(
    ana: httpx2.AsyncClient, database: Database, email: str, password: str
) -> None:
    other = await sessions.login(database, email, password)
    token, new = await csrf(ana), "kites over the bay"
    wrong = await ana.post("/me/password", data={"csrf": token, "current": "a bird sang once", "password": new})
    short = await ana.post("/me/password", data={"csrf": token, "current": password, "password": "short"})

    right = await ana.post("/me/password", data={"csrf": token, "current": password, "password": new})

    assert 'id="current-problem"' in wrong.text
    assert 'id="password-problem"' in short.text
    assert right.status_code == 303
    assert (await ana.get("/me")).status_code == 200
    assert await sessions.find(database, other.token) is None
    assert (await sessions.login(database, email, new)).token


async def test_other_browsers_are_listed_and_signed_out(
    ana: httpx2.AsyncClient, database: Database, email: str, password: str
) -> None:
    first = await sessions.login(database, email, password, user_agent="Phone <i>", ip="192.0.2.7")
    second = await sessions.login(database, email, password, user_agent="Tablet")
    page = await ana.get("/me")
    token = await csrf(ana)

    one = await ana.post(f"/me/sessions/{first.session.digest.hex()}/removal", data={"csrf": token})
    after_one = await sessions.find(database, second.token)
    rest = await ana.post("/me/sessions/others", data={"csrf": token})

    assert "Phone &lt;i&gt;" in page.text
    assert "192.0.2.7" in page.text
    assert (one.status_code, rest.status_code) == (303, 303)
    assert await sessions.find(database, first.token) is None
    assert after_one is not None
    assert await sessions.find(database, second.token) is None
    assert (await ana.get("/me")).status_code == 200


async def test_anothers_session_is_unknown(
    ana: httpx2.AsyncClient, database: Database, other_account: int, password: str
) -> None:
    from trunkline.accounts import users

    address = f"eve{other_account}@example.com"
    async with database.system(other_account) as tx:
        await users.create(tx, address, "owner", password=password)
    eve = await sessions.login(database, address, password)

    answer = await ana.post(f"/me/sessions/{eve.session.digest.hex()}/removal", data={"csrf": await csrf(ana)})

    assert answer.status_code == 404
    assert await sessions.find(database, eve.token)


async def test_asking_for_a_link_reads_the_same_for_everybody(browser: httpx2.AsyncClient, email: str) -> None:
    known = await browser.post("/reset", data={"email": email})
    unknown = await browser.post("/reset", data={"email": f"x{email}"})

    assert (known.status_code, unknown.status_code) == (200, 200)
    assert known.text == unknown.text


async def test_links_are_not_asked_for_without_end(browser: httpx2.AsyncClient, email: str) -> None:
    answers = [await browser.post("/reset", data={"email": email}) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


@pytest.mark.parametrize("path", ["/reset/form?token=x", "/reset/form", "/invitation?token=x", "/invitation"])
async def test_a_link_that_is_none_says_so(browser: httpx2.AsyncClient, path: str) -> None:
    page = await browser.get(path)

    assert page.status_code == 404
    assert "This link is over" in page.text


@pytest.mark.parametrize("path", ["/reset", "/reset/form", "/invitation"])
async def test_another_site_cannot_post_these_forms(browser: httpx2.AsyncClient, path: str) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}

    answer = await browser.post(path, data={"email": "ana@example.com", "token": "x"}, headers=headers)

    assert answer.status_code == 403
