"""Campaigns and the people they reach or do not: left out, asked first, failed, answering, wanting no more."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import Page, expect

from tests.e2e.mailbox import Mailbox


def bring(workspace: Any, tmp_path: Path, rows: list[str], *more: str, header: str = "name,phone") -> None:
    """Contacts by a file."""
    file = tmp_path / "people.csv"
    file.write_text("\n".join([header, *rows]))
    workspace.house.run("contact", "import", "--account", workspace.uuid, *more, file)


def mail_channel(workspace: Any, mailbox: Mailbox) -> None:
    sender = {"host": "127.0.0.1", "port": mailbox.port, "tls": "none"}
    workspace.channel("smtp", name="News", address="news@example.org", **sender)


def begin(page: Page, name: str, *, two: bool = False) -> None:
    """A new campaign for everybody; stands at its content."""
    page.goto("/campaigns/new")
    page.fill("#name", name)
    if two:
        page.check("[name=variants]")
    page.click("main button:has-text('Start')")
    page.click("button:has-text('Save and go on')")
    expect(page.locator(".steps [aria-current]")).to_have_text("Content")


def go_on(page: Page, step: str) -> None:
    page.click("button:has-text('Save and go on')")
    expect(page.locator(".steps [aria-current]")).to_have_text(step)


def send(page: Page) -> None:
    """From the review to the end of sending."""
    page.click("#start button")
    expect(page.locator("#figures .line .tag").first).to_have_text("sent", timeout=30_000)


def test_people_are_left_out_and_those_who_answer_are_counted(
    workspace: Any, visit: Any, accessible: Any, tmp_path: Path
) -> None:
    phone = workspace.channel()
    workspace.house.run("group", "create", "--account", workspace.uuid, "Staff")
    bring(workspace, tmp_path, [f"P{n},+4072200010{n}" for n in range(5)], "--tag", "guest")
    bring(workspace, tmp_path, ["Boss,+40722000199"], "--group", "Staff")
    bring(workspace, tmp_path, ["Post,post@example.com"], header="name,email")
    workspace.hear(phone, "+40722000198", "STOP")
    page: Page = visit(workspace.email, "/campaigns/new")

    page.fill("#name", "News")
    page.click("main button:has-text('Start')")
    leave_out(page, accessible, tmp_path)
    page.fill("#body", "Hi {{nmae}}")
    expect(page.locator("#check")).to_contain_text("No contact has this")
    page.click("button:has-text('Save and go on')")
    expect(page.locator(".banner.bad")).to_be_visible()
    page.fill("#body", "Hi {{name}} 😀" + "x" * 70)
    expect(page.locator("#check")).to_contain_text("UCS-2")
    expect(page.locator("#check")).to_contain_text("2 segments")
    go_on(page, "Schedule")
    go_on(page, "Review")
    expect(page.locator("#numbers")).to_contain_text("Left out by you")
    expect(page.locator("#numbers")).to_contain_text("Segments in all")
    send(page)
    workspace.hear(phone, "+40722000101", "Yes please")
    expect(page.locator("#figures")).to_be_visible()
    page.reload()
    page.click("summary:has-text('Who wrote back')")

    expect(page.locator("details:has(summary:has-text('Who wrote back'))")).to_contain_text("1 person wrote back")
    accessible(page)
    page.screenshot(path=tmp_path / "answers.png", full_page=True)
    page.click("a:has-text('Show them')")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    expect(page.locator("#found tbody tr")).to_contain_text("+40722000101")
    page.select_option("[name=outcome]", "")
    expect(page.locator("#found tbody tr")).to_have_count(4)


def leave_out(page: Page, accessible: Any, tmp_path: Path) -> None:
    """Everybody but the staff and one by a query, with the numbers and faces beside it."""
    page.check("[name=audience][value=query]")
    page.fill("[name=query]", "age >")
    expect(page.locator("#size .problem")).to_be_visible()
    page.click("button:has-text('Save and go on')")
    expect(page.locator("#query-problem")).to_be_visible()
    page.check("[name=audience][value=tags]")
    page.check("label:has-text('guest') input[name=tags]")
    expect(page.locator("#size .drops dd").last).to_have_text("5")
    page.check("[name=audience][value=all]")
    expect(page.locator("#size .drops dd").last).to_have_text("6")
    expect(page.locator("#size .sample")).to_contain_text("Boss")
    page.check("label:has-text('Staff') input[name=without_groups]")
    page.fill("#without_query", "name = P4")
    expect(page.locator("#size .drops dd").last).to_have_text("4")
    expect(page.locator("#size .drops")).to_contain_text("Left out by you")
    expect(page.locator("#size .drops dt:has-text('Opted out of everything') + dd")).to_have_text("1")
    expect(page.locator("#size .sample")).not_to_contain_text("Boss")
    page.fill("#without_days", "0")
    page.click("button:has-text('Save and go on')")
    expect(page.locator("#without_days-problem")).to_be_visible()
    expect(page.locator("label:has-text('Staff') input[name=without_groups]")).to_be_checked()
    page.fill("#without_days", "7")
    accessible(page)
    page.screenshot(path=tmp_path / "without.png", full_page=True)
    page.click("button:has-text('Save and go on')")
    page.click(".steps a:has-text('Audience')")
    expect(page.locator("#without_days")).to_have_value("7")
    page.click(".steps a:has-text('Content')")


def test_those_with_whom_it_failed_are_written_to_again(
    workspace: Any, visit: Any, mailbox: Mailbox, tmp_path: Path
) -> None:
    bring(workspace, tmp_path, [f"P{n},p{n}@example.com" for n in range(3)], header="name,email")
    mail_channel(workspace, mailbox)
    mailbox.trusts = False
    page: Page = visit(workspace.email, "/campaigns")
    begin(page, "Spring")
    page.fill("#subject", "Hello")
    page.fill("#html", "<p>Hello</p>")
    go_on(page, "Schedule")
    go_on(page, "Review")
    send(page)
    expect(page.locator("#figures")).to_contain_text("Refused by the provider")
    mailbox.trusts = True

    page.click("text=Each recipient")
    page.select_option("[name=outcome]", "failed")
    expect(page.locator("#found tbody tr")).to_have_count(3)
    page.click("button:has-text('Write to these again')")
    expect(page.locator("[name=audience][value=campaign]")).to_be_checked()
    expect(page.locator("#size .drops dd").last).to_have_text("3")
    go_on(page, "Content")
    go_on(page, "Schedule")
    go_on(page, "Review")
    send(page)

    assert {str(mail["To"]) for mail in mailbox.mails} == {f"p{n}@example.com" for n in range(3)}


def test_some_are_asked_first_and_the_rest_gets_the_chosen_subject(
    workspace: Any, visit: Any, accessible: Any, tmp_path: Path
) -> None:
    bring(workspace, tmp_path, [f"P{n},p{n}@example.com" for n in range(40)], header="name,email")
    workspace.channel("simulator", name="Post", address="post@example.org", **{"as": "email"})
    page: Page = visit(workspace.email, "/campaigns")
    begin(page, "Spring", two=True)
    page.fill("#subject", "Buds")
    page.fill("#second", "Bees <b>")
    page.fill("#html", "<p>Hello</p>")
    go_on(page, "Schedule")
    page.check("[name=tried][value='1']")
    page.fill("#trial_percent", "40")
    page.select_option("#trial_by", "hand")
    accessible(page)
    page.screenshot(path=tmp_path / "trial.png", full_page=True)
    go_on(page, "Review")
    expect(page.locator("#numbers")).to_contain_text("40 % of them are asked first")
    send(page)
    expect(page.locator("#figures")).to_contain_text("40 % of the audience are asked first.")
    asked = int(page.locator(".tiles div:has(dt:text-is('Recipients')) dd").inner_text().split()[0])
    assert 4 < asked < 30
    accessible(page)

    page.click("tr:has-text('Bees <b>') button:has-text('Send it to the rest')")
    page.click("#sure button[value=yes]")
    expect(page.locator("#figures .banner")).to_contain_text("Bees <b> won and goes to the rest.")
    page.screenshot(path=tmp_path / "decided.png", full_page=True)
    page.click("#figures .banner a")

    expect(page.locator("#figures .line .tag").first).to_have_text("sent", timeout=30_000)
    expect(page.locator(".tiles div:has(dt:text-is('Recipients')) dd")).to_have_text(str(40 - asked))


def test_a_reader_opens_clicks_and_wants_no_more(workspace: Any, visit: Any, mailbox: Mailbox, tmp_path: Path) -> None:
    bring(workspace, tmp_path, ["Ion,ion@example.com"], header="name,email")
    mail_channel(workspace, mailbox)
    page: Page = visit(workspace.email, "/campaigns")
    begin(page, "Letter")
    page.fill("#subject", "Hello")
    page.fill("#html", "<p>Hello <a href='https://example.com/offer'>Offer</a></p>")
    go_on(page, "Schedule")
    go_on(page, "Review")
    send(page)
    [mail] = mailbox.mails
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]

    with httpx2.Client(base_url=workspace.house.url, follow_redirects=False) as reader:
        reader.get(urlsplit(re.findall(r'<img[^>]+src="([^"]+)"', html)[-1]).path)
        clicked = reader.get(urlsplit(re.findall(r'href="([^"]+)"', html)[0]).path)
        way_out = re.findall("<(http[^>]+)>", str(mail["List-Unsubscribe"]))[0]
        out = reader.post(urlsplit(way_out).path, data={"List-Unsubscribe": "One-Click"})

    assert clicked.headers["location"] == "https://example.com/offer"
    assert str(mail["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert out.status_code == 200, out.text
    # So quick is no person: machines are counted apart. What readers do is gathered for a moment before it is counted.
    for _ in range(40):
        if "and 1 by machines" in page.locator(".tiles div:has(dt:text-is('Opened by people')) dd").inner_text():
            break
        page.wait_for_timeout(250)
        page.reload()
    expect(page.locator(".tiles div:has(dt:text-is('Opened by people')) dd")).to_contain_text("and 1 by machines")
    expect(page.locator(".tiles div:has(dt:text-is('Unsubscribed')) dd")).to_have_text(re.compile("^1 "))
    expect(page.locator("#figures")).to_contain_text("https://example.com/offer")
    begin(page, "Again")
    page.click(".steps a:has-text('Audience')")
    expect(page.locator("#size .drops dd").last).to_have_text("0")


def test_a_campaign_brakes_when_too_many_bounce(workspace: Any, visit: Any, mailbox: Mailbox, tmp_path: Path) -> None:
    bring(workspace, tmp_path, [f"P{n},p{n}.nobody@example.com" for n in range(600)], header="name,email")
    sender = {"host": "127.0.0.1", "port": mailbox.port, "tls": "none"}
    workspace.channel("smtp", name="News", address="news@example.org", **sender)
    page: Page = visit(workspace.email, "/campaigns")
    begin(page, "Bought list")
    page.fill("#subject", "Hello")
    page.fill("#html", "<p>Hello</p>")
    go_on(page, "Schedule")
    go_on(page, "Review")
    page.click("#start button")

    expect(page.locator("#figures .line .tag").first).to_have_text("paused", timeout=30_000)
    expect(page.locator("#figures .banner.bad")).to_contain_text("mails bounced")
    expect(page.locator("#figures button:has-text('Resume')")).to_be_visible()


def test_a_crowd_is_written_to_only_with_the_name_typed(workspace: Any, visit: Any, tmp_path: Path) -> None:
    workspace.channel(rate=1)
    bring(workspace, tmp_path, [f"P{n},+40722{n:06}" for n in range(1001)])
    page: Page = visit(workspace.email, "/campaigns")
    begin(page, "Everybody <b>")
    page.fill("#body", "Hello")
    go_on(page, "Schedule")
    go_on(page, "Review")

    page.fill("#typed_name", "Everybody")
    page.click("#start button")
    expect(page.locator("#typed_name-problem")).to_be_visible()
    page.fill("#typed_name", "Everybody <b>")
    page.click("#start button")
    expect(page.locator("#figures .line .tag").first).to_have_text("sending")
    page.click("main button:has-text('Cancel')")
    page.click("#sure button[value=yes]")

    expect(page.locator("#figures .line .tag").first).to_have_text("canceled")


def test_a_moment_is_set_moved_and_taken_back(workspace: Any, visit: Any, tmp_path: Path) -> None:
    workspace.channel()
    bring(workspace, tmp_path, ["Ion,+40722000001"])
    colleague, year = workspace.member("agent", "Ben"), datetime.now(UTC).year + 1
    page: Page = visit(colleague, "/campaigns")
    begin(page, "Later")
    page.fill("#body", "Hello")
    go_on(page, "Schedule")
    page.check("[name=when][value=later]")
    page.fill("#at", "2099-07-01T10:00")
    page.click("button:has-text('Save and go on')")
    expect(page.locator("#at-problem")).to_have_text("At most 366 days ahead.")
    page.fill("#at", f"{year}-03-01T10:00")
    go_on(page, "Review")
    expect(page.locator("#numbers")).to_contain_text("Somebody with the role of an editor can start it.")
    boss: Page = visit(workspace.email, page.url)

    boss.click("#start button:has-text('Schedule for 1 person')")
    expect(boss.locator("#figures .line .tag").first).to_have_text("scheduled")
    expect(boss.locator("#figures")).to_contain_text(f"{year}-03-01")
    boss.click("main a:has-text('Edit')")
    boss.click(".steps a:has-text('Schedule')")
    boss.fill("#at", f"{year}-02-01T10:00")
    boss.click("button:has-text('Move it')")
    expect(boss.locator("#figures")).to_contain_text(f"{year}-02-01")
    boss.click("main button:has-text('Cancel')")
    boss.click("#sure button[value=yes]")

    expect(boss.locator("#figures .line .tag").first).to_have_text("canceled")
