"""What is typed outlives the end of a session, a lost network and a killed server; and the person is told.

These tests have an installation of their own, for they kill its web process.
"""

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from msgspec import Struct
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.e2e.house import PASSWORD, House, Workspace, running

PATIENCE = 20_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("restarts")) as house:
        yield house


@pytest.fixture
def enter(chromium: Any, house: House) -> Iterator[Callable[..., Page]]:
    """Sign somebody in. What the console says is not judged here: a lost server makes it red."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def go(email: str, path: str, **options: Any) -> Page:
        context = chromium.new_context(base_url=house.url, locale="en-US", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto("/login")
        sign_in(page, email)
        page.goto(path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert errors == []


class Form(Struct):
    """A page with a form: what is typed by selector, the button that sends it, and what tells that it was taken."""

    name: str
    typed: dict[str, str]
    button: str
    taken: str


FORMS = [
    Form("/contacts/new", {"#name": "Zoë <b>", "#notes": "Tea,\nno milk"}, "Save", r"/contacts/\d+$"),
    Form("campaign", {"#body": "Hello {{name|you}},\nspring is here"}, "Save and go on", r"/schedule$"),
    Form("/content/canned", {"#title": "Hours", "#body": "From nine\nto five"}, "Save", r"/content/canned$"),
    Form("/settings/webhooks/new", {"#url": "https://example.com/hook", "#description": "Ours"}, "Save", r"/webhooks"),
]  # fmt: skip
EACH = pytest.mark.parametrize("form", FORMS, ids=[form.name.rpartition("/")[2] for form in FORMS])


@EACH
def test_a_form_outlives_the_end_of_its_session(workspace: Workspace, enter: Any, form: Form) -> None:
    page = typed(form, workspace, enter)
    sign_out_elsewhere(workspace, enter)

    expect(page.locator(".toast")).to_contain_text("You are signed out.", timeout=PATIENCE)
    press(page, form)
    expect(told(page)).to_contain_text("You are signed out. What you typed is kept.")
    told(page).get_by_text("Sign in").click()
    sign_in(page, workspace.email)

    expect(told(page)).to_contain_text("it is not saved yet")
    has_all(page, form)
    press(page, form)
    is_taken(page, form)


def test_a_form_that_meets_the_end_of_its_session_is_not_lost(workspace: Workspace, enter: Any) -> None:
    page = typed(FORMS[0], workspace, enter)
    sign_out_elsewhere(workspace, enter)
    page.reload()

    expect(page.locator("#kept")).to_have_text("You are signed out. What you typed is kept.")
    sign_in(page, workspace.email)

    expect(told(page)).to_contain_text("it is not saved yet")
    has_all(page, FORMS[0])


@EACH
def test_a_form_outlives_a_lost_network(workspace: Workspace, enter: Any, form: Form) -> None:
    page = typed(form, workspace, enter)

    page.context.set_offline(True)
    expect(page.locator("[data-wire]")).to_have_text("You are offline. What you type is kept.")
    press(page, form)
    expect(told(page)).to_contain_text("The server cannot be reached.")
    has_all(page, form)

    page.context.set_offline(False)
    press(page, form)
    is_taken(page, form)


@EACH
def test_a_form_outlives_a_server_killed_while_it_is_written(
    workspace: Workspace, house: House, enter: Any, form: Form
) -> None:
    page = typed(form, workspace, enter)

    until_up(house, kill(house))
    page.reload()

    expect(told(page)).to_contain_text("it is not saved yet")
    has_all(page, form)
    press(page, form)
    is_taken(page, form)


@EACH
def test_a_form_outlives_a_server_killed_before_it_heard_it(
    workspace: Workspace, house: House, enter: Any, form: Form
) -> None:
    page = typed(form, workspace, enter)

    def lose(route: Route) -> None:
        until_up(house, kill(house))
        route.abort()

    on_its_way(page, form, lose)
    page.go_back()
    told(page).get_by_text("Go on with it").click()

    expect(told(page)).to_contain_text("it is not saved yet")
    has_all(page, form)
    press(page, form)
    is_taken(page, form)


def test_a_form_whose_answer_was_lost_is_not_done_twice(workspace: Workspace, house: House, enter: Any) -> None:
    form = FORMS[0]
    page = typed(form, workspace, enter)

    def lose(route: Route) -> None:
        route.fetch(max_redirects=0)
        until_up(house, kill(house))
        route.abort()

    on_its_way(page, form, lose)
    page.go_back()

    expect(told(page)).to_contain_text("What you had sent has arrived and is saved.")
    page.goto("/contacts/new")
    expect(page.locator("#name")).to_have_value("")
    page.goto("/contacts")
    expect(page.locator("#found tbody tr")).to_have_count(1)


def test_what_is_secret_is_not_kept_and_who_cancels_wants_nothing_back(workspace: Workspace, enter: Any) -> None:
    page: Page = enter(workspace.email, "/settings/channels/new/smtp")
    page.fill("#name", "News")
    page.fill("[type=password] >> nth=0", "kept by nobody")
    assert "kept by nobody" not in page.evaluate("JSON.stringify([sessionStorage, localStorage])")
    page.reload()
    expect(page.locator("#name")).to_have_value("News")
    expect(page.locator("[type=password] >> nth=0")).to_have_value("")
    told(page).get_by_text("Discard").click()
    expect(page.locator("#name")).to_have_value("")

    page.goto("/contacts/new")
    page.fill("#name", "Nobody")
    page.click(".actions a:has-text('Cancel')")
    page.goto("/contacts/new")

    expect(page.locator("#name")).to_have_value("")
    expect(told(page)).to_have_count(0)


def test_nobody_sees_what_somebody_else_typed_here(workspace: Workspace, enter: Any) -> None:
    bogdan = workspace.member("editor", name="Bogdan")
    page = typed(FORMS[0], workspace, enter)
    page.context.clear_cookies()

    page.goto("/login")
    sign_in(page, bogdan)
    page.goto("/contacts/new")

    expect(page.locator("#name")).to_have_value("")
    expect(told(page)).to_have_count(0)
    assert "Zoë" not in page.evaluate("JSON.stringify(sessionStorage)")


def test_a_form_of_another_workspace_is_stopped(workspace: Workspace, house: House, enter: Any) -> None:
    other = house.run("account", "create", "The other one")
    house.run("user", "create", workspace.email, "--account", other["uuid"], "--role", "owner")
    page = typed(FORMS[0], workspace, enter)
    beside = page.context.new_page()
    beside.goto("/me")
    beside.select_option("#workspace", label="The other one")
    expect(beside.locator("#workspace option[selected]")).to_have_text("The other one")

    press(page, FORMS[0])

    expect(told(page)).to_contain_text("another workspace is open in this browser now")
    has_all(page, FORMS[0])


def test_who_signed_in_again_in_another_tab_goes_on_in_this_one(workspace: Workspace, enter: Any) -> None:
    page = typed(FORMS[0], workspace, enter)
    sign_out_elsewhere(workspace, enter)
    beside = page.context.new_page()
    beside.goto("/login")
    sign_in(beside, workspace.email)

    press(page, FORMS[0])

    is_taken(page, FORMS[0])


# --- The inbox ---


def test_a_reply_outlives_the_end_of_the_session(workspace: Workspace, enter: Any) -> None:
    page = asked(workspace, enter)
    page.fill(".composer textarea", "It left on Monday")
    sign_out_elsewhere(workspace, enter)

    notice = page.locator(".thread [role=alert]")
    expect(notice).to_contain_text("You are signed out. What you typed is kept.", timeout=PATIENCE)
    page.press(".composer textarea", "Control+Enter")
    expect(page.locator(".entry.waiting")).to_contain_text("Try again")
    page.fill(".composer textarea", "And arrives today")
    notice.get_by_text("Sign in").click()
    sign_in(page, workspace.email)

    expect(page).to_have_url(re.compile(r"/inbox/\d+$"))
    expect(page.locator(".composer textarea")).to_have_value("And arrives today")
    page.locator(".entry.waiting").get_by_text("Try again").click()
    expect(page.locator(".entry.out:not(.waiting) .text")).to_have_text("It left on Monday")


def test_who_signed_in_again_in_another_tab_goes_on_answering(workspace: Workspace, enter: Any) -> None:
    page = asked(workspace, enter)
    sign_out_elsewhere(workspace, enter)
    notice = page.locator(".thread [role=alert]")
    expect(notice).to_contain_text("You are signed out.", timeout=PATIENCE)
    beside = page.context.new_page()
    beside.goto("/login")
    sign_in(beside, workspace.email)

    page.fill(".composer textarea", "It left on Monday")
    page.press(".composer textarea", "Control+Enter")

    expect(page.locator(".entry.out:not(.waiting) .text")).to_have_text("It left on Monday")
    expect(notice).to_have_count(0)


def test_a_reply_outlives_a_lost_network(workspace: Workspace, enter: Any) -> None:
    page = asked(workspace, enter)
    page.fill(".composer textarea", "It left")

    page.context.set_offline(True)
    expect(page.locator(".thread .notice")).to_contain_text("You are offline.")
    page.locator(".composer textarea").press_sequentially(" on Monday")
    page.press(".composer textarea", "Control+Enter")
    expect(page.locator(".entry.waiting")).to_contain_text("Not sent yet, trying again")
    page.context.set_offline(False)

    expect(page.locator(".entry.out:not(.waiting) .text")).to_have_text("It left on Monday")
    expect(page.locator(".entry.out")).to_have_count(1)


def test_a_reply_outlives_a_server_killed_while_it_is_written(workspace: Workspace, house: House, enter: Any) -> None:
    page = asked(workspace, enter)
    page.fill(".composer textarea", "It left")

    killed = kill(house)
    page.locator(".composer textarea").press_sequentially(" on Monday")
    until_up(house, killed)
    page.reload()
    expect(page.locator(".composer textarea")).to_have_value("It left on Monday")
    page.press(".composer textarea", "Control+Enter")

    expect(page.locator(".entry.out:not(.waiting) .text")).to_have_text("It left on Monday")


@pytest.mark.parametrize("heard", [True, False], ids=["after it heard it", "before it heard it"])
def test_a_reply_outlives_a_server_killed_while_it_is_sent(
    workspace: Workspace, house: House, enter: Any, heard: bool
) -> None:
    page = asked(workspace, enter)
    page.fill(".composer textarea", "It left on Monday")
    killed = []

    def lose(route: Route) -> None:
        if heard:
            route.fetch()
        killed.append(kill(house))
        route.abort()

    page.route("**/replies", lose, times=1)
    page.press(".composer textarea", "Control+Enter")

    expect(page.locator(".entry.waiting")).to_contain_text("Not sent yet, trying again")
    until_up(house, killed[0])
    expect(page.locator(".entry.out:not(.waiting) .text")).to_have_text("It left on Monday")
    page.reload()
    expect(page.locator(".entry.out .text")).to_have_count(1)
    expect(page.locator(".entry.waiting")).to_have_count(0)


def test_a_tab_that_hears_through_another_one_sends_what_waits_too(
    workspace: Workspace, house: House, enter: Any
) -> None:
    first = asked(workspace, enter)
    expect(first.locator("body[data-heard]")).to_have_count(1)
    second = first.context.new_page()
    second.goto(first.url)
    second.fill(".composer textarea", "It left on Monday")

    killed = kill(house)
    second.press(".composer textarea", "Control+Enter")
    expect(second.locator(".entry.waiting")).to_contain_text("Not sent yet, trying again")
    until_up(house, killed)

    expect(second.locator(".entry.out:not(.waiting) .text")).to_have_text("It left on Monday")
    expect(first.locator(".entry.out .text")).to_have_text("It left on Monday")


def test_a_refused_note_comes_back_as_a_note(workspace: Workspace, enter: Any) -> None:
    page = asked(workspace, enter)
    page.locator(".composer").get_by_role("button", name="Note", exact=True).click()
    page.fill(".composer textarea", "Never to the customer")
    page.route("**/notes", lambda route: route.fulfill(status=422, json={"message": "No", "code": "invalid"}), times=1)

    page.press(".composer textarea", "Control+Enter")
    page.locator(".entry.waiting").get_by_text("Edit").click()

    expect(page.locator(".composer.note textarea")).to_have_value("Never to the customer")


def test_a_refused_mail_comes_back_whole(workspace: Workspace, enter: Any) -> None:
    channel = workspace.channel(**{"as": "email"}, address="help@example.com")
    workspace.hear(channel, "zoe@example.com", "Where is it?", subject="Order")
    page: Page = enter(workspace.email, "/inbox")
    page.locator(".row").click()
    page.get_by_text("Subject, Cc, Bcc").click()
    page.get_by_label("Subject", exact=True).fill("Your order")
    page.get_by_label("Cc", exact=True).fill("boss@example.com")
    page.fill(".composer textarea", "In the post")
    no = {"message": "No", "code": "invalid"}
    page.route("**/replies", lambda route: route.fulfill(status=422, json=no), times=1)

    page.press(".composer textarea", "Control+Enter")
    page.locator(".entry.waiting").get_by_text("Edit").click()

    expect(page.locator(".composer textarea")).to_have_value("In the post")
    expect(page.get_by_label("Subject", exact=True)).to_have_value("Your order")
    expect(page.get_by_label("Cc", exact=True)).to_have_value("boss@example.com")


def test_what_a_simulated_phone_says_stays_until_it_is_heard(workspace: Workspace, enter: Any) -> None:
    workspace.channel()
    page: Page = enter(workspace.email, "/phones")
    page.click("button:has-text('New phone')")
    page.fill(".phone textarea", "Are you open?")

    page.context.set_offline(True)
    page.press(".phone textarea", "Enter")
    expect(told(page)).to_contain_text("The server cannot be reached.")
    expect(page.locator(".phone textarea")).to_have_value("Are you open?")
    page.context.set_offline(False)
    page.press(".phone textarea", "Enter")

    expect(page.locator(".screen .in")).to_contain_text("Are you open?")
    expect(page.locator(".phone textarea")).to_have_value("")


def typed(form: Form, workspace: Workspace, enter: Any) -> Page:
    """The page of a form with everything typed."""
    path = form.name if form.name.startswith("/") else f"/campaigns/{campaign(workspace)}/content"
    page: Page = enter(workspace.email, path)
    for field, value in form.typed.items():
        page.fill(field, value)
    return page


def press(page: Page, form: Form) -> None:
    page.locator("main").get_by_role("button", name=form.button, exact=True).last.click()


def has_all(page: Page, form: Form) -> None:
    for field, value in form.typed.items():
        expect(page.locator(field)).to_have_value(value)


def is_taken(page: Page, form: Form) -> None:
    expect(page).to_have_url(re.compile(form.taken))
    if form.name == "/content/canned":
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator("tbody")).to_contain_text(form.typed["#title"])
    expect(told(page)).to_have_count(0)


def on_its_way(page: Page, form: Form, lose: Callable[[Route], None]) -> None:
    """Send the form, and do something to it before it arrives."""

    def meet(route: Route) -> None:
        is_form = route.request.method == "POST" and route.request.is_navigation_request()
        lose(route) if is_form else route.fallback()

    page.route("**/*", meet)
    with page.expect_event("requestfailed", lambda request: request.is_navigation_request()):
        press(page, form)
    page.unroute_all()


def told(page: Page) -> Any:
    return page.locator("main [data-typed]")


def campaign(workspace: Workspace) -> int:
    channel = workspace.channel()
    with workspace.api("portal") as api:
        said = {"name": "Spring", "channel": "sms", "message_template": "Hi", "integration_id": channel["id"]}
        made = api.post("/api/v1/integrations/campaigns", json=said)
    assert made.status_code in (200, 201), made.text
    return made.json()["data"]["id"]


def asked(workspace: Workspace, enter: Any) -> Page:
    """The conversation with somebody who asked something."""
    workspace.hear(workspace.channel(**{"as": "sms"}), "+40722000111", "Where is my order?")
    page: Page = enter(workspace.email, "/inbox")
    page.locator(".row", has_text="Where is my order?").click()
    expect(page.locator(".composer textarea")).to_be_visible()
    return page


def sign_in(page: Page, email: str) -> None:
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_selector(".menu", state="attached")


def sign_out_elsewhere(workspace: Workspace, enter: Any) -> None:
    """From another browser, as somebody does who left one open in a train."""
    beside: Page = enter(workspace.email, "/me")
    beside.click("button:has-text('Sign out everywhere else')")
    beside.click("#sure button[value=yes]")
    expect(beside.locator(".toast")).to_have_text("You are signed out everywhere but here.")


def kill(house: House) -> int:
    """The web process, without a word; the supervisor starts another."""
    pid = web(house)
    os.kill(pid, signal.SIGKILL)
    return pid


def until_up(house: House, killed: int) -> None:
    """Waits for the process after the one that was killed to answer."""
    deadline = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.TransportError):
            if web(house) not in (0, killed) and httpx2.get(f"{house.url}/healthz", timeout=5).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("the web process did not come back")


def web(house: House) -> int:
    """Process id of the web process; 0 while there is none."""
    parents = {}
    names = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            names[int(place.name)] = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    supervisor = next(pid for pid, name in names.items() if f"up --port 0 --data {house.data} " in name)

    def is_ours(pid: int) -> bool:
        return pid == supervisor or (pid in parents and is_ours(parents[pid]))

    return next((pid for pid, name in names.items() if name.endswith("trunkline web") and is_ours(pid)), 0)
