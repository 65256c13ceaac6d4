"""Inputs that no honest program sends, and the shape in which the connector dialect refuses them."""

import asyncio
import gzip
import json

import pytest

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}
OUT = {"fromId": "external-contact-id", "customChannel": "my-channel", "body": "Hello Jane!"}
IN = {"messageSid": "sid-1", "fromId": "external-contact-id", "toId": "your-user-id", "body": "Hello"}


def code(answer):
    """Status and code, after a look at the shape."""
    body = answer.json()
    assert set(body) == {"error", "success"}
    assert set(body["error"]) == {"code", "message"}
    assert body["success"] is False
    assert body["error"]["message"]
    return answer.status_code, body["error"]["code"]


@pytest.mark.parametrize("body", [{"firstName": "Jane"}, {}, {"phone": "", "email": " "}, {"phone": None}])
async def test_b60_neither_phone_nor_email(api, body):
    answer = await api.post("/contacts", json=body)

    assert code(answer) == (400, "MISSING_FIELD")


@pytest.mark.parametrize(
    "phone",
    [
        "5551234567",
        "+1",
        "+999123",
        "+1555123456789012",
        15551234567,
        "+1 (555) 123-4567 ext 9",
        "\uff0b\uff11\uff15\uff15\uff15\uff11\uff12\uff13\uff14\uff15\uff16\uff17",
        "+\u0661\u0665\u0665\u0665\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
        "x" * 65,
        ["+15551234567"],
    ],
    ids=str,
)
async def test_b61_a_phone_that_is_none(api, phone):
    answer = await api.post("/contacts", json={"firstName": "Jane", "phone": phone})

    assert code(answer) == (400, "INVALID_PHONE")
    assert answer.json()["error"]["message"] == "Phone number must include a valid country code."


@pytest.mark.parametrize("phone", ["+15551234567", "+1 (555) 123-4567", "+1.555.123.4567", " +1-555-123-4567 "])
async def test_b61_a_phone_that_is_written_otherwise(api, phone):
    answer = await api.post("/contacts", json={"phone": phone})

    assert (answer.status_code, answer.json()["phone"]) == (201, "+15551234567")


async def test_b62_the_same_phone_from_64_sides(api, database, account, connection):
    people = [{"firstName": f"Jane {n}", "phone": "+1 555-123-4567" if n % 2 else "+15551234567"} for n in range(64)]

    answers = await asyncio.gather(*(api.post("/contacts", json=each) for each in people))

    names = {(answer.json()["id"], answer.json()["firstName"]) for answer in answers}
    assert sorted(answer.status_code for answer in answers) == [200] * 63 + [201]
    assert len(names) == 1
    assert await connection.fetchval("select count(*) from contacts where account_id = $1", account) == 1


async def test_b63_the_phone_of_one_and_the_email_of_another(api, jane, outside):
    other = await api.post("/contacts", json={"firstName": "Joe", "phone": "+15557654321"})

    answer = await api.post("/contacts", json={"phone": "+15557654321", "email": "jane@example.com"})

    assert (answer.status_code, answer.json()["id"]) == (200, other.json()["id"])
    assert answer.json()["email"] is None


@pytest.mark.parametrize("query", ["", "?phoneNumber=&email=", "?phoneNumber=%2B15551234567&email=jane@example.com"])
async def test_b64_a_lookup_without_one_question(api, jane, query):
    answer = await api.get(f"/contacts{query}")

    assert code(answer) == (400, "MISSING_FIELD")


async def test_b64_a_plus_that_became_a_space(api, jane):
    answer = await api.get("/contacts?phoneNumber=+15551234567")

    assert (answer.status_code, answer.json()["firstName"]) == (200, "Jane")


async def test_b65_lists_and_contacts_that_are_not_there(
    api, jane, stranger, new_list, account, other_account, outside
):
    good, foreign = await new_list(account), await new_list(other_account)
    contact = {"contactId": outside("contact", jane.id)}

    lists = [
        await api.post(f"/lists/{id}/contacts", json=contact)
        for id in (foreign, outside("list", 2**62), "LIST_ID", "1", outside("contact", jane.id))
    ]
    contacts = [
        await api.post(f"/lists/{good}/contacts", json={"contactId": id})
        for id in (outside("contact", stranger.id), outside("contact", 2**62), "abc123xyz", "1", good)
    ]
    tricks = await api.post("/lists/..%2F..%2Fx/contacts", json=contact)

    assert len({answer.text for answer in lists}) == 1
    assert code(lists[0]) == (404, "LIST_NOT_FOUND")
    assert len({answer.text for answer in contacts}) == 1
    assert code(contacts[0]) == (404, "CONTACT_NOT_FOUND")
    assert tricks.status_code == 404


async def test_b66_the_same_contact_twice(api, jane, new_list, account, outside):
    id = await new_list(account)

    answers = [await api.post(f"/lists/{id}/contacts", json={"contactId": outside("contact", jane.id)}) for _ in "12"]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [each["contactsCount"] for each in (await api.get("/lists")).json()["data"]] == [1]


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, (400, "MISSING_FIELD")),
        ({"customData": None}, (400, "MISSING_FIELD")),
        ({"customData": "text"}, (400, "INVALID_FIELD")),
        ({"customData": []}, (400, "INVALID_FIELD")),
        ({"customData": {**OUT, "body": ""}}, (400, "MISSING_FIELD")),
        ({"customData": {**OUT, "body": "\u200b"}}, (400, "MISSING_FIELD")),
        ({"customData": {**OUT, "body": "x" * 70_000}}, (400, "INVALID_FIELD")),
        ({"customData": {**OUT, "body": "x" * 1_000_000}}, (413, "TOO_LARGE")),
        ({"customData": {**OUT, "fromId": ""}}, (400, "INVALID_FIELD")),
        ({"customData": {**OUT, "fromId": "x" * 300}}, (400, "INVALID_FIELD")),
        ({"customData": {**OUT, "fromId": True}}, (400, "INVALID_FIELD")),
        ({"customData": {**OUT, "email": "jane"}}, (400, "INVALID_EMAIL")),
        ({"customData": {**OUT, "customChannel": "nowhere"}}, (404, "CHANNEL_NOT_FOUND")),
        ({"customData": {**OUT, "campaignId": "optional-campaign-id"}}, (404, "CAMPAIGN_NOT_FOUND")),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_b67_a_message_that_cannot_be_sent(api, channel, body, refused):
    answer = await api.post("/send_custom_channel_message", json=body)

    assert code(answer) == refused


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"messageSid": None}, (400, "MISSING_FIELD")),
        ({"messageSid": " "}, (400, "MISSING_FIELD")),
        ({"messageSid": "x" * 10_240}, (400, "INVALID_FIELD")),
        ({"status": "banana"}, (400, "INVALID_FIELD")),
        ({"toId": None}, (400, "MISSING_FIELD")),
        ({"fromId": None}, (400, "MISSING_FIELD")),
        ({"body": ""}, (400, "MISSING_FIELD")),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_b68_a_message_that_cannot_be_received(api, channel, changes, refused):
    answer = await api.post("/incoming_custom_channel_message", json={"customData": {**IN, **changes}})

    assert code(answer) == refused


async def test_b68_a_type_that_nobody_knows(api, channel):
    answer = await api.post("/incoming_custom_channel_message", json={"customData": IN, "messageType": "exe"})

    assert code(answer) == (400, "INVALID_FIELD")


async def test_b69_the_address_of_another_workspace(api, channel, custom_channel, other_account, connection, account):
    await custom_channel(other_account, "theirs", "their-id")

    answer = await api.post("/incoming_custom_channel_message", json={"customData": {**IN, "toId": "their-id"}})

    owners = await connection.fetch(
        "select account_id from messages where account_id in ($1, $2)", account, other_account
    )
    assert answer.status_code == 200
    assert [row["account_id"] for row in owners] == [account]


async def test_b70_a_reaction_to_a_message_that_is_not_there(api, channel):
    body = {"customData": {**IN, "body": "👍", "id": "unknown"}, "messageType": "reaction"}

    answer = await api.post("/incoming_custom_channel_message", json=body)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("raw", "headers", "refused"),
    [
        (b"{", JSON, (400, "INVALID_JSON")),
        (b"[]", JSON, (400, "INVALID_JSON")),
        (b"\xff", JSON, (400, "INVALID_JSON")),
        (b'{"phone":"\\u0000"}', JSON, (400, "INVALID_REQUEST")),
        (b'{"a":' * 40 + b"1" + b"}" * 40, JSON, (400, "INVALID_REQUEST")),
        (b'{"phone":NaN}', JSON, (400, "INVALID_JSON")),
        (b'{"phone":"+15551234567"}', {"content-type": "text/plain"}, (415, "UNSUPPORTED_MEDIA_TYPE")),
        (
            b"phone=%2B15551234567",
            {"content-type": "application/x-www-form-urlencoded"},
            (415, "UNSUPPORTED_MEDIA_TYPE"),
        ),
        (gzip.compress(b"{}", mtime=0), {**JSON, "content-encoding": "gzip"}, (415, "UNSUPPORTED_MEDIA_TYPE")),
        (b" " * 1_100_000, JSON, (413, "TOO_LARGE")),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_body_that_cannot_be_read(api, raw, headers, refused):
    answer = await api.post("/contacts", content=raw, headers=headers)

    assert code(answer) == refused


@pytest.mark.parametrize(
    "raw",
    [
        b"customData[messageSid=1",
        b"customData=1&customData[fromId]=2",
        b"customData[a]=1&customData[a][b]=2",
        b"customData" + b"[a]" * 40 + b"=1",
        b"customData[body]=%00",
        b"customData[body]=%FF",
        b"&".join(b"a%d=1" % n for n in range(300)),
        b"",
    ],
)
async def test_a_form_that_cannot_be_read(api, channel, raw):
    headers = {"content-type": "application/x-www-form-urlencoded"}

    answer = await api.post("/incoming_custom_channel_message", content=raw, headers=headers)

    assert code(answer)[0] == 400


async def test_unknown_fields_are_ignored_and_the_last_of_two_counts(api):
    raw = b'{"phone":"5","phone":"+15551234567","account_id":1,"tenant_id":2,"id":"x"}'

    answer = await api.post("/contacts", content=raw, headers=JSON)

    assert (answer.status_code, answer.json()["phone"]) == (201, "+15551234567")


async def test_what_is_not_there(api):
    answers = [
        await api.get("/nothing"),
        await api.get("/contacts/17"),
        await api.request("BREW", "/contacts"),
        await api.delete("/lists"),
    ]

    assert [code(answer) for answer in answers] == [
        (404, "NOT_FOUND"),
        (405, "METHOD_NOT_ALLOWED"),
        (501, "METHOD_UNKNOWN"),
        (405, "METHOD_NOT_ALLOWED"),
    ]


async def test_the_same_request_with_a_key_has_one_effect(api, channel):
    headers = {"idempotency-key": "once"}

    first = await api.post("/send_custom_channel_message", json={"customData": OUT}, headers=headers)
    again = await api.post("/send_custom_channel_message", json={"customData": OUT}, headers=headers)
    other = await api.post("/send_custom_channel_message", json={"customData": {**OUT, "body": "!"}}, headers=headers)

    assert again.json() == first.json()
    assert code(other) == (400, "DUPLICATE_REQUEST")


async def test_a_name_is_data_whatever_it_looks_like(api, channel):
    name = "'; drop table contacts; -- {{7*7}} <script>alert(1)</script> \u202e"

    created = await api.post("/contacts", json={"phone": "+15551234567", "firstName": name})

    found = await api.get("/contacts", params={"phoneNumber": "+15551234567"})
    assert created.status_code == 201
    assert found.json()["firstName"] == created.json()["firstName"] == name.strip()
    assert json.loads(found.text)["firstName"].startswith("';")
