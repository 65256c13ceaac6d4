"""Reading in the inbox: the list and its numbers, searches, what stands beside a conversation."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.flow_file import survey, written
from tests.inboxes import ION, SECOND, WIDE, ZOE, answer, away, contact, opened, phone_writes


def test_three_panes_and_a_long_list_that_draws_only_what_is_seen(workspace, visit) -> None:
    channel = workspace.channel(**{"as": "sms"})
    for n in range(70):
        workspace.hear(channel, f"+407221{n:05}", f"Matter number {n}")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)

    opened(page, "Matter number 69")
    for pane in (".views", ".list", ".thread", ".panel"):
        expect(page.locator(f".panes > {pane}")).to_be_visible()
    assert page.locator(".row").count() < 35
    page.wait_for_function(
        "() => { const list = document.querySelector('.lines'); list.scrollTop = list.scrollHeight; "
        "return list.textContent.includes('Matter number 0') }"
    )
    assert page.locator(".row").count() < 35


def test_numbers_agree_in_every_tab_and_on_another_device(workspace, visit) -> None:
    bogdan = workspace.member(name="Bogdan")
    channel = phone_writes(workspace, "First")
    desk: Page = visit(bogdan, "/inbox", viewport=WIDE)
    laptop: Page = visit(bogdan, "/inbox", viewport=WIDE)
    ana: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    opened(ana, "First")
    ana.click(".composer button:has-text('Note')")
    ana.fill(".composer textarea", "@Bogdan, can you?")
    ana.press(".composer textarea", "Control+Enter")
    for page in (desk, laptop):
        expect(page.locator(".view", has_text="Mentions")).to_contain_text("1", timeout=SECOND)

    opened(desk, "First")
    away(desk)
    desk.keyboard.press("i")
    for page in (desk, laptop):
        expect(page.locator(".view", has_text="Mentions").locator(".number")).to_have_text("", timeout=SECOND)
        expect(page.locator(".view", has_text="Mine")).to_contain_text("1", timeout=SECOND)
    desk.goto("/status")
    ana.goto("/status")
    workspace.hear(channel, ION, "Second")
    expect(laptop).to_have_title(re.compile(r"^\(1\) "), timeout=SECOND)
    expect(laptop.locator(".row.unread")).to_have_count(1)
    second = desk.context.new_page()
    second.goto("/inbox")
    opened(second, "Second")

    expect(laptop).to_have_title(re.compile(r"^Inbox"), timeout=SECOND)
    expect(laptop.locator(".row.unread")).to_have_count(0)


def test_a_search_finds_people_labels_files_and_days_and_stays_when_one_is_opened(workspace, visit) -> None:
    contact(workspace, name="Ion Pop")
    contact(workspace, ZOE, name="Zoe Marin")
    channel = phone_writes(workspace, "Where is my parcel?")
    workspace.hear(channel, ZOE, "A blue bicycle")
    page: Page = visit(workspace.email, "/inbox")
    opened(page, "A blue bicycle")
    page.set_input_files(".composer input[type=file]", {"name": "bike.png", "mimeType": "image/png", "buffer": PIXEL})
    expect(page.locator(".files")).to_contain_text("bike.png")
    page.click(".composer .send")
    expect(page.locator(".entry.out .picture")).to_be_visible()
    away(page)
    page.keyboard.press("l")
    page.keyboard.type("vip")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")

    found = {
        "from:zoe": "Zoe Marin",
        "parcel": "Ion Pop",
        "label:vip": "Zoe Marin",
        "has:file": "Zoe Marin",
        "after:2001-01-01 from:ion": "Ion Pop",
        "assignee:none -": "",
    }
    box = page.locator(".list input[type=search]")
    for query, name in found.items():
        box.fill(query)
        rows = page.locator(".row")
        expect(rows).to_have_count(1 if name else 0)
        if name:
            expect(rows).to_contain_text(name)
    box.fill("from:ion")
    expect(page.locator(".row")).to_have_count(1)
    opened(page, "Ion Pop")

    expect(box).to_have_value("from:ion")
    expect(page.locator(".row")).to_have_count(1)


def test_a_kept_search_is_ones_own_or_everybodys_and_counts(workspace, visit) -> None:
    bogdan = workspace.member(name="Bogdan")
    channel = phone_writes(workspace, "An urgent matter")
    workspace.hear(channel, ZOE, "No hurry")
    ana: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    opened(ana, "An urgent matter")
    away(ana)
    ana.keyboard.press("p")
    ana.locator(".picker li", has_text="Urgent").click()

    for name, shared in (("My own", False), ("For us", True)):
        ana.fill(".list input[type=search]", "priority:urgent channel:sms")
        ana.click("button.keep")
        ana.fill(".keeping input[type=text]", name)
        ana.set_checked(".keeping input[type=checkbox]", shared)
        ana.click(".keeping button")
        expect(ana.locator(".view", has_text=name)).to_contain_text("1")
        expect(ana.locator(".row")).to_have_count(1)
    page: Page = visit(bogdan, "/inbox", viewport=WIDE)

    expect(page.locator(".view", has_text="For us")).to_contain_text("1")
    expect(page.locator(".view", has_text="My own")).to_have_count(0)


def test_the_contact_beside_it_is_edited_in_place_and_tells_what_there_was(workspace, visit, tmp_path: Path) -> None:
    known = contact(workspace, name="Ion Pop")
    mail = workspace.channel(**{"as": "email"}, address="help@example.com")
    with workspace.api() as api:
        changed = api.put(f"/api/v1/contacts/{known}", json={"email": "ion@example.com"})
        assert changed.status_code == 200, changed.text
    workspace.hear(mail, "ion@example.com", "By mail before", subject="Old matter")
    received(workspace, phone_writes(workspace, "By phone now"))
    file = written(tmp_path / "flows.json", survey(f"{workspace.house.url}/nothing"))
    workspace.house.run("flow", "import", "--account", workspace.uuid, file)
    workspace.house.run("flow", "start", "Delivery survey", "--account", workspace.uuid, "--urn", f"tel:{ION}")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    page.locator(".row", has_text="Ion Pop").first.click()
    panel = page.locator(".panel")

    panel.get_by_label("Company").fill("Acme")
    panel.get_by_label("Company").press("Enter")
    expect(page.locator(".toast").last).to_have_text("Saved.")
    panel.get_by_label("Name").fill("Ion Popescu")
    panel.get_by_label("Name").press("Enter")
    expect(page.locator(".thread h2")).to_have_text("Ion Popescu", timeout=SECOND)
    panel.get_by_text("Pause").click()
    expect(panel).to_contain_text("Automation is paused")
    expect(panel).to_contain_text("Spring sale")
    expect(panel.locator("li", has_text="Delivery survey")).to_contain_text("at step")
    page.screenshot(path=tmp_path / "panel.png")
    panel.locator(".past", has_text="By mail before").click()

    expect(page.locator(".entry .text")).to_have_text("By mail before")
    expect(panel.get_by_label("Company")).to_have_value("Acme")


def test_who_wants_no_messages_is_shown_beside_it(workspace, visit) -> None:
    phone_writes(workspace, "Hello", "STOP")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)

    page.locator(".row").first.click()

    expect(page.locator(".panel")).to_contain_text("Opted out")


def test_what_was_sent_shows_how_far_it_came(workspace, visit) -> None:
    phone_writes(workspace, "Did it arrive?", auto_dlr="true")
    page: Page = visit(workspace.email, "/inbox", viewport=WIDE)
    page.locator(".wishes select").select_option("0")
    opened(page, "Did it arrive?")

    answer(page, "It did")

    state = page.locator(".entry.out .state .icon")
    expect(state).to_have_attribute("aria-label", "Delivered", timeout=15_000)


def test_landmarks_focus_and_writing_from_right_to_left(workspace, visit, accessible) -> None:
    phone_writes(workspace, "שלום, where is it?")
    page: Page = visit(workspace.email, "/inbox", reduced_motion="reduce", viewport=WIDE)
    opened(page, "where is it?")

    for role, name in (("navigation", "Views"), ("region", "Conversations"), ("region", "Conversation")):
        expect(page.get_by_role(role, name=name, exact=True)).to_be_visible()
    expect(page.get_by_role("complementary", name="Contact")).to_be_visible()
    page.locator(".list input[type=search]").focus()
    order = []
    for _ in range(40):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.closest('.list,.thread,.panel')?.className.split(' ')[0]"))
    assert [place for n, place in enumerate(order) if place and place not in order[:n]] == ["list", "thread", "panel"]
    moving = page.evaluate(
        "document.getAnimations().filter(each => each.effect.getComputedTiming().duration > 1).length"
    )
    assert moving == 0
    page.evaluate("document.documentElement.dir = 'rtl'")
    accessible(page)
    views, rows = page.locator(".views").bounding_box(), page.locator(".list").bounding_box()
    assert views
    assert rows
    assert views["x"] > rows["x"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def received(workspace: Any, channel: Any) -> None:
    """A campaign that reached everybody there is."""
    with workspace.api("portal") as api:
        said = {"name": "Spring sale", "channel": "sms", "message_template": "Sale!", "integration_id": channel["id"]}
        made = api.post("/api/v1/integrations/campaigns", json=said)
        assert made.status_code == 201, made.text
        sent = api.post(f"/api/v1/integrations/campaigns/{made.json()['data']['id']}/send", json={})
        assert sent.status_code < 300, sent.text


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
