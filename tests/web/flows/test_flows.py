"""Flows behind their pages: the drawing is safe, files are looked at first, the phone plays without a trace."""

import json
import re
from typing import Any
from xml.etree import ElementTree

import httpx2
import pytest

from tests import talks, world
from trunkline.campaigns import uses
from trunkline.contacts import fields, groups, people
from trunkline.contacts.records import NewContact
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.flows import listing, rehearsal, runs, starts, stored, triggers
from trunkline.flows.listing import Filter
from trunkline.flows.stored import Stored
from trunkline.flows.triggers import NewTrigger
from trunkline.web import words
from trunkline.web.flows import player, sequences, steps, table
from trunkline.web.flows import runs as run_pages
from trunkline.web.flows import triggers as pages

pytestmark = pytest.mark.anyio

EVIL = "<script>alert(1)</script> \u202e </text><image href=x onerror=alert(1)>"


@pytest.fixture
async def token(ana: httpx2.AsyncClient) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', (await ana.get("/me")).text)
    assert found
    return found[1]


@pytest.fixture
async def drinks(database: Database, account: int) -> Stored:
    async with database.tx(account) as tx:
        await fields.create(tx, "Drink")
    return await talks.save(database, account, talks.drinks())


def envelope(*flows: dict[str, Any]) -> bytes:
    file = {"version": "13", "site": "https://example.com", "flows": flows}
    return json.dumps(file | {name: [] for name in ("campaigns", "triggers", "fields", "groups")}).encode()


def said(page: str) -> list[str]:
    return re.findall(r'<li class="theirs"><bdi>(.*?)</bdi>', page)


async def test_the_list_shows_flows_in_use_and_finds_them_by_name(
    ana: httpx2.AsyncClient, database: Database, account: int, drinks: Stored
) -> None:
    await talks.save(database, account, talks.definition(talks.node(talks.say("Hi")), name="Welcome"))

    page = await ana.get("/flows")
    found = await ana.get("/flows?search=dRINK", headers={"HX-Request": "true"})
    none = await ana.get("/flows?archived=1")

    assert ">Drinks<" in page.text
    assert ">Welcome<" in page.text
    assert ">Drinks<" in found.text
    assert ">Welcome<" not in found.text
    assert ">Drinks<" not in none.text


async def test_texts_of_a_flow_are_only_text_in_its_drawing(
    ana: httpx2.AsyncClient, database: Database, account: int
) -> None:
    evil = await talks.save(database, account, talks.definition(talks.node(talks.say(EVIL)), name=EVIL[:60]))

    page = await ana.get(f"/flows/{evil.uuid}")

    text = page.text[page.text.index('<svg class="drawing"') :]
    elements = list(ElementTree.fromstring(text[: text.index("</svg>") + 6]).iter())
    tags = {each.tag.rpartition("}")[2] for each in elements}
    assert tags <= {"svg", "defs", "marker", "path", "g", "a", "title", "rect", "text", "circle"}
    assert not [name for each in elements for name in each.attrib if name.startswith("on") or name == "style"]
    assert any("<script>" in (each.text or "") for each in elements)


async def test_a_step_shows_all_it_says(ana: httpx2.AsyncClient, database: Database, account: int) -> None:
    long = "word " * 300
    node = talks.node(talks.say(long.strip()))
    flow = await talks.save(database, account, talks.definition(node))

    page = await ana.get(f"/flows/{flow.uuid}?node={node['uuid']}", headers={"HX-Request": "true"})

    assert long.strip() in page.text
    assert "<html" not in page.text


async def test_a_flow_that_does_not_load_says_why(ana: httpx2.AsyncClient, database: Database, account: int) -> None:
    broken = await talks.save(database, account, talks.definition({"uuid": talks.uuid()}, name="Broken"))

    page = await ana.get(f"/flows/{broken.uuid}")

    assert page.status_code == 200
    assert "does not load" in page.text
    assert broken.info["issues"][0]["description"].split("<")[0] in page.text


async def test_a_file_is_looked_at_before_it_is_brought_in(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int
) -> None:
    file = envelope(talks.drinks())

    first = await ana.post("/flows/import", data={"csrf": token}, files={"file": ("f.json", file)})
    async with database.tx(account) as tx:
        before = await listing.page(tx, Filter())
    digest = re.search(r'name="digest" value="(\w+)"', first.text)
    assert digest
    second = await ana.post(
        "/flows/import", data={"csrf": token, "digest": digest[1]}, files={"file": ("f.json", file)}
    )
    async with database.tx(account) as tx:
        after = await listing.page(tx, Filter())

    assert "Drinks" in first.text
    assert before == []
    assert second.status_code == 303
    assert [flow.name for flow in after] == ["Drinks"]


async def test_another_file_than_the_seen_one_is_looked_at_first(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int
) -> None:
    first = await ana.post("/flows/import", data={"csrf": token}, files={"file": ("f.json", envelope(talks.drinks()))})
    digest = re.search(r'name="digest" value="(\w+)"', first.text)
    assert digest

    other = envelope(talks.definition(talks.node(talks.say("Hi")), name="Other"))
    await ana.post("/flows/import", data={"csrf": token, "digest": digest[1]}, files={"file": ("f.json", other)})

    async with database.tx(account) as tx:
        assert await listing.page(tx, Filter()) == []


@pytest.mark.parametrize("content", [b"", b"no json", b"[]", b'{"version": "2", "flows": []}', b"{" * 100_000])
async def test_what_is_no_export_is_refused_beside_the_field(
    ana: httpx2.AsyncClient, token: str, content: bytes
) -> None:
    answer = await ana.post("/flows/import", data={"csrf": token}, files={"file": ("f.json", content)})

    assert answer.status_code == 422
    assert 'id="file-problem"' in answer.text


async def test_an_export_can_be_brought_in_again(ana: httpx2.AsyncClient, drinks: Stored) -> None:
    answer = await ana.get(f"/flows/{drinks.uuid}/export")

    assert answer.headers["content-disposition"] == 'attachment; filename="Drinks.json"'
    assert [flow["name"] for flow in answer.json()["flows"]] == ["Drinks"]
    assert [field["key"] for field in answer.json()["fields"]] == ["drink"]


async def test_the_phone_plays_a_flow_and_leaves_no_trace(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int, drinks: Stored
) -> None:
    first = await ana.post(f"/flows/{drinks.uuid}/play", data={"csrf": token})
    state = re.search(r'name="state" value="([^"]+)"', first.text)
    assert state
    second = await ana.post(f"/flows/{drinks.uuid}/play", data={"csrf": token, "state": state[1], "said": "tea"})

    assert said(first.text) == ["Tea or coffee?"]
    assert said(second.text) == ["Tea or coffee?", "Enjoy your tea"]
    assert "Field Drink: Tea" in second.text
    async with database.tx(account) as tx:
        assert await runs.page(tx, runs.Filter()) == []
    assert await talks.said(database, account) == []


async def test_the_phone_jumps_over_a_wait(ana: httpx2.AsyncClient, token: str, drinks: Stored) -> None:
    first = await ana.post(f"/flows/{drinks.uuid}/play", data={"csrf": token})
    state = re.search(r'name="state" value="([^"]+)"', first.text)
    assert state

    late = await ana.post(f"/flows/{drinks.uuid}/play", data={"csrf": token, "state": state[1], "event": "timeout"})
    over = await ana.post(f"/flows/{drinks.uuid}/play", data={"csrf": token, "state": state[1], "event": "expiration"})

    assert said(late.text)[-1] == "Too late"
    assert "The flow is over: expired" in over.text or "The flow is over: completed" in over.text


async def test_the_state_of_another_flow_begins_anew(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int, drinks: Stored
) -> None:
    other = await talks.save(database, account, talks.definition(talks.node(talks.say("Hello")), name="Other"))
    first = await ana.post(f"/flows/{drinks.uuid}/play", data={"csrf": token})
    state = re.search(r'name="state" value="([^"]+)"', first.text)
    assert state

    foreign = await ana.post(f"/flows/{other.uuid}/play", data={"csrf": token, "state": state[1], "said": "tea"})
    forged = await ana.post(f"/flows/{other.uuid}/play", data={"csrf": token, "state": "?!é", "said": "tea"})

    assert said(foreign.text) == ["Hello"]
    assert said(forged.text) == ["Hello"]


async def test_a_contact_plays_as_they_are_and_stay_so(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int
) -> None:
    rename = talks.node(talks.act("set_contact_name", name="Ada"), talks.say("Hi @contact.name, @webhook.json.n"))
    ask = talks.node(talks.act("call_webhook", method="GET", url="https://example.com/"), to=rename["uuid"])
    flow = await talks.save(database, account, talks.definition(ask, rename))
    async with database.tx(account) as tx:
        zoe = await people.create(tx, NewContact(name="Zoe", phone="+40722000111"))

    form = {"csrf": token, "contact": "Zoe", "webhook": '{"n": 7}'}
    page = await ana.post(f"/flows/{flow.uuid}/play", data=form)

    state = re.search(r'name="state" value="([^"]+)"', page.text)
    assert state
    anew = await ana.post(f"/flows/{flow.uuid}/play", data={"csrf": token, "state": state[1], "anew": "1"})

    assert said(page.text) == ["Hi Ada, 7"]
    assert said(anew.text) == ["Hi Ada, 7"]
    async with database.tx(account) as tx:
        assert (await people.get(tx, zoe.id)).name == "Zoe"


async def test_somebody_made_up_plays_over_another_channel_at_another_time(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int
) -> None:
    text = '@(format_datetime(now(), "YYYY-MM-DD")) @(urn_parts(contact.urn).scheme)'
    flow = await talks.save(database, account, talks.definition(talks.node(talks.say(text))))
    path = f"/flows/{flow.uuid}/play"

    there = await ana.post(path, data={"csrf": token, "at": "2031-03-01T10:00", "scheme": "telegram"})
    here = await ana.post(path, data={"csrf": token, "scheme": "nonsense"})
    far = await ana.post(path, data={"csrf": token, "at": "2999-03-01T10:00"})

    assert said(there.text) == ["2031-03-01 telegram"]
    assert said(here.text) == [f"{clock.now():%Y-%m-%d} tel"]
    assert "At most 3660 days from now." in far.text


async def test_a_step_that_nobody_came_to_has_nobody(ana: httpx2.AsyncClient, drinks: Stored) -> None:
    for node in (ana.base_url.host, "01a1ff6f-9eae-72eb-82a1-ee89a86781ce"):
        page = await ana.get(f"/flows/runs?flow={drinks.uuid}&node={node}&here=1")

        assert "No runs yet." in page.text


async def test_a_flow_tells_who_would_miss_it(
    ana: httpx2.AsyncClient, database: Database, account: int, drinks: Stored
) -> None:
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="keyword", flow_id=drinks.id, keywords=["thirsty"]))
        gone = await triggers.create(tx, NewTrigger(kind="catch_all", flow_id=drinks.id))
        await triggers.archive(tx, [gone.id])

        found = await uses.of_flow(tx, drinks.id, drinks.uuid)

    assert [(one.kind, one.name) for one in found] == [("trigger", "thirsty")]


async def test_a_flow_starts_for_groups_and_addresses(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int, drinks: Stored
) -> None:
    await world.simulator(database, account)
    async with database.tx(account) as tx:
        group = await groups.create(tx, "Guests")
    form = {"csrf": token, "group": str(group.id), "addresses": "+40722000111\ntelegram:12345"}

    answer = await ana.post(f"/flows/{drinks.uuid}/starts", data=form)

    assert answer.status_code == 303
    async with database.tx(account) as tx:
        [start] = await starts.page(tx, flow_id=drinks.id)
    assert (start.groups, len(start.contacts), start.origin) == ([group.id], 2, "ui")


@pytest.mark.parametrize("form", [{}, {"addresses": "nobody knows"}, {"query": "age >"}])
async def test_a_start_for_nobody_is_refused(
    ana: httpx2.AsyncClient, token: str, drinks: Stored, form: dict[str, str]
) -> None:
    answer = await ana.post(f"/flows/{drinks.uuid}/starts", data={"csrf": token, **form})

    assert answer.status_code == 422


async def test_a_flow_is_put_away_and_used_again(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int, drinks: Stored
) -> None:
    await ana.post(f"/flows/{drinks.uuid}/archive", data={"csrf": token})
    page = await ana.get(f"/flows/{drinks.uuid}")
    await ana.post(f"/flows/{drinks.uuid}/restoration", data={"csrf": token})

    assert "Use again" in page.text
    async with database.tx(account) as tx:
        assert not (await stored.get(tx, drinks.id)).archived


async def test_a_keyword_trigger_is_made_and_archived(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int, drinks: Stored
) -> None:
    form = {"csrf": token, "kind": "keyword", "keywords": "thirsty, Dry", "match": "only_word", "flow": str(drinks.id)}

    await ana.post("/flows/triggers", data=form)
    async with database.tx(account) as tx:
        [made] = await triggers.all_of(tx)
    await ana.post(f"/flows/triggers/{made.id}/archive", data={"csrf": token})

    assert (made.keywords, made.match) == (["dry", "thirsty"], "only_word")
    async with database.tx(account) as tx:
        assert await triggers.all_of(tx) == []
    assert "thirsty" in (await ana.get("/flows/triggers?archived=1")).text


async def test_a_schedule_without_people_is_refused_in_place(
    ana: httpx2.AsyncClient, token: str, drinks: Stored
) -> None:
    form = {"csrf": token, "kind": "schedule", "cron": "0 9 * * 1", "flow": str(drinks.id)}

    answer = await ana.post("/flows/triggers", data=form)

    assert answer.status_code == 422
    assert "A schedule needs groups or contacts." in answer.text


async def test_a_sequence_gets_an_event_that_keeps_its_other_languages(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int
) -> None:
    async with database.tx(account) as tx:
        group = await groups.create(tx, "Guests")
    made = await ana.post("/flows/sequences", data={"csrf": token, "name": "Welcome", "group": str(group.id)})
    path = made.headers["location"]
    event = {"csrf": token, "distance": "3", "unit": "days", "direction": "after", "relative_to": "created_on"}
    event |= {"delivery_hour": "9", "what": "message", "message": "Hello", "language": "eng", "start_mode": "skip"}

    await ana.post(path, data=event)
    page = await ana.get(path)
    [link] = re.findall(rf'href="({path}/events/\d+)"', page.text)
    await ana.post(link, data=event | {"message": "Bună", "language": "ron"})
    changed = await ana.get(path)

    assert "3 days after Added" in page.text
    assert "Hello" in changed.text
    assert "Bună" in changed.text


async def test_runs_and_the_log_are_there_when_nothing_ran(ana: httpx2.AsyncClient, drinks: Stored) -> None:
    for path in (f"/flows/runs?flow={drinks.uuid}", "/flows/runs?contact=7", "/flows/log?kind=webhook", "/flows/log"):
        assert (await ana.get(path)).status_code == 200


@pytest.mark.parametrize("language", sorted(set(words.LANGUAGES) - {"en"}))
def test_what_flows_say_by_name_is_there_in_every_language(language: str) -> None:
    said = {heading for heading, _ in steps.ACTIONS.values()} | {title for _, title in table.TABS}
    said |= {*pages.KINDS.values(), *pages.MATCHES.values(), *sequences.MODE_TITLES.values(), *run_pages.KINDS}
    said |= {*sequences.DATE_TITLES.values(), *player.FILES, *runs.STATUSES, *stops()}

    assert said - set(words.entries(language)) == set()


def stops() -> set[str]:
    """Words of the database that pages show."""
    kinds = {"messaging", "voice", "messaging_background", "messaging_offline"}
    return kinds | {"created", "updated", "pending", "queued", "started", *sequences.UNITS, *rehearsal.DIALLED}
