"""Bodies, query strings and uploads: what is taken, and what each wrong one is told."""

import json

import pytest

pytestmark = pytest.mark.anyio

JANE = {"first_name": "Jane", "email": "jane@example.com"}
JSON = {"content-type": "application/json"}


async def test_all_wrong_fields_are_told_at_once(client):
    body = {
        "first_name": "",
        "score": 101,
        "tags": "vip",
        "kind": "robot",
        "born": "2026-02-30T10:00:00Z",
        "site": 5,
        "extra": [],
    }

    answer = await client.post("/contacts", json=body)

    assert answer.status_code == 422
    assert answer.json()["message"] == "The first name field is required."
    assert answer.json()["errors"] == {
        "first_name": ["The first name field is required."],
        "email": ["The email field is required."],
        "score": ["The score field must not be greater than 100."],
        "tags": ["The tags field must be an array."],
        "site": ["The site field must be a string."],
        "kind": ["The kind field is not one of the allowed values."],
        "born": ["The born field must be a valid date."],
        "extra": ["The extra field must be an object."],
    }


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("first_name", None, "The first name field is required."),
        ("first_name", 5, "The first name field must be a string."),
        ("first_name", "x" * 256, "The first name field must not be greater than 255 characters."),
        ("score", -1, "The score field must be at least 0."),
        ("score", "5", "The score field must be an integer."),
        ("score", 1.5, "The score field must be an integer."),
        ("score", True, "The score field must be an integer."),
        ("site", "javascript:alert(1)", "The site field format is invalid."),
        ("tags", ["a"] * 4, "The tags field must not have more than 3 items."),
        ("tags", None, "The tags field must be an array."),
        ("born", "2026-03-01T10:00:00", "The born field must be a valid date."),
        ("born", "2026-03-01T10:00:00+24:00", "The born field must be a valid date."),
    ],
)
async def test_a_wrong_value_has_its_sentence(client, field, value, sentence):
    answer = await client.post("/contacts", json={**JANE, field: value})

    assert answer.json()["errors"] == {field: [sentence]}


async def test_items_are_named_by_their_place(client):
    answer = await client.post("/contacts", json={**JANE, "tags": [1, None, {}]})

    assert list(answer.json()["errors"]) == ["tags.0", "tags.1", "tags.2"]


async def test_objects_in_lists_are_looked_into(client, new_key):
    body = {"recipients": [{"to": "a"}, {"to": 5, "variables": {"x": 1}}, {"variables": []}, 7]}

    answer = await client.post(
        "http://testserver/api/portal/v1/messages/send-batch",
        json=body,
        headers={"x-api-key": await new_key("portal")},
    )

    assert answer.json()["errors"] == {
        "recipients.1.to": ["The recipients.1.to field must be a string."],
        "recipients.1.variables.x": ["The recipients.1.variables.x field must be a string."],
        "recipients.2.to": ["The recipients.2.to field is required."],
        "recipients.2.variables": ["The recipients.2.variables field must be an object."],
        "recipients.3": ["The recipients.3 field must be an object."],
    }


async def test_many_small_objects_are_not_too_deep(client, new_key):
    body = {"recipients": [{"to": str(number), "variables": {"a": "b"}} for number in range(500)]}

    answer = await client.post(
        "http://testserver/api/portal/v1/messages/send-batch",
        json=body,
        headers={"x-api-key": await new_key("portal")},
    )

    assert (answer.status_code, answer.json()) == (202, {"data": 500})
    assert answer.headers["x-batch"] == "b_1"


@pytest.mark.parametrize("length", [0, 501])
async def test_lists_keep_their_bounds(client, new_key, length):
    answer = await client.post(
        "http://testserver/api/portal/v1/messages/send-batch",
        json={"recipients": [{"to": "a"}] * length},
        headers={"x-api-key": await new_key("portal")},
    )

    assert list(answer.json()["errors"]) == ["recipients"]


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'"x"',
        b"null",
        b"{",
        b'{"a":1}{"b":2}',
        b'{"first_name":NaN}',
        b'{"score":1e999}',
        b'{"first_name":"\xff"}',
        b'{"first_name":"\xc0\x80"}',
        b'{"first_name":"\\ud800"}',
        b'{"first_name":"a\\u0000b","email":"a@b.c"}',
        b'{"extra":{"a\\u0000":1},"first_name":"J","email":"a@b.c"}',
        b'{"first_name":"a\x00b"}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b"[" * 40 + b"]" * 40,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"first_name":"J","email":"a@b.c","extra":' + b'{"a":' * 40 + b"1" + b"}" * 41,
        b'{"first_name":"J","email":"a@b.c","extra":'
        + json.dumps({str(number): 1 for number in range(1001)}).encode()
        + b"}",
    ],
)
async def test_what_cannot_be_read_is_malformed(client, body):
    answer = await client.post("/contacts", content=body, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed"


async def test_an_escaped_backslash_is_no_null_character(client):
    answer = await client.post("/contacts", content=rb'{"first_name":"\\u0000","email":"a@b.c"}', headers=JSON)

    assert answer.json()["data"]["first_name"] == r"\u0000"


async def test_the_last_of_duplicate_keys_wins(client):
    answer = await client.post(
        "/contacts", content=b'{"first_name":"A","email":"a@b.c","first_name":"B"}', headers=JSON
    )

    assert answer.json()["data"]["first_name"] == "B"


async def test_unknown_fields_are_ignored(client):
    answer = await client.post("/contacts", json={**JANE, "id": 99, "account_id": 5})

    assert answer.json()["data"]["id"] == 1


async def test_absent_differs_from_null(client):
    answer = await client.post("/contacts", json=JANE)

    assert "note" not in answer.json()["data"]


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "multipart/form-data; boundary=x",
        "json",
    ],
)
async def test_only_json_is_read_as_json(client, content_type):
    headers = {"content-type": content_type} if content_type else {}

    answer = await client.post("/contacts", content=json.dumps(JANE).encode(), headers=headers)

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=UTF-8", "application/vnd.api+json", "application/json;"],
)
async def test_json_has_several_names(client, content_type):
    answer = await client.post("/contacts", content=json.dumps(JANE).encode(), headers={"content-type": content_type})

    assert answer.status_code == 201


async def test_compressed_bodies_are_not_read(client):
    answer = await client.post("/contacts", json=JANE, headers={"content-encoding": "gzip"})

    assert answer.status_code == 415


async def test_an_empty_body_is_an_empty_object(client):
    answer = await client.post("/contacts")

    assert list(answer.json()["errors"]) == ["first_name", "email"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_a_mebibyte_is_too_large(client, chunked):
    body = json.dumps({**JANE, "extra": {"a": "x" * 1024 * 1024}}).encode()

    async def chunks():
        for at in range(0, len(body), 65536):
            yield body[at : at + 65536]

    answer = await client.post("/contacts", content=chunks() if chunked else body, headers=JSON)

    assert answer.status_code == 413


async def test_a_long_field_is_refused_with_its_name(client):
    answer = await client.post("/contacts", json={**JANE, "first_name": "x" * 65536})

    assert list(answer.json()["errors"]) == ["first_name"]


@pytest.mark.parametrize(
    "query", ["search=", "tag_id=5", "starred=true", "starred=0", "labels[]=a&labels[]=b", "x[]=1"]
)
async def test_queries_are_read_leniently(client, query):
    answer = await client.get(f"/contacts?{query}")

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("tag_id=", "The tag id field must be an integer."),
        ("tag_id=x", "The tag id field must be an integer."),
        ("starred=maybe", "The starred field must be true or false."),
        ("tag_id=1&tag_id=2", "The tag id field must be given once, as a single value."),
        ("tag_id[]=1", "The tag id field must be given once, as a single value."),
    ],
)
async def test_a_wrong_query_is_told_by_field(client, query, sentence):
    answer = await client.get(f"/contacts?{query}")

    assert answer.status_code == 422
    assert answer.json()["message"] == sentence


async def test_too_many_parameters_are_malformed(client):
    answer = await client.get("/contacts?" + "a=1&" * 300)

    assert answer.status_code == 400


async def test_a_file_comes_with_the_fields_beside_it(client):
    answer = await client.post(
        "/documents", data={"title": "Terms", "priority": "3"}, files={"file": ("../a/b.txt", b"hello")}
    )

    assert answer.status_code == 201
    assert answer.json()["data"] == {"title": "Terms", "priority": 3, "bytes": 5, "name": "b.txt"}


async def test_json_serves_where_the_file_is_optional(client):
    answer = await client.post("/documents", json={"title": "Terms"})

    assert answer.json()["data"]["bytes"] == 0


async def test_fields_of_a_form_are_judged_too(client):
    answer = await client.post("/documents", data={"priority": "high"}, files={"file": ("b.txt", b"hello")})

    assert list(answer.json()["errors"]) == ["title", "priority"]


async def test_a_large_file_within_its_limit_arrives_whole(client):
    answer = await client.post("/imports", files={"file": ("b.csv", b"x" * 100 * 1024)})

    assert answer.json() == {"data": 100 * 1024}


async def test_a_file_over_its_limit_is_told_on_its_field(client):
    answer = await client.post("/imports", files={"file": ("b.csv", b"x" * (100 * 1024 + 1))})

    assert answer.status_code == 422
    assert answer.json()["errors"] == {"file": ["The file field must not be greater than 100 kilobytes."]}


async def test_a_body_over_the_hard_limit_is_too_large(client):
    answer = await client.post("/imports", files={"file": ("b.csv", b"x" * 300 * 1024)})

    assert answer.status_code == 413


async def test_a_missing_file_is_told_on_its_field(client):
    answers = [
        await client.post("/imports"),
        await client.post("/imports", data={"a": "b"}, files={"other": ("b.csv", b"x")}),
    ]

    assert [list(answer.json()["errors"]) for answer in answers] == [["file"], ["file"]]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data; boundary=x", b"nonsense", 400),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ncut', 400),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n", 400),
        ("multipart/form-data", b"--x--\r\n", 415),
        ("application/json", b"{}", 415),
    ],
)
async def test_a_broken_form_is_refused(client, content_type, body, status):
    answer = await client.post("/imports", content=body, headers={"content-type": content_type})

    assert answer.status_code == status
