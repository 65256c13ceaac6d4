"""Scripts, SVG, bidi and very long texts in names, messages, subjects, tags and file names: they are shown as texts."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.e2e.acme import Hand
from tests.e2e.flow_file import survey, written
from tests.e2e.house import NUMBERS, Workspace

PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 800}

TAG = "<svg onload=ran=1>"
SCRIPT = f"<script>ran=1</script><img src=x onerror=ran=1>{TAG}"
BIDI = "\u202egpj.exe"
END = "zz9"

# What must not be there if all of it stayed text; and what a right-to-left override reaches beyond its own text.
LOOK = """(end) => {
  const faults = [];
  if (window.ran) faults.push("a script ran");
  const live = "img[src=x], svg[onload], [onerror], main script:not([type='application/json'])";
  for (const each of document.querySelectorAll(live)) faults.push(`markup: ${each.outerHTML.slice(0, 200)}`);

  const isWall = (each) => {
    const { unicodeBidi, display } = getComputedStyle(each);
    return /isolate|plaintext/.test(unicodeBidi) || !/^(inline|contents)$/.test(display);
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const { data, parentElement: place } = walk.currentNode;
    if (!/\u202e.*zz9/s.test(data) || place.closest("option, textarea, script") || !place.checkVisibility()) continue;
    let box = place;
    while (!isWall(box)) box = box.parentElement;
    const rest = document.createRange();
    rest.setStart(walk.currentNode, data.indexOf(end, data.indexOf("\u202e")) + end.length);
    rest.setEnd(box, box.childNodes.length);
    const said = rest.toString().trim();
    if (said) faults.push(`spills over “${said.slice(0, 60)}” in ${box.outerHTML.slice(0, 160)}`);
  }

  const wide = document.documentElement.scrollWidth - innerWidth;
  const isOut = (each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".frame, [hidden]");
  const out = wide > 0 ? [...document.querySelectorAll("main *, header *")].filter(isOut).slice(-3) : [];
  if (wide > 0) faults.push(`${wide} px too wide: ${out.map((each) => each.outerHTML.slice(0, 160)).join(" | ")}`);
  return faults;
}"""


def evil(most: int = 255, word: str = "") -> str:
    """A text of this length that means no good; `word` makes it one of its own."""
    start, end = word + SCRIPT + BIDI, END
    if len(start) + len(end) > most:
        start = word + TAG + BIDI
    return start + "W" * (most - len(start) - len(end)) + end


@pytest.fixture
def held(workspace: Workspace, visit: Any) -> Any:
    """Looks at pages on a desk and on a phone; each must show what it is given, and hold."""
    desk: Page = visit(workspace.email, "/me", viewport=DESK)

    def look(path: str, *shown: str) -> Page:
        for size in (PHONE, DESK):
            desk.set_viewport_size(size)
            desk.goto(path)
            for text in shown:
                expect(desk.locator("main").get_by_text(text[:60]).first, path).to_be_attached()
            assert desk.evaluate(LOOK, END) == [], f"{path} at {size['width']}"
        return desk

    return look


def test_of_contacts(workspace: Workspace, held: Any) -> None:
    owner, name, tag, company = Hand(workspace.house, workspace.email), evil(), evil(50), evil(120)
    channel = workspace.channel()
    workspace.hear(channel, "+40722000111", evil(1000))
    owner.send("/content/fields", label=evil(36), type="text", agent_access="edit")
    workspace.house.run("group", "create", "--account", workspace.uuid, evil(64))
    contact = owner.first("/contacts", r'href="(/contacts/\d+)"')
    field = owner.first(f"{contact}/form", r'name="(field\.\w+)"')
    told = {"name": name, "company": company, "notes": evil(2000), field: evil(600)}
    owner.send(f"{contact}/form", status="active", phone="+40722000111", email=f"{'w' * 60}@example.com", **told)
    owner.send(f"{contact}/tags", tag=tag)
    owner.send(f"{contact}/notes", note=evil(3000))
    firm = owner.first("/companies", r'href="(/companies/\d+)"')
    stage = owner.first(firm, r'id="stage"[^$]*?<option value="(\d+)"')
    owner.send(firm, name=company, stage=stage, deal_value="7")

    held("/contacts", name, tag)
    held(f"/contacts?search={SCRIPT[:20]}")
    page = held(contact, name, tag)
    expect(page.locator("h1")).to_have_text(name)
    held(f"{contact}/form")
    held("/contacts/groups")
    held("/companies", company)
    held("/companies/pipeline", company)
    held(firm, company)
    held("/analytics")


def test_of_the_inbox(workspace: Workspace, held: Any) -> None:
    owner, name, tag = Hand(workspace.house, workspace.email), evil(), evil(50)
    workspace.member(name=evil(128, "Bo"))
    channel = workspace.channel(name=evil(64), address=f"desk{next(NUMBERS)}@example.com", **{"as": "email"})
    sender = f"{'w' * 60}@{'v' * 60}.example.com"
    workspace.hear(channel, sender, evil(3000), subject=evil(300, "Order"))
    contact = owner.first("/contacts", r'href="(/contacts/\d+)"')
    owner.send(f"{contact}/form", name=name, status="active", email=sender)
    owner.send(f"{contact}/tags", tag=tag)
    with workspace.api() as api:
        [talk] = api.get("/api/v1/conversations").json()["data"]
        canned = {"title": evil(100), "shortcut": "/evil", "body": evil(1000)}
        assert api.post("/api/v1/canned-responses", json=canned).status_code == 201
    said = f"/inbox/{talk['id']}"

    held("/inbox", name, SCRIPT)
    page = held(said, name, SCRIPT)
    page.get_by_text("Show all").first.click()
    expect(page.locator(".entry.in .text")).to_have_text(evil(3000))
    page.locator(".composer textarea").press_sequentially("/evil")
    expect(page.locator(".hints")).to_contain_text(SCRIPT)
    assert page.evaluate(LOOK, END) == []
    page.keyboard.press("Enter")
    expect(page.locator(".composer textarea")).to_have_value(re.compile(f"W{{900,}}{END}"))
    page.press(".composer textarea", "Control+Enter")
    expect(page.locator(".entry.out")).to_contain_text(SCRIPT)
    page.locator(".composer").get_by_role("button", name="Note", exact=True).click()
    page.fill(".composer textarea", evil(2000))
    page.press(".composer textarea", "Control+Enter")
    expect(page.locator(".entry.note:not(.waiting) .text")).to_contain_text(SCRIPT)
    page.locator(".log").focus()
    page.keyboard.press("a")
    expect(page.locator(".picker")).to_contain_text(TAG)
    assert page.evaluate(LOOK, END) == []
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    page.fill(".picker input", tag)
    page.keyboard.press("Enter")
    expect(page.locator(".picker")).to_contain_text(TAG)
    page.keyboard.press("Escape")
    expect(page.locator(".row.open .tag")).to_contain_text(TAG)

    held(said, name)
    held(f"/inbox?q={SCRIPT[:25]}")


def test_of_file_names(workspace: Workspace, held: Any, visit: Any) -> None:
    workspace.channel(**{"as": "whatsapp"}, address="15550100001")
    owner = Hand(workspace.house, workspace.email)
    owner.send("/phones", channel=owner.first("/phones", r'<option value="(\d+)"'), name=evil(64), address="")
    phone = owner.first("/phones", r'id="phone-(\d+)"')
    file = (f"{SCRIPT}{BIDI}{'W' * 100}.pdf", b"%PDF-1.4", "application/pdf")
    owner.send(f"/phones/{phone}/messages", files={"file": file}, text="See the file")
    page: Page = visit(workspace.email, "/inbox")

    page.locator(".row").click()
    expect(page.locator(".entry .file")).to_contain_text("WWWW")
    address = page.url
    page.locator(".composer input[type=file]").set_input_files(
        {"name": file[0].replace("/", "_"), "mimeType": file[2], "buffer": file[1]}
    )
    expect(page.locator(".composer .files li")).to_contain_text("WWWW")
    assert page.evaluate(LOOK, END) == []
    held(address)
    held("/phones")


def test_of_campaigns(workspace: Workspace, held: Any) -> None:
    owner, name, subject = Hand(workspace.house, workspace.email), evil(), evil(300, "Sale")
    channel = workspace.channel(name=evil(64), address=f"news{next(NUMBERS)}@example.com", **{"as": "email"})
    person = evil()
    with workspace.api("portal") as api:
        said = {"name": person, "email": "zoe@example.com"}
        assert api.post("/api/v1/integrations/contacts", json=said).status_code == 201
    owner.send("/content/tags", name=evil(50))
    made = owner.send("/campaigns/new", name=name, channel=channel["id"]).headers["location"].removesuffix("/audience")
    owner.send(f"{made}/audience", audience="all")
    letter = f"<h1>Dear {{{{name}}}}</h1>{SCRIPT}<p onclick='ran=1'>{'W' * 500}</p><a href='javascript:ran=1'>x</a>"
    owner.send(f"{made}/content", format="html", html=letter, subject=subject, preview_text=evil(200), body=evil(500))
    owner.send(f"{made}/schedule", when="now")

    held("/campaigns", name)
    for step in ("audience", "content", "schedule", "review"):
        page = held(f"{made}/{step}", name)
        if step == "audience":
            expect(page.locator("#size")).to_contain_text(SCRIPT)
        if step == "content":
            expect(page.locator("#check")).to_contain_text(SCRIPT)
            inside = page.frame_locator("iframe[name=letter]")
            expect(inside.locator("h1")).to_have_text(f"Dear {person}")
            assert inside.locator("script, [onclick], [onerror], [href^=javascript]").count() == 0
        assert page.evaluate(LOOK, END) == []
    owner.send(f"{made}/review")
    expect(held(made, name).locator("#figures .line .tag").first).to_have_text("sent", timeout=30_000)
    held(made, name)
    held(f"{made}/recipients", SCRIPT)


def test_of_the_phone_wall(workspace: Workspace, held: Any) -> None:
    owner, name, text = Hand(workspace.house, workspace.email), evil(64), evil(2000)
    workspace.channel(name=evil(64), address=f"wall{next(NUMBERS)}@example.com", **{"as": "email"})
    owner.send("/phones", channel=owner.first("/phones", r'<option value="(\d+)"'), name=name, address="")
    phone = owner.first("/phones", r'id="phone-(\d+)"')
    owner.send(f"/phones/{phone}/messages", text=text, subject=evil(255))
    with workspace.api() as api:
        [talk] = api.get("/api/v1/conversations").json()["data"]
        assert api.post(f"/api/v1/conversations/{talk['id']}/reply", json={"body": text}).status_code < 300

    page = held("/phones", name, text)

    expect(page.locator(".screen .out")).to_be_attached()
    expect(page.locator(".screen .in").first).to_contain_text(SCRIPT)
    assert page.evaluate(LOOK, END) == []


def test_of_content_and_knowledge(workspace: Workspace, held: Any) -> None:
    owner = Hand(workspace.house, workspace.email)
    owner.send("/content/templates", key="evil", channel="sms", name=evil(120), body=evil(1000))
    owner.send("/content/canned", title=evil(100), body=evil(2000))
    owner.send("/content/tags", name=evil(50))
    owner.send("/content/labels", name=evil(60))
    owner.send("/content/fields", label=evil(36), type="text", agent_access="edit")
    owner.send("/content/globals", name="Site", value=evil(1000))
    owner.send("/content/topics", name=evil(60))
    owner.send("/content/knowledge", kind="qa", question=evil(300), answer=evil(1500))
    owner.send("/content/knowledge", kind="document", title=evil(200, "T"), content=evil(3000))

    for shelf in ("templates", "canned", "tags", "labels", "fields", "globals", "topics"):
        held(f"/content/{shelf}", "ran=1" if shelf != "globals" else "Site")
        held(owner.first(f"/content/{shelf}", rf'href="(/content/{shelf}/[^"]+)"'))
    held("/content/knowledge", SCRIPT)


def test_of_flows(workspace: Workspace, held: Any, tmp_path: Path) -> None:
    owner, name = Hand(workspace.house, workspace.email), evil(64)
    line = workspace.channel()
    flow = survey(f"{workspace.house.url}/nothing")
    flow["name"] = name
    for node in flow["nodes"]:
        for action in node["actions"]:
            if action["type"] == "send_msg":
                action["text"] = evil(600)
    workspace.house.run("flow", "import", "--account", workspace.uuid, written(tmp_path / "flows.json", flow))
    place = owner.first("/flows", r'href="(/flows/[0-9a-f-]{36})"')
    number = owner.first("/flows/triggers", r'<option value="(\d+)"[^>]*>(?:<bdi>)?&lt;s')
    owner.send("/flows/triggers", kind="keyword", keywords="x" * 16, match="first_word", flow=number)
    owner.send("/contacts/new", name=evil(), phone="+40722000333")
    owner.send(f"{place}/starts", addresses="+40722000333")
    workspace.hear(line, "+40722000333", evil(600))
    group = workspace.house.run("group", "create", "--account", workspace.uuid, evil(64))
    sequence = owner.send("/flows/sequences", name=evil(64), group=group["id"]).headers["location"]

    held("/flows", name)
    page = held(place, name)
    expect(page.locator("#drawn .tiles li").first).to_contain_text("1")
    held("/flows/triggers", name)
    held("/flows/sequences", TAG)
    held(sequence)
    expect(held("/flows/runs").locator("#found tbody tr")).to_have_count(1)
    held(owner.first("/flows/runs", r'href="(/flows/runs/[0-9a-f-]{36})"'), name)


def test_of_settings(workspace: Workspace, held: Any) -> None:
    owner = Hand(workspace.house, workspace.email)
    workspace.member("viewer", evil(128))
    workspace.channel(name=evil(64))
    hook = f"https://example.com/{'w' * 300}"
    owner.send("/settings/webhooks/new", url=hook, description=evil(500), profile="all")
    for path in ("/settings/api-keys", "/settings/developer", "/settings/account/tokens"):
        owner.send(path, label=evil(64), scope="analytics" if path.endswith("tokens") else "read")
    owner.send("/contacts/new", name=evil(), phone="+40722000444")

    for path in ("/settings/team", "/settings/channels", "/settings/webhooks", "/settings/api-keys",
                 "/settings/account"):  # fmt: skip
        held(path, TAG)
    held(owner.first("/settings/channels", r'href="(/settings/channels/\d+)"'), TAG)
    held(owner.first("/settings/webhooks", r'href="(/settings/webhooks/\d+)"'))
    held("/settings/audit")
    held("/settings/health")
    held("/settings/webhooks/log")


def test_of_the_palette_and_of_what_surrounds_every_page(workspace: Workspace, house: Any, held: Any) -> None:
    name = evil(128, "Zoe")
    other = house.run("account", "create", f"{SCRIPT} {'W' * 50}{next(NUMBERS)}")
    house.run("user", "create", workspace.email, "--account", other["uuid"], "--role", "owner")
    Hand(house, workspace.email).send("/contacts/new", name=name, phone="+40722000555")

    page = held("/me")
    page.keyboard.press("Control+k")
    page.keyboard.type("zoe")
    expect(page.locator("#palette-list")).to_contain_text(name)
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        assert page.evaluate(LOOK, END) == []
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/contacts/\d+$"))
