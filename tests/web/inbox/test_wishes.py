"""What the inbox's script asks for beyond reading and answering: settings, rules, macros, templates, moving things."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests import world
from trunkline.accounts import users
from trunkline.contacts import people
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database
from trunkline.core.ids import token as random_token
from trunkline.inbox import conversations, presence, replies
from trunkline.messaging import templates

pytestmark = pytest.mark.anyio

Ask = Callable[..., Awaitable[httpx2.Response]]
SCRIPT = {"Accept": "application/json"}
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture
async def ion(database: Database, account: int) -> int:
    """Ion's conversation."""
    channel = await world.simulator(database, account)
    async with database.tx(account) as tx:
        contact = await people.create(tx, NewContact(name="Ion Pop", phone="+40722000111"))
        return (await conversations.start(tx, contact.id, channel)).id


@pytest.fixture
async def post(ana: httpx2.AsyncClient) -> Ask:
    return await script_of(ana)


@pytest.fixture
async def get(ana: httpx2.AsyncClient) -> Ask:
    async def get(path: str, **query: Any) -> httpx2.Response:
        return await ana.get(f"/inbox/api/{path}", params=query, headers=SCRIPT)

    return get


async def script_of(client: httpx2.AsyncClient) -> Ask:
    """Somebody's script sends JSON."""
    found = re.search(r'data-csrf="(\w+)"', (await client.get("/inbox")).text)
    assert found
    headers = {"X-CSRF": found[1], **SCRIPT}

    async def post(path: str, body: Any = None, **more: Any) -> httpx2.Response:
        if body is not None:
            more["json"] = body
        return await client.post(f"/inbox/api/{path}", headers=headers, **more)

    return post


async def test_settings_are_kept_and_come_with_the_page(ana: httpx2.AsyncClient, post: Ask) -> None:
    wanted = {"signature": "Ana", "keys": {"close": "w"}, "quiet_from": "22:00", "quiet_until": "07:00"}

    kept = await post("member", wanted)

    assert kept.json()["member"] == {**wanted, "is_away": False}
    assert '"signature":"Ana"' in (await ana.get("/inbox")).text


async def test_an_agent_may_not_change_the_rules(
    browser: httpx2.AsyncClient, password: str, database: Database, account: int
) -> None:
    email = f"{random_token(12).lower()}@example.com"
    async with database.system(account) as tx:
        await users.create(tx, email, "agent", password=password, name="Bogdan")
    await browser.post("/login", data={"email": email, "password": password})
    post = await script_of(browser)

    assert (await post("rules", {"assigns": "turns"})).status_code == 403
    assert (await post("member", {})).status_code == 200


async def test_the_rules_are_the_workspaces(ana: httpx2.AsyncClient, post: Ask) -> None:
    answer = await post("rules", {"assigns": "least", "reopened": "again", "returns": True, "capacity": 5})

    assert answer.json()["rules"]["assigns"] == "least"
    assert '"capacity":5' in (await ana.get("/inbox")).text


async def test_a_viewer_holds_nothing(
    browser: httpx2.AsyncClient, password: str, database: Database, account: int, ion: int
) -> None:
    email = f"{random_token(12).lower()}@example.com"
    async with database.system(account) as tx:
        await users.create(tx, email, "viewer", password=password, name="Vera")
    await browser.post("/login", data={"email": email, "password": password})
    post = await script_of(browser)

    for doing in ("typing", "taking"):
        assert (await post(f"conversations/{ion}/presence", {"doing": doing})).status_code == 200

    async with database.tx(account) as tx:
        [seen] = await presence.others(tx, ion, 0)
    assert (seen.name, seen.is_typing, seen.holds) == ("Vera", False, False)


async def test_a_macro_comes_with_its_reply_written(post: Ask, get: Ask, ion: int) -> None:
    steps = {"reply": "Dear {{first_name}}", "priority": "high"}
    [made] = (await post("macros", {"name": "Late", "steps": steps, "is_shared": True})).json()["macros"]

    [filled] = (await get(f"conversations/{ion}/macros")).json()["macros"]
    left = (await post(f"macros/{made['id']}/removal", {})).json()["macros"]

    assert filled["steps"] == {"reply": "Dear Ion", "priority": "high"}
    assert left == []


async def test_a_canned_response_goes_with_its_file(post: Ask, get: Ask, ion: int) -> None:
    file = (await post("files", files={"file": ("menu.png", PICTURE, "image/png")})).json()["file"]

    made = await post("canned", {"title": "Menu", "text": "a < b\nDear {{name}}", "files": [file["uuid"]]})

    [offered] = (await get(f"conversations/{ion}/canned", q="menu")).json()["canned"]
    assert made.status_code == 200
    assert offered["text"] == "a < b\nDear Ion Pop"
    assert [one["uuid"] for one in offered["files"]] == [file["uuid"]]
    assert set(offered["files"][0]) == {"uuid", "name", "content_type", "size", "url"}


async def test_a_template_is_sent_once_however_often_it_is_asked_for(
    post: Ask, get: Ask, ion: int, database: Database, account: int
) -> None:
    async with database.tx(account) as tx:
        made = await templates.create(tx, templates.Draft(key="ready", channel="sms", body="Order {{order}}, {{name}}"))
    given = {"client_id": str(uuid4()), "template_id": made.id, "variables": {"order": "17"}}
    [offered] = (await get(f"conversations/{ion}/templates")).json()["templates"]

    first = await post(f"conversations/{ion}/template", given)
    again = await post(f"conversations/{ion}/template", given)
    lacking = await post(f"conversations/{ion}/template", {"client_id": str(uuid4()), "template_id": made.id})

    assert offered["known"] == {"name": "Ion Pop"}
    assert first.json()["entry"]["body"] == "Order 17, Ion Pop"
    assert again.json() == first.json()
    assert lacking.status_code == 422
    assert len((await get(f"conversations/{ion}")).json()["history"]["entries"]) == 1


async def test_a_message_is_forwarded_once(post: Ask, get: Ask, ion: int, database: Database, account: int) -> None:
    await world.simulator(database, account, **{"as": "email"})
    async with database.tx(account) as tx:
        entry = await replies.reply(tx, ion, "My boiler is broken", user_id=None)
    given = {"client_id": str(uuid4()), "to": "zoe@example.com", "comment": "Look"}

    first = await post(f"messages/{entry.id}/forward", given)
    again = await post(f"messages/{entry.id}/forward", given)

    assert first.json()["entry"]["body"] == "Forwarded to zoe@example.com.\nLook"
    assert again.json() == first.json()
    [_, sent] = sorted(line["id"] for line in (await get("list")).json()["lines"])
    assert len((await get(f"conversations/{sent}")).json()["history"]["entries"]) == 1


async def test_the_contact_is_found_and_changed(
    post: Ask, get: Ask, ion: int, database: Database, account: int
) -> None:
    async with database.tx(account) as tx:
        await people.create(tx, NewContact(name="Maria Ionescu", email="maria@example.com"))
    [found] = (await get("contacts", q="maria")).json()["contacts"]

    moved = await post(f"conversations/{ion}/contact", {"contact_id": found["id"]})

    assert (found["name"], found["address"]) == ("Maria Ionescu", "maria@example.com")
    assert moved.json() == {"id": ion}
    assert (await get(f"conversations/{ion}")).json()["line"]["contact"] == "Maria Ionescu"


async def test_a_contact_is_blocked_and_may_write_again(post: Ask, get: Ask, ion: int) -> None:
    contact = (await get(f"conversations/{ion}")).json()["line"]["contact_id"]

    statuses = []
    for is_blocked in (True, False):
        await post(f"contacts/{contact}", {"is_blocked": is_blocked})
        statuses.append((await get(f"conversations/{ion}/panel")).json()["contact"]["status"])

    assert statuses == ["blocked", "active"]


async def test_a_mail_is_signed_when_it_shall_be(post: Ask, database: Database, account: int) -> None:
    channel = await world.simulator(database, account, **{"as": "email"})
    async with database.tx(account) as tx:
        contact = await people.create(tx, NewContact(name="Zoe", email="zoe@example.com"))
        id = (await conversations.start(tx, contact.id, channel, subject="Hello")).id
    await post("member", {"signature": "Ana"})

    said = [
        (await post(f"conversations/{id}/replies", {"client_id": str(uuid4()), "text": "Hi", "sign": sign})).json()
        for sign in (True, False)
    ]

    assert [one["entry"]["body"] for one in said] == ["Hi\n\n-- \nAna", "Hi"]


async def test_what_belongs_to_others_is_not_there(post: Ask, get: Ask, database: Database, other_account: int) -> None:
    channel = await world.simulator(database, other_account)
    async with database.tx(other_account) as tx:
        contact = await people.create(tx, NewContact(name="Secret", phone="+40722000119"))
        theirs = (await conversations.start(tx, contact.id, channel)).id
        entry = await replies.reply(tx, theirs, "Secret", user_id=None)

    answers = [
        await get(f"conversations/{theirs}/macros"),
        await get(f"conversations/{theirs}/templates"),
        await post(f"conversations/{theirs}/contact", {"contact_id": contact.id}),
        await post(f"conversations/{theirs}/template", {"client_id": str(uuid4()), "template_id": 1}),
        await post(f"messages/{entry.id}/forward", {"client_id": str(uuid4()), "to": "a@example.com"}),
        await post(f"contacts/{contact.id}", {"is_blocked": True}),
        await post("macros/1/removal", {}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 7
    assert (await get("contacts", q="Secret")).json() == {"contacts": []}
    assert (await get("list", q="Secret")).json()["lines"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("member", {"keys": {"close": "r"}}),
        ("member", {"quiet_from": "late"}),
        ("member", {"wishes": 1}),
        ("rules", {"assigns": "dice"}),
        ("rules", {"capacity": 0}),
        ("macros", {"name": "Nothing", "steps": {}}),
        ("macros", {"name": "Odd", "steps": {"fly": True}}),
        ("macros", {"name": "Odd", "steps": {"reply": "Dear {{name"}}),
        ("canned", {"title": "", "text": "Hi"}),
        ("canned", {"title": "Hi", "text": "Hi", "shortcut": "no slash"}),
        ("canned", {"title": "Hi", "text": "Hi", "files": [str(uuid4())]}),
    ],
)
async def test_bad_input_is_refused_with_words(post: Ask, path: str, body: dict[str, Any]) -> None:
    answer = await post(path, body)

    assert answer.status_code == 422
    assert answer.json()["message"]
