"""The whole product in a real browser: `trunkline up` in a folder of its own, Chromium in front of it.

Nothing here reaches into the program: workspaces come from its commands, messages from its APIs. A test is an ordinary
function that drives a page as a person does.
"""

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from msgspec import Struct
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

PASSWORD = "a bird sang twice"
CHROMIUM = shutil.which("chromium")
NUMBERS = itertools.count(1)

if CHROMIUM is None and not os.environ.get("CI"):
    collect_ignore_glob = ["test_*.py"]  # chromium is not installed (Debian: apt install chromium)


class House(Struct):
    """A running installation."""

    url: str
    data: Path

    def run(self, *arguments: object) -> Any:
        """One command of ours; its JSON."""
        call = [sys.executable, "-m", "trunkline", *map(str, arguments), "--json"]
        done = subprocess.run(call, env=self.environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr or done.stdout
        return json.loads(done.stdout.splitlines()[-1])

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "TRUNKLINE_DATA": str(self.data), "TRUNKLINE_EGRESS_ALLOW": "127.0.0.0/8"}


class Workspace(Struct):
    """A tenant of a test's own, with an owner."""

    house: House
    uuid: str
    id: int
    email: str

    def member(self, role: str = "agent", name: str = "") -> str:
        """Somebody else with the same password; their address."""
        email = f"{role}{next(NUMBERS)}@example.com"
        self.house.run(
            "user",
            "create",
            email,
            "--account",
            self.uuid,
            "--role",
            role,
            "--password",
            PASSWORD,
            "--name",
            name or role,
        )
        return email

    def key(self, dialect: str) -> str:
        return self.house.run("key", "create", "--account", self.uuid, "--user", self.email, "--dialect", dialect)[
            "key"
        ]

    def channel(self, kind: str = "simulator", *, name: str = "Phone", address: str = "", **settings: object) -> Any:
        """A channel, with its `callback_url` and `secret`."""
        number = address or f"+4072000{next(NUMBERS):04}"
        pairs = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        account = ("--account", self.uuid, "--name", name, "--address", number)
        return self.house.run("channel", "create", kind, *account, *pairs)

    def api(self, dialect: str = "platform") -> httpx2.Client:
        """A client of one of the APIs: its key is in the headers."""
        key = self.key(dialect)
        headers = {"X-API-Key": key} if dialect == "portal" else {"Authorization": f"Bearer {key}"}
        return httpx2.Client(base_url=self.house.url, headers=headers, timeout=30)

    def hear(self, channel: Any, sender: str, text: str, **more: Any) -> None:
        """Somebody writes to a simulated channel."""
        said = {"id": f"in-{next(NUMBERS)}", "from": sender, "text": text, **more}
        headers = {"Authorization": f"Bearer {channel['secret']}"}
        answer = httpx2.post(f"{self.house.url}/c/simulator/{channel['uuid']}/receive", json=said, headers=headers)
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("house")
    house = House("", data)
    command = [sys.executable, "-m", "trunkline", "up", "--port", "0", "--data", str(data), "--json"]
    with (data.parent / "house.log").open("w") as log:
        process = subprocess.Popen(command, env=house.environment, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        house.url = json.loads(process.stdout.readline())["url"]
        yield house
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)


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
