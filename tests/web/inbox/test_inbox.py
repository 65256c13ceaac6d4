"""The inbox's page and what its script asks for: views, lists, reading, writing, changing."""

import gzip
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests import world
from trunkline.accounts import users
from trunkline.contacts import fields, people
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database
from trunkline.core.ids import token as random_token
from trunkline.inbox import assignment, canned, conversations, mentions, notes, presence, replies
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

Ask = Callable[..., Awaitable[httpx2.Response]]
SCRIPT = {"Accept": "application/json"}


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


@pytest.fixture
async def ion(database: Database, account: int, channel: Channel) -> int:
    """Ion wrote a text message; his conversation."""
    async with database.tx(account) as tx:
        contact = await people.create(tx, NewContact(name="Ion Pop", phone="+40722000111"))
        made = await conversations.start(tx, contact.id, channel)
    return made.id


@pytest.fixture
async def post(ana: httpx2.AsyncClient) -> Ask:
    """Ana's script sends JSON."""
    found = re.search(r'data-csrf="(\w+)"', (await ana.get("/inbox")).text)
    assert found
    headers = {"X-CSRF": found[1], **SCRIPT}

    async def post(path: str, body: Any = None, **more: Any) -> httpx2.Response:
        if body is not None:
            more["json"] = body
        return await ana.post(f"/inbox/api/{path}", headers=headers, **more)

    return post


@pytest.fixture
async def get(ana: httpx2.AsyncClient) -> Ask:
    async def get(path: str, **query: Any) -> httpx2.Response:
        return await ana.get(f"/inbox/api/{path}", params=query, headers=SCRIPT)

    return get


@pytest.fixture
async def bogdan(database: Database, account: int, password: str) -> int:
    """A colleague's id."""
    email = f"{random_token(12).lower()}@example.com"
    async with database.system(account) as tx:
        await users.create(tx, email, "agent", password=password, name="Bogdan")
    async with database.tx(account) as tx:
        return next(one.id for one in await assignment.assignees(tx) if one.email == email)


def written(text: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"client_id": str(uuid4()), "text": text, **more}


def start_of(page: httpx2.Response) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="inbox-start">(.*?)</script>', page.text, re.DOTALL)
    assert found
    return json.loads(found[1])


async def test_the_page_brings_the_first_look_along(ana: httpx2.AsyncClient, ion: int) -> None:
    page = await ana.get("/inbox")

    start = start_of(page)
    assert [line["contact"] for line in start["lines"]] == ["Ion Pop"]
    assert start["counts"]["all"] == 1
    assert "frame-src 'self'" in page.headers["content-security-policy"]


async def test_an_address_opens_its_conversation(ana: httpx2.AsyncClient, ion: int) -> None:
    page = await ana.get(f"/inbox/{ion}")

    assert start_of(page)["opened"]["line"]["id"] == ion


async def test_a_reply_is_stored_once_however_often_it_is_sent(post: Ask, get: Ask, ion: int) -> None:
    reply = written("On its way")

    first = await post(f"conversations/{ion}/replies", reply)
    again = await post(f"conversations/{ion}/replies", reply)

    assert first.json()["entry"]["body"] == "On its way"
    assert again.json() == first.json()
    assert len((await get(f"conversations/{ion}")).json()["history"]["entries"]) == 1


async def test_the_first_paint_weighs_less_than_150_kilobytes(ana: httpx2.AsyncClient, ion: int) -> None:
    page = await ana.get(f"/inbox/{ion}")
    assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)

    sizes = [len(gzip.compress((await ana.get(path)).content)) for path in sorted(set(assets))]

    assert len(gzip.compress(page.content)) + sum(sizes) < 150_000


async def test_a_word_that_ends_a_script_element_stays_data(
    ana: httpx2.AsyncClient, database: Database, account: int, channel: Channel
) -> None:
    async with database.tx(account) as tx:
        contact = await people.create(tx, NewContact(name="</script><script>alert(1)</script>", phone="+40722000112"))
        await conversations.start(tx, contact.id, channel)

    page = await ana.get("/inbox")

    assert "<script>alert(1)" not in page.text
    assert start_of(page)["lines"][0]["contact"] == "</script><script>alert(1)</script>"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("replies", {"text": "No id"}),
        ("replies", {"client_id": "x", "text": "Hello"}),
        ("replies", {"client_id": str(uuid4()), "text": ""}),
        ("replies", {"client_id": str(uuid4()), "text": "x" * 100_001}),
        ("replies", {"client_id": str(uuid4()), "text": "Hi", "unknown": 1}),
        ("replies", {"client_id": str(uuid4()), "text": "Hi", "files": [str(uuid4())]}),
        ("replies", {"client_id": str(uuid4()), "text": "Hi", "at": "2001-01-01T00:00:00Z"}),
        ("notes", {"client_id": str(uuid4()), "text": "   "}),
        ("draft", {"kind": "poem", "content": {}}),
        ("draft", {"kind": "reply", "content": {"text": "x" * 200_000}}),
        ("presence", {"doing": "sleeping"}),
    ],
)
async def test_bad_input_is_refused_with_words(post: Ask, ion: int, path: str, body: dict[str, Any]) -> None:
    answer = await post(f"conversations/{ion}/{path}", body)

    assert answer.status_code == 422
    assert answer.json()["message"]


async def test_what_is_no_json_is_refused(post: Ask, ion: int) -> None:
    answer = await post(f"conversations/{ion}/notes", content=b"{\xff")

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


async def test_without_the_token_nothing_is_taken(ana: httpx2.AsyncClient, ion: int) -> None:
    answer = await ana.post(f"/inbox/api/conversations/{ion}/notes", json=written(), headers=SCRIPT)

    assert answer.status_code == 403


async def test_whoever_is_signed_out_is_told_as_json(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/inbox/api/list", headers=SCRIPT)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_what_belongs_to_others_is_not_there(post: Ask, get: Ask, database: Database, other_account: int) -> None:
    channel = await world.simulator(database, other_account)
    async with database.tx(other_account) as tx:
        contact = await people.create(tx, NewContact(name="Secret"))
        theirs = (await conversations.start(tx, contact.id, channel)).id

    answers = [
        await get(f"conversations/{theirs}"),
        await get(f"conversations/{theirs}/panel"),
        await post(f"conversations/{theirs}/replies", written()),
        await post(f"conversations/{theirs}/notes", written()),
        await post(f"contacts/{contact.id}", {"name": "Mine"}),
    ]
    changed = await post("changes", {"ids": [theirs], "status": "closed"})

    assert [answer.status_code for answer in answers] == [404] * 5
    assert changed.json() == {"lines": []}


async def test_a_viewer_reads_and_changes_nothing(
    browser: httpx2.AsyncClient, password: str, database: Database, account: int, ion: int
) -> None:
    email = f"{random_token(12).lower()}@example.com"
    async with database.system(account) as tx:
        await users.create(tx, email, "viewer", password=password, name="Vera")
    await browser.post("/login", data={"email": email, "password": password})
    page = await browser.get("/inbox")
    found = re.search(r'data-csrf="(\w+)"', page.text)
    assert found

    read = await browser.get(f"/inbox/api/conversations/{ion}", headers=SCRIPT)
    headers = {"X-CSRF": found[1], **SCRIPT}
    written_ = await browser.post(f"/inbox/api/conversations/{ion}/replies", json=written(), headers=headers)

    assert start_of(page)["mayWrite"] is False
    assert (read.status_code, written_.status_code) == (200, 403)


async def test_a_reply_after_a_colleagues_asks_first(
    post: Ask, database: Database, account: int, ion: int, bogdan: int
) -> None:
    async with database.tx(account) as tx:
        await replies.reply(tx, ion, "I have it", user_id=bogdan)

    refused = await post(f"conversations/{ion}/replies", written("Me too"))
    sent = await post(f"conversations/{ion}/replies", written("Me too", anyway=True))

    assert (refused.status_code, refused.json()["code"]) == (409, "answered_meanwhile")
    assert "Bogdan" in refused.json()["message"]
    assert sent.status_code == 200


async def test_a_reply_that_waits_can_be_taken_back(post: Ask, get: Ask, ion: int) -> None:
    entry = (await post(f"conversations/{ion}/replies", written("Oops", hold=30))).json()["entry"]

    answer = await post(f"messages/{entry['id']}/withdrawal", {})

    opened = (await get(f"conversations/{ion}")).json()
    assert answer.json()["entry"]["body"] == "Oops"
    assert opened["history"]["entries"] == []
    assert opened["line"]["preview"] == ""
    assert (await post(f"messages/{entry['id']}/withdrawal", {})).status_code == 409


async def test_a_note_calls_a_colleague_until_they_look(
    post: Ask, get: Ask, ion: int, database: Database, account: int
) -> None:
    async with database.tx(account) as tx:
        me = next(one for one in await assignment.assignees(tx))
        called = await mentions.note(tx, await notes.add(tx, ion, f"Look, @{me.name}!", None))

    before = (await get("views")).json()["counts"]["mentions"]
    await get(f"conversations/{ion}")
    after = (await get("views")).json()["counts"]["mentions"]

    assert called == [me.id]
    assert (before, after) == (1, 0)


async def test_a_search_narrows_by_its_operators(
    get: Ask, post: Ask, ion: int, database: Database, account: int
) -> None:
    tag = (await post("tags", {"name": "VIP"})).json()["tag"]
    await post("changes", {"ids": [ion], "add_tags": [tag["id"]], "priority": "high"})

    async def found(query: str, view: str = "all") -> int:
        return len((await get("list", q=query, view=view)).json()["lines"])

    assert [
        await found(query) for query in ("from:ion tag:vip", "label:VIP priority:high", "is:unread", "from:zoe")
    ] == [1, 1, 0, 0]
    assert [await found(query) for query in ("has:file", "has:note", "before:2001-01-01", "after:2001-01-01")] == [
        0,
        0,
        0,
        1,
    ]
    assert [await found(query) for query in ("status:closed", "assignee:none", "assignee:me", '"no such words"')] == [
        0,
        1,
        0,
        0,
    ]
    assert await found("", "mine") == 0


@pytest.mark.parametrize("query", ["before:yesterday", "status:lost", "has:wings", "is:blue", "x" * 501])
async def test_a_search_that_cannot_be_read_says_why(get: Ask, query: str) -> None:
    answer = await get("list", q=query)

    assert answer.status_code == 422
    assert answer.json()["errors"]["q"]


async def test_a_kept_search_is_a_view_with_its_number(get: Ask, post: Ask, ion: int) -> None:
    view = (await post("views", {"name": "Ions", "query": "from:ion", "is_shared": True})).json()["view"]

    counts = (await get("views")).json()["counts"]
    lines = (await get("list", view=f"saved:{view['id']}")).json()["lines"]
    await post(f"views/{view['id']}/removal", {})

    assert counts[f"saved:{view['id']}"] == 1
    assert [line["id"] for line in lines] == [ion]
    assert (await get("list", view=f"saved:{view['id']}")).status_code == 404


async def test_a_list_goes_on_behind_its_last_line(
    get: Ask, database: Database, account: int, channel: Channel
) -> None:
    async with database.tx(account) as tx:
        for n in range(60):
            contact = await people.create(tx, NewContact(name=f"Person {n}"))
            await conversations.start(tx, contact.id, channel)

    first = (await get("list")).json()
    second = (await get("list", after=first["next"])).json()

    assert (len(first["lines"]), len(second["lines"]), second["next"]) == (50, 10, None)
    assert len({line["id"] for line in first["lines"] + second["lines"]}) == 60
    assert (await get("list", after="forged")).status_code == 422


async def test_two_conversations_of_one_contact_are_merged(
    post: Ask, get: Ask, database: Database, account: int, ion: int
) -> None:
    other = await world.simulator(database, account)
    async with database.tx(account) as tx:
        contact = (await conversations.get(tx, ion)).contact_id
        second = (await conversations.start(tx, contact, other)).id
        stranger = await people.create(tx, NewContact(name="Zoe"))
        third = (await conversations.start(tx, stranger.id, other)).id
    await post(f"conversations/{second}/notes", written("Moves along"))

    merged = await post("merge", {"into": ion, "ids": [second]})
    refused = await post("merge", {"into": ion, "ids": [third]})

    assert merged.status_code == 200
    assert [one["body"] for one in (await get(f"conversations/{ion}")).json()["history"]["entries"]] == ["Moves along"]
    assert (await get(f"conversations/{second}")).status_code == 404
    assert (refused.status_code, refused.json()["code"]) == (409, "other_contact")


async def test_a_draft_is_kept_until_it_is_sent(post: Ask, get: Ask, ion: int) -> None:
    await post(f"conversations/{ion}/draft", {"kind": "note", "content": {"text": "Half a"}})
    kept = (await get(f"conversations/{ion}")).json()["draft"]
    await post(f"conversations/{ion}/notes", written("Half a thought"))

    assert (kept["kind"], kept["content"]) == ("note", {"text": "Half a"})
    assert (await get(f"conversations/{ion}")).json()["draft"] is None


async def test_a_file_goes_up_and_out(post: Ask, ion: int) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(64)

    kept = await post("files", files={"file": ("<b>cat</b>.png", picture, "image/png")})
    page = await post("files", files={"file": ("page.html", b"<script>alert(1)</script>", "text/html")})

    assert kept.status_code == 200, kept.text
    file = kept.json()["file"]
    sent = await post(f"conversations/{ion}/replies", written("", files=[file["uuid"]]))
    assert file["url"].startswith("/m/")
    assert sent.json()["entry"]["attachments"][0]["content_type"] == "image/png"
    assert page.status_code == 422


async def test_the_panel_shows_the_contact_and_takes_changes(
    get: Ask, post: Ask, database: Database, account: int, ion: int
) -> None:
    async with database.tx(account) as tx:
        await fields.create(tx, "Plan")
        contact = (await conversations.get(tx, ion)).contact_id

    changed = await post(f"contacts/{contact}", {"fields": {"plan": "gold"}, "bot_active": False})
    panel = (await get(f"conversations/{ion}/panel")).json()
    refused = await post(f"contacts/{contact}", {"email": "no address"})

    assert changed.status_code == 200
    assert (panel["contact"]["bot_active"], panel["fields"][0]["value"]) == (False, "gold")
    assert refused.status_code == 422


async def test_canned_responses_are_filled_for_the_contact(
    get: Ask, database: Database, account: int, ion: int
) -> None:
    async with database.tx(account) as tx:
        await canned.create(tx, "Hello", "Dear {{first_name}}, {{order}} left. {{agent}}", "/hello")

    [offered] = (await get(f"conversations/{ion}/canned", q="hel")).json()["canned"]

    assert offered["text"] == "Dear Ion, {{order}} left. Ana <Pop>"
    assert offered["missing"] == ["order"]


async def test_bulk_changes_go_in_one_request(post: Ask, get: Ask, ion: int) -> None:
    answer = await post("changes", {"ids": [ion], "until": "tomorrow", "is_starred": True})

    [line] = answer.json()["lines"]
    assert (line["status"], line["is_starred"]) == ("snoozed", True)
    assert (await get("views")).json()["counts"]["snoozed"] == 1
    assert (await post("changes", {"ids": [], "status": "open"})).status_code == 422
    assert (await post("changes", {"ids": [ion], "assignee_id": 2**40})).status_code == 422


async def test_others_are_told_who_is_there(post: Ask, database: Database, account: int, ion: int, bogdan: int) -> None:
    async with database.tx(account) as tx:
        await presence.seen(tx, ion, bogdan, typing=True)

    here = (await post(f"conversations/{ion}/presence", {"doing": "viewing"})).json()["present"]
    gone = (await post(f"conversations/{ion}/presence", {"doing": "gone"})).json()["present"]

    assert [(one["name"], one["is_typing"]) for one in here] == [("Bogdan", True)]
    assert gone == []
