"""Campaigns from the first word to the report, and a conversation on the phone wall."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.mailbox import Mailbox

LETTER = "<style>h1{color:teal}</style><h1>Dear {{name}}</h1><p><a href='https://example.com/a'>Look</a></p>"


def people(workspace: Any, number: int) -> None:
    with workspace.api("portal") as api:
        for n in range(number):
            said = {"name": f"Person {n} <i>", "email": f"p{n}@example.com"}
            assert api.post("/api/v1/integrations/contacts", json=said).status_code == 201
        gone = {"name": "Gone", "email": "nobody@example.com"}
        assert api.post("/api/v1/integrations/contacts", json=gone).status_code == 201


def test_a_mail_goes_out_and_the_report_shows_it(
    workspace: Any, visit: Any, accessible: Any, mailbox: Mailbox, tmp_path: Path
) -> None:
    people(workspace, 5)
    sender = {"host": "127.0.0.1", "port": mailbox.port, "tls": "none"}
    workspace.channel("smtp", name="News", address="news@example.org", **sender)
    page: Page = visit(workspace.email, "/campaigns")

    write(page, accessible, tmp_path)
    start(page, accessible, mailbox, tmp_path)
    read(page, accessible, tmp_path)
    take_along(page, accessible, tmp_path)

    assert {str(mail["To"]) for mail in mailbox.mails[1:]} == {f"p{n}@example.com" for n in range(5)}


def write(page: Page, accessible: Any, tmp_path: Path) -> None:
    """From the list through audience and content, left once and come back to."""
    accessible(page)
    page.click("main .heading a:has-text('New campaign')")
    expect(page.locator("h1")).to_have_text("New campaign")
    page.fill("#name", "Spring <b>sale</b> \u202egnirps")
    accessible(page)
    page.click("main button:has-text('Start')")

    expect(page.locator(".steps [aria-current]")).to_have_text("Audience")
    expect(page.locator("#size .drops dd").last).to_have_text("6")
    page.screenshot(path=tmp_path / "audience.png", full_page=True)
    accessible(page)
    page.click("button:has-text('Save and go on')")

    page.fill("#subject", "Hello {{first_name}}")
    page.fill("#html", LETTER.replace("{{name}}", "{{nam}}"))
    expect(page.locator("#check")).to_contain_text("No contact has this")
    page.fill("#html", LETTER)
    expect(page.frame_locator("iframe[name=letter]").locator("h1")).to_have_text("Dear Person 0 <i>")
    expect(page.locator("#check")).to_contain_text("Hello Person")
    page.screenshot(path=tmp_path / "content.png", full_page=True)
    accessible(page)
    page.click("button:has-text('Save and go on')")
    expect(page.locator(".steps [aria-current]")).to_have_text("Schedule")
    accessible(page)
    page.goto("/campaigns")
    page.click("main a:has-text('Go on')")
    expect(page.locator("h1")).to_contain_text("Spring <b>sale</b>")
    page.click("button:has-text('Save and go on')")


def start(page: Page, accessible: Any, mailbox: Mailbox, tmp_path: Path) -> None:
    """A test to oneself, then to everybody."""
    expect(page.locator("#numbers")).to_contain_text("Takes about")
    page.fill("[name=to]", "p1@example.com")
    page.click("button:has-text('Send a test')")
    expect(page.locator(".toast")).to_contain_text("Sent to p1@example.com")
    assert str(mailbox.mails[0]["Subject"]).startswith("[Test] Hello")
    accessible(page)
    page.screenshot(path=tmp_path / "review.png", full_page=True)
    page.click("button:has-text('Send to 6 people')")


def read(page: Page, accessible: Any, tmp_path: Path) -> None:
    """The report, while it goes and when it is done."""
    expect(page.locator("#figures .line .tag").first).to_have_text("sent", timeout=30_000)
    expect(page.locator(".tiles div:has(dt:text-is('Delivered')) dd")).to_have_text(re.compile(r"^5 "))
    expect(page.locator("#figures")).to_contain_text("The address cannot work")
    expect(page.locator(".plot canvas")).to_be_visible()
    page.click("summary:has-text('The same as a table')")
    expect(page.locator("details table")).to_be_visible()
    accessible(page)
    page.screenshot(path=tmp_path / "report.png", full_page=True)


def take_along(page: Page, accessible: Any, tmp_path: Path) -> None:
    """Each recipient, as a sheet and as a group."""
    page.click("text=Each recipient")
    expect(page.locator("#found tbody tr")).to_have_count(6)
    page.select_option("[name=outcome]", "failed")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    accessible(page)
    page.screenshot(path=tmp_path / "recipients.png", full_page=True)
    with page.expect_download() as download:
        page.click("#found a:has-text('CSV')")
    assert "nobody@example.com" in download.value.path().read_text()
    page.fill("[name=name]", "Bounced ones")
    page.click("button:has-text('Make a group of these')")
    expect(page).to_have_url(re.compile(r"/contacts\?group="))
    for _ in range(20):
        if page.locator("#found tbody tr").count():
            break
        page.wait_for_timeout(250)
        page.reload()
    expect(page.locator("#found tbody tr")).to_have_count(1)


def test_a_running_campaign_is_paused_and_goes_on_in_the_list(workspace: Any, visit: Any, accessible: Any) -> None:
    channel = workspace.channel(rate=2)
    with workspace.api("portal") as api:
        for n in range(40):
            api.post("/api/v1/integrations/contacts", json={"name": f"P{n}", "phone": f"+407231{n:05}"})
        said = {"name": "Slow", "channel": "sms", "message_template": "Hi {{name}}", "integration_id": channel["id"]}
        made = api.post("/api/v1/integrations/campaigns", json=said).json()["data"]
        api.post(f"/api/v1/integrations/campaigns/{made['id']}/send", json={})
    page: Page = visit(workspace.email, "/campaigns")

    expect(page.locator("progress")).to_be_visible()
    before = int(page.locator("progress").get_attribute("value") or 0)
    expect(page.locator("progress")).not_to_have_attribute("value", str(before), timeout=10_000)
    page.click("main button:has-text('Pause')")
    expect(page.locator("main tbody .tag:has-text('paused')")).to_be_visible()
    accessible(page)
    page.click("main button:has-text('Resume')")
    expect(page.locator("main tbody .tag:has-text('sending')")).to_be_visible()
    page.click("main tbody a:has-text('Slow')")
    page.click("main button:has-text('Cancel')")
    page.click("#sure button[value=yes]")

    expect(page.locator("#figures .line .tag").first).to_have_text("canceled")


def test_a_conversation_on_the_phone_wall(workspace: Any, visit: Any, accessible: Any, tmp_path: Path) -> None:
    page: Page = visit(workspace.email, "/phones")
    accessible(page)
    page.click("button:has-text('Make a simulated channel')")
    page.fill("[name=name]", "Zoë <b>")
    page.click("button:has-text('New phone')")
    expect(page.locator(".phone")).to_have_count(2)
    zoe = page.locator(".phone", has_text="Zoë <b>")

    zoe.locator("textarea").fill("Are you open today?")
    zoe.locator("textarea").press("Enter")
    expect(zoe.locator(".screen .in")).to_have_text(re.compile("Are you open today"))
    with workspace.api() as api:
        found = api.get("/api/v1/conversations").json()["data"]
        sent = api.post(f"/api/v1/conversations/{found[0]['id']}/reply", json={"body": "Until six."})
    assert sent.status_code in (200, 201, 202), sent.text
    expect(zoe.locator(".screen .out")).to_contain_text("Until six.")
    zoe.locator("button:has-text('Report “read”')").click()

    expect(zoe.locator(".screen .out .foot")).to_contain_text("read")
    expect(page.locator(".phone").first.locator(".out")).to_have_count(0)
    accessible(page)
    page.screenshot(path=tmp_path / "phones.png", full_page=True)


def test_a_mail_lies_in_a_simulated_mailbox(workspace: Any, visit: Any, accessible: Any, tmp_path: Path) -> None:
    workspace.channel("simulator", name="Post", address="post@example.org", **{"as": "email"})
    page: Page = visit(workspace.email, "/phones")
    page.click("button:has-text('New phone')")
    phone = page.locator(".phone")
    address = phone.locator("header .hint bdi").first.inner_text()
    with workspace.api("portal") as api:
        said = {"channel": "email", "to": address, "subject": "Your <b>order</b>", "body": "<h1>On its way</h1>"}
        sent = api.post("/api/v1/integrations/messages/send", json=said)
    assert sent.status_code in (200, 201, 202), sent.text

    expect(phone.locator(".subject")).to_have_text("Your <b>order</b>")
    phone.locator("summary").click()
    expect(page.frame_locator(".phone iframe").locator("h1")).to_have_text("On its way")
    phone.locator("[name=subject]").fill("Re: Your order")
    phone.locator("textarea").fill("Thanks!")
    phone.locator("button:has-text('Send')").click()
    expect(phone.locator(".in")).to_contain_text("Thanks!")
    expect(page.frame_locator(".phone iframe").locator("h1")).to_have_text("On its way")
    accessible(page)
    page.screenshot(path=tmp_path / "mailbox.png", full_page=True)


@pytest.mark.parametrize("look", ["dark", "narrow"])
def test_campaigns_and_phones_hold_in_the_dark_and_on_a_phone(
    workspace: Any, visit: Any, accessible: Any, look: str, tmp_path: Path
) -> None:
    channel = workspace.channel()
    workspace.hear(channel, "+40722000999", "Hello")
    with workspace.api("portal") as api:
        said = {"name": "A very long name " * 12, "channel": "sms", "message_template": "Hi {{name}}"}
        api.post("/api/v1/integrations/campaigns", json=said)
    options: dict[str, Any] = (
        {"color_scheme": "dark"} if look == "dark" else {"viewport": {"width": 390, "height": 800}}
    )
    page: Page = visit(workspace.email, "/campaigns", **options)

    for name, path in (("list", "/campaigns"), ("new", "/campaigns/new"), ("phones", "/phones")):
        page.goto(path)
        accessible(page)
        page.screenshot(path=tmp_path / f"{look}-{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    page.goto("/campaigns")
    page.click("main a:has-text('Go on')")
    for step in ("Content", "Schedule", "Review", "Audience"):
        page.click(f".steps a:has-text('{step}')")
        expect(page.locator(".steps [aria-current]")).to_have_text(step)
        accessible(page)
        page.screenshot(path=tmp_path / f"{look}-{step}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), step
