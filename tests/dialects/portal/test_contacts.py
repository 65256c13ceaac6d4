"""Contacts by the portal dialect."""

import pytest

from trunkline.contacts import groups, people
from trunkline.core.urns import Urn

pytestmark = pytest.mark.anyio

MARIA = {
    "name": "Maria Ionescu",
    "email": "maria@example.com",
    "phone": "+40740111222",
    "tags": ["vip", "newsletter"],
    "metadata": {"source": "crm"},
}


@pytest.fixture
async def maria(api):
    return (await api.post("/contacts", json=MARIA)).json()["data"]


async def test_a_contact_is_created(api):
    answer = await api.post("/contacts", json=MARIA)

    told = answer.json()["data"]
    assert answer.status_code == 201
    assert {name: told[name] for name in ("name", "email", "phone", "metadata")} == {
        name: MARIA[name] for name in ("name", "email", "phone", "metadata")
    }
    assert sorted(told["tags"]) == ["newsletter", "vip"]
    assert set(told) == {"id", "name", "email", "phone", "tags", "metadata", "created_at", "updated_at"}
    assert (await api.get(f"/contacts/{told['id']}")).json()["data"] == told


@pytest.mark.parametrize(
    ("names", "stored"),
    [
        ({"first_name": "Maria", "last_name": "Ionescu"}, "Maria Ionescu"),
        ({"first_name": "Maria"}, "Maria"),
        ({"name": "Ana Pop", "first_name": "Maria", "last_name": "Ionescu"}, "Ana Pop"),
        ({}, ""),
    ],
)
async def test_names_come_together(api, names, stored):
    answer = await api.post("/contacts", json={"email": "maria@example.com", **names})

    assert answer.json()["data"]["name"] == stored


@pytest.mark.parametrize("body", [{}, {"name": "Maria"}, {"phone": "", "email": " "}, {"phone": None, "email": None}])
async def test_phone_or_email_is_needed(api, body):
    answer = await api.post("/contacts", json=body)

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["phone", "email"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone": "12"}, "phone"),
        ({"email": "x"}, "email"),
        ({"name": "x" * 256}, "name"),
        ({"tags": ["x"] * 101}, "tags"),
        ({"tags": [""]}, "tags.0"),
        ({"metadata": {"a": "x" * 70_000}}, "metadata"),
        ({"metadata": [1]}, "metadata"),
    ],
)
async def test_a_wrong_field_is_named(api, change, field):
    answer = await api.post("/contacts", json={**MARIA, **change})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


@pytest.mark.parametrize("taken", [{"phone": "+40 740 111 222"}, {"email": "MARIA@example.com"}])
async def test_an_existing_contact_is_named(api, maria, taken):
    answer = await api.post("/contacts", json=taken)

    assert (answer.status_code, answer.json()["code"]) == (409, "contact_exists")
    assert answer.json()["data"] == {"id": maria["id"]}


async def test_upsert_updates_who_exists(api, maria):
    body = {"phone": "+40740111222", "name": "Maria Pop", "tags": ["new"], "metadata": {"plan": "gold", "source": None}}

    answer = await api.post("/contacts?upsert=true", json=body)

    told = answer.json()["data"]
    assert (answer.status_code, told["id"], told["name"]) == (200, maria["id"], "Maria Pop")
    assert (told["email"], told["tags"], told["metadata"]) == ("maria@example.com", ["new"], {"plan": "gold"})


async def test_upsert_creates_who_is_new(api):
    answer = await api.post("/contacts?upsert=1", json=MARIA)

    assert answer.status_code == 201


async def test_upsert_never_merges_two_people(api, maria):
    await api.post("/contacts", json={"email": "ana@example.com"})

    answer = await api.post("/contacts?upsert=true", json={"phone": "+40740111222", "email": "ana@example.com"})

    assert (answer.status_code, answer.json()["code"]) == (409, "contact_exists")


async def test_an_update_changes_what_is_given(api, maria):
    body = {"name": "Ana Pop", "tags": ["vip", "gold"], "metadata": {"plan": {"name": "a"}, "source": None}}

    answer = await api.put(f"/contacts/{maria['id']}", json=body)

    told = answer.json()["data"]
    assert (answer.status_code, told["name"], sorted(told["tags"])) == (200, "Ana Pop", ["gold", "vip"])
    assert (told["email"], told["phone"], told["metadata"]) == (MARIA["email"], MARIA["phone"], {"plan": {"name": "a"}})


async def test_one_part_of_the_name_may_change(api, maria):
    answer = await api.patch(f"/contacts/{maria['id']}", json={"last_name": "Pop"})

    assert answer.json()["data"]["name"] == "Maria Pop"


@pytest.mark.parametrize("body", [{"phone": None, "email": None}, {"phone": "", "email": ""}])
async def test_an_address_must_remain(api, maria, body):
    answer = await api.put(f"/contacts/{maria['id']}", json={"name": "Nobody", **body})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["phone"])
    assert (await api.get(f"/contacts/{maria['id']}")).json()["data"] == maria


async def test_the_last_address_stays(api, maria):
    without_mail = await api.put(f"/contacts/{maria['id']}", json={"email": None})

    without_phone = await api.put(f"/contacts/{maria['id']}", json={"phone": None})

    assert (without_mail.status_code, without_mail.json()["data"]["email"]) == (200, None)
    assert (without_phone.status_code, list(without_phone.json()["errors"])) == (422, ["phone"])


async def test_who_never_had_either_can_be_renamed(api, database, account):
    async with database.tx(account) as tx:
        [(id, _)] = await people.get_or_create(tx, [Urn("telegram", "12345")])

    answer = await api.put(f"/contacts/{id}", json={"name": "Maria"})

    assert answer.status_code == 200


async def test_a_taken_address_is_a_conflict(api, maria):
    ana = (await api.post("/contacts", json={"email": "ana@example.com"})).json()["data"]

    answer = await api.put(f"/contacts/{ana['id']}", json={"phone": MARIA["phone"], "name": "Changed"})

    assert (answer.status_code, answer.json()["data"]) == (409, {"id": maria["id"]})
    assert (await api.get(f"/contacts/{ana['id']}")).json()["data"]["name"] == ""


async def test_deleted_is_gone(api, maria):
    first = await api.delete(f"/contacts/{maria['id']}")

    again = await api.delete(f"/contacts/{maria['id']}")
    changed = await api.put(f"/contacts/{maria['id']}", json={"name": "Back"})
    read = await api.get(f"/contacts/{maria['id']}")

    assert (first.status_code, first.content) == (204, b"")
    assert [answer.status_code for answer in (again, changed, read)] == [404, 404, 404]
    assert read.json() == {"message": "Contact not found.", "code": "not_found"}
    assert (await api.post("/contacts", json=MARIA)).status_code == 201


async def test_a_list_has_pages(api):
    for n in range(3):
        await api.post("/contacts", json={"email": f"p{n}@example.com"})

    answer = await api.get("/contacts?per_page=2&page=2")

    told = answer.json()
    assert [contact["email"] for contact in told["data"]] == ["p0@example.com"]
    assert {name: told["meta"][name] for name in ("current_page", "per_page", "last_page", "total")} == {
        "current_page": 2, "per_page": 2, "last_page": 2, "total": 3,
    }  # fmt: skip
    assert told["links"]["prev"].endswith("/api/v1/integrations/contacts?per_page=2&page=1")
    assert told["links"]["next"] is None


@pytest.mark.parametrize(
    "query", ["search=ionescu", "search=maria%40ex", "search=0740 111", "search=740111222", "tag=VIP", "search=&tag="]
)
async def test_contacts_are_found(api, maria, query):
    await api.post("/contacts", json={"email": "else@other.example"}) if "=&" not in query else None

    answer = await api.get(f"/contacts?{query}")

    assert [contact["id"] for contact in answer.json()["data"]] == [maria["id"]]


@pytest.mark.parametrize("query", ["search=%25%25%25", "search=_aria", "search=' OR 1=1--", "tag=nope", "search=m.ria"])
async def test_a_search_is_literal(api, maria, query):
    answer = await api.get(f"/contacts?{query}")

    assert (answer.status_code, answer.json()["data"]) == (200, [])


async def test_foreign_contacts_are_unknown(api, maria, new_key, other_account):
    theirs = {"x-api-key": await new_key("portal", account=other_account)}
    path = f"/contacts/{maria['id']}"

    answers = [
        await api.get(path, headers=theirs),
        await api.put(path, json={"name": "x"}, headers=theirs),
        await api.delete(path, headers=theirs),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert (await api.get("/contacts", headers=theirs)).json()["data"] == []
    assert (await api.post("/contacts", json=MARIA, headers=theirs)).status_code == 201


async def test_groups_are_listed_with_their_size(api, maria, database, account):
    async with database.tx(account) as tx:
        group = await groups.create(tx, "Customers")
        await groups.add(tx, group.id, [maria["id"]])

    answer = await api.get("/groups")

    assert answer.json() == {"data": [{"id": group.id, "name": "Customers", "contacts_count": 1}]}
