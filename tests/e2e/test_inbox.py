"""The inbox: reading and answering with two browsers, by keyboard, on a phone, and with texts that mean no good."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

SECOND = 3_000
"""What must be seen at once, on a busy machine."""


def phone_writes(workspace, *texts: str, sender: str = "+40722000111") -> Any:
    channel = workspace.channel(**{"as": "sms"})
    for text in texts:
        workspace.hear(channel, sender, text)
    return channel


def opened(page: Page, text: str) -> None:
    page.locator(".row", has_text=text).click()
    expect(page.locator(".composer textarea")).to_be_visible()


def test_two_browsers_answer_one_text_message(workspace, visit, accessible, tmp_path: Path) -> None:
    bogdan = workspace.member(name="Bogdan")
    ana_page: Page = visit(workspace.email, "/inbox")
    bogdan_page: Page = visit(bogdan, "/inbox")
    expect(ana_page.locator("text=Nothing to do here.")).to_be_visible()

    phone_writes(workspace, "Where is my order?")
    for page in (ana_page, bogdan_page):
        expect(page.locator(".row")).to_contain_text("Where is my order?", timeout=SECOND)
    opened(ana_page, "Where is my order?")
    opened(bogdan_page, "Where is my order?")
    expect(ana_page.locator(".present")).to_contain_text("Bogdan looks at this too.", timeout=SECOND)
    bogdan_page.fill(".composer textarea", "It left")
    expect(ana_page.locator(".present")).to_contain_text("Bogdan is answering now.", timeout=SECOND)
    accessible(ana_page)

    bogdan_page.press(".composer textarea", "Control+Enter")
    expect(ana_page.locator(".entry.out .text")).to_have_text("It left", timeout=SECOND)
    expect(ana_page.locator(".entry.out")).to_contain_text("Bogdan")
    ana_page.screenshot(path=tmp_path / "inbox.png")


def test_an_answer_in_the_meantime_stops_the_second_one(workspace, visit) -> None:
    bogdan = workspace.member(name="Bogdan")
    phone_writes(workspace, "Hello?")
    ana_page: Page = visit(workspace.email, "/inbox")
    bogdan_page: Page = visit(bogdan, "/inbox")
    opened(ana_page, "Hello?")
    opened(bogdan_page, "Hello?")

    ana_page.fill(".composer textarea", "Yes, how can I help?")
    bogdan_page.locator(".present").get_by_text("Take over").click()
    bogdan_page.fill(".composer textarea", "Good morning")
    bogdan_page.press(".composer textarea", "Control+Enter")
    expect(ana_page.locator(".entry.out .text")).to_have_text("Good morning")
    expect(ana_page.locator(".composer textarea")).to_be_editable()
    ana_page.press(".composer textarea", "Control+Enter")

    warning = ana_page.locator(".notice.bad")
    expect(warning).to_contain_text("Bogdan answered in the meantime.")
    warning.get_by_text("Edit").click()
    expect(ana_page.locator(".composer textarea")).to_have_value("Yes, how can I help?")


def test_everything_goes_by_keyboard(workspace, visit) -> None:
    channel = phone_writes(workspace, "First matter")
    workspace.hear(channel, "+40722000222", "Second matter")
    page: Page = visit(workspace.email, "/inbox")
    expect(page.locator(".row")).to_have_count(2)

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".entry .text")).to_have_text("Second matter")
    page.keyboard.press("j")
    expect(page.locator(".entry .text")).to_have_text("First matter")
    page.keyboard.press("k")
    expect(page.locator(".entry .text")).to_have_text("Second matter")
    page.keyboard.press("i")
    expect(page.locator(".row.open")).to_contain_text("you")
    page.keyboard.press("l")
    page.keyboard.type("vip")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator(".row.open .tag")).to_have_text("vip")
    page.keyboard.press("n")
    page.keyboard.type("Knows us well :thumbsup:")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".entry.note .text")).to_have_text("Knows us well 👍")
    page.keyboard.press("r")
    page.keyboard.type("On it")
    page.keyboard.press("Control+Enter")
    page.keyboard.press("e")
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".toast").last).to_contain_text("1 conversation closed.")
    page.keyboard.press("/")
    expect(page.locator(".list input[type=search]")).to_be_focused()
    page.keyboard.type("status:closed tag:vip")
    expect(page).to_have_url(re.compile("closed"))
    expect(page.locator(".row", has_text="On it")).to_be_visible()
    expect(page.locator(".row")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("Send and close")


def test_a_draft_outlives_a_reload_and_a_canned_response_names_what_is_missing(workspace, visit) -> None:
    with workspace.api() as api:
        body = "Dear {{name|customer}}, your order {{order}} left."
        made = api.post("/api/v1/canned-responses", json={"title": "Left", "shortcut": "/left", "body": body})
        assert made.status_code == 201, made.text
    phone_writes(workspace, "Where is it?")
    page: Page = visit(workspace.email, "/inbox")
    opened(page, "Where is it?")

    page.locator(".composer textarea").press_sequentially("/lef")
    expect(page.locator(".hints")).to_contain_text("Something is missing")
    page.keyboard.press("Enter")
    expect(page.locator(".composer textarea")).to_have_value("Dear customer, your order {{order}} left.")
    assert page.evaluate("getSelection().toString()") == "{{order}}"
    page.keyboard.press("Control+Enter")
    expect(page.locator(".composer .notice")).to_contain_text("Fill in {{order}} first.")
    page.reload()

    expect(page.locator(".composer textarea")).to_have_value("Dear customer, your order {{order}} left.")


def test_snoozed_comes_back_with_the_next_message(workspace, visit) -> None:
    channel = phone_writes(workspace, "No hurry")
    page: Page = visit(workspace.email, "/inbox")
    opened(page, "No hurry")

    page.locator(".log").focus()
    page.keyboard.press("z")
    page.locator(".picker li", has_text="Tomorrow").click()
    expect(page.locator(".row")).to_have_count(0)
    expect(page.locator(".marks")).to_contain_text("Snoozed until")
    workspace.hear(channel, "+40722000111", "Now it is urgent")

    expect(page.locator(".row")).to_contain_text("Now it is urgent", timeout=SECOND)


def test_a_reply_is_taken_back_and_a_lost_network_loses_nothing(workspace, visit) -> None:
    phone_writes(workspace, "Are you there?")
    page: Page = visit(workspace.email, "/inbox", viewport={"width": 1600, "height": 900})
    opened(page, "Are you there?")
    page.locator(".wishes select").select_option("30")
    page.fill(".composer textarea", "Yess")
    page.press(".composer textarea", "Control+Enter")

    page.locator(".entry.out").get_by_text("Undo").click()
    expect(page.locator(".entry.out")).to_have_count(0)
    expect(page.locator(".composer textarea")).to_have_value("Yess")
    page.locator(".wishes select").select_option("0")
    page.route("**/replies", lambda route: route.abort())
    page.fill(".composer textarea", "Yes")
    page.press(".composer textarea", "Control+Enter")
    expect(page.locator(".entry.waiting")).to_contain_text("Not sent yet, trying again")
    page.unroute("**/replies")

    expect(page.locator(".entry.out:not(.waiting) .text")).to_have_text("Yes")


def test_hostile_texts_are_texts(workspace, visit, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)> {{7*7}} \u202egnp.exe " + "x" * 3000
    with workspace.api("portal") as api:
        named = {"name": "<svg onload=alert(1)>\u202eevil", "phone": "+40722000111"}
        assert api.post("/api/v1/integrations/contacts", json=named).status_code < 300
    phone_writes(workspace, hostile)
    page: Page = visit(workspace.email, "/inbox")

    opened(page, "<script>")
    expect(page.locator(".entry .text")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator(".thread h2")).to_contain_text("<svg onload=alert(1)>")
    page.get_by_text("Show all").click()

    page.screenshot(path=tmp_path / "hostile.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".entry .text script, .entry img").count() == 0


def test_a_phone_shows_one_pane_at_a_time(workspace, visit, accessible, tmp_path: Path) -> None:
    phone_writes(workspace, "From my phone")
    page: Page = visit(workspace.email, "/inbox", viewport={"width": 390, "height": 844})
    accessible(page)

    opened(page, "From my phone")
    expect(page.locator(".row")).to_be_hidden()
    accessible(page)
    page.screenshot(path=tmp_path / "phone.png")
    page.get_by_label("Back to the list").click()

    expect(page.locator(".row")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page).to_have_url(re.compile("/inbox$"))


def test_a_mail_is_answered_with_a_subject_and_copies_and_shown_as_it_was_written(
    workspace, visit, tmp_path: Path
) -> None:
    channel = workspace.channel(**{"as": "email"}, address="help@example.com")
    quoted = "Is it here yet?\n\nOn Monday Ana wrote:\n> It comes on Monday"
    workspace.hear(channel, "zoe@example.com", quoted, subject="Order <b>7</b>")
    page: Page = visit(workspace.email, "/inbox")
    opened(page, "Is it here yet?")
    expect(page.locator(".thread .top")).to_contain_text("Order <b>7</b>")
    expect(page.locator(".entry .text")).to_have_text("Is it here yet?")
    page.get_by_text("Show quote").click()
    expect(page.locator(".entry .quote")).to_contain_text("It comes on Monday")

    page.get_by_text("Subject, Cc, Bcc").click()
    page.get_by_label("Subject", exact=True).fill("Your order 7")
    page.get_by_label("Cc", exact=True).fill("boss@example.com")
    page.fill(".composer textarea", "It is in the post.")
    page.press(".composer textarea", "Control+Enter")
    sent = page.locator(".entry.out").last
    expect(sent).to_contain_text("Your order 7")
    expect(sent.locator(".state .icon")).to_have_attribute("aria-label", re.compile("Sent|Delivered"), timeout=15_000)
    page.screenshot(path=tmp_path / "mail.png")


def test_romanian_and_dark(workspace, visit, accessible, tmp_path: Path) -> None:
    phone_writes(workspace, "Bună ziua")
    page: Page = visit(workspace.email, "/inbox", color_scheme="dark")
    page.goto("/me")
    page.select_option("[name=language]", "ro")
    page.click("main button:has-text('Save')")
    expect(page.locator("html")).to_have_attribute("lang", "ro")
    page.goto("/inbox")

    opened(page, "Bună ziua")
    expect(page.locator(".composer textarea")).to_have_attribute("placeholder", re.compile("Răspunde"))
    accessible(page)
    page.screenshot(path=tmp_path / "dark.png")
