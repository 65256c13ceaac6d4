"""Drip campaigns by the platform dialect."""

from datetime import timedelta

import asyncpg
import pytest

from tests import world
from trunkline.campaigns import points
from trunkline.contacts import fields, groups
from trunkline.core import clock
from trunkline.messaging import carrier

pytestmark = pytest.mark.anyio

STEPS = [
    {"subject": "Welcome {{first_name|there}}", "html_body": "<p>Hello</p>", "preview_text": "So glad"},
    {"subject": "Tips", "html_body": '<p><a href="https://shop.test">Tips</a></p>', "offset": 3, "unit": "days"},
]


@pytest.fixture(scope="module")
async def database(dsn, anyio_backend, tmp_path_factory):
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def connection(database):
    connection = await asyncpg.connect(database.dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def readers(database, account) -> int:
    async with database.tx(account) as tx:
        return (await groups.create(tx, "Readers")).id


@pytest.fixture
def drip(readers) -> dict:
    return {"name": "Welcome", "type": "drip", "audience_type": "list", "audience_id": readers, "steps": STEPS}


async def draft(api, drip, **changes) -> dict:
    answer = await api.post("/campaigns", json={**drip, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def begin(api, database, drip) -> dict:
    told = await draft(api, drip)
    answer = await api.post(f"/campaigns/{told['id']}/send", json={})
    assert answer.status_code == 200, answer.text
    await world.react(database)
    return told


async def join(database, account, group: int, *addresses: str) -> None:
    found = await world.contacts(database, account, addresses, "mailto")
    async with database.tx(account) as tx:
        await groups.add(tx, group, found)
    await go_on(database, account)


async def go_on(database, account) -> None:
    await world.react(database)
    await points.look(database)
    await world.react(database)
    await world.deliver(database, account)


async def mails(database, channel) -> list[tuple[str, str | None]]:
    async with database.tx(channel.account_id) as tx:
        return sorted((one.to, one.subject) for one in await carrier.outbox(tx, channel.id))


async def test_a_drip_is_a_draft_first(api, email, readers, drip):
    told = await draft(api, drip)

    shown = (await api.get(f"/campaigns/{told['id']}")).json()["data"]
    assert shown == told
    assert (told["type"], told["status"], told["channel"]) == ("drip", "draft", "email")
    assert (told["audience_type"], told["audience_id"]) == ("list", readers)
    assert (told["subject"], told["body_html"]) == (STEPS[0]["subject"], STEPS[0]["html_body"])
    told_steps = [{name: step[name] for name in ("offset", "unit", "relative_to")} for step in told["steps"]]
    assert told_steps == [
        {"offset": 0, "unit": "days", "relative_to": "joined"}, {"offset": 3, "unit": "days", "relative_to": "joined"},
    ]  # fmt: skip


async def test_without_steps_a_drip_has_one(api, email, drip):
    del drip["steps"]

    told = await draft(api, drip, subject="Hi", html_body="<p>Hi</p>", preview_text="Soon")

    [step] = told["steps"]
    assert (step["subject"], step["html_body"], step["preview_text"]) == ("Hi", "<p>Hi</p>", "Soon")
    assert (step["offset"], step["relative_to"]) == (0, "joined")


@pytest.mark.parametrize("date", ["joined", "created_at", "last_seen_at", "birthday"])
async def test_a_step_hangs_on_a_date(api, email, database, account, drip, date):
    async with database.tx(account) as tx:
        await fields.create(tx, "Birthday", "datetime")

    told = await draft(api, drip, steps=[{**STEPS[0], "relative_to": date}])

    assert told["steps"][0]["relative_to"] == date


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"audience_type": "all", "audience_id": None}, ["audience_type"]),
        ({"audience_type": None, "audience_id": None}, ["audience_type"]),
        ({"audience_id": 999_999_999}, ["audience_id"]),
        ({"audience_type": "segment"}, ["audience_id"]),
        ({"steps": []}, ["steps"]),
        ({"steps": [STEPS[0]] * 51}, ["steps"]),
        ({"steps": [{**STEPS[0], "unit": "years"}]}, ["steps.0.unit"]),
        ({"steps": [{**STEPS[0], "offset": 1.5}]}, ["steps.0.offset"]),
        ({"steps": [{**STEPS[0], "offset": 100_001}]}, ["steps.0.offset"]),
        ({"steps": [{**STEPS[0], "offset": -1}]}, ["steps.0.offset"]),
        ({"steps": [{**STEPS[0], "relative_to": "birthday"}]}, ["steps.0.relative_to"]),
        ({"steps": [{**STEPS[0], "relative_to": "@joined "}]}, ["steps.0.relative_to"]),
        ({"steps": [STEPS[0], {"html_body": "<p>Hi</p>"}]}, ["steps.1.subject"]),
        ({"steps": [{**STEPS[0], "subject": " "}]}, ["steps.0.subject"]),
        ({"steps": [{**STEPS[0], "subject": "x" * 501}]}, ["steps.0.subject"]),
        ({"steps": [{"subject": "Hi"}]}, ["steps.0.html_body"]),
        ({"steps": [{**STEPS[0], "html_body": "<script>x()</script>"}]}, ["steps.0.html_body"]),
        ({"steps": [{**STEPS[0], "preview_text": "x" * 256}]}, ["steps.0.preview_text"]),
        ({"steps": [{**STEPS[0], "id": 1}]}, ["steps.0.id"]),
        ({"steps": [{**STEPS[0], "id": 2**70}]}, ["steps.0.id"]),
        ({"steps": None}, ["subject", "html_body"]),
        ({"subject": "Hi", "html_body": "<p>Hi</p>"}, ["steps"]),
        ({"variants": [{"subject": "A"}, {"subject": "B"}]}, ["variants"]),
        ({"email_account_id": 999_999_999}, ["email_account_id"]),
        ({"type": "broadcast", "subject": "Hi", "html_body": "<p>Hi</p>"}, ["steps"]),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_drip_that_cannot_be_is_refused(api, email, drip, changes, fields):
    answer = await api.post("/campaigns", json={**drip, **changes})

    assert (answer.status_code, sorted(answer.json()["errors"])) == (422, sorted(fields))
    assert (await api.get("/campaigns")).json()["data"] == []


async def test_a_foreign_list_is_unknown(api, email, database, other_account, drip):
    async with database.tx(other_account) as tx:
        theirs = (await groups.create(tx, "Theirs")).id

    answer = await api.post("/campaigns", json={**drip, "audience_id": theirs})

    assert list(answer.json()["errors"]) == ["audience_id"]


async def test_a_drip_cannot_be_scheduled(api, email, drip):
    tomorrow = clock.iso(clock.now() + timedelta(days=1))
    told = await draft(api, drip)

    answers = [
        await api.post("/campaigns", json={**drip, "scheduled_at": tomorrow}),
        await api.put(f"/campaigns/{told['id']}", json={"scheduled_at": tomorrow}),
        await api.post(f"/campaigns/{told['id']}/send", json={"scheduled_at": tomorrow}),
    ]

    assert [(answer.status_code, list(answer.json()["errors"])) for answer in answers] == [(422, ["scheduled_at"])] * 3


async def test_whoever_joins_gets_the_steps_and_they_are_counted(api, email, database, account, readers, drip):
    told = await begin(api, database, drip)

    await join(database, account, readers, "ana@example.com", "bob@example.com")

    shown = (await api.get(f"/campaigns/{told['id']}")).json()["data"]
    sent = [step["sent_count"] for step in shown["steps"]]
    assert await mails(database, email) == [("ana@example.com", "Welcome there"), ("bob@example.com", "Welcome there")]
    assert (shown["status"], shown["recipients_count"], shown["sent_count"], sent) == ("sending", 2, 2, [2, 0])
    assert shown["sent_at"] is not None
    assert [link["url"] for link in shown["links"]] == ["https://shop.test"]


async def test_without_an_email_account_it_does_not_begin(api, drip):
    told = await draft(api, drip)

    answer = await api.post(f"/campaigns/{told['id']}/send", json={})

    assert (answer.status_code, answer.json()["message"]) == (422, "No email account is connected.")
    assert (await api.get(f"/campaigns/{told['id']}")).json()["data"]["status"] == "draft"


async def test_drips_and_blasts_are_one_list(api, email, drip):
    first = await draft(api, drip, name="A drip")
    blast = {"name": "B blast", "subject": "Hi", "html_body": "<p>Hi</p>"}
    second = (await api.post("/campaigns", json=blast)).json()["data"]
    third = await draft(api, drip, name="C drip")

    async def listed(**query) -> list[int]:
        return [one["id"] for one in (await api.get("/campaigns", params=query)).json()["data"]]

    assert await listed() == [third["id"], second["id"], first["id"]]
    assert await listed(type="drip", sort_by="name", sort_dir="asc") == [first["id"], third["id"]]
    assert await listed(search="welcome") == [third["id"], first["id"]]
    assert await listed(per_page=2, page=2) == [first["id"]]
    assert (await api.get("/campaigns")).json()["meta"]["total"] == 3


async def test_a_letter_is_no_campaign(api, email, connection, account, drip):
    await draft(api, drip)
    letters = await connection.fetch("select id from broadcasts where account_id = $1 and type = 'letter'", account)

    answers = [await api.get(f"/campaigns/{row['id']}") for row in letters]

    assert [answer.status_code for answer in answers] == [404, 404]


async def test_a_draft_can_be_changed(api, email, drip):
    told = await draft(api, drip)
    first, second = told["steps"]

    answer = await api.put(
        f"/campaigns/{told['id']}",
        json={"name": "New", "steps": [{**STEPS[1], "id": second["id"], "offset": 5}, {**STEPS[0], "subject": "Last"}]},
    )

    shown = answer.json()["data"]
    assert (shown["name"], shown["subject"]) == ("New", "Tips")
    assert [(step["subject"], step["offset"]) for step in shown["steps"]] == [("Tips", 5), ("Last", 0)]
    assert shown["steps"][0]["id"] == second["id"]
    assert first["id"] not in [step["id"] for step in shown["steps"]]


async def test_the_only_step_can_be_changed_by_the_campaign(api, email, drip):
    told = await draft(api, drip, steps=STEPS[:1])

    answer = await api.patch(f"/campaigns/{told['id']}", json={"subject": "Better", "preview_text": None})

    [step] = answer.json()["data"]["steps"]
    assert (step["id"], step["subject"], step["preview_text"]) == (told["steps"][0]["id"], "Better", None)
    assert step["html_body"] == STEPS[0]["html_body"]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"subject": "Which?"}, ["subject"]),
        ({"html_body": "<p>Which?</p>"}, ["html_body"]),
        ({"subject": "Both", "steps": STEPS}, ["steps"]),
        ({"steps": []}, ["steps"]),
        ({"steps": [{**STEPS[0], "id": 0}]}, ["steps.0.id"]),
        ({"audience_type": "all"}, ["audience_type"]),
        ({"variants": [{"subject": "A"}, {"subject": "B"}]}, ["variants"]),
    ],
    ids=str,
)
async def test_a_change_that_cannot_be_is_refused(api, email, drip, changes, fields):
    told = await draft(api, drip)

    answer = await api.put(f"/campaigns/{told['id']}", json=changes)

    assert (answer.status_code, list(answer.json()["errors"])) == (422, fields)
    assert (await api.get(f"/campaigns/{told['id']}")).json()["data"] == told


async def test_a_blast_has_no_steps(api, email):
    blast = {"name": "B", "subject": "Hi", "html_body": "<p>Hi</p>"}
    told = (await api.post("/campaigns", json=blast)).json()["data"]

    answer = await api.put(f"/campaigns/{told['id']}", json={"steps": STEPS})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["steps"])
    assert "steps" not in told


async def test_what_sends_must_be_paused_to_be_changed(api, email, database, account, readers, drip):
    told = await begin(api, database, drip)
    path = f"/campaigns/{told['id']}"
    steps = [{**STEPS[0], "id": told["steps"][0]["id"], "subject": "Better"}]

    refused = await api.put(path, json={"steps": steps})
    paused = await api.post(f"{path}/pause")
    changed = await api.put(path, json={"steps": steps})
    resumed = await api.post(f"{path}/resume")
    await join(database, account, readers, "ana@example.com")

    assert (refused.status_code, "errors" in refused.json()) == (422, False)
    assert [answer.json()["data"]["status"] for answer in (paused, changed, resumed)] == ["paused", "paused", "sending"]
    assert await mails(database, email) == [("ana@example.com", "Better")]


async def test_deleting_stops_it(api, email, database, account, readers, drip):
    told = await begin(api, database, drip)

    answer = await api.delete(f"/campaigns/{told['id']}")
    await join(database, account, readers, "ana@example.com")

    assert answer.status_code == 204
    assert (await api.get(f"/campaigns/{told['id']}")).status_code == 404
    assert (await api.get("/campaigns")).json()["data"] == []
    assert await mails(database, email) == []


async def test_a_test_is_the_first_step(api, email, database, drip):
    told = await draft(api, drip)

    answer = await api.post(f"/campaigns/{told['id']}/test", json={"to": ["me@example.com"]})

    assert answer.json()["data"] == [{"to": "me@example.com", "error": None}]
    assert await mails(database, email) == [("me@example.com", "[Test] Welcome there")]
