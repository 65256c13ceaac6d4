"""Inputs that no honest program sends. Each is refused or taken as plain data, and nothing else happens."""

import asyncio
import gzip
import json

import pytest

from tests.world import next_portion

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}
ANN = {"first_name": "Ann", "email": "ann@example.com"}


@pytest.fixture
async def draft(api, jane) -> int:
    """A campaign that has a reader and was not sent yet."""
    body = {"name": "April Promo", "subject": "Save 20%", "html_body": "<p>Hello!</p>"}
    return (await api.post("/campaigns", json=body)).json()["data"]["id"]


@pytest.mark.parametrize("accept", [None, "application/json", "text/html", "*/*"])
async def test_without_a_token_the_answer_is_json(anybody, accept):
    anybody.headers.pop("accept", None)

    answer = await anybody.get("/contacts", headers={"accept": accept} if accept else {})

    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/json")
    assert answer.json()["message"] == "Unauthenticated."


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("Bearer {}", 200), ("bearer {}", 200), ("BEARER {}", 200),
        ("bearer  {}", 401), ("Bearer\t{}", 401), ("Token {}", 401), ("{}", 401), ("Bearer {} x", 401),
        ("Basic dXNlcjpwYXNz", 401), ("Bearer", 401), ("Bearer ", 401), ("Bearer null", 401), ("", 401),
        ("Bearer " + "x" * 100_000, 401), ("Bearer 12|abcdef", 401), ("Bearer \xff", 401),
    ],
    ids=range(16),
)  # fmt: skip
async def test_a_token_is_written_one_way(anybody, new_key, written, status):
    header = written.format(await new_key(rate="off")).encode("latin-1")

    answer = await anybody.get("/contacts", headers={"authorization": header})

    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/contacts/{}", "/contacts/999999999"])
async def test_a_missing_scope_does_not_tell_what_exists(api, jane, new_key, path):
    api.headers["authorization"] = f"Bearer {await new_key(scopes=['tags'])}"

    answer = await api.delete(path.format(jane["id"]))

    assert answer.status_code == 403
    assert answer.json() == {"message": "This token lacks the required scope: contacts.", "code": "MISSING_SCOPE"}


@pytest.mark.parametrize("path", ["/campaigns/{}/send", "/campaigns/999999/send"])
async def test_a_missing_scope_does_not_tell_which_campaigns_exist(api, draft, new_key, path):
    api.headers["authorization"] = f"Bearer {await new_key(scopes=['contacts'])}"

    answer = await api.post(path.format(draft))

    assert answer.status_code == 403
    assert answer.json() == {"message": "This token lacks the required scope: campaigns.", "code": "MISSING_SCOPE"}


@pytest.mark.parametrize(
    "email",
    [
        "a@b", "a@b..c", "a b@c.d", "x" * 309 + "@example.com", "a@b.c\nBcc: x@y.z", "@b.c", "a@", "a@.c",
        "a@b.c, d@e.f", "Ann <a@b.c>", "", " ", None, 1, ["a@b.c"], {"a": 1}, True,
    ],
    ids=range(17),
)  # fmt: skip
@pytest.mark.parametrize("others", [{}, {"first_name": "Ann"}], ids=["alone", "with a name"])
async def test_what_is_no_email_address_is_named(api, email, others):
    answer = await api.post("/contacts", json={**others, "email": email})

    assert answer.status_code == 422
    assert "email" in answer.json()["errors"]


@pytest.mark.parametrize("email", ["a@b.c\n", "a@-b.c", "a@127.0.0.1", "a@[127.0.0.1]", "é@b.c", "a@b.c" + "c" * 250])
async def test_an_email_address_is_one_that_mail_can_be_sent_to(api, email):
    answer = await api.post("/contacts", json={"first_name": "Ann", "email": email})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["email"])


@pytest.mark.parametrize(
    "content",
    [b"[]", b'"x"', b"null", b"{", b"", b'{"a":1}{"b":2}', b"1", b"\xff\xfe", b"{'a': 1}", b'{"a":NaN}'],
)
async def test_a_body_is_an_object(api, content):
    answer = await api.post("/contacts", content=content, headers=JSON)

    assert answer.status_code in (400, 422)
    assert set(answer.json()) <= {"message", "errors"}


@pytest.mark.parametrize(
    "type",
    [
        None,
        "",
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
    ],
)
async def test_only_json_is_json(api, type):
    headers = {"content-type": type} if type is not None else {}

    answer = await api.post("/contacts", content=json.dumps(ANN).encode(), headers=headers)

    assert (answer.status_code, set(answer.json())) == (415, {"message"})


@pytest.mark.parametrize(
    ("ids", "field"),
    [
        ("vip", "tag_ids"),
        ([1, None, {}], "tag_ids.1"),
        (list(range(1, 10_002)), "tag_ids"),
        ([0], "tag_ids.0"),
        ([-1], "tag_ids.0"),
        ([2**63], "tag_ids.0"),
        ([2**200], "tag_ids.0"),
        ([1.5], "tag_ids.0"),
        (["1"], "tag_ids.0"),
        ({"0": 1}, "tag_ids"),
    ],
    ids=lambda value: str(value)[:20],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_tags_are_ids_of_tags(api, jane, method, ids, field):
    path = "/contacts" if method == "POST" else f"/contacts/{jane['id']}"
    body = {**ANN, "tag_ids": ids} if method == "POST" else {"tag_ids": ids}

    answer = await api.request(method, path, json=body)

    assert answer.status_code == 422
    assert field in answer.json()["errors"]


async def test_tags_by_name_are_no_field(api):
    answer = await api.post("/contacts", json={"email": "x@y.z", "tags": "vip"})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["first_name"])


@pytest.mark.parametrize(
    "id",
    [
        "abc",
        "-1",
        "0",
        "01",
        "1.5",
        "1e3",
        "+1",
        "9223372036854775808",
        "99999999999999999999",
        "%31",
        "１",
        "1 ",
        "1%0a",
    ],
)
@pytest.mark.parametrize("path", ["/contacts/{}", "/tags/{}", "/canned-responses/{}", "/conversations/{}"])
async def test_a_wrong_id_is_not_found(api, path, id):
    answer = await api.get(path.format(id))

    assert answer.status_code == 404
    assert answer.json()["message"].endswith("not found.")


@pytest.mark.parametrize("path", ["/contacts/%00", "/contacts/1%00", "/contacts/%ff"])
async def test_a_path_that_is_no_text_is_refused(api, path):
    answer = await api.get(path)

    assert (answer.status_code, set(answer.json())) == (400, {"message"})


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=1000000000", "page=99999999999999999999999", "per_page=0", "per_page=1000000", "page="],
)
async def test_pages_are_brought_into_range(api, jane, query):
    answer = await api.get(f"/contacts?{query}")

    assert answer.status_code == (422 if query == "page=" else 200)
    if answer.status_code == 200:
        assert 1 <= answer.json()["meta"]["per_page"] <= 100
        assert answer.json()["meta"]["current_page"] >= 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=abc", "page"),
        ("page=1e9", "page"),
        ("per_page=1.5", "per_page"),
        ("tag_id=x", "tag_id"),
        ("tag_id=1&tag_id=2", "tag_id"),
        ("tag_id[]=1", "tag_id"),
        ("tag_id[$ne]=1", "tag_id"),
        ("min_score=high", "min_score"),
        ("status[]=active", "status"),
    ],
)
async def test_a_twisted_query_is_refused(api, query, field):
    answer = await api.get(f"/contacts?{query}")

    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


@pytest.mark.parametrize(
    "query", ["tag_id=0", "tag_id=-1", "tag_id=99999999999999999999", "min_score=99999999999999999999"]
)
async def test_a_filter_that_nobody_fits_finds_nobody(api, jane, query):
    answer = await api.get(f"/contacts?{query}")

    assert (answer.status_code, answer.json()["data"]) == (200, [])


@pytest.mark.parametrize(
    "search", ["%", "_", "\\", "' OR 1=1--", "x" * 5_000, "(.*)+$", "[a", "🙏", "\u202eabc", "a\nb"]
)
@pytest.mark.parametrize("path", ["/contacts", "/conversations", "/canned-responses"])
async def test_any_search_is_answered_literally(api, conversation, path, search):
    answer = await api.get(path, params={"search": search})

    assert (answer.status_code, answer.json()["data"]) == (200, [])


@pytest.mark.parametrize(
    "at",
    [
        "2020-01-01T00:00:00Z", "tomorrow", "2026-02-30T10:00:00Z", "2026-10-25T02:30:00", "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00", "2027-03-01T10:00:00+24:00", "0000-01-01T00:00:00Z", "1774000000", 1774000000,
        "", [], {}, True,
    ],
    ids=range(14),
)  # fmt: skip
async def test_a_campaign_leaves_at_a_moment_that_exists(api, email, draft, at):
    answer = await api.post(f"/campaigns/{draft}/send", json={"scheduled_at": at})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["scheduled_at"])
    assert (await api.get(f"/campaigns/{draft}")).json()["data"]["status"] == "draft"


async def test_a_campaign_that_64_send_at_once_is_sent_once(api, email, draft, database, account, jane, connection):
    answers = await asyncio.gather(*(api.post(f"/campaigns/{draft}/send") for _ in range(64)))

    async with database.tx(account) as tx:
        while await next_portion(tx, draft):
            pass
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [422] * 63
    sent = await connection.fetchval(
        "select count(*) from messages where account_id = $1 and broadcast_id = $2", account, draft
    )
    assert sent == 1


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", "/campaigns/{}"), ("PUT", "/campaigns/{}"), ("DELETE", "/campaigns/{}")]
)
async def test_a_campaign_that_is_sending_stays_as_it_is(api, email, draft, jane, method, path):
    await api.post(f"/campaigns/{draft}/send")

    answer = await api.request(method, path.format(draft), json={"name": "Other"})

    assert (answer.status_code, "message" in answer.json()) == (422, True)
    told = (await api.get(f"/campaigns/{draft}")).json()["data"]
    assert (told["name"], told["status"]) == ("April Promo", "sending")


@pytest.mark.parametrize("missing", [{"subject": None}, {"subject": " "}, {"html_body": None}, {"html_body": " "}])
async def test_a_campaign_that_says_nothing_is_refused(api, missing):
    body = {"name": "April Promo", "subject": "Save 20%", "html_body": "<p>Hello!</p>", **missing}

    answer = await api.post("/campaigns", json=body)

    assert (answer.status_code, list(answer.json()["errors"])) == (422, list(missing))


async def test_a_campaign_for_nobody_is_not_sent(api, email, draft):
    await api.delete(f"/contacts/{(await api.get('/contacts')).json()['data'][0]['id']}")

    answer = await api.post(f"/campaigns/{draft}/send")

    assert answer.status_code == 422
    assert (await api.get(f"/campaigns/{draft}")).json()["data"]["status"] == "draft"


async def test_a_conversation_of_another_workspace_is_not_found(api, conversation, new_key, other_account):
    api.headers["authorization"] = f"Bearer {await new_key(account=other_account, rate='off')}"

    answers = [
        await api.post(f"/conversations/{id}/reply", json={"body": "x"}) for id in (conversation["id"], 999_999_999)
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"shortcut": "/taken"}, "shortcut"),
        ({"shortcut": "../../x"}, "shortcut"),
        ({"shortcut": "/"}, "shortcut"),
        ({"shortcut": "/with space"}, "shortcut"),
        ({"shortcut": "/" + "x" * 100}, "shortcut"),
        ({"body": "x" * 1_000_000}, "body"),
        ({"body": "x" * 2**20}, "body"),
        ({"body": "<script>x()</script>"}, "body"),
        ({"body": "   "}, "body"),
        ({"title": "x" * 256}, "title"),
        ({"title": "  "}, "title"),
    ],
    ids=lambda change: str(change)[:30],
)
async def test_a_canned_response_that_cannot_be_is_refused(api, change, field):
    await api.post("/canned-responses", json={"title": "A", "body": "x", "shortcut": "/taken"})

    answer = await api.post("/canned-responses", json={"title": "B", "body": "x", **change})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/contacts", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/contacts/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("GET", "/conversations/1/reply", "POST, OPTIONS"),
        ("TRACE", "/contacts", "GET, HEAD, POST, OPTIONS"),
    ],
)
async def test_a_method_that_is_not_meant_is_refused(api, method, path, allow):
    answer = await api.request(method, path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert answer.json() == {"message": "Method not allowed."}


@pytest.mark.parametrize(
    "path",
    ["/nope", "//contacts", "/contacts/..%2fcampaigns", "/contacts//1", "/contacts/1/nope", "/contacts/export/1"],
)
async def test_an_unknown_path_is_not_found(api, path):
    answer = await api.get(f"http://testserver/api/v1{path}")

    assert (answer.status_code, answer.json()) == (404, {"message": "Not found."})


@pytest.mark.parametrize("path", ["/contacts/", "/tags/", "/contacts/{}/"])
async def test_a_slash_at_the_end_is_not_seen(api, jane, path):
    answer = await api.get(path.format(jane["id"]))

    assert answer.status_code == 200


async def test_of_equal_keys_the_last_counts(api):
    content = b'{"first_name":"Ann","email":"first@example.com","email":"second@example.com"}'

    answer = await api.post("/contacts", content=content, headers=JSON)

    assert answer.json()["data"]["email"] == "second@example.com"


@pytest.mark.parametrize(
    ("content", "statuses"),
    [
        (b'{"first_name":"a\\u0000b","email":"a@example.com"}', {400, 422}),
        (b'{"first_name":"\\ud800","email":"a@example.com"}', {400, 422}),
        (b'{"first_name":"\xc0\xaf","email":"a@example.com"}', {400, 422}),
        ('{"first_name":"a","email":"a@example.com"}'.encode("utf-16"), {400}),
        (b"\xef\xbb\xbf" + b'{"first_name":"a","email":"a@example.com"}', {400}),
        (b"[" * 100_000, {400}),
        (b'{"custom_fields":' + b'{"a":' * 40 + b"1" + b"}" * 41, {400}),
        (b'{"first_name":"a","email":"a@example.com","custom_fields":{"a":"' + b"x" * 100_000 + b'"}}', {422}),
        (b'{"first_name":"a","email":"a@example.com","custom_fields":{"a":"' + b"x" * 2_000_000 + b'"}}', {413}),
        (b'{"first_name":"a","email":"a@example.com","lead_score":1e999}', {400, 422}),
        (b'{"first_name":"a","email":"a@example.com","lead_score":50.5}', {422}),
        (b'{"first_name":"a","email":"a@example.com","lead_score":"50"}', {422}),
        (b'{"first_name":"a","email":"a@example.com","lead_score":true}', {422}),
        (b'{"first_name":"a","email":"a@example.com","custom_fields":[]}', {422}),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_body_that_cannot_be_kept_is_refused(api, content, statuses):
    answer = await api.post("/contacts", content=content, headers=JSON)

    assert answer.status_code in statuses
    assert set(answer.json()) <= {"message", "errors"}
    assert (await api.get("/contacts")).json()["data"] == []


async def test_packed_bodies_are_not_unpacked(api):
    content = gzip.compress(json.dumps(ANN).encode())

    answer = await api.post("/contacts", content=content, headers={**JSON, "content-encoding": "gzip"})

    assert answer.status_code in (413, 415)


async def test_nobody_overrides_the_method(api, jane):
    path = f"/contacts/{jane['id']}"

    await api.post(f"{path}?_method=DELETE", headers={"x-http-method-override": "DELETE"})
    await api.get(f"{path}?_method=DELETE", headers={"x-http-method-override": "DELETE"})

    assert (await api.get(path)).status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "é"])
async def test_a_wrong_idempotency_key_is_refused(api, key):
    answer = await api.post("/contacts", json=ANN, headers={"idempotency-key": key.encode("latin-1")})

    assert answer.status_code == 400


async def test_an_idempotency_key_belongs_to_one_request(api):
    headers = {"idempotency-key": "k"}

    first = await api.post("/contacts", json=ANN, headers=headers)
    other_body = await api.post("/contacts", json={**ANN, "city": "Cluj"}, headers=headers)
    other_route = await api.post("/tags", json={"name": "VIP"}, headers=headers)

    assert [first.status_code, other_body.status_code, other_route.status_code] == [201, 422, 201]
    assert other_body.json()["code"] == "IDEMPOTENCY_KEY_REUSED"


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-29T02:30:00", "2026-12-31T23:59:60Z", "2026-12-31T23:59:59+24:00", "0000-01-01T00:00:00Z",
        "1774000000", 1774000000, "tomorrow", "2026-02-30T10:00:00Z", "", "2020-01-01T00:00:00Z",
    ],
    ids=range(10),
)  # fmt: skip
async def test_a_moment_that_is_none_is_refused(api, conversation, moment):
    body = {"status": "snoozed", "snoozed_until": moment}

    answer = await api.put(f"/conversations/{conversation['id']}", json=body)

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["snoozed_until"])


async def test_a_moment_after_all_time_is_refused(api, conversation):
    body = {"status": "snoozed", "snoozed_until": "9999-12-31T23:59:59-14:00"}

    answer = await api.put(f"/conversations/{conversation['id']}", json=body)

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("", 422), ("   ", 422), ("\u200b", 201), ("مريم", 201), ("👩‍👩‍👧‍👦", 201), ("Z" + "\u0301" * 64, 201),
        ("𐍈𐍈", 201), ("x" * 255, 201), ("👩" * 255, 201), ("x" * 256, 422), ("x" * 65_000, 422), ("a\u0000b", 400),
        ("a\r\nb", 201), ("\u202eevil", 201), ("<b>Ann</b>", 201), ("{{name}}", 201),
    ],
    ids=range(16),
)  # fmt: skip
async def test_names_of_the_world(api, name, status):
    answer = await api.post("/contacts", json={**ANN, "first_name": name})

    assert answer.status_code == status
    if status == 201:
        told = answer.json()["data"]
        assert (await api.get(f"/contacts/{told['id']}")).json()["data"]["first_name"] == told["first_name"]


async def test_names_are_stored_composed(api):
    answer = await api.post("/contacts", json={**ANN, "first_name": "Rene\u0301e"})

    assert answer.json()["data"]["first_name"] == "Renée"


@pytest.mark.parametrize(
    ("method", "status"), [("OPTIONS", 204), ("HEAD", 200), ("TRACE", 405), ("CONNECT", 405), ("FOO", 501)]
)
async def test_methods_of_http_have_no_effect(api, jane, method, status):
    answer = await api.request(method, f"/contacts/{jane['id']}")

    assert answer.status_code == status
    assert (await api.get(f"/contacts/{jane['id']}")).json()["data"]["id"] == jane["id"]


@pytest.mark.parametrize("header", [{"expect": "100-continue"}, {"connection": "Upgrade", "upgrade": "h2c"}])
async def test_headers_of_the_connection_change_nothing(api, jane, header):
    answer = await api.get(f"/contacts/{jane['id']}", headers=header)

    assert answer.status_code in (200, 400, 417)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user_id": "2"}, "user_id"),
        ({"user_id": 1.5}, "user_id"),
        ({"user_id": True}, "user_id"),
        ({"user_id": [1]}, "user_id"),
        ({"user_id": 0}, None),
        ({"user_id": -1}, None),
        ({"user_id": 2**63}, None),
        ({"user_id": 2**200}, None),
    ],
)
async def test_an_assignee_is_a_colleague(api, conversation, change, field):
    answer = await api.post(f"/conversations/{conversation['id']}/assign", json=change)

    assert answer.status_code == 422
    assert list(answer.json().get("errors", {})) == ([field] if field else [])


@pytest.mark.parametrize(
    "change",
    [
        {"contact_id": 0}, {"contact_id": -1}, {"contact_id": 2**63}, {"contact_id": "1"}, {"contact_id": None},
        {"channel": "fax"}, {"channel": ""}, {"subject": "x" * 501}, {"priority": "now"}, {"message": ""},
        {"message": "  "}, {"message": "<br>"}, {"message": ["x"]}, {"message": "x" * 600_000},
    ],
    ids=lambda change: str(change)[:30],
)  # fmt: skip
async def test_a_start_that_makes_no_sense_is_refused(api, jane, email, change):
    body = {"contact_id": jane["id"], "channel": "email", "message": "Hi", **change}

    answer = await api.post("/conversations", json=body)

    assert answer.status_code == 422
    assert (await api.get("/conversations")).json()["data"] == []


async def test_the_message_of_a_start_is_called_message(api, jane, email):
    body = {"contact_id": jane["id"], "channel": "email", "message": "<br>"}

    assert list((await api.post("/conversations", json=body)).json()["errors"]) == ["message"]


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("a.csv", b"", 422),
        ("a.csv", b"\x00\x01\x02", 422),
        ("a.csv", b"x,y\n1,2", 422),
        ("a.xlsx", b"PK\x03\x04 not a workbook", 422),
        ("a.xls", b"\xd0\xcf\x11\xe0 not a workbook", 422),
        ("../../etc/passwd", b"email\nann@example.com", 200),
        ("a.csv", b"\xef\xbb\xbfE-Mail;First Name\nann@example.com;Ann", 200),
        ("a.csv", "email,first_name\nann@example.com,Renée".encode("utf-16"), 200),
        ("a.csv", b'email,first_name\n"ann@example.com', 200),
    ],
    ids=range(9),
)
async def test_a_file_is_a_sheet_or_refused(api, name, content, status):
    answer = await api.post("/contacts/import", files={"file": (name, content)})

    assert answer.status_code == status
    if status == 422:
        assert list(answer.json()["errors"]) == ["file"]


async def test_an_import_is_a_form(api):
    answer = await api.post("/contacts/import", json={"file": "email\nann@example.com"})

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@example.com"},
        {"email": 1, "password": 2},
        {"email": "a@example.com", "password": ""},
        {"password": "x" * 5000},
    ],
)
async def test_a_sign_in_without_its_parts_is_refused(anybody, body):
    answer = await anybody.post("/auth/login", json=body)

    assert answer.status_code == 422


@pytest.mark.parametrize("tenant", ["0", "-1", "x", "", "999999999", "' or 1=1", "x" * 10_000])
async def test_a_workspace_that_is_not_mine_is_refused(anybody, signed_in, account, tenant):
    token, _ = await signed_in("owner", account)

    answer = await anybody.get("/contacts", headers={"authorization": f"Bearer {token}", "x-tenant-id": tenant})

    assert (answer.status_code, answer.json()["code"]) == (403, "TENANT_MISMATCH")
