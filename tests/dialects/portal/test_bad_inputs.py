"""Inputs that no honest program sends. Each is refused or taken as plain data, and nothing else happens."""

import gzip
import json

import pytest

from tests import world
from trunkline.messaging import messages, templates
from trunkline.messaging.templates import Draft

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"
SMS = {"channel": "sms", "to": PHONE, "body": "Hi"}
JSON = {"content-type": "application/json"}
ANNA = {"name": "Anna", "email": "anna@example.com"}


@pytest.mark.parametrize(
    "change",
    [
        {"channel": "fax"},
        {"channel": None},
        {"to": "client@example.com"},
        {"channel": "email"},
        {"to": None},
        {"to": [PHONE]},
        {"to": "x" * 400},
        {"template_key": "reminder"},
        {"body": None},
        {"body": None, "template_key": "reminder", "variables": {}},
        {"body": None, "template_key": "of_mail"},
        {"body": None, "template_key": "theirs"},
        {"body": None, "template_key": "../../etc"},
        {"variables": {"a": {"b": 1}}},
        {"variables": {"a": None}},
        {"integration_id": 0},
        {"integration_id": -1},
        {"integration_id": "1"},
        {"integration_id": 1.5},
        {"integration_id": 2**63},
        {"integration_id": 2**200},
        {"sms_routing": "free"},
        {"scheduled_at": "2026-02-30T00:00:00Z"},
        {"scheduled_at": "2026-01-01T23:59:60Z"},
        {"scheduled_at": "2026-01-01T00:00:00+24:00"},
        {"scheduled_at": "0000-01-01T00:00:00Z"},
        {"scheduled_at": "9999-12-31T23:59:59-14:00"},
        {"scheduled_at": 1774000000},
    ],
    ids=lambda change: json.dumps(change)[:60],
)
async def test_b76_b77_b78_b97_a_send_that_makes_no_sense_is_refused(
    api, sms, email, database, account, other_account, change
):
    async with database.tx(account) as tx:
        await templates.create(tx, Draft(key="reminder", channel="sms", body="Hi {{name}}"))
        await templates.create(tx, Draft(key="of_mail", channel="email", body="Hi"))
    async with database.tx(other_account) as tx:
        await templates.create(tx, Draft(key="theirs", channel="sms", body="Hi"))

    answer = await api.post("/messages/send", json={**SMS, **change})

    assert answer.status_code == 422
    async with database.tx(account) as tx:
        assert await messages.of_contact(tx, 1) == []


async def test_b77_values_are_never_read_as_templates(api, sms, database, account):
    body = {**SMS, "body": "Hi {{name}}", "variables": {"name": "{{secret}} {{name}} {% x %}", "secret": "s"}}

    told = (await api.post("/messages/send", json=body)).json()["data"]

    async with database.tx(account) as tx:
        assert (await messages.get(tx, told["id"])).text == "Hi {{secret}} {{name}} {% x %}"


async def test_b77_a_value_breaks_no_line_of_a_subject(api, email, database, account):
    mail = {"channel": "email", "to": "client@example.com", "subject": "For {{name}}", "body": "<p>Hi</p>"}

    told = await api.post("/messages/send", json={**mail, "variables": {"name": "Ana\r\nBcc: x@example.com"}})

    assert told.status_code == 202
    async with database.tx(account) as tx:
        subject = (await messages.get(tx, told.json()["data"]["id"])).subject
    assert subject == "For Ana Bcc: x@example.com"


async def test_b79_one_bad_of_five_hundred_leaves_the_others(api, sms, connection, account):
    recipients = [{"to": f"+4074{n:07d}"} for n in range(499)]
    recipients.insert(250, {"to": "not a number"})

    answer = await api.post("/messages/send-batch", json={"channel": "sms", "body": "Hi", "recipients": recipients})

    told = answer.json()["data"]
    assert (told["accepted"], told["rejected"]) == (499, 1)
    assert [message["index"] for message in told["messages"] if "error" in message] == [250]
    assert await connection.fetchval("select count(*) from messages where account_id = $1", account) == 499


async def test_b79_a_batch_of_twenty_megabytes_is_too_large(api, sms):
    recipients = [{"to": PHONE, "variables": {"name": "x" * 20_000_000}}]

    answer = await api.post("/messages/send-batch", json={"channel": "sms", "body": "Hi", "recipients": recipients})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "ids", [[], list(range(1, 102)), ["1"], [1.5], [None], [True], "1", None, {"0": 1}], ids=lambda ids: str(ids)[:20]
)
async def test_b80_ids_of_a_batch_status_are_1_to_100_integers(api, ids):
    answer = await api.post("/messages/batch-status", json={"message_ids": ids})

    assert answer.status_code == 422
    assert all(field.startswith("message_ids") for field in answer.json()["errors"])


async def test_b80_ids_that_are_not_ours_are_not_found(api, sms, database, other_account):
    id = (await api.post("/messages/send", json=SMS)).json()["data"]["id"]
    theirs = await world.queue(database, other_account, await world.simulator(database, other_account), [PHONE])

    answer = await api.post("/messages/batch-status", json={"message_ids": [-1, id, theirs[0], 0, id, 2**62]})

    assert [row["id"] for row in answer.json()["data"]] == [id]
    assert answer.json()["meta"]["not_found"] == [-1, theirs[0], 0, 2**62]


@pytest.mark.parametrize("id", ["abc", "0", "-1", "01", "1.0", "1e3", "99999999999999999999", "%31", "１", "1%00"])
@pytest.mark.parametrize("path", ["/messages/{}/status", "/campaigns/{}/status", "/contacts/{}"])
async def test_b81_a_wrong_id_is_not_found(api, path, id):
    answer = await api.get(path.format(id))

    assert answer.status_code in (400, 404)


@pytest.mark.parametrize(
    ("content", "statuses"),
    [
        (b'{"email":"a@example.com","metadata":' + b'{"a":' * 1000 + b"1" + b"}" * 1001, {400}),
        (b'{"email":"a@example.com","metadata":{"a":"' + b"x" * 1_000_000 + b'"}}', {413, 422}),
        (b'{"email":"a@example.com","name":"a\\u0000b"}', {400, 422}),
        (b'{"email":"a@example.com","name":"\\ud800"}', {400, 422}),
        (b'{"email":"a@example.com","name":"\xc0\xaf"}', {400, 422}),
        ('{"email":"a@example.com"}'.encode("utf-16"), {400}),
        (b"\xef\xbb\xbf" + b'{"email":"a@example.com"}', {400}),
        (b"[" * 100_000, {400}),
        (b"[]", {400, 422}),
        (b"null", {400, 422}),
        (b'{"email":"a@example.com","metadata":{"a":NaN}}', {400}),
        (b'{"email":"a@example.com","metadata":{"a":1e999}}', {400, 422}),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_b82_b92_b93_a_body_that_cannot_be_kept_is_refused(api, content, statuses):
    answer = await api.post("/contacts", content=content, headers=JSON)

    assert answer.status_code in statuses
    assert set(answer.json()) <= {"message", "code", "errors"}
    assert (await api.get("/contacts")).json()["data"] == []


@pytest.mark.parametrize("metadata", [{"__proto__": {"a": 1}, "constructor": "x"}, {"a.b": 1, "": 2, "ключ": "✓"}])
async def test_b82_odd_keys_are_plain_data(api, metadata):
    answer = await api.post("/contacts", json={**ANNA, "metadata": metadata})

    assert answer.json()["data"]["metadata"] == metadata


async def test_b82_a_thousand_tags_are_too_many(api):
    answer = await api.post("/contacts", json={**ANNA, "tags": [f"t{n}" for n in range(1000)]})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["tags"])


async def test_b84_who_is_deleted_stays_so(api):
    id = (await api.post("/contacts", json=ANNA)).json()["data"]["id"]
    first = await api.delete(f"/contacts/{id}")

    again = [await api.delete(f"/contacts/{id}"), await api.put(f"/contacts/{id}", json=ANNA)]

    assert [first.status_code, *(answer.status_code for answer in again)] == [204, 404, 404]
    assert (await api.get("/contacts")).json()["data"] == []


@pytest.mark.parametrize(
    "search", ["%", "_", "\\", "' OR 1=1--", "x" * 10_000, "   ", "(.*)+$", "[a", "%00", "🙏", "\u202eabc"]
)
async def test_b89_any_search_is_answered(api, search):
    answer = await api.get("/contacts", params={"search": search})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "query", ["page=0", "page=-5", "per_page=0", "per_page=1000000", "page=99999999999999999999999"]
)
async def test_pages_are_brought_into_range(api, query):
    answer = await api.get(f"/contacts?{query}")

    assert (answer.status_code, answer.json()["data"]) == (200, [])
    assert 1 <= answer.json()["meta"]["per_page"] <= 100


@pytest.mark.parametrize("query", ["page=x", "per_page=1.5", "search=a&search=b", "tag[]=a"])
async def test_a_twisted_query_is_refused(api, query):
    answer = await api.get(f"/contacts?{query}")

    assert answer.status_code == 422


async def test_b91_of_equal_keys_the_last_counts(api):
    content = b'{"email":"first@example.com","email":"second@example.com"}'

    answer = await api.post("/contacts", content=content, headers=JSON)

    assert answer.json()["data"]["email"] == "second@example.com"


async def test_b94_packed_bodies_are_not_unpacked(api):
    content = gzip.compress(json.dumps(ANNA).encode())

    answer = await api.post("/contacts", content=content, headers={**JSON, "content-encoding": "gzip"})

    assert answer.status_code in (413, 415)


async def test_b95_nobody_overrides_the_method(api):
    id = (await api.post("/contacts", json=ANNA)).json()["data"]["id"]

    await api.get(f"/contacts/{id}?_method=DELETE", headers={"x-http-method-override": "DELETE"})

    assert (await api.get(f"/contacts/{id}")).status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
async def test_b96_a_wrong_idempotency_key_is_refused(api, key):
    answer = await api.post("/contacts", json=ANNA, headers={"idempotency-key": key})

    assert answer.status_code == 400


async def test_b96_an_idempotency_key_belongs_to_one_request(api, sms):
    headers = {"idempotency-key": "k"}

    first = await api.post("/messages/send", json=SMS, headers=headers)
    other_body = await api.post("/messages/send", json={**SMS, "body": "Ho"}, headers=headers)
    other_route = await api.post("/contacts", json=ANNA, headers=headers)

    assert [first.status_code, other_body.status_code, other_route.status_code] == [202, 422, 201]
    assert other_body.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("", 201), ("   ", 201), ("مريم", 201), ("👩‍👩‍👧‍👦", 201), ("Z" + "\u0301" * 64, 201), ("𐍈𐍈", 201),
        ("x" * 255, 201),
        ("👩" * 255, 201), ("x" * 256, 422), ("x" * 65_000, 422), ("a\u0000b", 400), ("a\r\nb", 201),
    ],
    ids=range(12),
)  # fmt: skip
async def test_b98_names_of_the_world(api, name, status):
    answer = await api.post("/contacts", json={"email": "a@example.com", "name": name})

    assert answer.status_code == status
    if status == 201:
        id = answer.json()["data"]["id"]
        assert (await api.get(f"/contacts/{id}")).json() == answer.json()


@pytest.mark.parametrize("tenant", ["1", "x", "999999999"])
async def test_b90_the_tenants_header_means_nothing_here(api, other_account, tenant):
    id = (await api.post("/contacts", json=ANNA, headers={"x-tenant-id": tenant})).json()["data"]["id"]

    answer = await api.get(f"/contacts/{id}", headers={"x-tenant-id": str(other_account)})

    assert (answer.status_code, answer.json()["data"]["email"]) == (200, "anna@example.com")


@pytest.mark.parametrize(
    ("method", "statuses"), [("OPTIONS", {204}), ("HEAD", {200}), ("TRACE", {405}), ("FOO", {501}), ("POST", {405})]
)
async def test_b99_methods_that_are_not_meant(api, method, statuses):
    answer = await api.request(method, "/onboarding")

    assert answer.status_code in statuses
    assert answer.content == b"" or set(answer.json()) == {"message", "code"}


@pytest.mark.parametrize(
    "type", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"]
)
async def test_only_json_is_json(api, type):
    answer = await api.post("/contacts", content=json.dumps(ANNA), headers={"content-type": type})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_a_foreign_integration_of_a_campaign_is_unknown(api, database, other_account):
    foreign = await world.simulator(database, other_account)
    body = {"name": "News", "channel": "sms", "message_template": "Hi", "integration_id": foreign.id}

    answer = await api.post("/campaigns", json=body)

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["integration_id"])
