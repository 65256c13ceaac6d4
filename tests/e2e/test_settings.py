"""Looking after a workspace: keys, channels, team, webhooks, one's own sign-in."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from playwright.sync_api import Page, expect

from trunkline.core import clock, totp

PASSWORD = "a bird sang twice"


class Mailbox(Message):
    """Keeps what it is handed."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[Any] = []
        self.came = threading.Semaphore(0)

    def handle_message(self, message: Any) -> None:
        self.letters.append(message)
        self.came.release()


@pytest.fixture
def mailing(tmp_path: Path) -> Iterator[tuple[str, Mailbox, Any]]:
    """An installation whose operator has a mail relay: its address, the relay's mailbox, and its commands."""
    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    relay = Controller(mailbox, hostname="127.0.0.1", port=port)
    relay.start()
    data = tmp_path / "house"
    environment = {
        **os.environ,
        "TRUNKLINE_DATA": str(data),
        "TRUNKLINE_SMTP_URL": f"smtp://127.0.0.1:{port}?tls=none",
        "TRUNKLINE_MAIL_FROM": "notices@example.com",
    }
    command = [sys.executable, "-m", "trunkline"]
    up = [*command, "up", "--port", "0", "--data", str(data), "--json"]
    process = subprocess.Popen(up, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]

    def run(*arguments: str) -> Any:
        done = subprocess.run(
            [*command, *arguments, "--json"], env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        return json.loads(done.stdout.splitlines()[-1])

    yield url, mailbox, run
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(30)
    relay.stop()


@pytest.fixture
def listener() -> Iterator[tuple[str, list[dict[str, str]], list[int]]]:
    """A program that is told: its address, what it heard, and what it answers, 200 when nothing is left."""
    heard: list[dict[str, str]] = []
    answers: list[int] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(dict(self.headers))
            self.send_response(answers.pop(0) if answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", heard, answers
    server.shutdown()


def test_a_key_is_made_and_tried_at_once(workspace, visit, accessible) -> None:
    page: Page = visit(workspace.email, "/settings")
    accessible(page)
    page.click("main a:has-text('API Keys')")
    page.fill("#label", "Shop")
    page.click("button:has-text('Make key')")
    key = page.locator("#secret").inner_text()
    accessible(page)
    page.click("main a:has-text('Try it')")

    page.fill("#try-token", key)
    page.select_option("#try-endpoint", label="GET /onboarding")
    page.click("#try-it button")

    expect(page.locator("#try-status")).to_have_text(re.compile("^200"))
    page.goto("/settings/api-keys")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.click("tbody button:has-text('Revoke')")
    page.click("#sure button[value=yes]")
    expect(page.locator("tbody tr")).to_have_count(0)


def test_a_personal_token_has_the_chosen_scopes(workspace, visit, accessible) -> None:
    page: Page = visit(workspace.email, "/settings/account")
    accessible(page)

    page.click("summary:has-text('New token')")
    page.fill("#label", "Reports")
    page.check("[name=scope][value=analytics]")
    page.click("button:has-text('Make token')")

    expect(page.locator("#secret")).to_have_text(re.compile("^trk_platform_"))
    expect(page.locator("#tokens ~ .frame tbody tr")).to_contain_text("analytics")


def test_a_second_factor_is_set_up_and_asked_for(workspace, visit, accessible) -> None:
    page: Page = visit(workspace.email, "/me")
    page.click("text=Set it up")
    accessible(page)
    secret = page.locator("#totp-secret").inner_text()
    page.fill("#code", totp.code(secret, clock.now()))
    page.click("button:has-text('Switch it on')")
    codes = page.locator("#codes").inner_text().split()
    accessible(page)

    page.click("button:has-text('Sign out') >> nth=0")
    page.fill("#email", workspace.email)
    page.fill("#password", PASSWORD)
    page.click("main button")
    accessible(page)
    page.fill("#code", codes[0])
    page.click("main button")

    expect(page.locator(".menu")).to_be_attached()
    page.goto("/me")
    expect(page.locator("main")).to_contain_text("9 recovery codes left")


def test_somebody_is_invited_by_mail_and_changes_a_forgotten_password(mailing, chromium, accessible) -> None:
    url, mailbox, run = mailing
    made = run("account", "create", "Acme")
    owner = ("--account", made["uuid"], "--role", "owner", "--password", PASSWORD, "--name", "Ana")
    run("user", "create", "ana@example.com", *owner)
    page = chromium.new_context(base_url=url, locale="en-US").new_page()
    page.goto("/login")
    page.fill("#email", "ana@example.com")
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.goto("/settings/team")
    accessible(page)
    page.fill("#email", "zoe@example.com")
    page.select_option("#role", "editor")
    page.click("button:has-text('Invite')")
    expect(page.locator(".toast")).to_have_text("The invitation is on its way.")

    guest = chromium.new_context(locale="en-US").new_page()
    guest.goto(link_in(mailbox))
    accessible(guest)
    guest.fill("#name", "Zoe")
    guest.fill("#password", "kites over the bay")
    guest.click("main button")
    expect(guest.locator("h1")).to_have_text("Welcome to Acme")

    guest.click("main a:has-text('Sign in')")
    guest.click("text=Forgotten password?")
    accessible(guest)
    guest.fill("#email", "zoe@example.com")
    guest.click("main button")
    guest.goto(link_in(mailbox))
    accessible(guest)
    guest.fill("#password", "bells under the sea")
    guest.click("main button")
    guest.click("main a:has-text('Sign in')")
    guest.fill("#email", "zoe@example.com")
    guest.fill("#password", "bells under the sea")
    guest.click("main button")
    expect(guest.locator(".person")).to_contain_text("Zoe")


def test_a_webhook_is_tested_and_its_delivery_sent_again(workspace, visit, accessible, listener) -> None:
    url, heard, answers = listener
    answers.append(500)
    page: Page = visit(workspace.email, "/settings/webhooks")
    accessible(page)
    page.click("main a:has-text('New webhook')")
    page.fill("#url", url)
    page.click("button:has-text('Save')")
    expect(page.locator("#secret")).to_have_text(re.compile("^whsec_"))
    accessible(page)

    page.click("button:has-text('Send a test')")
    expect(page.locator("#tries li")).to_contain_text("500")
    accessible(page)
    page.click("button:has-text('Send again')")

    expect(page.locator("#tries")).to_contain_text("delivered")
    expect(page.locator("#tries li")).to_have_count(2)
    assert len(heard) == 2
    assert len({one["webhook-id"] for one in heard}) == 1
    page.goto("/settings/webhooks/log?status=delivered")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    accessible(page)


def test_a_channel_is_connected_and_tried(workspace, visit, accessible) -> None:
    page: Page = visit(workspace.email, "/settings/channels")
    accessible(page)
    page.click("main a:has-text('Connect a channel') >> nth=0")
    accessible(page)
    page.click("main a:has-text('Simulator')")
    accessible(page)
    page.fill("#name", "Phone <b>")
    page.fill("#address", "+40720009999")
    page.click("main button:has-text('Connect')")
    expect(page.locator("#secret")).not_to_be_empty()
    page.click("text=Send a test message")

    page.fill("#to", "+40722000999")
    page.click("main button:text-is('Send')")

    expect(page.locator("#tried")).to_contain_text(re.compile("sent|delivered"))
    accessible(page)


def test_a_channel_that_cannot_send_says_why(workspace, visit) -> None:
    unreachable = {"host": "127.0.0.1", "port": 9, "tls": "none"}
    channel = workspace.channel("smtp", name="Mail", address="hello@example.com", **unreachable)
    page: Page = visit(workspace.email, f"/settings/channels/{channel['id']}")

    page.fill("#to", "zoe@example.com")
    page.click("main button:text-is('Send')")

    expect(page.locator("#tried .exchange")).to_contain_text("Connect call failed")


def test_credits_audit_and_health_can_be_read(workspace, visit, accessible) -> None:
    page: Page = visit(workspace.email, "/settings/credits")
    accessible(page)

    page.goto("/settings/audit")
    expect(page.locator("#found")).to_contain_text("login")
    accessible(page)
    page.goto("/settings/health")
    expect(page.locator("main")).to_contain_text("Your worker is alive.")
    accessible(page)


def test_an_agency_opens_a_sub_account_and_gives_credits(house, visit, accessible) -> None:
    made = house.run("account", "create", f"Agency {os.getpid()}", "--kind", "agency")
    email = f"boss{os.getpid()}@example.com"
    house.run(
        "user", "create", email, "--account", made["uuid"], "--role", "owner", "--password", PASSWORD, "--name", "Bo"
    )
    page: Page = visit(email, "/agency")
    accessible(page)
    page.click("text=New sub-account")
    page.fill("#name", "Tea shop")
    page.fill("#email", f"tea{os.getpid()}@example.com")
    page.click("button:has-text('Create')")
    expect(page.locator("#secret")).not_to_be_empty()
    accessible(page)

    page.fill("#amount", "250")
    page.click("main button:has-text('Give credits')")

    expect(page.locator(".tiles")).to_contain_text("250")
    page.goto("/agency")
    expect(page.locator("#found tbody tr")).to_contain_text("250")


@pytest.mark.parametrize(
    "path",
    ["/settings", "/settings/account", "/settings/api-keys", "/settings/team", "/settings/channels/new/smtp",
     "/settings/webhooks", "/settings/webhooks/log", "/settings/credits", "/settings/audit", "/settings/health",
     "/me", "/me/second-factor"],
)  # fmt: skip
def test_on_a_phone_nothing_is_wider_than_the_screen(workspace, visit, path) -> None:
    page: Page = visit(workspace.email, path, viewport={"width": 390, "height": 844})

    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def link_in(mailbox: Mailbox) -> str:
    """The link of the next letter."""
    assert mailbox.came.acquire(timeout=30)
    found = re.search(r"http://\S+token=\w+", mailbox.letters[-1].get_payload(decode=True).decode())
    assert found
    return found[0]
