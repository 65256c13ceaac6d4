"""Working through the inbox: putting aside, giving to colleagues, many at once, joining what belongs together."""

import re
from datetime import datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.inboxes import ION, SECOND, WIDE, ZOE, away, contact, opened, phone_writes


def test_snoozing_until_a_moment_brings_it_back_at_the_top_with_the_reason(workspace, visit) -> None:
    channel = phone_writes(workspace, "Call me back")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    opened(page, "Call me back")
    away(page)
    for choice in ("Later today", "Tomorrow", "Next week", "Until they reply"):
        page.keyboard.press("s")
        page.locator(".picker li", has_text=choice).click()
        expect(page.locator(".marks")).to_contain_text("until they" if "reply" in choice else "Snoozed until")
    page.keyboard.press("s")
    page.get_by_label("Day and time").fill(f"{datetime.now() + timedelta(days=900):%Y-%m-%dT09:30}")
    page.get_by_label("Day and time").press("Enter")
    expect(page.locator(".marks")).to_contain_text("09:30")
    expect(page.locator(".view", has_text="Snoozed")).to_contain_text("1")
    page.evaluate(SNOOZE_BRIEFLY)
    workspace.hear(channel, ZOE, "Newer")
    expect(page.locator(".row")).to_contain_text("Newer", timeout=SECOND)

    back = page.locator(".row").first
    expect(back).to_contain_text("Call me back", timeout=75_000)
    expect(back).to_contain_text("Snooze is over")


def test_a_conversation_is_given_to_a_colleague_and_marked_unread(workspace, visit) -> None:
    bogdan = workspace.member(name="Bogdan")
    phone_writes(workspace, "Who takes this?")
    ana: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    other: Page = visit(bogdan, "/inbox?view=mine", viewport=WIDE)
    opened(ana, "Who takes this?")
    away(ana)

    ana.keyboard.press("a")
    ana.keyboard.type("bog")
    ana.keyboard.press("Enter")
    expect(ana.locator(".thread .top")).to_contain_text("Bogdan")
    ana.keyboard.press("u")

    expect(other.locator(".row.unread")).to_contain_text("Who takes this?", timeout=SECOND)
    expect(ana.locator(".view", has_text="Unassigned").locator(".number")).to_have_text("", timeout=SECOND)


def test_two_conversations_with_one_contact_are_merged(workspace, visit) -> None:
    known = contact(workspace, name="Ion Pop")
    with workspace.api() as api:
        assert api.put(f"/api/v1/contacts/{known}", json={"email": "ion@example.com"}).status_code == 200
    mail = workspace.channel(**{"as": "email"}, address="help@example.com")
    workspace.hear(mail, "ion@example.com", "By mail", subject="Matter")
    phone_writes(workspace, "By phone")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    expect(page.locator(".row")).to_have_count(2)

    page.locator(".row", has_text="By mail").locator("[data-choose]").click()
    page.locator(".row", has_text="By phone").locator("[data-choose]").click()
    page.locator(".bulk").get_by_text("Merge").click()
    page.locator(".picker li").first.click()

    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".entry .text")).to_have_text(["By mail", "By phone"])


def test_the_palette_and_keys_of_another_layout(workspace, visit) -> None:
    channel = phone_writes(workspace, "First matter")
    workspace.hear(channel, ZOE, "Second matter")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    opened(page, "Second matter")
    away(page)

    # The key that says J elsewhere says О on a Russian keyboard.
    page.evaluate("dispatchEvent(new KeyboardEvent('keydown', {key: 'о', code: 'KeyJ', bubbles: true}))")
    expect(page.locator(".entry .text")).to_have_text("First matter")
    page.keyboard.press("Escape")
    expect(page.locator(".thread .nothing")).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette input")).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.locator("#palette")).to_be_hidden()


def test_many_at_once_are_labeled_closed_and_taken_back(workspace, visit, tmp_path: Path) -> None:
    channel = phone_writes(workspace, "First matter")
    workspace.hear(channel, ZOE, "Second matter")
    workspace.hear(channel, "+40722000333", "Third matter")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    expect(page.locator(".row")).to_have_count(3)
    page.locator(".row", has_text="Second matter").locator("[data-choose]").click()
    page.locator(".bulk").get_by_text("All shown").click()
    expect(page.locator(".bulk")).to_contain_text("3 chosen")
    page.screenshot(path=tmp_path / "bulk.png")

    page.locator(".bulk").get_by_text("Label").click()
    page.keyboard.type("vip")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator(".row .tag", has_text="vip")).to_have_count(3)
    page.locator(".bulk").get_by_text("Priority").click()
    page.locator(".picker li", has_text="Urgent").click()
    expect(page.locator(".row .flag.urgent")).to_have_count(3)
    page.locator(".bulk").get_by_text("Close", exact=True).click()
    expect(page.locator(".row")).to_have_count(0)
    expect(page.locator(".view", has_text="Closed")).to_contain_text("3")
    page.locator(".toast", has_text="3 conversations closed.").get_by_text("Undo").click()

    expect(page.locator(".row")).to_have_count(3)
    expect(page.locator(".row .tag", has_text="vip")).to_have_count(3)
    expect(page.locator(".view", has_text="Closed").locator(".number")).to_have_text("")


def test_spam_leaves_the_list_and_a_blocked_contact_is_told_from_others(workspace, visit) -> None:
    contact(workspace, name="Ion Pop")
    phone_writes(workspace, "You have won")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    opened(page, "You have won")
    away(page)

    page.keyboard.press("!")
    expect(page.locator(".row")).to_have_count(0)
    expect(page.locator(".toast")).to_contain_text("1 conversation is spam.")
    page.keyboard.press("Control+z")
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_role("button", name="More").click()
    page.locator(".picker li", has_text="Block the contact").click()
    page.locator(".picker li", has_text="Block Ion Pop").click()
    expect(page.locator(".panel")).to_contain_text("Blocked")
    page.get_by_role("button", name="More").click()
    page.locator(".picker li", has_text="Spam").click()
    page.click(".view:has-text('Spam')")

    expect(page.locator(".row")).to_contain_text("You have won")


def test_a_conversation_goes_to_another_contact_with_the_number_behind_it(workspace, visit) -> None:
    contact(workspace, "+40722000555", name="Maria Ionescu")
    channel = phone_writes(workspace, "It is me, Maria, on a new number")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    opened(page, "It is me")

    page.get_by_role("button", name="More").click()
    page.locator(".picker li", has_text="Change the contact").click()
    page.get_by_role("combobox", name="With whom is this?").fill("Maria")
    page.locator(".picker li", has_text="Maria Ionescu").click()
    expect(page.locator(".thread h2")).to_have_text("Maria Ionescu")
    expect(page.locator(".panel")).to_contain_text(ION)
    workspace.hear(channel, ION, "Thank you")

    expect(page.locator(".entry.in .text").last).to_have_text("Thank you")
    expect(page.locator(".row")).to_have_count(1)


def test_whoever_begins_first_holds_it_until_somebody_takes_over(workspace, visit) -> None:
    bogdan = workspace.member(name="Bogdan")
    phone_writes(workspace, "Who answers me?")
    ana: Page = visit(workspace.email, "/inbox")
    other: Page = visit(bogdan, "/inbox")
    opened(ana, "Who answers me?")
    opened(other, "Who answers me?")

    ana.fill(".composer textarea", "I do, one moment")
    expect(other.locator(".composer textarea")).not_to_be_editable()
    expect(other.locator(".composer .send")).to_be_disabled()
    other.locator(".present").get_by_text("Take over").click()
    other.fill(".composer textarea", "Here I am")
    expect(ana.locator(".present")).to_contain_text("Bogdan")
    expect(ana.locator(".composer textarea")).not_to_be_editable()
    expect(ana.locator(".composer textarea")).to_have_value("I do, one moment")
    other.press(".composer textarea", "Control+Enter")

    expect(ana.locator(".entry.out .text")).to_have_text("Here I am")
    expect(ana.locator(".composer textarea")).to_be_editable()


def test_keys_of_ones_own_hold_on_every_device_and_stand_in_the_help(workspace, visit, accessible) -> None:
    phone_writes(workspace, "A matter")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    page.get_by_role("button", name="Settings of the inbox").click()
    accessible(page)
    page.click("summary:has-text('Keys of your own')")
    page.get_by_label("Close or reopen").press("w")
    page.get_by_label("Assign to me").press("w")
    page.click(".settings button:text-is('Save')")
    expect(page.locator(".settings [role=alert]")).to_contain_text("Two things have the key w.")
    page.get_by_label("Assign to me").press("i")
    page.click(".settings button:text-is('Save')")
    expect(page.locator(".toast")).to_contain_text("Saved.")

    laptop: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    opened(laptop, "A matter")
    away(laptop)
    laptop.keyboard.press("e")
    expect(laptop.locator(".row")).to_have_count(1)
    laptop.keyboard.press("?")
    expect(laptop.locator("#keys div", has_text="Close or reopen").locator("kbd")).to_have_text("w")
    laptop.keyboard.press("Escape")
    laptop.keyboard.press("w")

    expect(laptop.locator(".row")).to_have_count(0)


def test_filters_are_chosen_without_knowing_their_words(workspace, visit) -> None:
    channel = phone_writes(workspace, "Still waiting")
    workspace.hear(channel, ZOE, "Answered already")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    opened(page, "Answered already")
    page.fill(".composer textarea", "Here you are")
    page.press(".composer textarea", "Control+Enter")
    expect(page.locator(".row", has_text="Here you are")).to_be_visible()

    page.get_by_role("button", name="Filters").click()
    page.get_by_role("group", name="Filters").get_by_label("Read").select_option("unread")
    expect(page.locator(".list input[type=search]")).to_have_value("is:unread")
    expect(page.locator(".row")).to_have_text([re.compile("Still waiting")])
    page.get_by_role("group", name="Filters").get_by_label("Read").select_option("")
    page.fill(".list input[type=search]", "is:waiting")
    expect(page.locator(".row")).to_have_text([re.compile("Still waiting")])
    page.fill(".list input[type=search]", "")
    page.get_by_role("group", name="Filters").get_by_label("Waits for an answer").select_option("2h")

    expect(page.locator(".row")).to_have_count(0)
    expect(page.locator(".list input[type=search]")).to_have_value("waiting:2h")


def test_what_was_said_long_ago_is_found_by_its_words(workspace, visit) -> None:
    channel = phone_writes(workspace, "My tricycle has a flat tyre", "And now?")
    workspace.hear(channel, ZOE, "Something else")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    opened(page, "And now?")
    page.fill(".composer textarea", "We send a mechanic")
    page.press(".composer textarea", "Control+Enter")
    expect(page.locator(".row", has_text="We send a mechanic")).to_be_visible()
    workspace.hear(channel, ION, "Thanks")
    expect(page.locator(".row", has_text="Thanks")).to_be_visible()

    for words in ("flat tricycle", "mechan"):
        page.fill(".list input[type=search]", words)
        expect(page.locator(".row")).to_have_count(1)
        expect(page.locator(".row")).to_contain_text("Thanks")
    page.fill(".list input[type=search]", "flat helicopter")

    expect(page.locator(".row")).to_have_count(0)


def test_a_macro_sets_what_it_sets_and_leaves_its_reply_to_be_looked_over(workspace, visit) -> None:
    contact(workspace, name="Ion Pop")
    phone_writes(workspace, "My parcel is late")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    page.get_by_role("button", name="Settings of the inbox").click()
    page.click("summary:has-text('Macros')")
    form = page.get_by_role("form", name="New macro")
    form.get_by_label("Name").fill("Late parcel")
    form.get_by_label("Reply").fill("Dear {{first_name}}, we are sorry.")
    form.get_by_label("Priority").select_option("high")
    form.get_by_label("Assigned to").select_option("me")
    form.get_by_text("Add macro").click()
    expect(page.locator(".settings li", has_text="Late parcel")).to_be_visible()
    page.keyboard.press("Escape")
    opened(page, "My parcel is late")
    away(page)

    page.keyboard.press("y")
    page.locator(".picker li", has_text="Late parcel").click()

    expect(page.locator(".composer textarea")).to_have_value("Dear Ion, we are sorry.")
    expect(page.locator(".row .flag.high")).to_be_visible()
    expect(page.locator(".thread .top")).to_contain_text("You")
    expect(page.locator(".entry.out")).to_have_count(0)


def test_what_arrives_is_given_in_turn_and_queues_when_nobody_has_room(workspace, visit) -> None:
    bogdan = workspace.member(name="Bogdan")
    ana: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    ana.get_by_role("button", name="Settings of the inbox").click()
    ana.click("summary:has-text('Who is given what arrives')")
    ana.get_by_label("New conversations go to").select_option("turns")
    ana.get_by_label("Open ones that somebody is given at most").fill("1")
    ana.get_by_text("Save for all").click()
    expect(ana.locator(".toast")).to_contain_text("Saved.")
    ana.keyboard.press("Escape")

    channel = phone_writes(workspace, "First matter")
    workspace.hear(channel, ZOE, "Second matter")
    workspace.hear(channel, "+40722000333", "Third matter")
    expect(ana.locator(".row", has_text="Third matter")).to_be_visible()
    expect(ana.locator(".view", has_text="Unassigned")).to_contain_text("1")
    expect(ana.locator(".view", has_text="Mine")).to_contain_text("1")
    opened(ana, "Third matter")
    expect(ana.locator(".marks")).to_contain_text("number 1 in the queue")
    other: Page = visit(bogdan, "/inbox?view=mine", viewport=WIDE)
    expect(other.locator(".row")).to_have_count(1)
    other.keyboard.press("j")
    other.keyboard.press("e")

    expect(ana.locator(".thread .top")).to_contain_text("Bogdan")
    expect(ana.locator(".view", has_text="Unassigned").locator(".number")).to_have_text("")


def test_the_rules_know_who_has_least_who_had_the_contact_and_what_opens_again(workspace, visit) -> None:
    workspace.member(name="Bogdan")
    channel = phone_writes(workspace, "First matter")
    workspace.hear(channel, ZOE, "Second matter")
    ana: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    ana.locator(".row", has_text="Second matter").locator("[data-choose]").click()
    ana.locator(".bulk").get_by_text("All shown").click()
    ana.keyboard.press("i")
    expect(ana.locator(".view", has_text="Mine")).to_contain_text("2")
    ana.get_by_label("Choose none").click()
    ana.get_by_role("button", name="Settings of the inbox").click()
    ana.click("summary:has-text('Who is given what arrives')")
    ana.get_by_label("New conversations go to").select_option("least")
    ana.get_by_label("What opens again goes to").select_option("nobody")
    ana.get_by_label("Whoever had the contact last goes first").check()
    ana.get_by_text("Save for all").click()
    expect(ana.locator(".toast", has_text="Saved.")).to_be_visible()
    ana.keyboard.press("Escape")

    workspace.hear(channel, "+40722000333", "Third matter")
    expect(ana.locator(".row", has_text="Third matter")).to_contain_text("Bogdan")
    phone_writes(workspace, "The first matter, elsewhere")
    expect(ana.locator(".row", has_text="elsewhere")).to_contain_text("you")
    opened(ana, "Third matter")
    away(ana)
    ana.keyboard.press("e")
    expect(ana.locator(".view", has_text="Closed")).to_contain_text("1")
    workspace.hear(channel, "+40722000333", "Once more")

    expect(ana.locator(".view", has_text="Unassigned")).to_contain_text("1")
    expect(ana.locator(".row", has_text="Once more")).not_to_contain_text("Bogdan")


def test_somebody_writes_while_one_looks_elsewhere(workspace, visit) -> None:
    channel = phone_writes(workspace, "Hello")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE, permissions=["notifications"])
    page.evaluate(NOTICES)
    page.get_by_label("Notices").check()
    page.get_by_label("Sound").check()
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")

    workspace.hear(channel, ZOE, "Are you there?")
    page.wait_for_function("() => noticed.length === 1 && rung === 1")
    assert page.evaluate("noticed[0].options.body") == "Are you there?"
    page.get_by_role("button", name="Settings of the inbox").click()
    hour = page.evaluate("new Date().getHours()")
    page.get_by_label("From", exact=True).fill(f"{(hour - 1) % 24:02}:00")
    page.get_by_label("Until", exact=True).fill(f"{(hour + 2) % 24:02}:00")
    page.click(".settings button:text-is('Save')")
    expect(page.locator(".toast")).to_contain_text("Saved.")
    page.keyboard.press("Escape")
    workspace.hear(channel, ZOE, "Hello?")
    expect(page.locator(".row", has_text="Hello?")).to_be_visible()

    assert page.evaluate("[noticed.length, rung]") == [1, 1]


NOTICES = """() => {
    window.noticed = [];
    window.rung = 0;
    window.Notification = class {
        static permission = "granted";
        static requestPermission = async () => "granted";
        constructor(title, options) { noticed.push({ title, options }); }
        close() {}
    };
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function () { rung += 1; start.call(this); };
}"""

SNOOZE_BRIEFLY = """async () => {
    const id = Number(location.pathname.split("/").pop());
    const headers = { "Content-Type": "application/json", "X-CSRF": document.body.dataset.csrf };
    const body = JSON.stringify({ ids: [id], until: new Date(Date.now() + 1500).toISOString() });
    const answer = await fetch("/inbox/api/changes", { method: "POST", headers, body });
    if (!answer.ok) throw new Error(await answer.text());
}"""
