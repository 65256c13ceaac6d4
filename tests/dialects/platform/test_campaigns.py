"""Campaigns by the platform dialect."""

from datetime import timedelta

import httpx2
import pytest

from tests import world
from tests.world import next_portion
from trunkline.accounts import settings
from trunkline.campaigns import broadcasts
from trunkline.contacts import consents, groups
from trunkline.core import clock
from trunkline.messaging import carrier, statuses
from trunkline.messaging.statuses import Change

pytestmark = pytest.mark.anyio

PROMO = {"name": "April Promo", "subject": "Save 20%", "html_body": "<h1>Hello {{first_name|there}}!</h1>"}
TEST = {**PROMO, "type": "ab_test", "variants": [{"subject": "A"}, {"subject": "B"}, {"subject": "C"}]}


async def draft(api, **changes) -> dict:
    answer = await api.post("/campaigns", json={**PROMO, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def people(database, account, count: int) -> list[int]:
    return await world.contacts(database, account, [f"c{n}@example.com" for n in range(count)], "mailto")


async def expand(database, account, id: int) -> list[int]:
    """The messages of a campaign that was sent."""
    async with database.tx(account) as tx:
        await next_portion(tx, id)
    rows = await world.execute(
        database.dsn, "select id from messages where account_id = $1 and broadcast_id = $2 order by id", account, id
    )
    return [row[0] for row in rows]


async def segment(database, connection, account, name: str = "Cluj") -> int:
    """A group with a query; nobody is in it yet."""
    async with database.tx(account) as tx:
        group = await groups.create(tx, name)
    await connection.execute(
        "update groups set query = 'city = Cluj' where account_id = $1 and id = $2", account, group.id
    )
    return group.id


async def test_a_campaign_is_a_draft_first(api):
    answer = await api.post("/campaigns", json={**PROMO, "preview_text": "Only today", "body_json": {"rows": [1]}})

    told = answer.json()["data"]
    assert (answer.status_code, told["status"], told["type"]) == (201, "draft", "broadcast")
    assert (told["name"], told["subject"], told["body_html"]) == tuple(PROMO.values())
    assert (told["preview_text"], told["body_json"], told["body_text"]) == ("Only today", {"rows": [1]}, None)
    assert (told["audience_type"], told["audience_id"], told["email_account_id"]) == ("all", None, None)
    figures = ("recipients_count", "sent_count", "delivered_count", "opened_count", "clicked_count", "bounced_count",
        "unsubscribed_count", "open_rate", "click_rate", "machine_opened_count", "machine_clicked_count")  # fmt: skip
    assert {told[name] for name in figures} == {0}
    assert isinstance(told["created_by"], int)


async def test_html_has_two_names(api):
    by_other_name = {**PROMO, "body_html": PROMO["html_body"]}
    del by_other_name["html_body"]

    answer = await api.post("/campaigns", json=by_other_name)

    assert answer.json()["data"]["body_html"] == PROMO["html_body"]


async def test_html_is_cleaned_and_keeps_its_looks(api):
    html = '<style>h1{color:red}</style><h1 onclick="x()" style="margin:0">Hi</h1><script>x()</script>'

    told = await draft(api, html_body=html)

    assert told["body_html"] == '<style>h1{color:red}</style><h1 style="margin:0">Hi</h1>'


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": None}, ["name"]),
        ({"name": " "}, ["name"]),
        ({"name": "x" * 256}, ["name"]),
        ({"subject": None}, ["subject"]),
        ({"subject": "  "}, ["subject"]),
        ({"subject": "x" * 501}, ["subject"]),
        ({"html_body": None}, ["html_body"]),
        ({"html_body": "<script>x()</script>"}, ["html_body"]),
        ({"html_body": "<b>" * 10_002}, ["html_body"]),
        ({"html_body": "x" * 500_001}, ["html_body"]),
        ({"preview_text": "x" * 256}, ["preview_text"]),
        ({"type": "newsletter"}, ["type"]),
        ({"type": "drip"}, ["audience_type"]),
        ({"type": "ab_test"}, ["variants"]),
        ({"type": "ab_test", "variants": [{"subject": "A"}]}, ["variants"]),
        ({"type": "ab_test", "variants": [{"subject": "A"}, {"subject": " "}]}, ["variants"]),
        ({"type": "ab_test", "variants": [{"subject": "A", "percent": 50}, {"subject": "B"}]}, ["variants"]),
        (
            {"type": "ab_test", "variants": [{"subject": "A", "percent": 50}, {"subject": "B", "percent": 51}]},
            ["variants"],
        ),
        ({"variants": [{"subject": "A"}, {"subject": "B"}]}, ["variants"]),
        ({"audience_type": "everybody"}, ["audience_type"]),
        ({"audience_type": "segment"}, ["audience_id"]),
        ({"audience_type": "list", "audience_id": 999_999_999}, ["audience_id"]),
        ({"audience_type": "list", "audience_id": 2**70}, ["audience_id"]),
        ({"audience_id": 1}, ["audience_type"]),
        ({"segment_id": 0}, ["segment_id"]),
        ({"segment_id": -1}, ["segment_id"]),
        ({"segment_id": "1"}, ["segment_id"]),
        ({"segment_id": 1, "audience_type": "list", "audience_id": 1}, ["segment_id"]),
        ({"email_account_id": 999_999_999}, ["email_account_id"]),
        ({"email_account_id": 2**70}, ["email_account_id"]),
        ({"scheduled_at": "2020-01-01T00:00:00Z"}, ["scheduled_at"]),
        ({"scheduled_at": "tomorrow"}, ["scheduled_at"]),
        ({"scheduled_at": "2099-01-01T00:00:00Z"}, ["scheduled_at"]),
        ({"body_json": [1]}, ["body_json"]),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_a_campaign_that_cannot_be_is_refused(api, changes, fields):
    answer = await api.post("/campaigns", json={**PROMO, **changes})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, fields)
    assert (await api.get("/campaigns")).json()["data"] == []


async def test_nothing_names_everything_that_is_missing(api):
    answer = await api.post("/campaigns", json={})

    assert answer.json()["errors"] == {"name": ["The name field is required."]}


async def test_an_account_that_sends_no_mail_is_refused(api, sms):
    answer = await api.post("/campaigns", json={**PROMO, "email_account_id": sms.id})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["email_account_id"])


async def test_segments_and_lists_are_groups_with_and_without_a_query(api, database, connection, account):
    cluj = await segment(database, connection, account)
    async with database.tx(account) as tx:
        [contact] = await world.contacts(database, account, ["jane@example.com"], "mailto")
        vip = (await groups.create(tx, "VIP")).id
        await groups.add(tx, vip, [contact])

    segments, lists = [(await api.get(path)).json() for path in ("/segments", "/lists")]

    assert segments == {"data": [{"id": cluj, "name": "Cluj", "contacts_count": 0}]}
    assert lists == {"data": [{"id": vip, "name": "VIP", "contacts_count": 1}]}


async def test_an_audience_is_told_as_it_was_given(api, database, connection, account):
    cluj = await segment(database, connection, account)
    async with database.tx(account) as tx:
        vip = (await groups.create(tx, "VIP")).id

    given = [{"segment_id": cluj}, {"audience_type": "segment", "audience_id": cluj},
        {"audience_type": "list", "audience_id": vip}, {"audience_type": "all"}]  # fmt: skip
    told = [await draft(api, **audience) for audience in given]

    assert [(one["audience_type"], one["audience_id"]) for one in told] == [
        ("segment", cluj), ("segment", cluj), ("list", vip), ("all", None),
    ]  # fmt: skip


async def test_a_list_is_no_segment_and_the_other_way_round(api, database, connection, account):
    cluj = await segment(database, connection, account)
    async with database.tx(account) as tx:
        vip = (await groups.create(tx, "VIP")).id

    answers = [
        await api.post("/campaigns", json={**PROMO, "audience_type": type, "audience_id": id})
        for type, id in (("segment", vip), ("list", cluj))
    ]

    assert [answer.json()["errors"] for answer in answers] == [
        {"audience_id": ["The selected audience_id is invalid."]}
    ] * 2


async def test_a_foreign_audience_and_account_are_unknown(api, database, other_account):
    theirs = await world.simulator(database, other_account, **{"as": "email"})
    async with database.tx(other_account) as tx:
        group = (await groups.create(tx, "Theirs")).id

    answers = [
        await api.post("/campaigns", json={**PROMO, **more})
        for more in ({"audience_type": "list", "audience_id": group}, {"email_account_id": theirs.id})
    ]

    assert [list(answer.json()["errors"]) for answer in answers] == [["audience_id"], ["email_account_id"]]


async def test_only_the_list_is_written_to(api, email, database, account):
    first, _, third = await people(database, account, 3)
    async with database.tx(account) as tx:
        group = (await groups.create(tx, "Some")).id
        await groups.add(tx, group, [first, third])
    id = (await draft(api, audience_type="list", audience_id=group))["id"]

    sent = await api.post(f"/campaigns/{id}/send")
    messages = await expand(database, account, id)

    assert sent.json() == {"data": {"id": id, "status": "sending"}, "message": "Campaign is being sent."}
    assert len(messages) == 2


async def test_what_changes_and_what_stays(api):
    id = (await draft(api, preview_text="Only today"))["id"]

    changed = (await api.put(f"/campaigns/{id}", json={"subject": "New", "body_html": "<p>New</p>"})).json()["data"]

    assert (changed["subject"], changed["body_html"]) == ("New", "<p>New</p>")
    assert (changed["name"], changed["preview_text"]) == ("April Promo", "Only today")


@pytest.mark.parametrize(
    ("change", "field"),
    [({"name": ""}, "name"), ({"name": " "}, "name"), ({"subject": None}, "subject"), ({"html_body": " "}, "html_body"),
     ({"html_body": None}, "html_body"), ({"variants": [{"subject": "A"}, {"subject": "B"}]}, "variants"),
     ({"segment_id": 0}, "segment_id"), ({"scheduled_at": "2020-01-01T00:00:00Z"}, "scheduled_at"),
     ({"email_account_id": 0}, "email_account_id")],
    ids=str,
)  # fmt: skip
async def test_a_change_that_cannot_be_is_refused(api, change, field):
    id = (await draft(api))["id"]

    answer = await api.put(f"/campaigns/{id}", json=change)

    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


STATES = {
    "draft": {"put", "send", "delete", "test"}, "scheduled": {"put", "send", "delete", "test"},
    "sending": {"pause", "test"}, "paused": {"resume", "delete", "test"}, "sent": {"delete", "test"},
    "failed": {"delete", "test"}, "canceled": {"delete", "test"},
}  # fmt: skip


@pytest.mark.parametrize("stored", STATES)
@pytest.mark.parametrize("action", ["put", "send", "delete", "pause", "resume", "test"])
async def test_each_state_allows_some_actions(api, email, database, connection, account, stored, action):
    await people(database, account, 1)
    id = (await draft(api))["id"]
    await connection.execute("update broadcasts set status = $3 where account_id = $1 and id = $2", account, id, stored)

    path = f"/campaigns/{id}" if action in ("put", "delete") else f"/campaigns/{id}/{action}"
    method = {"put": "PUT", "delete": "DELETE"}.get(action, "POST")
    body = {"name": "New"} if action == "put" else {"to": ["a@example.com"]} if action == "test" else {}
    answer = await api.request(method, path, json=body)

    allowed = action in STATES[stored]
    assert answer.status_code == ((204 if action == "delete" else 200) if allowed else 422)
    if not allowed:
        assert set(answer.json()) == {"message", "code"}


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("PUT", "", "Only draft or scheduled campaigns can be edited."),
        ("POST", "/send", "Campaign cannot be sent - current status: sent."),
    ],
)
async def test_a_state_that_forbids_is_told(api, connection, account, method, path, message):
    id = (await draft(api))["id"]
    await connection.execute("update broadcasts set status = 'sent' where account_id = $1 and id = $2", account, id)

    answer = await api.request(method, f"/campaigns/{id}{path}", json={})

    assert (answer.status_code, answer.json()) == (422, {"message": message, "code": "INVALID_STATE"})


@pytest.mark.parametrize(("stored", "told"), [("failed", "paused"), ("canceled", "paused"), ("sent", "sent")])
async def test_states_are_told_in_the_dialects_words(api, connection, account, stored, told):
    id = (await draft(api))["id"]
    await connection.execute("update broadcasts set status = $3 where account_id = $1 and id = $2", account, id, stored)

    listed = (await api.get("/campaigns", params={"status": told})).json()["data"]

    assert [(one["id"], one["status"]) for one in listed] == [(id, told)]


async def test_what_a_paused_campaign_has_not_sent_is_never_sent(api, email, database, account):
    await people(database, account, 3)
    id = (await draft(api))["id"]
    await api.post(f"/campaigns/{id}/send")
    await expand(database, account, id)
    await api.post(f"/campaigns/{id}/pause")

    deleted = await api.delete(f"/campaigns/{id}")

    [row] = await world.execute(database.dsn, "select status, deleted_at from broadcasts where id = $1", id)
    assert (deleted.status_code, row[0], row[1] is None) == (204, "canceled", False)
    assert (await api.get(f"/campaigns/{id}")).status_code == 404


async def test_pausing_and_resuming(api, email, database, account):
    await people(database, account, 1)
    id = (await draft(api))["id"]
    await api.post(f"/campaigns/{id}/send")

    told = [(await api.post(f"/campaigns/{id}/{action}")).json()["data"]["status"] for action in ("pause", "resume")]

    assert told == ["paused", "sending"]


async def test_sending_later_schedules_and_can_be_moved(api, email, database, account):
    await people(database, account, 1)
    id = (await draft(api))["id"]
    at, later = (clock.iso(clock.now() + timedelta(days=days)) for days in (1, 2))

    first = await api.post(f"/campaigns/{id}/send", json={"scheduled_at": at})
    moved = await api.post(f"/campaigns/{id}/send", json={"scheduled_at": later})
    by_hand = await api.put(f"/campaigns/{id}", json={"scheduled_at": at})

    assert first.json()["data"] == {"id": id, "status": "scheduled", "scheduled_at": at}
    assert moved.json()["data"]["scheduled_at"] == later
    assert (by_hand.status_code, list(by_hand.json()["errors"])) == (422, ["scheduled_at"])
    assert (await api.get(f"/campaigns/{id}")).json()["data"]["scheduled_at"] == later


@pytest.mark.parametrize(
    "at", ["2020-04-01T10:00:00Z", "soon", "2026-13-01T10:00:00Z", 1774000000, "", "2099-01-01T00:00:00Z"]
)
async def test_a_moment_that_cannot_be_is_refused(api, email, database, account, at):
    await people(database, account, 1)
    id = (await draft(api))["id"]

    answer = await api.post(f"/campaigns/{id}/send", json={"scheduled_at": at})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["scheduled_at"])
    assert (await api.get(f"/campaigns/{id}")).json()["data"]["status"] == "draft"


async def test_without_an_account_or_a_reader_nothing_is_sent(api, database, account):
    id = (await draft(api))["id"]
    no_sender = await api.post(f"/campaigns/{id}/send")
    await world.simulator(database, account, **{"as": "email"})

    nobody = await api.post(f"/campaigns/{id}/send")

    assert (no_sender.status_code, no_sender.json()) == (
        422, {"message": "No email account is connected.", "code": "NO_SENDER"},
    )  # fmt: skip
    assert (nobody.status_code, nobody.json()["code"]) == (422, "EMPTY_AUDIENCE")


async def test_a_segment_that_is_being_filled_is_waited_for(api, email, database, connection, account):
    await people(database, account, 1)
    cluj = await segment(database, connection, account)
    await connection.execute("update groups set status = 'initializing' where id = $1", cluj)
    id = (await draft(api, segment_id=cluj))["id"]

    answer = await api.post(f"/campaigns/{id}/send")

    assert (answer.status_code, answer.json()["code"]) == (422, "GROUP_NOT_READY")


async def test_a_crowd_is_confirmed_where_the_workspace_wants_it(api, email, database, account):
    await people(database, account, 1001)
    async with database.tx(account) as tx:
        await settings.put(tx, {"confirm_all": True})
    id = (await draft(api))["id"]

    asked = await api.post(f"/campaigns/{id}/send")
    still = (await api.get(f"/campaigns/{id}")).json()["data"]["status"]
    confirmed = await api.post(f"/campaigns/{id}/send", json={"confirm_all": True})

    assert (asked.status_code, list(asked.json()["errors"]), still) == (422, ["confirm_all"], "draft")
    assert confirmed.status_code == 200


async def test_sending_has_a_limit_of_its_own(api, email, new_key, database, account):
    api.headers["authorization"] = f"Bearer {await new_key()}"

    answers = [await api.post("/campaigns/999999999/send") for _ in range(6)]
    listed = await api.get("/campaigns")

    assert [answer.status_code for answer in answers] == [404] * 5 + [429]
    assert int(answers[5].headers["retry-after"]) > 0
    assert listed.status_code == 200


async def test_figures_count_people_and_what_arrived(api, email, database, connection, account):
    await people(database, account, 8)
    id = (await draft(api))["id"]
    await api.post(f"/campaigns/{id}/send")
    messages = await expand(database, account, id)
    async with database.tx(account) as tx:
        await statuses.apply_many(tx, [Change(message, "sent") for message in messages[:7]])
        await statuses.apply_many(tx, [Change(messages[0], "failed", reason="hard_bounce")])
    for name, value in (("opened", 2), ("clicked", 1), ("machine_opened", 4), ("unsubscribed", 1)):
        await connection.execute(
            "insert into tallies (account_id, name, value) values ($1, $2, $3)",
            account,
            f"broadcast:{id}:{name}",
            value,
        )

    told = (await api.get(f"/campaigns/{id}")).json()["data"]
    [listed] = (await api.get("/campaigns")).json()["data"]

    figures = {
        "recipients_count": 8, "sent_count": 7, "delivered_count": 6, "bounced_count": 1, "opened_count": 2,
        "clicked_count": 1, "open_rate": 33.3, "click_rate": 16.7, "machine_opened_count": 4, "unsubscribed_count": 1,
    }  # fmt: skip
    assert {name: told[name] for name in figures} == figures
    assert {name: listed[name] for name in figures} == figures
    assert "body_html" not in listed


async def test_a_test_has_variants_with_an_even_split(api, email, database, account):
    await people(database, account, 6)
    told = (await api.post("/campaigns", json=TEST)).json()["data"]

    sent = await api.post(f"/campaigns/{told['id']}/send")
    await expand(database, account, told["id"])
    variants = (await api.get(f"/campaigns/{told['id']}")).json()["data"]["variants"]

    assert [(one["subject"], one["percent"]) for one in told["variants"]] == [("A", 34), ("B", 33), ("C", 33)]
    assert sent.status_code == 200
    assert sum(one["recipients_count"] for one in variants) == 6


async def test_links_are_listed_with_their_clicks(api, email, database, connection, account):
    await people(database, account, 1)
    id = (await draft(api, html_body='<a href="https://x.test/a">a</a><a href="https://x.test/b">b</a>'))["id"]
    await api.post(f"/campaigns/{id}/send")
    await expand(database, account, id)
    await connection.execute(
        "insert into tallies (account_id, name, value) values ($1, $2, 3)", account, f"broadcast:{id}:link.2"
    )

    told = (await api.get(f"/campaigns/{id}")).json()["data"]["links"]

    assert told == [{"url": "https://x.test/a", "clicks": 0}, {"url": "https://x.test/b", "clicks": 3}]


async def test_a_test_mail_goes_out_at_once_and_is_not_counted(api, email, database, account):
    [jane] = await world.contacts(database, account, ["jane@example.com"], "mailto")
    await api.put(f"/contacts/{jane}", json={"first_name": "Jane"})
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "email", "gone@example.com", source="test", evidence={})
    told = await draft(api, html_body='<p>Hi {{first_name|you}}, <a href="https://x.test/a">look</a></p>')

    to = ["Jane@example.com", "me@example.com", "gone@example.com"]
    answer = await api.post(f"/campaigns/{told['id']}/test", json={"to": to})

    async with database.tx(account) as tx:
        first, second = await carrier.outbox(tx, email.id)
    assert answer.json() == {"data": [
        {"to": "jane@example.com", "error": None}, {"to": "me@example.com", "error": None},
        {"to": "gone@example.com", "error": "The recipient has opted out."},
    ]}  # fmt: skip
    assert (first.to, first.subject) == ("jane@example.com", "[Test] Save 20%")
    assert '<p>Hi Jane, <a href="https://x.test/a">look</a></p>' in (first.html or "")
    assert "Hi you, [look](https://x.test/a)" in second.text
    assert (await api.get(f"/campaigns/{told['id']}")).json()["data"]["sent_count"] == 0
    assert (await api.get("/contacts")).json()["meta"]["total"] == 1


async def test_a_test_mail_is_paid_for(api, email, database, account):
    await world.grant(database, account, 1)
    id = (await draft(api))["id"]

    paid = await api.post(f"/campaigns/{id}/test", json={"to": ["a@example.com"]})
    unpaid = await api.post(f"/campaigns/{id}/test", json={"to": ["a@example.com"]})

    assert (paid.status_code, unpaid.status_code) == (200, 402)


@pytest.mark.parametrize(
    "to", [[], ["nonsense"], ["a@b.c\nBcc: x@y.z"], [f"a{n}@x.test" for n in range(11)], "a@x.test", None]
)
async def test_a_test_goes_to_a_few_addresses(api, email, to):
    id = (await draft(api))["id"]

    answer = await api.post(f"/campaigns/{id}/test", json={"to": to})

    assert answer.status_code == 422
    assert {field.partition(".")[0] for field in answer.json()["errors"]} == {"to"}


async def test_campaigns_are_found_and_sorted(api):
    names = ["Beta", "alpha", "100% off"]
    ids = {name: (await draft(api, name=name, subject=f"About {name}"))["id"] for name in names}
    test = (await api.post("/campaigns", json={**TEST, "name": "Test"})).json()["data"]["id"]

    async def found(**query) -> list[int]:
        return [one["id"] for one in (await api.get("/campaigns", params=query)).json()["data"]]

    assert await found() == [test, ids["100% off"], ids["alpha"], ids["Beta"]]
    assert await found(search="about a") == [ids["alpha"]]
    assert await found(search="0% o") == [ids["100% off"]]
    assert await found(type="ab_test") == [test]
    assert len(await found(type="regular")) == 3
    assert await found(type="nothing") == await found(status="nothing") == []
    assert await found(sort_by="name", sort_dir="asc") == [ids["100% off"], ids["alpha"], ids["Beta"], test]
    assert await found(sort_by="password; drop table") == await found()


@pytest.mark.parametrize("sort", broadcasts.SORTS)
@pytest.mark.parametrize("direction", ["asc", "desc", "DESC", "sideways"])
async def test_every_order_pages_through_all(api, sort, direction):
    ids = {(await draft(api, name=f"N{n}"))["id"] for n in range(5)}

    pages = [
        (
            await api.get("/campaigns", params={"sort_by": sort, "sort_dir": direction, "per_page": 2, "page": page})
        ).json()
        for page in (1, 2, 3)
    ]

    assert {one["id"] for page in pages for one in page["data"]} == ids
    assert pages[0]["meta"]["total"] == 5


@pytest.mark.parametrize("search", ["%", "_", "\\", "' OR 1=1--", "x" * 5_000, "(.*)+$", "🙏", "a\nb"])
async def test_any_search_is_answered_literally(api, search):
    await draft(api, subject="Plain")

    answer = await api.get("/campaigns", params={"search": search})

    assert (answer.status_code, answer.json()["data"]) == (200, [])


@pytest.mark.parametrize("id", ["abc", "-1", "0", "01", "1.5", "9223372036854775808", "999999999"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/send"),
        ("POST", "/test"),
        ("POST", "/pause"),
        ("POST", "/resume"),
    ],
)
async def test_a_wrong_id_is_not_found(api, method, path, id):
    answer = await api.request(method, f"/campaigns/{id}{path}", json={"to": ["a@example.com"]})

    assert (answer.status_code, answer.json()) == (404, {"message": "Campaign not found."})


async def test_a_campaign_of_another_workspace_is_not_found(api, email, new_key, other_account):
    id = (await draft(api))["id"]
    api.headers["authorization"] = f"Bearer {await new_key(account=other_account, rate='off')}"

    answers = [
        await api.request(method, f"/campaigns/{id}{path}", json={"to": ["a@example.com"]})
        for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/send"), ("POST", "/test"))
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert (await api.get("/campaigns")).json()["data"] == []


async def test_the_same_request_twice_makes_one_campaign(api):
    key = {"idempotency-key": "april"}

    answers: list[httpx2.Response] = [await api.post("/campaigns", json=PROMO, headers=key) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert len((await api.get("/campaigns")).json()["data"]) == 1
