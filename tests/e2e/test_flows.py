"""Flows as people use them: a file comes in, is drawn, played, started for a group, answered; numbers move."""

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

from playwright.sync_api import Page, expect

EVIL = "<script>alert(1)</script>"


def uuid() -> str:
    return str(uuid4())


def asking(name: str = "Drinks") -> dict[str, Any]:
    """Tea or coffee? Either is thanked for, anything else is asked again."""
    ask, hear, thanks, late = uuid(), uuid(), uuid(), uuid()
    exits = {word: uuid() for word in ("Tea", "Coffee", "Other", "No Response")}
    targets = {"Tea": thanks, "Coffee": thanks, "Other": ask, "No Response": late}
    categories = {word: uuid() for word in exits}
    cases = [
        {"uuid": uuid(), "type": "has_any_word", "arguments": [word.lower()], "category_uuid": categories[word]}
        for word in ("Tea", "Coffee")
    ]
    router = {
        "type": "switch",
        "operand": "@input.text",
        "cases": cases,
        "default_category_uuid": categories["Other"],
        "result_name": "Drink",
        "categories": [{"uuid": categories[word], "name": word, "exit_uuid": way} for word, way in exits.items()],
        "wait": {"type": "msg", "timeout": {"seconds": 300, "category_uuid": categories["No Response"]}},
    }
    replies = ["tea", "coffee"]
    question = {"type": "send_msg", "uuid": uuid(), "text": f"Tea or coffee? {EVIL}", "quick_replies": replies}
    answer = {"type": "send_msg", "uuid": uuid(), "text": "Enjoy your @(lower(results.drink.category))"}
    keep = {"type": "set_run_result", "uuid": uuid(), "name": "Served", "value": "yes", "category": "Yes"}
    giving_up = {"type": "send_msg", "uuid": uuid(), "text": "Too late"}
    nodes = [
        {"uuid": ask, "actions": [question], "exits": [{"uuid": uuid(), "destination_uuid": hear}]},
        {
            "uuid": hear,
            "actions": [],
            "router": router,
            "exits": [{"uuid": way, "destination_uuid": targets[word]} for word, way in exits.items()],
        },
        {"uuid": thanks, "actions": [answer, keep], "exits": [{"uuid": uuid(), "destination_uuid": None}]},
        {"uuid": late, "actions": [giving_up], "exits": [{"uuid": uuid(), "destination_uuid": None}]},
    ]
    places = {ask: (60, 0), hear: (40, 180), thanks: (0, 360), late: (320, 360)}
    return {
        "uuid": uuid(),
        "name": name,
        "spec_version": "14.4.2",
        "language": "eng",
        "type": "messaging",
        "expire_after_minutes": 60,
        "localization": {},
        "nodes": nodes,
        "_ui": {"nodes": {id: {"position": {"left": x, "top": y}} for id, (x, y) in places.items()}},
    }


def envelope(path: Path, *flows: dict[str, Any]) -> Path:
    lists: dict[str, Any] = {name: [] for name in ("campaigns", "triggers", "fields", "groups")}
    path.write_text(json.dumps({"version": "13", "site": "https://example.com", "flows": flows, **lists}))
    return path


def bring_in(workspace: Any, file: Path) -> None:
    workspace.house.run("flow", "import", "--account", workspace.uuid, file)


def test_a_file_is_looked_at_brought_in_drawn_and_played(workspace, visit, accessible, tmp_path: Path) -> None:
    file = envelope(tmp_path / "flows.json", asking())
    page: Page = visit(workspace.email, "/flows")
    accessible(page)

    page.click("a:has-text('Import')")
    page.set_input_files("#file", file)
    page.click("button:has-text('Look at it first')")
    expect(page.locator("#plan li")).to_contain_text("Drinks")
    accessible(page)
    page.click("button:has-text('Bring it in')")
    expect(page.locator(".toast")).to_have_text("1 flow brought in.")
    page.click("#found a:has-text('Drinks')")

    expect(page.locator("svg [data-node]")).to_have_count(4)
    expect(page.locator("svg.drawing")).to_contain_text("alert(1)")
    page.click("svg [data-node] >> nth=0")
    expect(page.locator("#chosen")).to_contain_text("Tea or coffee?")
    page.click("#phone button:has-text('Begin')")
    expect(page.locator("#phone .theirs")).to_have_count(1)
    accessible(page)
    page.fill("#phone input[name=said]", "milk")
    page.press("#phone input[name=said]", "Enter")
    expect(page.locator("#phone .theirs")).to_have_count(2)
    page.click("#phone .replies button:has-text('tea')")
    expect(page.locator("#phone .theirs").last).to_have_text("Enjoy your tea")
    expect(page.locator("#phone .note.end")).to_be_visible()
    expect(page.locator("svg .node.passed")).to_have_count(3)
    page.click("#phone button:has-text('Restart')")
    page.click("#phone button:has-text('Skip')")
    expect(page.locator("#phone .theirs").last).to_have_text("Too late")


def test_a_flow_is_started_for_a_group_and_its_numbers_move(workspace, visit, accessible, tmp_path: Path) -> None:
    bring_in(workspace, envelope(tmp_path / "flows.json", asking()))
    phone = workspace.channel()
    workspace.api("portal").post("/api/v1/integrations/contacts", json={"name": "Ion", "phone": "+40722000444"})
    workspace.house.run("group", "create", "--account", workspace.uuid, "Ions", "--query", 'name = "Ion"')
    page: Page = visit(workspace.email, "/flows")

    page.click("#found a:has-text('Drinks')")
    page.click("a:has-text('Start')")
    accessible(page)
    page.check("label:has-text('Ions') input[name=group]")
    page.click("main button:has-text('Start')")
    expect(page.locator("#drawn .tiles li").first).to_contain_text("1")
    workspace.hear(phone, "+40722000444", "Coffee!")
    expect(page.locator("#drawn .tiles li:has-text('Completed')")).to_contain_text("1")
    expect(page.locator(".bars dd").nth(1)).to_contain_text("100")

    page.click("svg [data-node] >> nth=1")
    page.click("#chosen summary:has-text('Coffee')")
    expect(page.locator("#chosen details[open]")).to_contain_text("Ion")
    page.click(".actions a:has-text('Runs')")
    accessible(page)
    page.click("#found tbody a >> nth=0")
    expect(page.locator("main")).to_contain_text("Coffee")
    expect(page.locator("ol.rows > li")).to_have_count(3)
    accessible(page)


def test_a_number_of_the_drawing_leads_to_its_people(workspace, visit, accessible, tmp_path: Path) -> None:
    bring_in(workspace, envelope(tmp_path / "flows.json", asking()))
    phone = workspace.channel()
    for n in (1, 2):
        said = {"name": f"Pat {n}", "phone": f"+4072200088{n}"}
        workspace.api("portal").post("/api/v1/integrations/contacts", json=said)
    page: Page = visit(workspace.email, "/flows")
    page.click("#found a:has-text('Drinks')")
    page.click("a:has-text('Start')")
    page.fill("#query", 'name ~ "Pat"')
    page.click("main button:has-text('Start')")
    expect(page.locator("#drawn .tiles li").first).to_contain_text("2")
    workspace.hear(phone, "+40722000881", "tea")
    expect(page.locator("#drawn .tiles li:has-text('Completed')")).to_contain_text("1")

    page.click("svg [data-node] >> nth=1")
    expect(page.locator("#chosen h2")).to_contain_text("2 entered, 1 waits here")
    page.click("#chosen a:has-text('1 waits here')")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    expect(page.locator("#found tbody")).to_contain_text("Pat 2")
    accessible(page)
    page.click("main a:has-text('The step')")
    page.click("#chosen a:has-text('2 entered')")

    expect(page.locator("#found tbody tr")).to_have_count(2)


def greeting(other: dict[str, Any]) -> dict[str, Any]:
    """It says when, to whom and over what it speaks, in two languages, and leads into another flow."""
    say, enter = uuid(), uuid()
    text = 'Hi @contact.first_name, @(format_datetime(now(), "YYYY-MM-DD")), @(urn_parts(contact.urn).scheme)'
    speak = {"type": "send_msg", "uuid": say, "text": text}
    follow = {"uuid": other["uuid"], "name": other["name"]}
    go = {"type": "enter_flow", "uuid": enter, "flow": follow, "terminal": True}
    node = {"uuid": uuid(), "actions": [speak, go], "exits": [{"uuid": uuid(), "destination_uuid": None}]}
    flow = asking("Greeting") | {"nodes": [node], "_ui": {"nodes": {}}}
    flow["localization"] = {"ron": {say: {"text": [text.replace("Hi", "Salut")]}}}
    return flow


def test_the_phone_plays_somebody_elsewhere_at_another_time(workspace, visit, accessible, tmp_path: Path) -> None:
    drinks = asking()
    bring_in(workspace, envelope(tmp_path / "flows.json", drinks, greeting(drinks)))
    said = {"name": "Ion Pop", "phone": "+40722000444"}
    workspace.api("portal").post("/api/v1/integrations/contacts", json=said)
    workspace.house.run("account", "set", "--account", workspace.uuid, "languages=eng,ron")
    page: Page = visit(workspace.email, "/flows")
    page.click("#found a:has-text('Greeting')")

    page.click("#phone summary:has-text('As whom')")
    page.fill("#phone [name=at]", "2031-03-01T10:00")
    page.select_option("#phone [name=scheme]", "whatsapp")
    page.click("#phone button:has-text('Begin')")
    expect(page.locator("#phone .theirs").first).to_have_text("Hi Kim, 2031-03-01, whatsapp")
    page.reload()
    page.click("#phone summary:has-text('As whom')")
    page.fill("#phone [name=contact]", "nobody at all")
    page.click("#phone button:has-text('Begin')")
    expect(page.locator("#phone .banner.bad")).to_have_text("Nobody is found by that.")
    page.fill("#phone [name=contact]", "Ion Pop")
    page.fill("#phone [name=language]", "ron")
    accessible(page)
    page.click("#phone button:has-text('Begin')")

    expect(page.locator("#phone .theirs").first).to_contain_text("Salut Ion")
    expect(page.locator("#phone .theirs").first).to_contain_text("tel")
    expect(page.locator("#phone .theirs").last).to_contain_text("Tea or coffee?")


def test_a_flow_knows_its_users_and_is_put_away_and_taken_out_again(workspace, visit, tmp_path: Path) -> None:
    drinks = asking()
    bring_in(workspace, envelope(tmp_path / "flows.json", drinks, greeting(drinks)))
    page: Page = visit(workspace.email, "/flows/triggers")
    page.select_option("#flow", label="Drinks")
    page.fill("#keywords", "thirsty")
    page.click("main button:has-text('Save')")
    expect(page.locator("table")).to_contain_text("thirsty")
    page.goto("/flows")
    page.fill("[name=search]", "drin")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    page.click("#found a:has-text('Drinks')")

    expect(page.locator("section[aria-labelledby=users]")).to_contain_text("thirsty")
    expect(page.locator("section[aria-labelledby=revisions]")).to_contain_text("Revision 1")
    with page.expect_download() as download:
        page.click("main a:has-text('Export')")
    assert "Drinks" in download.value.path().read_text()
    page.click("section[aria-labelledby=users] a:has-text('Greeting')")
    expect(page.locator("section[aria-labelledby=uses]")).to_contain_text("Drinks")
    page.click("main button:has-text('Put away')")
    page.click("#sure button[value=yes]")
    expect(page.locator("#found")).to_contain_text("Greeting")
    page.click("#found a:has-text('Greeting')")
    page.click("main button:has-text('Use again')")

    expect(page.locator("main a.button:has-text('Start')")).to_be_visible()


def test_a_contact_is_taken_out_of_a_flow(workspace, visit, tmp_path: Path) -> None:
    bring_in(workspace, envelope(tmp_path / "flows.json", asking()))
    workspace.channel()
    page: Page = visit(workspace.email, "/flows")

    page.click("#found a:has-text('Drinks')")
    page.click("a:has-text('Start')")
    page.fill("#addresses", "+40722000555")
    page.click("main button:has-text('Start')")
    expect(page.locator("#drawn .tiles li").first).to_contain_text("1")
    page.click(".actions a:has-text('Runs')")
    page.click("#found tbody a >> nth=0")
    page.click("button:has-text('Interrupt')")
    page.click("#sure button[value=yes]")

    expect(page.locator(".facts").first).to_contain_text("interrupted")


def test_a_word_starts_a_flow_once_it_has_a_trigger(workspace, visit, accessible, tmp_path: Path) -> None:
    bring_in(workspace, envelope(tmp_path / "flows.json", asking()))
    phone = workspace.channel()
    page: Page = visit(workspace.email, "/flows/triggers")
    accessible(page)

    page.fill("#keywords", "thirsty")
    page.click("main button:has-text('Save')")
    expect(page.locator("table")).to_contain_text("thirsty")
    workspace.hear(phone, "+40722000666", "Thirsty")
    page.goto("/flows")

    expect(page.locator("#found tbody tr td.number").first).to_have_text("1")
    page.goto("/flows/triggers")
    page.click("td button:has-text('Put away')")
    expect(page.locator(".toast")).to_have_text("Put away.")


def test_a_sequence_gets_events_and_is_put_away(workspace, visit, accessible) -> None:
    workspace.house.run("group", "create", "--account", workspace.uuid, "Guests")
    page: Page = visit(workspace.email, "/flows/sequences")
    accessible(page)

    page.fill("#name", "Welcome")
    page.click("main button:has-text('Save')")
    page.fill("#distance", "3")
    page.fill("#message", "Hello @contact")
    page.click("section button:has-text('Save')")
    expect(page.locator("tbody")).to_contain_text("3 days after Added")
    accessible(page)
    page.click("tbody a >> nth=0")
    page.select_option("#direction", "before")
    page.click("main button:has-text('Save')")
    expect(page.locator("tbody")).to_contain_text("3 days before Added")
    page.goto("/flows/sequences")
    page.click("td button:has-text('Put away')")
    page.click("#sure button[value=yes]")

    expect(page.locator(".toast")).to_have_text("Put away.")


def test_calls_to_the_outside_and_what_went_wrong_stand_in_the_log(
    workspace, visit, accessible, tmp_path: Path
) -> None:
    flow = asking("Calls")
    call = {"type": "call_webhook", "uuid": uuid(), "method": "GET", "url": f"{workspace.house.url}/nothing?key=1"}
    flow["nodes"][0]["actions"] = [call]
    bring_in(workspace, envelope(tmp_path / "flows.json", flow))
    workspace.channel()
    page: Page = visit(workspace.email, "/flows")

    page.click("#found a:has-text('Calls')")
    page.click("a:has-text('Start')")
    page.fill("#addresses", "+40722000777")
    page.click("main button:has-text('Start')")
    expect(page.locator("#drawn .tiles li").first).to_contain_text("1")
    page.click(".actions a:has-text('Log')")
    page.click("#found summary")

    expect(page.locator("#found")).to_contain_text(re.compile("GET /nothing"))
    accessible(page)


def test_the_drawing_holds_on_a_phone(workspace, visit, accessible, tmp_path: Path) -> None:
    flow = asking()
    bring_in(workspace, envelope(tmp_path / "flows.json", flow))
    page: Page = visit(workspace.email, "/flows", viewport={"width": 390, "height": 844}, color_scheme="dark")

    page.click("#found a:has-text('Drinks')")

    expect(page.locator("svg [data-node]")).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.getElementById('paper').scrollWidth > 390")
    accessible(page)
