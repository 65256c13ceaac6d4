"""A server as it answers elsewhere: older shapes, pauses, faults, links that lead away."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests import world
from tests.dialects.shell import served
from trunkline.core.db import Database
from trunkline.core.egress import Egress
from trunkline.core.errors import Refusal
from trunkline.core.http import Http
from trunkline.flows import runs
from trunkline.flows.runs import Filter
from trunkline.moving import moving
from trunkline.moving.source import Missing, Source

pytestmark = pytest.mark.anyio

CONTACT = "c0000000-0000-4000-8000-000000000001"
FLOW = "f0000000-0000-4000-8000-000000000001"
NODE = "a0000000-0000-4000-8000-000000000001"
AT = "2025-03-02T17:28:12Z"

# An older server: no uuids of messages, no status of contacts, no notes, a workspace without classifiers.
BODIES: dict[str, list[dict[str, Any]]] = {
    "fields": [{"key": "age", "label": "Age", "value_type": "numeric"}, {"key": "x", "name": "X", "type": "odd"}],
    "globals": [{"key": "org_name", "name": "Org Name", "value": "Acme Ltd", "modified_on": AT}],
    "labels": [{"uuid": "10000000-0000-4000-8000-000000000001", "name": "Screened", "count": 315}],
    "groups": [
        {"uuid": "20000000-0000-4000-8000-000000000001", "name": "Open Tickets", "query": "tickets > 0",
         "status": "ready", "system": True, "count": 0},
        {"uuid": "20000000-0000-4000-8000-000000000002", "name": "Odd", "query": "what ~~ ever", "status": "ready",
         "system": False, "count": 1},
    ],
    "flows": [{"uuid": FLOW, "name": "Colors", "type": "message", "archived": True},
              {"uuid": "f0000000-0000-4000-8000-000000000002", "name": "Lost", "type": "message", "archived": False}],
    "campaigns": [{"uuid": "30000000-0000-4000-8000-000000000001", "name": "Reminders", "archived": False,
                   "group": {"uuid": "20000000-0000-4000-8000-000000000009", "name": "Nobody"}, "created_on": AT}],
    "campaign_events": [{"uuid": "40000000-0000-4000-8000-000000000001",
                         "campaign": {"uuid": "30000000-0000-4000-8000-000000000001", "name": "Reminders"},
                         "relative_to": {"key": "created_on", "label": "Created On"}, "offset": 6, "unit": "hours",
                         "delivery_hour": -1, "flow": {"uuid": FLOW, "name": "Colors"}, "message": None,
                         "created_on": AT}],
    "contacts": [{"uuid": CONTACT, "name": None, "language": None, "urns": ["tel:+250788000004", "odd:1"],
                  "groups": [{"uuid": "20000000-0000-4000-8000-000000000002", "name": "Odd"}],
                  "fields": {"age": "40", "gone": "x"}, "flow": {"uuid": FLOW, "name": "Colors"}, "created_on": AT,
                  "modified_on": AT, "last_seen_on": None, "blocked": True, "stopped": False}],
    "messages": [
        {"id": 4105426, "broadcast": 7, "contact": {"uuid": CONTACT, "name": None}, "urn": "tel:+250788000004",
         "channel": {"uuid": "50000000-0000-4000-8000-000000000001", "name": "Page"}, "direction": "out",
         "type": "inbox", "status": "queued", "archived": False, "visibility": "visible", "text": "Hi", "labels": [],
         "flow": None, "media": None, "attachments": [], "created_on": AT, "sent_on": None, "modified_on": AT},
        {"id": 4105425, "broadcast": None, "contact": {"uuid": CONTACT, "name": None}, "urn": None, "channel": None,
         "direction": "in", "type": "inbox", "status": "handled", "archived": True, "visibility": "archived",
         "text": "Bonjour", "labels": [{"uuid": "10000000-0000-4000-8000-000000000001", "name": "Screened"}],
         "flow": None, "media": None, "created_on": AT, "sent_on": None, "modified_on": AT,
         "attachments": [{"content_type": "image/jpeg", "url": "https://files.example/t.jpg"}]},
        {"id": 1, "contact": {"uuid": FLOW, "name": "Gone"}, "urn": None, "channel": None, "direction": "in",
         "status": "handled", "text": "?", "created_on": AT},
    ],
    "runs": [{"id": 12345678, "uuid": "60000000-0000-4000-8000-000000000001", "flow": {"uuid": FLOW, "name": "Colors"},
              "contact": {"uuid": CONTACT, "name": None}, "start": None, "responded": True,
              "path": [{"node": NODE, "time": "2025-03-02T17:28:12.635662Z"}],
              "values": {"color": {"value": "blue", "category": "Blue", "node": NODE, "name": "Color",
                                   "time": "2025-03-02T17:28:12.635662Z", "input": "it is blue"}},
              "created_on": AT, "modified_on": AT, "exited_on": None, "exit_type": None}],
    "users": [{"email": "a@example.com"}],
}  # fmt: skip
DEFINITION = {"uuid": FLOW, "name": "Colors", "spec_version": "13.1.0", "language": "eng", "type": "messaging",
              "revision": 3, "expire_after_minutes": 60, "localization": {},
              "nodes": [{"uuid": NODE, "actions": [], "exits": [{"uuid": NODE[:-1] + "2"}]}]}  # fmt: skip


class Elsewhere:
    """The stand-in. `faults` are answered first, one for each request; a list of more than a row comes in two pages."""

    def __init__(self) -> None:
        self.faults: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append(f"{scope['path']}?{scope['query_string'].decode()}")
        status, more, body = 200, {}, b""
        if self.faults:
            status, more, body = self.faults.pop(0)
        elif headers.get("authorization") != "Token right":
            status, body = 403, b'{"detail":"Invalid token"}'
        else:
            status, answer = self.answer(scope["path"].rpartition("/")[2].removesuffix(".json"), scope["query_string"])
            body = json.dumps(answer).encode()
        lines = [(name.encode(), value.encode()) for name, value in more.items()]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": body})

    def answer(self, name: str, query: bytes) -> tuple[int, Any]:
        asked = parse_qs(query.decode())
        if name == "workspace":
            return 200, {"uuid": FLOW, "name": "Nyaruka", "timezone": "Africa/Kigali", "languages": ["eng"]}
        if name == "definitions":
            return 200, {"version": "13", "flows": [DEFINITION], "triggers": [], "campaigns": []}
        if name == "classifiers":
            return 404, {"detail": "Not found."}
        rows, place = BODIES.get(name, []), int(asked.get("cursor", ["0"])[0])
        following = f"https://evil.example/{name}.json?cursor={place + 1}" if place + 1 < len(rows) else None
        return 200, {"next": following, "previous": None, "results": rows[place : place + 1]}


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory):
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
async def source(elsewhere: Elsewhere, pauses: list[float]) -> AsyncIterator[Source]:
    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async with served(elsewhere) as address, Http(Egress(["127.0.0.1"])) as http:
        yield Source(http, address, "right", pause=pause)


async def test_an_older_server_is_copied_with_a_report_of_the_rest(database: Database, account: int, source: Source):
    report = await moving.move(database, account, source, lambda part, done: None)

    told = {each["part"]: (each["copied"], each["left_out"], each["problems"]) for each in report}
    assert told["fields"] == (1, 1, ["Field x: odd is no type here."])
    assert told["groups"][0] == 1
    assert told["groups"][2][0].startswith("Group Odd is kept by hand here: its query 'what ~~ ever'")
    assert told["flows"] == (1, 1, ["Flow Lost: its definition was not given out."])
    assert told["campaigns"] == (0, 1, ["Campaign Reminders: There is no group Nobody."])
    assert told["campaign_events"][1] == 1
    assert told["contacts"][0] == 1
    assert told["contacts"][2] == [
        f"Contact {CONTACT}: the address odd:1 cannot be kept.",
        "1 contacts were in a flow; they are in none here.",
    ]
    assert told["messages"] == (2, 1, ["Message 1: its contact did not come along."])
    assert told["runs"] == (1, 0, ["1 runs were under way; they are interrupted here."])
    assert told["others"][2] == [
        "There timezone is Africa/Kigali, here UTC; `trunkline account set` changes it.",
        "1 users: make them members with `trunkline user create`.",
    ]


async def test_what_waited_there_is_not_sent_from_here(database: Database, account: int, source: Source):
    await moving.move(database, account, source, lambda part, done: None)

    rows = await world.execute(
        database.dsn,
        """
        select direction, status, visibility, scheme, body, attachments from messages
        where account_id = $1 order by direction
        """,
        account,
    )
    assert [tuple(row)[:5] for row in rows] == [
        ("in", "handled", "archived", "deleted", "Bonjour"),
        ("out", "canceled", "visible", "tel", "Hi"),
    ]
    assert json.loads(rows[0]["attachments"]) == [{"url": "https://files.example/t.jpg", "content_type": "image/jpeg"}]


async def test_a_run_keeps_what_was_said(database: Database, account: int, source: Source):
    await moving.move(database, account, source, lambda part, done: None)

    async with database.tx(account) as tx:
        [run] = await runs.page(tx, Filter())
    assert (run.status, run.responded, len(run.nodes)) == ("interrupted", True, 1)
    assert run.results["color"]["input"] == "it is blue"


async def test_pauses_are_kept_and_faults_outlived(source: Source, elsewhere: Elsewhere, pauses: list[float]):
    elsewhere.faults = [(429, {"retry-after": "7"}, b"{}"), (502, {}, b"bad gateway"), (429, {}, b"")]

    page = await source.page("labels", {}, None)

    assert [row["name"] for row in page.results] == ["Screened"]
    assert pauses == [7, 2, 4]


async def test_a_server_that_stays_away_is_given_up(source: Source, elsewhere: Elsewhere, pauses: list[float]):
    elsewhere.faults = [(500, {}, b"")] * 9

    with pytest.raises(Refusal, match="Run the same command again"):
        await source.page("labels", {}, None)

    assert len(pauses) == 6


async def test_links_that_lead_away_are_not_followed(source: Source, elsewhere: Elsewhere):
    page = await source.page("messages", {"reverse": "true"}, None)
    await source.page("messages", {"reverse": "true"}, page.cursor)

    assert elsewhere.asked == [
        "/api/v2/messages.json?reverse=true",
        "/api/v2/messages.json?reverse=true&cursor=1",
    ]


async def test_what_a_server_does_not_have_is_missing(source: Source):
    with pytest.raises(Missing):
        await source.page("classifiers", {}, None)


@pytest.mark.parametrize("host", ["", "ftp://example.com", "https://", "https://user:pw@example.com", "//"])
def test_an_address_that_is_none_is_refused(host: str):
    with pytest.raises(Refusal):
        Source(None, host, "right")


@pytest.mark.parametrize("host", ["textit.com", "https://textit.com/", "https://textit.com/api/v2/"])
def test_an_address_may_be_written_in_several_ways(host: str):
    assert Source(None, host, "right").root == "https://textit.com/api/v2"
