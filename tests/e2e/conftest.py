"""The whole product in a real browser: `trunkline up` in a folder of its own, Chromium in front of it.

Nothing here reaches into the program: workspaces come from its commands, messages from its APIs. A test is an ordinary
function that drives a page as a person does.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.e2e.house import NUMBERS, PASSWORD, House, Workspace, running
from tests.e2e.mailbox import Mailbox, open_mailbox

CHROMIUM = shutil.which("chromium")
expect.set_options(timeout=15_000)  # a busy machine is no failure

if CHROMIUM is None and not os.environ.get("CI"):
    collect_ignore_glob = ["test_*.py"]  # chromium is not installed (Debian: apt install chromium)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def workspace(house: House) -> Workspace:
    number = next(NUMBERS)
    made = house.run("account", "create", f"Acme {os.getpid()} {number}")
    email = f"ana{os.getpid()}x{number}@example.com"
    owner = ("--role", "owner", "--password", PASSWORD, "--name", "Ana")
    house.run("user", "create", email, "--account", made["uuid"], *owner)
    return Workspace(house, made["uuid"], made["id"], email)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, house: House) -> Iterator[Callable[..., Page]]:
    """Sign somebody in, in a browser of their own, and go to a page.

    When the test ends, no page may have written an error to its console or asked another host for anything.
    """
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def go(email: str, path: str = "/", **options: Any) -> Page:
        context = chromium.new_context(base_url=house.url, locale="en-US", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: troubles.append(said.text) if _is_wrong(said) else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda sent: _is_ours(house, sent.url) or troubles.append(f"asked {sent.url}"))
        page.goto("/login")
        page.fill("#email", email)
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.wait_for_selector(".menu", state="attached")
        page.goto(path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def accessible() -> Callable[[Page], None]:
    """Assert that a page has no serious or critical fault in the eyes of axe."""

    def check(page: Page) -> None:
        page.wait_for_load_state()
        try:
            found = Axe().run(page).response["violations"]
        except PlaywrightError:  # a click before had not led away yet; it did now
            page.wait_for_load_state()
            found = Axe().run(page).response["violations"]
        grave = [
            f"{each['id']}: {each['help']}: {node['html'][:200]}"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"][:3]
        ]
        assert grave == []

    return check


def _is_wrong(said: ConsoleMessage) -> bool:
    """A refused form or a lost network is no fault of the page, though Chromium writes it in red."""
    return said.type == "error" and not any(
        each in said.text for each in ("status of 422", "status of 409", "net::ERR_")
    )


def _is_ours(house: House, url: str) -> bool:
    return url.startswith(("data:", "blob:")) or urlsplit(url).netloc == urlsplit(house.url).netloc


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """What a mail server on this machine is given."""
    with open_mailbox() as box:
        yield box
