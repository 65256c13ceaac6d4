"""Whole requests that no honest program sends, whatever they ask for: keys, headers, methods, names and bodies."""

import gzip

import pytest

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}
JANE = {"phone": "+15551234567"}


async def refused(api) -> bool:
    """Whether nobody was made meanwhile."""
    return (await api.get("/contacts", params={"phoneNumber": JANE["phone"]})).status_code == 404


async def test_b91_of_equal_keys_the_last_counts(api):
    answer = await api.post("/contacts", content=b'{"phone":"+15550000000","phone":"+15551234567"}', headers=JSON)

    assert (answer.status_code, answer.json()["phone"]) == (201, "+15551234567")


@pytest.mark.parametrize(
    "content",
    [
        b'{"phone":"+15551234567","firstName":"\\u0000"}',
        b'{"phone":"+15551234567","firstName":"\\ud800"}',
        b'{"phone":"+15551234567","firstName":"\xc0\xaf"}',
        '{"phone":"+15551234567"}'.encode("utf-16"),
        b"\xef\xbb\xbf" + b'{"phone":"+15551234567"}',
    ],
    ids=["nul", "surrogate", "overlong", "utf-16", "bom"],
)
async def test_b92_text_that_is_none(api, content):
    answer = await api.post("/contacts", content=content, headers=JSON)

    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"code", "message"}
    assert await refused(api)


@pytest.mark.parametrize("depth", [40, 100_000])
async def test_b93_arrays_in_arrays(api, depth):
    answer = await api.post(
        "/contacts", content=b'{"phone":"+15551234567","tags":' + b"[" * depth + b"]" * depth + b"}", headers=JSON
    )

    assert answer.status_code == 400
    assert await refused(api)


async def test_b94_a_bomb_is_not_unpacked(api):
    content = gzip.compress(bytes(10 * 2**20), mtime=0)

    answer = await api.post("/contacts", content=content, headers={**JSON, "content-encoding": "gzip"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_b95_nobody_overrides_the_method(api, jane, outside):
    headers = {"x-http-method-override": "PUT", "x-method-override": "PUT"}

    await api.get("/contacts?phoneNumber=%2B15551234567&_method=DELETE", headers=headers)
    answer = await api.post(f"/contacts/{outside('contact', jane.id)}?_method=PUT", json={}, headers=headers)

    assert answer.status_code == 405
    assert (await api.get("/contacts?phoneNumber=%2B15551234567")).json()["firstName"] == "Jane"


@pytest.mark.parametrize("given", ["", "x" * 256, "a\tb", "a\x7fb"])
async def test_b96_an_idempotency_key_that_is_none(api, given):
    answer = await api.post("/contacts", json=JANE, headers={"idempotency-key": given})

    assert answer.status_code == 400
    assert await refused(api)


async def test_b96_an_idempotency_key_belongs_to_one_request(api, channel):
    headers = {"idempotency-key": "once"}

    first = await api.post("/contacts", json=JANE, headers=headers)
    other_body = await api.post("/contacts", json={"phone": "+15557654321"}, headers=headers)
    other_route = await api.post("/tags", json={"tag": "vip", "phoneNumber": "+15551234567"}, headers=headers)

    assert [first.status_code, other_body.status_code, other_route.status_code] == [201, 400, 200]
    assert other_body.json()["error"]["code"] == "DUPLICATE_REQUEST"


@pytest.mark.parametrize("hours", ["0", "-1", "1.5", "x", "", "99999999999999999999", "1&hours=2"])
async def test_b97_hours_that_are_none(api, hours):
    answer = await api.get(f"/chat-sessions/recent?hours={hours}")

    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "success"}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("", 201), ("   ", 201), ("مريم", 201), ("👩‍👩‍👧‍👦", 201), ("Z" + "\u0301" * 64, 201), ("𐍈𐍈", 201),
        ("x" * 255, 201),
        ("👩" * 255, 201), ("x" * 256, 400), ("x" * 65_000, 400),
    ],
    ids=range(10),
)  # fmt: skip
async def test_b98_names_of_the_world(api, name, status):
    answer = await api.post("/contacts", json={**JANE, "firstName": name})

    assert answer.status_code == status
    if status == 201:
        found = await api.get("/contacts", params={"phoneNumber": JANE["phone"]})
        assert found.json()["firstName"] == answer.json()["firstName"]


@pytest.mark.parametrize(
    ("method", "status"), [("OPTIONS", 204), ("HEAD", 200), ("TRACE", 405), ("FOO", 501), ("DELETE", 405)]
)
async def test_b99_methods_that_are_not_meant(api, method, status):
    answer = await api.request(method, "/lists")

    assert answer.status_code == status
    assert answer.content == b"" or set(answer.json()) == {"error", "success"}
