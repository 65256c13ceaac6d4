"""Inputs that no honest program sends. Each is refused or taken as plain data, and nothing else happens."""

import gzip
import json

import pytest

from trunkline.accounts import settings
from trunkline.contacts import fields, groups
from trunkline.messaging import labels

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


async def _names(api) -> list[str]:
    return [contact["name"] for contact in (await api.get("/contacts.json")).json()["results"]]


@pytest.mark.parametrize(
    "urns",
    [
        ["tel:0788123123"],
        ["foo:bar"],
        ["tel:+1"],
        [None],
        [{}],
        [True],
        [[]],
        "tel:+250788123123",
        {},
        ["a"],
        ["tel:\0"],
    ],
    ids=repr,
)
async def test_an_address_that_is_none_is_refused(api, urns):
    answer = await api.post("/contacts.json", json={"name": "A", "urns": urns})

    assert answer.status_code == 400
    assert list(answer.json()) == ["urns"]
    assert await _names(api) == []


async def test_the_workspaces_country_does_not_complete_addresses_of_bodies(api, database, account):
    async with database.tx(account) as tx:
        await settings.put(tx, {"country": "RW"})

    answer = await api.post("/contacts.json", json={"urns": ["tel:0788123123"]})

    assert answer.status_code == 400


@pytest.mark.parametrize("language", ["english", "en", "xxx", "ENG", 5, ["eng"], {}, True])
async def test_a_language_that_is_none_is_refused(api, language):
    answer = await api.post("/contacts.json", json={"language": language})

    assert answer.status_code == 400
    assert list(answer.json()) == ["language"]


@pytest.mark.parametrize("value", [["a"], {"a": 1}, True, "x" * 100_000, "\0"], ids=lambda value: repr(value)[:20])
async def test_a_value_that_is_no_text_is_refused(api, database, account, value):
    async with database.tx(account) as tx:
        await fields.create(tx, "Nick")

    answer = await api.post("/contacts.json", json={"fields": {"nick": value}})

    assert answer.status_code == 400
    assert list(answer.json()) == ["fields"]


async def test_a_long_value_is_cut(api, database, account):
    async with database.tx(account) as tx:
        await fields.create(tx, "Nick")

    answer = await api.post("/contacts.json", json={"fields": {"nick": "x" * 1000}})

    assert answer.json()["fields"] == {"nick": "x" * 640}


async def test_a_group_of_another_workspace_is_as_unknown_as_none(api, database, other_account):
    async with database.tx(other_account) as tx:
        theirs = await groups.create(tx, "Theirs")

    by_uuid = await api.post("/contacts.json", json={"groups": [str(theirs.uuid)]})
    by_name = await api.post("/contacts.json", json={"groups": ["Theirs"]})

    assert by_uuid.json() == {"groups": [f"No such object: {theirs.uuid}"]}
    assert by_name.json() == {"groups": ["No such object: Theirs"]}


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'"x"',
        b"null",
        b'{"a":1}{"b":2}',
        b'{"name":"\\ud800"}',
        b'{"name":"\xff"}',
        '{"name":"A"}'.encode("utf-16"),
        b"[" * 40 + b"]" * 40,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"a":' + b"[" * 100_000,
        b'{"name": NaN}',
    ],
    ids=lambda content: repr(content)[:24],
)
async def test_a_body_that_cannot_be_read_is_refused(api, content):
    answer = await api.post("/contacts.json", content=content, headers=JSON)

    assert answer.status_code == 400
    assert await _names(api) == []


async def test_of_equal_keys_the_last_counts(api):
    answer = await api.post("/contacts.json", content=b'{"name":"A","name":"B"}', headers=JSON)

    assert answer.json()["name"] == "B"


async def test_packed_bodies_are_not_unpacked(api):
    packed = gzip.compress(json.dumps({"name": "A"}).encode())

    answer = await api.post("/contacts.json", content=packed, headers={**JSON, "content-encoding": "gzip"})

    assert answer.status_code == 415


async def test_a_body_of_megabytes_is_too_large(api):
    answer = await api.post("/contacts.json", json={"name": "x" * 2_000_000})

    assert answer.status_code == 413


async def test_nobody_overrides_the_method(api, ann):
    await api.post(
        f"/contacts.json?uuid={ann.uuid}&_method=DELETE",
        json={"name": "Anna"},
        headers={"x-http-method-override": "DELETE"},
    )

    assert await _names(api) == ["Anna"]


@pytest.mark.parametrize("key", ["x" * 256, "a\x01b", ""])
async def test_a_wrong_idempotency_key_is_refused(api, key):
    answer = await api.post("/contacts.json", json={"name": "A"}, headers={"idempotency-key": key})

    assert answer.status_code == 400
    assert await _names(api) == []


async def test_the_same_request_with_a_key_has_one_effect(api):
    sent = [await api.post("/contacts.json", data={"name": "A"}, headers={"idempotency-key": "k1"}) for _ in range(2)]
    other = await api.post("/contacts.json", data={"name": "B"}, headers={"idempotency-key": "k1"})

    assert sent[0].json() == sent[1].json()
    assert other.status_code == 400
    assert await _names(api) == ["A"]


@pytest.mark.parametrize(
    "moment",
    [
        "notadate",
        "2016-13-40T00:00:00Z",
        "2026-03-29T23:59:60Z",
        "2026-01-01T00:00:00+24:00",
        "0000-01-01",
        "1774000000",
    ],
)
async def test_a_time_that_is_none_finds_nobody(api, ann, moment):
    answer = await api.get("/contacts.json", params={"before": moment})

    assert (answer.status_code, answer.json()["results"]) == (200, [])


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("  Ann  ", "Ann"),
        ("علي", "علي"),
        ("👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"),
        ("Zo\u0065\u0301", "Zo\u00e9"),
        ("a" + "\u0301" * 63, "\u00e1" + "\u0301" * 62),
        ("𝒜" * 64, "𝒜" * 64),
    ],
)
async def test_names_of_the_world_are_kept(api, name, stored):
    answer = await api.post("/contacts.json", json={"name": name})

    assert (answer.status_code, answer.json()["name"]) == (201, stored)


@pytest.mark.parametrize("name", ["", "   ", "𝒜" * 65, "x" * 65_536])
async def test_a_name_that_is_empty_or_long_is_refused(api, name):
    answer = await api.post("/contacts.json", json={"name": name})

    assert answer.status_code == 400
    assert list(answer.json()) == ["name"]


@pytest.mark.parametrize("query", ["uuid=%00", "cursor=%00", "group=%FF", "uuid[]=x", "group=" + "x" * 5000])
async def test_a_twisted_query_tells_nothing_of_others(api, stranger, query):
    answer = await api.get(f"/contacts.json?{query}")

    assert answer.status_code in (200, 400, 404)
    assert stranger.name not in answer.text


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 405), ("OPTIONS", 405), ("TRACE", 405), ("PUT", 405), ("FOO", 501)]
)
async def test_methods_that_are_not_meant(api, method, status):
    assert (await api.request(method, "/contacts.json")).status_code == status


@pytest.mark.parametrize("text", ["x" * 100_000, "trk_rapidpro_" + "a" * 38, "ü"])
async def test_a_long_or_odd_token_is_wrong(anybody, text):
    answer = await anybody.get("/contacts.json", headers=[(b"authorization", f"Token {text}".encode())])

    assert (answer.status_code, answer.json()) == (403, {"detail": "Invalid token"})


async def test_a_token_in_the_query_is_no_token(anybody, new_key):
    answer = await anybody.get("/contacts.json", params={"token": await new_key("rapidpro")})

    assert answer.status_code == 403


@pytest.mark.parametrize("name", ["!", "Name", "Language", "Created On", "urns", "9 lives", "x" * 37])
async def test_a_field_name_that_cannot_be_is_refused(api, name):
    answer = await api.post("/fields.json", json={"name": name, "type": "text"})

    assert answer.status_code == 400
    assert list(answer.json()) == ["name"]


async def test_the_251st_label_is_too_many(api, database, account):
    async with database.tx(account) as tx:
        await labels.get_or_create(tx, [f"label {number}" for number in range(250)])

    answer = await api.post("/labels.json", json={})

    assert answer.status_code == 409
    assert answer.json() == {"detail": "Cannot create object because workspace has reached limit."}


async def test_a_long_value_of_a_global_is_refused(api):
    answer = await api.post("/globals.json", json={"name": "A", "value": "x" * 10_001})

    assert answer.json() == {"value": ["Ensure this field has no more than 10000 characters."]}
