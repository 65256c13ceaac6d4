"""One tenant through the keys of every dialect: what is written through one is what the others read."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import msgspec
import pytest
from msgspec import Struct

from tests import world
from tests.world import next_portion
from trunkline.contacts import groups, people
from trunkline.dialects.dispatch import Dialects

pytestmark = pytest.mark.anyio

PROMO = {"name": "April Promo", "subject": "Save 20%", "html_body": "<p>Hello!</p>"}


class Api(Struct):
    """One dialect, as an owner of the tenant calls it."""

    client: httpx2.AsyncClient
    prefix: str
    headers: dict[str, str]

    async def call(self, method: str, path: str, body: object = None) -> httpx2.Response:
        content = None if body is None else msgspec.json.encode(body)
        headers = {**self.headers, "content-type": "application/json"}
        return await self.client.request(method, self.prefix + path, headers=headers, content=content)

    async def get(self, path: str) -> Any:
        return await self.told("GET", path)

    async def told(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.call(method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        told = answer.json() if answer.content else None
        return told["data"] if isinstance(told, dict) else told


@pytest.fixture
async def client(database, vault) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(Dialects(database, vault=vault))
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.fixture
async def platform(client, new_key) -> Api:
    return Api(client, "/api/v1", {"authorization": f"Bearer {await new_key('platform', rate='off')}"})


@pytest.fixture
async def developer(client, new_key) -> Api:
    return Api(client, "/api/v1", {"authorization": f"Bearer {await new_key('developer', rate='off')}"})


@pytest.fixture
async def portal(client, new_key) -> Api:
    return Api(client, "/api/v1/integrations", {"x-api-key": await new_key("portal", rate="off")})


@pytest.fixture
async def connector(client, new_key) -> Api:
    return Api(client, "https://testserver/v1", {"x-api-key": await new_key("connector", rate="off")})


@pytest.fixture
async def email(database, account):
    return await world.simulator(database, account, **{"as": "email"})


async def test_a_contact_of_the_platform_is_the_same_elsewhere(platform, developer, portal):
    body = {
        "first_name": "Dana", "last_name": "Ilie", "email": "Dana@Example.com", "phone": "+40 740 111 222",
        "company": "Acme", "job_title": "CEO",
    }  # fmt: skip
    written = await platform.told("POST", "/contacts", body)

    by_portal = await portal.get(f"/contacts/{written['id']}")
    [by_developer] = await developer.get("/contacts")

    assert {written["full_name"], by_portal["name"], by_developer["name"]} == {"Dana Ilie"}
    assert {written["email"], by_portal["email"], by_developer["email"]} == {"dana@example.com"}
    assert (written["phone"], by_portal["phone"]) == ("+40740111222",) * 2
    assert by_developer["phone"] == "+40 740 111 222"  # as it was typed
    assert by_developer["title"] == written["job_title"] == "CEO"
    assert by_developer["id"] == written["uuid"]
    assert {written["created_at"], by_portal["created_at"], by_developer["createdAt"]} == {written["created_at"]}


async def test_a_contact_of_the_portal_is_the_same_elsewhere(platform, developer, portal):
    written = await portal.told("POST", "/contacts", {"name": "Maria Ionescu", "phone": "+40740111222"})

    by_platform = await platform.get(f"/contacts/{written['id']}")
    [by_developer] = await developer.get("/contacts")

    assert (by_platform["first_name"], by_platform["last_name"]) == ("Maria", "Ionescu")
    assert (by_platform["phone"], by_platform["email"]) == ("+40740111222", None)
    assert (by_developer["id"], by_developer["name"]) == (by_platform["uuid"], "Maria Ionescu")


async def test_a_change_of_one_is_read_by_all(platform, developer, portal):
    id = (await portal.told("POST", "/contacts", {"name": "Maria", "email": "maria@example.com"}))["id"]

    await platform.told("PUT", f"/contacts/{id}", {"last_name": "Pop", "phone": "+40740333444"})
    await portal.told("PUT", f"/contacts/{id}", {"email": "pop@example.com"})

    by_platform, by_portal = await platform.get(f"/contacts/{id}"), await portal.get(f"/contacts/{id}")
    [by_developer] = await developer.get("/contacts")
    expected = ("Maria Pop", "pop@example.com", "+40740333444")
    assert tuple(by_platform[key] for key in ("full_name", "email", "phone")) == expected
    assert tuple(by_portal[key] for key in ("name", "email", "phone")) == expected
    assert tuple(by_developer[key] for key in ("name", "email", "phone")) == expected


async def test_an_address_is_taken_for_everybody(platform, portal):
    id = (await platform.told("POST", "/contacts", {"first_name": "Ann", "email": "ann@example.com"}))["id"]

    taken = await portal.call("POST", "/contacts", {"email": "ANN@example.com"})

    assert (taken.status_code, taken.json()["data"]) == (409, {"id": id})


@pytest.mark.parametrize("by", ["platform", "portal"])
async def test_what_is_deleted_is_gone_everywhere(platform, developer, portal, by):
    id = (await portal.told("POST", "/contacts", {"email": "maria@example.com"}))["id"]

    await {"platform": platform, "portal": portal}[by].told("DELETE", f"/contacts/{id}")

    assert [(await api.call("GET", f"/contacts/{id}")).status_code for api in (platform, portal)] == [404, 404]
    assert [await api.get("/contacts") for api in (platform, developer, portal)] == [[], [], []]


async def test_a_company_by_name_is_one_by_id(platform, developer):
    for n, company in enumerate(["Acme", " ACME ", "Beta"]):
        body = {"first_name": "A", "email": f"a{n}@example.com", "company": company}
        await platform.told("POST", "/contacts", body)

    companies = {row["name"]: row["id"] for row in await developer.get("/companies")}
    colleagues = await developer.get(f"/contacts?companyId={companies['Acme']}")

    assert set(companies) == {"Acme", "Beta"}
    assert {row["email"] for row in colleagues} == {"a0@example.com", "a1@example.com"}


async def test_moving_to_another_company_is_seen(platform, developer):
    body = {"first_name": "A", "email": "a@example.com", "company": "Acme"}
    id = (await platform.told("POST", "/contacts", body))["id"]

    await platform.told("PUT", f"/contacts/{id}", {"company": "Beta"})

    companies = {row["id"]: row["name"] for row in await developer.get("/companies")}
    [person] = await developer.get("/contacts")
    assert companies[person["companyId"]] == "Beta"


async def test_tags_have_one_name_and_one_number(platform, portal):
    id = (await portal.told("POST", "/contacts", {"email": "m@example.com", "tags": ["vip", "news"]}))["id"]
    known = {tag["name"]: tag for tag in await platform.get("/tags")}
    gold = await platform.told("POST", "/tags", {"name": "Gold"})

    await platform.told("PUT", f"/contacts/{id}", {"tag_ids": [known["vip"]["id"], gold["id"]]})

    assert {name: tag["contacts_count"] for name, tag in known.items()} == {"vip": 1, "news": 1}
    assert sorted((await portal.get(f"/contacts/{id}"))["tags"]) == ["Gold", "vip"]
    assert [row["id"] for row in await portal.get("/contacts?tag=GOLD")] == [id]
    assert [row["id"] for row in await platform.get(f"/contacts?tag_id={gold['id']}")] == [id]


async def test_a_tag_that_is_deleted_is_gone_from_everybody(platform, portal):
    id = (await portal.told("POST", "/contacts", {"email": "m@example.com", "tags": ["vip"]}))["id"]
    [vip] = await platform.get("/tags")

    await platform.told("DELETE", f"/tags/{vip['id']}")

    assert (await portal.get(f"/contacts/{id}"))["tags"] == []


async def test_who_unsubscribed_by_one_is_not_written_to_by_another(platform, portal, email):
    id = (await portal.told("POST", "/contacts", {"email": "maria@example.com"}))["id"]
    await platform.told("PUT", f"/contacts/{id}", {"status": "unsubscribed"})

    body = {"channel": "email", "to": "maria@example.com", "body": "<p>Hi</p>", "subject": "Hi"}
    refused = await portal.call("POST", "/messages/send", body)

    assert (refused.status_code, refused.json()["code"]) == (422, "recipient_opted_out")


async def test_custom_fields_and_metadata_are_apart(platform, portal):
    body = {"email": "maria@example.com", "metadata": {"source": "crm"}}
    id = (await portal.told("POST", "/contacts", body))["id"]

    await platform.told("PUT", f"/contacts/{id}", {"custom_fields": {"plan": "gold"}})

    assert (await platform.get(f"/contacts/{id}"))["custom_fields"] == {"plan": "gold"}
    assert (await portal.get(f"/contacts/{id}"))["metadata"] == {"source": "crm"}


@pytest.mark.parametrize("status", ["open", "pending", "snoozed", "closed", "spam"])
async def test_a_conversation_has_one_status_and_one_assignee(platform, developer, email, status):
    contact = await platform.told("POST", "/contacts", {"first_name": "Jane", "email": "jane@example.com"})
    begun = {"contact_id": contact["id"], "channel": "email", "message": "We got it."}
    conversation = await platform.told("POST", "/conversations", begun)
    until = {"snoozed_until": "2099-01-01T00:00:00Z"} if status == "snoozed" else {}

    told = await platform.told("PUT", f"/conversations/{conversation['id']}", {"status": status, **until})

    [seen] = await developer.get("/conversations?channel=all")
    assert (seen["id"], seen["status"]) == (told["uuid"], status) == (conversation["uuid"], told["status"])
    assert (seen["visitorName"], seen["visitorEmail"]) == ("Jane", "jane@example.com")
    assert seen["assignedToUserId"] is not None
    assert seen["isRead"] == told["is_read"]


async def test_a_chat_is_seen_by_both(platform, developer, database, account):
    chat = await world.simulator(database, account, **{"as": "webchat"})
    await world.say(database, chat, "visitor-1", "Hello?", name="Jane Smith")
    await world.react(database)

    [by_platform] = await platform.get("/conversations")
    [by_developer] = await developer.get("/conversations")

    assert (by_platform["channel"], by_platform["uuid"]) == ("chat", by_developer["id"])
    assert by_platform["contact"]["full_name"] == by_developer["visitorName"] == "Jane Smith"
    assert by_platform["is_read"] is by_developer["isRead"] is False


async def test_a_deleted_conversation_is_gone_for_the_developer(platform, developer, email):
    contact = await platform.told("POST", "/contacts", {"first_name": "Jane", "email": "jane@example.com"})
    begun = {"contact_id": contact["id"], "channel": "email", "message": "We got it."}
    id = (await platform.told("POST", "/conversations", begun))["id"]

    await platform.told("DELETE", f"/conversations/{id}")

    assert await developer.get("/conversations?channel=all") == []


async def test_a_campaign_of_the_platform_is_one_of_the_portal(platform, portal, email, database, account):
    await world.contacts(database, account, ["c1@example.com", "c2@example.com"], "mailto")
    id = (await platform.told("POST", "/campaigns", PROMO))["id"]
    drafted = await portal.get(f"/campaigns/{id}/status")

    await platform.told("POST", f"/campaigns/{id}/send")
    async with database.tx(account) as tx:
        await next_portion(tx, id)

    sending, told = await portal.get(f"/campaigns/{id}/status"), await platform.get(f"/campaigns/{id}")
    assert [row["status"] for row in (drafted, sending, told)] == ["draft", "sending", "sending"]
    assert (sending["stats"]["total"], told["recipients_count"]) == (2, 2)


async def test_a_campaign_of_the_portal_is_one_of_the_platform(platform, portal, email):
    body = {"name": "Sale", "channel": "email", "message_template": "<h1>Sale!</h1>", "subject": "50% off"}
    id = (await portal.told("POST", "/campaigns", body))["id"]

    await platform.told("PUT", f"/campaigns/{id}", {"subject": "60% off"})

    told = await platform.get(f"/campaigns/{id}")
    assert (told["status"], told["type"], told["subject"]) == ("draft", "broadcast", "60% off")
    [listed] = await portal.get("/campaigns")
    assert (listed["id"], listed["subject"]) == (id, "60% off")


@pytest.mark.parametrize(
    ("stored", "by_platform", "by_portal"),
    [
        ("draft", "draft", "draft"),
        ("scheduled", "scheduled", "scheduled"),
        ("sending", "sending", "sending"),
        ("sent", "sent", "completed"),
        ("paused", "paused", "paused"),
        ("failed", "paused", "failed"),
        ("canceled", "paused", "canceled"),
    ],
)
async def test_each_dialect_has_its_word_for_a_campaigns_state(
    platform, portal, connection, account, stored, by_platform, by_portal
):
    id = (await platform.told("POST", "/campaigns", PROMO))["id"]
    await connection.execute("update broadcasts set status = $2 where account_id = $1", account, stored)

    told = [await platform.get(f"/campaigns/{id}"), await portal.get(f"/campaigns/{id}/status")]

    assert [row["status"] for row in told] == [by_platform, by_portal]


async def test_a_list_of_one_is_a_group_of_the_other(platform, portal, database, account):
    async with database.tx(account) as tx:
        group = await groups.create(tx, "Picked")
        [(contact, _)] = await people.get_or_create(tx, [world.urns.make("tel", "+40740111222")], source="test")
        await groups.add(tx, group.id, [contact])

    expected = [{"id": group.id, "name": "Picked", "contacts_count": 1}]

    assert await platform.get("/lists") == await portal.get("/groups") == expected


async def test_nothing_of_it_is_seen_by_another_tenant(client, new_key, platform, other_account, email):
    contact = await platform.told("POST", "/contacts", {"first_name": "Jane", "email": "jane@example.com"})
    begun = {"contact_id": contact["id"], "channel": "email", "message": "Hi"}
    await platform.told("POST", "/conversations", begun)
    await platform.told("POST", "/campaigns", PROMO)
    strangers = [
        Api(client, "/api/v1", {"authorization": f"Bearer {await new_key(name, account=other_account, rate='off')}"})
        for name in ("platform", "developer")
    ]
    there = Api(client, "/api/v1/integrations", {"x-api-key": await new_key("portal", account=other_account)})

    told = [await api.get(path) for api in strangers for path in ("/contacts", "/conversations")]
    told += [await there.get("/contacts"), await there.get("/campaigns"), await strangers[1].get("/companies")]

    assert told == [[]] * 7


async def test_a_contact_has_two_ids_and_one_life(platform, portal, connector):
    made = await portal.told("POST", "/contacts", {"name": "Maria Ionescu", "phone": "+40740111222", "tags": ["vip"]})

    found = (await connector.call("GET", "/contacts?phoneNumber=%2B40740111222")).json()
    again = (await connector.call("POST", "/contacts", {"phone": "+40 740 111 222", "firstName": "Eve"})).json()
    await connector.call("PUT", f"/contacts/{found['id']}", {"lastName": "Popescu"})

    assert (found["firstName"], found["contact"]["tags"]) == ("Maria", [{"name": "vip"}])
    assert (again["id"], again["existing"]) == (found["id"], True)
    assert (await portal.get(f"/contacts/{made['id']}"))["name"] == "Maria Popescu"
    await platform.told("DELETE", f"/contacts/{made['id']}")
    assert (await connector.call("GET", f"/contacts/tags/{found['id']}")).status_code == 404


async def test_a_list_is_a_group_everywhere(platform, portal, connector, database, account):
    async with database.tx(account) as tx:
        group = await groups.create(tx, "Newsletter")
    contact = await connector.call("POST", "/contacts", {"email": "maria@example.com"})
    [listed] = await connector.get("/lists")

    await connector.call("POST", f"/lists/{listed['id']}/contacts", {"contactId": contact.json()["id"]})

    assert [(row["id"], row["contacts_count"]) for row in await platform.get("/lists")] == [(group.id, 1)]
    assert [row["id"] for row in await portal.get("/groups")] == [group.id]
