"""Writing in the inbox: what the composer knows of each channel, notes, files, replies that wait."""

import re
from datetime import datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.inboxes import WIDE, answer, contact, opened, phone_writes


def test_a_text_message_is_counted_in_segments_and_says_when_a_sign_changes_its_alphabet(workspace, visit) -> None:
    phone_writes(workspace, "How much?")
    page: Page = visit(workspace.email, "/inbox")
    opened(page, "How much?")
    facts = page.locator(".composer .facts")

    page.fill(".composer textarea", "x" * 160)
    expect(facts).to_contain_text("GSM-7 · 1 segment · 0 left")
    page.fill(".composer textarea", "x" * 161)
    expect(facts).to_contain_text("GSM-7 · 2 segments · 145 left")
    page.fill(".composer textarea", "x" * 69 + "ș")

    expect(facts).to_contain_text("UCS-2 · 1 segment · 0 left")
    expect(facts.locator(".warn")).to_have_attribute("title", "ș")


def test_a_note_looks_different_calls_a_colleague_and_is_guarded_from_going_out(workspace, visit) -> None:
    bogdan = workspace.member(name="Bogdan")
    phone_writes(workspace, "A hard question")
    page: Page = visit(workspace.email, "/inbox")
    opened(page, "A hard question")
    answer(page, "We are looking")

    page.fill(".composer textarea", "@Bogdan do you know?")
    page.press(".composer textarea", "Control+Enter")
    expect(page.locator(".composer .notice")).to_contain_text("This mentions Bogdan and goes to the contact.")
    page.get_by_text("Make it a note").click()
    expect(page.locator(".composer .facts")).to_have_text("Colleagues only")
    page.fill(".composer textarea", "")
    page.locator(".composer textarea").press_sequentially("@bog")
    expect(page.locator(".hints")).to_contain_text("Bogdan")
    page.keyboard.press("Enter")
    page.keyboard.type("do you know?")
    page.keyboard.press("Control+Enter")

    note = page.locator(".entry.note")
    expect(note.locator(".text")).to_have_text("@Bogdan do you know?")
    expect(note.get_by_role("img", name="Note, seen by colleagues only")).to_be_visible()
    background = "each => getComputedStyle(each.querySelector('.body')).backgroundColor"
    assert note.evaluate(background) != page.locator(".entry.out.message").evaluate(background)
    other: Page = visit(bogdan, "/inbox?view=mentions")
    expect(other.locator(".row")).to_contain_text("We are looking")


def test_a_screenshot_is_pasted_and_goes_out(workspace, visit, tmp_path: Path) -> None:
    phone_writes(workspace, "What do you see?")
    page: Page = visit(workspace.email, "/inbox")
    opened(page, "What do you see?")

    page.locator(".composer textarea").evaluate(PASTE)
    expect(page.locator(".files")).to_contain_text("picture.png")
    page.reload()
    expect(page.locator(".files")).to_contain_text("picture.png")
    page.click(".composer .send")

    picture = page.locator(".entry.out .picture img")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", 8)
    page.screenshot(path=tmp_path / "picture.png")


def test_a_reply_waits_for_its_moment_and_is_taken_back(workspace, visit) -> None:
    phone_writes(workspace, "Tomorrow is fine")
    page: Page = visit(workspace.email, "/inbox")
    opened(page, "Tomorrow is fine")

    page.get_by_role("button", name="Send later").click()
    page.fill(".composer .when", (datetime.now() + timedelta(days=1)).strftime("%Y-%m-%dT10:00"))
    page.fill(".composer textarea", "Good morning")
    page.click(".composer .send")
    expect(page.locator(".entry.out")).to_contain_text("Goes out")
    page.reload()
    expect(page.locator(".entry.out")).to_contain_text("Goes out")
    page.get_by_text("Take back").click()

    expect(page.locator(".entry.out")).to_have_count(0)
    expect(page.locator(".composer textarea")).to_have_value("Good morning")


def test_a_suggestion_shows_its_sources_and_is_never_sent_by_itself(workspace, visit) -> None:
    phone_writes(workspace, "When are you open?")
    page: Page = visit(workspace.email, "/inbox")
    opened(page, "When are you open?")
    page.route("**/suggestion", lambda route: route.fulfill(json=SUGGESTION))

    page.get_by_role("button", name="Suggest a reply").click()
    expect(page.locator(".suggestion")).to_contain_text("[1] Opening hours")
    expect(page.locator(".suggestion")).to_contain_text("Borne out by nothing: On Sundays too.")
    expect(page.locator(".entry.out")).to_have_count(0)
    page.get_by_text("Use it").click()

    expect(page.locator(".composer textarea")).to_have_value("Until six.")
    expect(page.locator(".entry.out, .entry.waiting")).to_have_count(0)


def test_a_canned_response_is_kept_with_its_file_and_used_again(workspace, visit, accessible) -> None:
    contact(workspace, name="Ion Pop")
    phone_writes(workspace, "The menu, please")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    opened(page, "The menu, please")
    page.fill(".composer textarea", "Dear {{first_name}},\nhere it is :coff")
    page.press(".composer textarea", "End")
    page.keyboard.type("e")
    expect(page.locator(".hints")).to_contain_text("☕")
    page.keyboard.press("Enter")
    page.locator(".composer textarea").evaluate(PASTE)
    expect(page.locator(".files")).to_contain_text("picture.png")

    page.get_by_role("button", name="Keep as a canned response").click()
    accessible(page)
    page.get_by_label("Title").fill("Menu")
    page.get_by_label("Shortcut").fill("menu")
    page.locator("dialog[open]").get_by_text("Keep", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("Kept as a canned response.")
    page.get_by_label("Remove picture.png").click()
    page.fill(".composer textarea", "")
    page.locator(".composer textarea").press_sequentially("/menu")
    expect(page.locator(".hints")).to_contain_text("Menu")
    page.keyboard.press("Enter")

    expect(page.locator(".composer textarea")).to_have_value("Dear Ion,\nhere it is ☕")
    expect(page.locator(".files")).to_contain_text("picture.png")


def test_mails_are_signed_as_one_likes(workspace, visit) -> None:
    mail = workspace.channel(**{"as": "email"}, address="help@example.com")
    workspace.hear(mail, "zoe@example.com", "Hello?", subject="Hello")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    page.get_by_role("button", name="Settings of the inbox").click()
    page.get_by_label("Signature of mails").fill("Ana Pop\nAcme")
    page.click(".settings button:text-is('Save')")
    expect(page.locator(".toast")).to_contain_text("Saved.")
    page.keyboard.press("Escape")
    page.locator(".wishes select").first.select_option("0")
    opened(page, "Hello?")

    expect(page.locator(".composer .signature")).to_contain_text("Ana Pop")
    page.fill(".composer textarea", "Hello!")
    page.press(".composer textarea", "Control+Enter")
    expect(page.locator(".entry.out:not(.waiting) .text").last).to_have_text("Hello!\n\n-- \nAna Pop\nAcme")
    page.get_by_label("Sign it").uncheck()
    answer(page, "And bye")

    expect(page.locator(".entry.out .text").last).to_have_text("And bye")


def test_a_template_is_chosen_filled_and_sent_when_only_that_is_allowed(workspace, visit, accessible) -> None:
    with workspace.api("portal") as api:
        body = "Dear {{first_name}}, your order {{order}} is ready."
        given = {"key": "ready", "name": "Order ready", "channel": "whatsapp", "body": body}
        made = api.post("/api/v1/integrations/templates", json=given)
        assert made.status_code == 201, made.text
    phone_writes(workspace, "Is it ready?", sender="40722000777", plays="whatsapp")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    opened(page, "Is it ready?")
    expect(page.locator(".composer .facts")).to_contain_text(re.compile(r"Free text until .* \(2[34] h"))
    page.clock.install()
    page.reload()
    expect(page.locator(".composer .facts")).to_contain_text("Free text until")
    page.clock.fast_forward("25:00:00")
    expect(page.locator(".composer .facts")).to_contain_text("only an approved template may be sent")
    page.fill(".composer textarea", "Yes")
    expect(page.locator(".composer .send")).to_be_disabled()

    page.get_by_text("Choose a template").click()
    page.locator("dialog[open]").get_by_text("Order ready").click()
    accessible(page)
    expect(page.locator("dialog[open] .preview")).to_contain_text("your order {{order}} is ready.")
    send = page.locator("dialog[open] button:text-is('Send')")
    expect(send).to_be_disabled()
    page.locator("dialog[open]").get_by_label("first_name").fill("Maria")
    expect(send).to_be_disabled()
    page.locator("dialog[open]").get_by_label("order").fill("17")
    send.click()

    expect(page.locator(".entry.out .text")).to_have_text("Dear Maria, your order 17 is ready.")


def test_a_message_is_forwarded_by_mail_with_a_word_above_it(workspace, visit, accessible) -> None:
    workspace.channel(**{"as": "email"}, address="help@example.com")
    phone_writes(workspace, "My boiler is broken")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    opened(page, "My boiler is broken")

    page.locator(".entry.in").hover()
    page.locator(".entry.in .forward").click()
    accessible(page)
    page.get_by_label("To", exact=True).fill("plumber@example.com")
    page.get_by_label("A word of yours above it").fill("Can you go there today?")
    page.locator("dialog[open] button:text-is('Forward')").click()

    expect(page.locator(".entry.note")).to_contain_text("Forwarded to plumber@example.com.")
    expect(page.locator(".row")).to_have_count(2)
    opened(page, "Can you go there today?")
    expect(page.locator(".entry.out .text")).to_contain_text("My boiler is broken")


PASTE = """async area => {
    const canvas = new OffscreenCanvas(8, 8);
    canvas.getContext("2d").fillRect(0, 0, 8, 8);
    const picture = new File([await canvas.convertToBlob()], "picture.png", { type: "image/png" });
    const clipboardData = new DataTransfer();
    clipboardData.items.add(picture);
    area.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""

SUGGESTION = {
    "text": "Until six. [1]",
    "model": "small",
    "confidence": 0.8,
    "unsupported": ["On Sundays too."],
    "sources": [{"number": 1, "title": "Opening hours", "url": ""}],
}
