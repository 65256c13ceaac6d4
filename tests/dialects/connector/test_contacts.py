"""Contacts, lists and tags of the connector dialect, over HTTP."""

import asyncio
import re

import pytest

from trunkline.contacts import groups

pytestmark = pytest.mark.anyio

JANE = {"firstName": "Jane", "lastName": "Smith", "phone": "+15551234567", "email": "jane@example.com"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


async def test_a_contact_is_created(api):
    answer = await api.post("/contacts", json=JANE)

    body = answer.json()
    assert answer.status_code == 201
    assert {name: body[name] for name in JANE} == JANE
    assert TIME.fullmatch(body["createdAt"])
    assert re.fullmatch(r"[0-9A-Za-z]{20}", body["id"])
    assert body["contactId"] == body["id"]
    assert (body["success"], body["existing"], body["phoneNumber"]) == (True, False, "+15551234567")
    assert body["data"] == {"message": "Contact created successfully", "contactId": body["id"]}


async def test_names_that_are_not_known_are_empty(api):
    answer = await api.post("/contacts", json={"phone": "+15551234567"})

    assert (answer.json()["firstName"], answer.json()["lastName"]) == ("", "")


async def test_the_same_phone_returns_the_existing_contact(api):
    first = await api.post("/contacts", json=JANE)

    again = await api.post("/contacts", json={"firstName": "Eve", "phone": "+1 555 123 4567", "email": "e@example.com"})

    assert again.status_code == 200
    assert (again.json()["id"], again.json()["existing"]) == (first.json()["id"], True)
    assert {name: again.json()[name] for name in JANE} == JANE


async def test_an_email_alone_tells_who_it_is(api):
    first = await api.post("/contacts", json={"email": "jane@example.com"})

    again = await api.post("/contacts", json={"email": "Jane@Example.com"})

    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


async def test_a_new_phone_with_the_email_of_somebody_else_is_refused(api):
    await api.post("/contacts", json=JANE)

    answer = await api.post("/contacts", json={"phone": "+15557654321", "email": "jane@example.com"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONTACT_EXISTS")


async def test_a_contact_is_created_with_everything(api, new_list, account, outside):
    one, two = await new_list(account, "One"), await new_list(account, "Two")

    answer = await api.post(
        "/contacts",
        json={
            **JANE,
            "is_bot_active": False,
            "do_not_disturb": True,
            "listId": "ignored",
            "listIds": [one, two],
            "tags": ["vip"],
            "custom_fields": {"plan": "gold"},
            "externalId": "crm-17",
            "currentCampaignData": {"step": 2},
        },
    )

    found = (await api.get("/contacts", params={"email": "jane@example.com"})).json()["contact"]
    lists = (await api.get("/lists")).json()["data"]
    assert answer.status_code == 201
    assert (found["isBotActive"], found["doNotDisturb"]) == (False, True)
    assert (found["tags"], found["customFields"]) == ([{"name": "vip"}], {"plan": "gold"})
    assert sorted((each["name"], each["contactsCount"]) for each in lists) == [("One", 1), ("Two", 1)]


async def test_one_bad_list_and_nothing_is_created(api, new_list, account, other_account):
    good, foreign = await new_list(account), await new_list(other_account)

    answer = await api.post("/contacts", json={**JANE, "listIds": [good, foreign]})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "LIST_NOT_FOUND")
    assert (await api.get("/contacts", params={"email": "jane@example.com"})).status_code == 404


@pytest.mark.parametrize("phone", ["+15551234567", " 15551234567", "15551234567", "+1 555 123-4567"])
async def test_a_contact_is_found_by_phone(api, jane, outside, phone):
    answer = await api.get("/contacts", params={"phoneNumber": phone})

    assert answer.status_code == 200
    assert answer.json()["contactId"] == outside("contact", jane.id)


async def test_what_is_told_of_a_contact(api, jane, outside):
    body = (await api.get("/contacts", params={"email": "jane@example.com"})).json()

    assert body["contact"].pop("createdAt") == body.pop("createdAt")
    assert body == {
        "id": outside("contact", jane.id),
        "firstName": "Jane",
        "lastName": "Smith",
        "phone": "+15551234567",
        "email": "jane@example.com",
        "success": True,
        "contactId": outside("contact", jane.id),
        "phoneNumber": "+15551234567",
        "contact": {
            "id": outside("contact", jane.id),
            "firstName": "Jane",
            "lastName": "Smith",
            "email": "jane@example.com",
            "phoneNumber": "+15551234567",
            "channel": None,
            "isBotActive": True,
            "doNotDisturb": False,
            "doNotDisturbReason": None,
            "lastActivityAt": None,
            "lastIncomingMessageAt": None,
            "hasHadActivity": False,
            "creditsUsed": 0,
            "botMessageCount": 0,
            "currentCampaign": None,
            "campaigns": [],
            "chatConcluded": False,
            "tags": [],
            "customFields": {},
        },
    }


async def test_nobody_is_found(api, stranger):
    answer = await api.get("/contacts", params={"phoneNumber": stranger.phone})

    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "CONTACT_NOT_FOUND", "message": "Contact not found."}, "success": False}


async def test_a_contact_is_updated(api, jane, outside):
    changes = {"firstName": "Janet", "is_bot_active": False, "custom_fields": {"plan": "gold"}}

    answer = await api.put(f"/contacts/{outside('contact', jane.id)}", json=changes)

    found = (await api.get("/contacts", params={"email": "jane@example.com"})).json()["contact"]
    assert answer.json() == {"message": "Contact updated successfully", "success": True}
    assert (found["firstName"], found["lastName"], found["isBotActive"]) == ("Janet", "Smith", False)
    assert found["customFields"] == {"plan": "gold"}


async def test_the_email_of_somebody_else_is_refused(api, jane):
    other = await api.post("/contacts", json={"phone": "+15557654321"})

    answer = await api.put(f"/contacts/{other.json()['id']}", json={"email": "jane@example.com"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONTACT_EXISTS")


async def test_a_contact_of_another_workspace_does_not_exist(api, stranger, outside):
    foreign = outside("contact", stranger.id)

    answers = [
        await api.put(f"/contacts/{foreign}", json={"firstName": "Eve"}),
        await api.get(f"/contacts/tags/{foreign}"),
        await api.get(f"/contacts/messages/{foreign}"),
        await api.get(f"/chat-sessions/{foreign}"),
        await api.get("/contacts/tags/17"),
        await api.get("/contacts/tags/abc123xyz"),
    ]

    assert {(answer.status_code, answer.json()["error"]["code"]) for answer in answers} == {(404, "CONTACT_NOT_FOUND")}


async def test_a_contact_is_added_to_a_list(api, jane, new_list, account, outside):
    list_id = await new_list(account)

    answers = [
        await api.post(f"/lists/{list_id}/contacts", json={"contactId": outside("contact", jane.id)}),
        await api.post("/contacts/lists", json={"contactId": outside("contact", jane.id), "listId": list_id}),
    ]

    assert [answer.json() for answer in answers] == [
        {"message": "Contact successfully added to list My List", "success": True}
    ] * 2
    assert (await api.get("/lists")).json() == {
        "data": [{"id": list_id, "name": "My List", "contactsCount": 1}],
        "success": True,
    }


async def test_a_list_that_fills_itself_takes_nobody(api, jane, database, account, outside):
    async with database.tx(account) as tx:
        smart = await groups.create(tx, "Gold", query='name = "Jane"')

    answer = await api.post(
        f"/lists/{outside('list', smart.id)}/contacts", json={"contactId": outside("contact", jane.id)}
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "SMART_LIST")


async def test_a_contact_is_tagged(api, jane, outside):
    by_body = await api.post("/tags", json={"tag": "vip", "phoneNumber": "+15551234567"})
    by_query = await api.post("/tags", params={"tag": "VIP", "email": "jane@example.com"})

    worn = await api.get(f"/contacts/tags/{outside('contact', jane.id)}")
    assert (by_body.status_code, by_query.status_code) == (200, 200)
    assert worn.json() == (await api.get("/tags")).json() == [{"name": "vip", "description": ""}]


@pytest.mark.parametrize(
    "body", [{"phoneNumber": "+15551234567"}, {"tag": "vip"}, {"tag": " ", "email": "a@b.example"}]
)
async def test_a_tag_needs_a_name_and_a_contact(api, body):
    answer = await api.post("/tags", json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MISSING_FIELD")


@pytest.mark.parametrize("attempt", range(5))
async def test_many_at_once_make_one_contact(api, attempt):
    answers = await asyncio.gather(*(api.post("/contacts", json=JANE) for _ in range(16)))

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
