"""In a real browser: sign in, see the status page, hear what happens. Needs chromium."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.web import chromium
from tests.world import simulator
from trunkline.core import live
from trunkline.core.db import Database

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        chromium.PROGRAM is None and not os.environ.get("CI"),
        reason="chromium is not installed (Debian: apt install chromium)",
    ),
]

SIGN_IN = """
    document.querySelector("#email").value = {email!r};
    document.querySelector("#password").value = {password!r};
    document.querySelector("form").requestSubmit();
"""


async def test_signing_in_shows_a_status_page_that_stays_up_to_date(
    site: str, database: Database, account: int, email: str, password: str, tmp_path: Path
) -> None:
    async with asyncio.timeout(120), chromium.page() as page:
        await page.go(site)
        await page.evaluate(SIGN_IN.format(email=email, password=password))
        await page.until("document.querySelector('.menu')")
        await page.go(f"{site}/status")
        await page.until("document.body.dataset.heard")
        channel = await simulator(database, account)
        async with database.system(account) as tx:
            await live.push(tx, [("channel.created", {"id": channel.id})])

        await page.until(f"document.querySelector('#status').textContent.includes({channel.name!r})")

        (tmp_path / "wide.png").write_bytes(await page.picture())
        await page.look(390, 844)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        picture = await page.picture()
        assert page.problems == []

    (tmp_path / "status.png").write_bytes(picture)
    assert len(picture) > 10_000


async def test_signing_out_leads_back_to_the_form(site: str, email: str, password: str) -> None:
    async with asyncio.timeout(120), chromium.page() as page:
        await page.go(site)
        await page.evaluate(SIGN_IN.format(email=email, password=password))
        await page.until("document.querySelector('.menu')")

        await page.evaluate("document.querySelector('form[action=\"/logout\"]').requestSubmit()")

        await page.until("location.pathname === '/login' && document.querySelector('#email')")
