"""A day's work from end to end: people are imported, written to, asked; a program is let in; all without a mouse.

Other files try each page; here one thing leads to the next, as it does for somebody who has just moved in.
"""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.flow_file import survey, written
from tests.e2e.house import NUMBERS, Workspace
from tests.e2e.mailbox import Mailbox

PATIENCE = 30_000
PHONE = {"width": 390, "height": 844}
SHEET = "Name,Mail,Town\nZoë Pop,zoe@example.com,Cluj\nIon Rus,ion@example.com,Iași\nNobody,,Sibiu\n"


def test_people_are_imported_and_get_a_campaign(
    workspace: Workspace, visit: Any, mailbox: Mailbox, tmp_path: Path
) -> None:
    """From a spreadsheet to the report of what reached the mail server, all on pages."""
    sheet = tmp_path / "people.csv"
    sheet.write_text(SHEET)
    page: Page = visit(workspace.email, "/settings/channels/new/smtp")
    page.fill("#name", "News")
    page.fill("#address", "news@example.org")
    page.fill("#host", "127.0.0.1")
    page.fill("#port", str(mailbox.port))
    page.select_option("#tls", "none")
    page.click("main button:has-text('Connect')")
    expect(page.locator("h1")).to_have_text("News is connected")

    page.goto("/contacts/import")
    page.set_input_files("#file", sheet)
    page.click("main button:has-text('Next')")
    page.select_option("[aria-label='Column Mail']", "email")
    page.fill("#tag", "newcomers")
    page.click("button:text-is('Import')")
    expect(page.locator("#progress .banner")).to_contain_text("new contacts", timeout=PATIENCE)

    page.goto("/campaigns/new")
    page.fill("#name", "Welcome")
    page.click("main button:has-text('Start')")
    page.check("label:has-text('People with tags') input")
    page.check("[data-for=tags] label:has-text('newcomers') input")
    expect(page.locator("#size .drops dd").last).to_have_text("2")
    page.click("button:has-text('Save and go on')")
    page.fill("#subject", "Welcome, {{first_name|friend}}")
    page.fill("#html", "<h1>Hello {{name}}</h1>")
    page.click("button:has-text('Save and go on')")
    expect(page).to_have_url(re.compile("/schedule$"))
    page.click("button:has-text('Save and go on')")
    page.click("button:has-text('Send to 2 people')")

    expect(page.locator("#figures .line .tag").first).to_have_text("sent", timeout=PATIENCE)
    expect(page.locator(".tiles div:has(dt:text-is('Delivered')) dd")).to_have_text(re.compile(r"^2 "))
    mails = {str(mail["To"]): mail for mail in mailbox.mails}
    assert {to: str(mail["Subject"]) for to, mail in mails.items()} == {
        "zoe@example.com": "Welcome, Zoë",
        "ion@example.com": "Welcome, Ion",
    }
    assert "Hello Ion Rus" in mails["ion@example.com"].get_body(("html",)).get_content()


def test_a_key_is_made_tried_and_does_what_it_may(workspace: Workspace, visit: Any) -> None:
    """A program's first steps: the key is shown once, makes a contact from the docs page, and is revoked."""
    page: Page = visit(workspace.email, "/settings/api-keys")
    page.fill("#label", "Shop")
    page.check("[name=scope][value=write]")
    page.click("button:has-text('Make key')")
    key = page.locator("#secret").inner_text()

    page.goto("/docs/portal")
    page.fill("#try-token", key)
    page.select_option("#try-endpoint", label="POST /contacts")
    page.fill("#try-body", '{"name": "Made by a program", "phone": "+40722000888"}')
    page.click("#try-it button")
    expect(page.locator("#try-status")).to_have_text(re.compile("^201"))
    page.goto("/contacts")
    expect(page.locator("#found tbody")).to_contain_text("Made by a program")

    page.goto("/settings/api-keys")
    page.click("tbody button:has-text('Revoke')")
    page.click("#sure button[value=yes]")
    expect(page.locator("tbody tr")).to_have_count(0)


def test_a_flow_is_answered_from_a_simulated_phone(workspace: Workspace, visit: Any, tmp_path: Path) -> None:
    """Imported, given a word, started by a text from the wall, answered there; its result is read."""
    file = written(tmp_path / "flows.json", survey(f"{workspace.house.url}/nothing"))
    word = f"rate{next(NUMBERS)}"
    page: Page = visit(workspace.email, "/flows/import")
    page.set_input_files("#file", file)
    page.click("button:has-text('Look at it first')")
    expect(page.locator("#plan li").first).to_contain_text("Delivery survey")
    page.click("button:has-text('Bring it in')")
    expect(page.locator(".toast")).to_have_text("1 flow brought in.")
    page.goto("/flows/triggers")
    page.fill("#keywords", word)
    page.select_option("#flow", label="Delivery survey")
    page.click("main button:has-text('Save')")
    expect(page.locator("table")).to_contain_text(word)

    page.goto("/phones")
    page.click("button:has-text('Make a simulated channel')")
    page.fill("[name=name]", "Zoë")
    page.click("button:has-text('New phone')")
    zoe = page.locator(".phone", has_text="Zoë")
    zoe.locator("textarea").fill(word)
    zoe.locator("textarea").press("Enter")
    expect(zoe.locator(".screen .out")).to_have_count(1, timeout=PATIENCE)
    zoe.locator("textarea").fill("good")
    zoe.locator("textarea").press("Enter")
    expect(zoe.locator(".screen .out")).to_have_count(2, timeout=PATIENCE)

    page.goto("/flows/runs")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    page.click("#found tbody a >> nth=0")
    expect(page.locator("main")).to_contain_text("Zoë")
    expect(page.locator("main")).to_contain_text("good")


def test_the_inbox_is_worked_from_sign_in_to_the_last_answer_by_keyboard_alone(
    workspace: Workspace, visit: Any, house: Any
) -> None:
    """No mouse at all: sign in, find the inbox, take a question, answer, note, close, look the contact up."""
    channel = workspace.channel(**{"as": "sms"})
    workspace.hear(channel, "+40722000111", "Where is my order?")
    workspace.hear(channel, "+40722000222", "Are you open on Sunday?")
    page: Page = visit(workspace.email, "/me")
    keys = page.keyboard

    keys.press("g")
    keys.press("i")
    expect(page.locator(".row")).to_have_count(2)
    keys.press("j")
    keys.press("Enter")
    expect(page.locator(".entry .text")).to_have_text("Are you open on Sunday?")
    keys.press("r")
    expect(page.locator(".composer textarea")).to_be_focused()
    keys.type("No, on Monday.")
    keys.press("Control+Enter")
    expect(page.locator(".entry.out .text")).to_have_text("No, on Monday.")
    keys.press("n")
    expect(page.locator(".composer.note textarea")).to_be_focused()
    keys.type("Asks every week")
    keys.press("Control+Enter")
    expect(page.locator(".entry.note:not(.waiting) .text")).to_have_text("Asks every week")
    keys.press("e")
    expect(page.locator(".row")).to_have_count(1)
    keys.press("Control+k")
    keys.type("+40722000111")
    expect(page.locator("#palette-list")).to_contain_text("+40722000111")
    keys.press("Enter")

    expect(page).to_have_url(re.compile(r"/contacts/\d+$"))
    expect(page.locator("main")).to_contain_text("Where is my order?")


def test_every_control_of_a_conversation_is_reached_by_tab_and_seen(workspace: Workspace, visit: Any) -> None:
    channel = workspace.channel(**{"as": "sms"})
    workspace.hear(channel, "+40722000111", "Where is my order?")
    page: Page = visit(workspace.email, "/inbox")
    page.locator(".row").click()
    expect(page.locator(".composer textarea")).to_be_visible()
    wanted = page.evaluate(f"{REACHABLE}().length")

    page.evaluate("document.activeElement.blur()")
    reached, hidden = set(), []
    for _ in range(2 * wanted + 20):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found is None:
            continue
        reached.add(found["at"])
        hidden += [] if found["seen"] else [found["html"]]

    assert hidden == []
    missed = set(range(wanted)) - reached
    assert [page.evaluate(f"{REACHABLE}()[{at}].outerHTML.slice(0, 160)") for at in sorted(missed)] == []


def test_a_day_on_a_phone(workspace: Workspace, visit: Any) -> None:
    """The same work with a thumb: nothing is wider than the screen, and every step can be touched."""
    channel = workspace.channel(**{"as": "sms"})
    workspace.hear(channel, "+40722000111", "Where is my order?")
    page: Page = visit(workspace.email, "/contacts", viewport=PHONE, has_touch=True, is_mobile=True)

    page.tap(".bar [data-toggles=side]")
    page.tap(".menu a:has-text('Inbox')")
    page.locator(".row", has_text="Where is my order?").tap()
    page.fill(".composer textarea", "It left on Monday")
    page.locator(".composer .send").tap()
    expect(page.locator(".entry.out .text")).to_have_text("It left on Monday")
    page.get_by_label("Back to the list").tap()
    expect(page.locator(".row")).to_contain_text("It left on Monday")
    page.goto("/contacts")
    page.locator("#found tbody a").first.tap()
    page.fill("[name=note]", "Called twice")
    page.locator("form[action$='/notes'] button").tap()
    expect(page.locator("main")).to_contain_text("Called twice")
    for path in ("/contacts", "/contacts/new", "/inbox", "/campaigns/new", "/flows", "/phones", "/settings"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


# What Tab must come to: all that can be used in sight, except one of several that arrows lead through.
REACHABLE = """(() => [...document.querySelectorAll(
  "a[href], button, input, select, textarea, summary, [tabindex]"
)].filter((each) => each.checkVisibility({ visibilityProperty: true, opacityProperty: false })
  && each.tabIndex >= 0 && !each.disabled && !each.closest("dialog:not([open]), .skip, [inert]")))"""

FOCUSED = f"""(() => {{
  const now = document.activeElement;
  const at = {REACHABLE}().indexOf(now);
  if (at < 0) return null;
  const box = now.getBoundingClientRect();
  const seen = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return {{ at, seen, html: now.outerHTML.slice(0, 160) }};
}})()"""
