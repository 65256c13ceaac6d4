"""An agency above its sub-accounts: it sees how they fare, stands in for them, gives, stops and takes back."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from msgspec import Struct
from playwright.sync_api import Page, expect

PASSWORD = "a bird sang twice"


class Agency(Struct):
    """An agency with credits, its owner Bo, and one sub-account that is called Tea shop."""

    house: Any
    uuid: str
    email: str
    sub: str
    sub_email: str

    def member(self, account: str, email: str, role: str = "owner", name: str = "Bo") -> None:
        known = ("--role", role, "--password", PASSWORD, "--name", name)
        self.house.run("user", "create", email, "--account", account, *known)

    def spend(self, to: str = "+40722000001") -> None:
        """The sub-account sends a text message on a channel of its own."""
        channel = ("--name", "Phone", "--address", "+40720001234")
        self.house.run("channel", "create", "simulator", "--account", self.sub, *channel)
        key = self.house.run("key", "create", "--account", self.sub, "--user", self.sub_email, "--dialect", "portal")
        said = {"channel": "sms", "to": to, "body": "Tea is ready"}
        with httpx2.Client(base_url=self.house.url, headers={"X-API-Key": key["key"]}, timeout=30) as api:
            assert api.post("/api/v1/integrations/messages/send", json=said).status_code in (200, 201, 202)


class Asked:
    """What the agency's own program was asked for."""

    def __init__(self) -> None:
        self.requests: Queue[dict[str, Any]] = Queue()
        self.url = ""

    def wait(self) -> dict[str, Any]:
        return self.requests.get(timeout=30)


@pytest.fixture
def asked() -> Iterator[Asked]:
    box = Asked()

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            box.requests.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    box.url = f"http://127.0.0.1:{server.server_port}/recharge"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield box
    server.shutdown()


@pytest.fixture
def agency(house: Any) -> Agency:
    tag = uuid4().hex[:10]
    made = house.run("account", "create", f"Agency {tag}", "--kind", "agency")
    sub_email = f"tea{tag}@example.com"
    sub = house.run("account", "create", "Tea shop <b>", "--parent", made["uuid"], "--email", sub_email)
    house.run("credits", "grant", "10000", "--account", made["uuid"])
    one = Agency(house, made["uuid"], f"bo{tag}@example.com", sub["uuid"], sub_email)
    one.member(one.uuid, one.email)
    one.member(one.sub, one.sub_email, name="Tea")
    return one


def test_credits_are_given_spent_and_read_in_a_statement(agency: Agency, visit: Any, accessible: Any) -> None:
    page: Page = visit(agency.email, "/agency")
    page.click("#found a:has-text('Tea shop <b>')")
    page.fill("#amount", "250")
    page.click("main button:has-text('Give credits')")
    expect(page.locator(".tiles")).to_contain_text("250")
    agency.spend()
    page.goto("/agency")
    for _ in range(40):  # what is reserved counts as spent once the message is out
        if page.locator("#found tbody td.number").nth(1).inner_text() == "1":
            break
        page.wait_for_timeout(250)
        page.reload()

    expect(page.locator("#found tbody tr")).to_contain_text("249")
    expect(page.locator("#found tbody tr .tag.good")).to_have_text("well")
    expect(page.locator("#found tbody td.number").nth(1)).to_have_text("1")
    accessible(page)
    theirs: Page = visit(agency.sub_email, "/settings/credits")
    expect(theirs.locator("main")).to_contain_text("249")
    with theirs.expect_download() as download:
        theirs.click("a:has-text('CSV')")
    assert "250" in download.value.path().read_text()


def test_a_low_balance_asks_for_more_and_is_answered_once(agency: Agency, visit: Any, asked: Asked) -> None:
    agency.house.run("account", "set", "--account", agency.uuid, f"auto_recharge_url={asked.url}")
    key = agency.house.run("key", "create", "--account", agency.uuid, "--user", agency.email, "--dialect", "connector")
    page: Page = visit(agency.email, "/agency")
    page.click("#found a:has-text('Tea shop <b>')")
    page.fill("#amount", "250")
    page.click("main button:has-text('Give credits')")
    expect(page.locator(".tiles")).to_contain_text("250")
    theirs: Page = visit(agency.sub_email, "/settings/credits")
    theirs.fill("#auto_recharge_threshold", "249")
    theirs.fill("#auto_recharge_amount", "500")
    theirs.click("main button:has-text('Save')")
    expect(theirs.locator(".toast")).to_have_text("Saved.")

    agency.spend()
    request = asked.wait()
    page.goto("/agency")
    expect(page.locator("main .banner.warn")).to_contain_text("runs low: 249 left, 500 wanted.")
    grant = {"email": agency.sub_email, "amount": 500, "idempotency_key": request["idempotency_key"]}
    with httpx2.Client(base_url=agency.house.url, headers={"x-api-key": key["key"]}, timeout=30) as api:
        answers = [api.post("/v1/subaccounts/credits", json=grant).json() for _ in range(2)]

    assert [answer["new_balance"] for answer in answers] == [749, 749]
    page.reload()
    expect(page.locator("main .banner.warn")).to_have_count(0)
    expect(page.locator("#found tbody tr")).to_contain_text("749")


def test_what_was_reserved_and_not_spent_comes_back(agency: Agency, visit: Any, tmp_path: Path) -> None:
    channel = ("--name", "Slow", "--address", "+40720001234", "--set", "rate=1")
    agency.house.run("channel", "create", "simulator", "--account", agency.sub, *channel)
    file = tmp_path / "people.csv"
    file.write_text("\n".join(["name,phone", *(f"P{n},+407220001{n:02}" for n in range(30))]))
    agency.house.run("contact", "import", "--account", agency.sub, file)
    page: Page = visit(agency.email, "/agency")
    page.click("#found a:has-text('Tea shop <b>')")
    page.fill("#amount", "250")
    page.click("main button:has-text('Give credits')")
    expect(page.locator(".tiles")).to_contain_text("250")
    key = agency.house.run("key", "create", "--account", agency.sub, "--user", agency.sub_email, "--dialect", "portal")
    with httpx2.Client(base_url=agency.house.url, headers={"X-API-Key": key["key"]}, timeout=30) as api:
        said = {"name": "Tea", "channel": "sms", "message_template": "Tea is ready"}
        made = api.post("/api/v1/integrations/campaigns", json=said).json()["data"]
        api.post(f"/api/v1/integrations/campaigns/{made['id']}/send", json={})
    theirs: Page = visit(agency.sub_email, f"/campaigns/{made['id']}")
    expect(theirs.locator(".tiles div:has(dt:text-is('Waiting'))")).to_be_visible()
    page.reload()
    reserved = page.locator(".tiles div:has(dt:text-is('Reserved')) dd")
    expect(reserved).not_to_have_text("0")

    theirs.click("main button:has-text('Cancel')")
    theirs.click("#sure button[value=yes]")
    expect(theirs.locator("#figures .line .tag").first).to_have_text("canceled")
    for _ in range(40):
        if reserved.inner_text() == "0":
            break
        page.wait_for_timeout(250)
        page.reload()

    expect(reserved).to_have_text("0")
    balance = int(page.locator(".tiles div:has(dt:text-is('Balance')) dd").inner_text())
    spent = int(page.locator(".tiles div:has(dt:text-is('Spent today')) dd").inner_text())
    assert balance + spent == 250
    assert spent < 30


def test_an_admin_stands_in_and_both_logs_say_so(agency: Agency, visit: Any, accessible: Any, tmp_path: Path) -> None:
    page: Page = visit(agency.email, "/agency")
    page.click("#found a:has-text('Tea shop <b>')")
    page.fill("#reason", "They asked <b>why</b>")
    accessible(page)
    page.click("main button:has-text('Stand in')")

    expect(page.locator(".visit")).to_contain_text("You stand in for Tea shop <b> until")
    for path in ("/inbox", "/contacts", "/campaigns", "/flows", "/settings/team", "/me"):
        page.goto(path)
        expect(page.locator(".visit")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight") or path != "/inbox"
        page.screenshot(path=tmp_path / f"visit{path.replace('/', '-')}.png")
    accessible(page)
    page.goto("/contacts/new")
    page.fill("#name", "Made by Bo")
    page.click("main button:has-text('Save')")
    expect(page.locator("h1")).to_contain_text("Made by Bo")
    page.goto("/settings/audit")
    expect(page.locator("#found tbody tr:has-text('visit.began')")).to_contain_text("They asked <b>why</b>")
    expect(page.locator("#found tbody tr:has-text('visit.began')")).to_contain_text("Bo")

    page.click(".visit button:has-text('End')")
    expect(page.locator("h1")).to_have_text("Tea shop <b>")
    expect(page.locator(".visit")).to_have_count(0)
    page.goto("/settings/audit")
    expect(page.locator("#found")).to_contain_text("sub_account.visited")
    expect(page.locator("#found")).to_contain_text("sub_account.visit_ended")
    theirs: Page = visit(agency.sub_email, "/settings/audit")
    expect(theirs.locator("#found tbody tr:has-text('visit.ended')")).to_contain_text("Bo")
    theirs.goto("/contacts")
    expect(theirs.locator("#found")).to_contain_text("Made by Bo")
    theirs.goto("/settings/team")
    expect(theirs.locator("main")).not_to_contain_text(agency.email)


def test_a_member_of_both_switches_without_signing_in_again(agency: Agency, visit: Any) -> None:
    agency.member(agency.sub, agency.email, role="agent")
    page: Page = visit(agency.email, "/agency")

    page.click("#found button:has-text('Switch there')")

    expect(page.locator("#workspace")).to_have_value(agency.sub)
    expect(page.locator(".visit")).to_have_count(0)
    page.select_option("#workspace", agency.uuid)
    expect(page.locator(".menu a:has-text('Sub-accounts')")).to_be_visible()


def test_a_sub_account_is_suspended_resumed_and_deleted(agency: Agency, visit: Any) -> None:
    page: Page = visit(agency.email, "/agency")
    page.click("#found a:has-text('Tea shop <b>')")
    page.fill("#monthly", "70")
    page.click("main button:has-text('Save')")
    expect(page.locator(".tiles")).to_contain_text("0 / 70")

    page.click("main button:has-text('Suspend')")
    page.click("#sure button[value=yes]")
    expect(page.locator("main .banner.warn")).to_contain_text("nothing leaves this account")
    page.goto("/agency")
    expect(page.locator("#found .tag:has-text('suspended')")).to_be_visible()
    page.click("#found a:has-text('Tea shop <b>')")
    page.click("main button:has-text('Resume')")
    expect(page.locator("main .banner.warn")).to_have_count(0)
    page.click("main .heading button:has-text('Delete')")
    page.click("#sure button[value=yes]")

    expect(page).to_have_url(re.compile("/agency$"))
    expect(page.locator("main")).to_contain_text("No sub-accounts yet.")


@pytest.mark.parametrize("look", ["dark", "narrow"])
def test_a_visit_holds_in_the_dark_and_on_a_phone(
    agency: Agency, visit: Any, accessible: Any, look: str, tmp_path: Path
) -> None:
    options: dict[str, Any] = (
        {"color_scheme": "dark"} if look == "dark" else {"viewport": {"width": 390, "height": 800}}
    )
    page: Page = visit(agency.email, "/agency", **options)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.click("#found button:has-text('Stand in')")
    expect(page.locator(".visit")).to_be_visible()

    for path in ("/inbox", "/campaigns"):
        page.goto(path)
        expect(page.locator(".visit")).to_be_visible()
        accessible(page)
        page.screenshot(path=tmp_path / f"{look}{path.replace('/', '-')}.png")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
