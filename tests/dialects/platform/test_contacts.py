"""Contacts by the platform dialect, where the example files say too little."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from trunkline.contacts import people, tags
from trunkline.contacts.people import NewContact

pytestmark = pytest.mark.anyio

ANN = {"first_name": "Ann", "email": "ann@example.com"}


@pytest.fixture
def events(connection, account):
    """The data of this account's events of a type, in order."""

    async def read(type: str) -> list[dict]:
        rows = await connection.fetch(
            "select data::text from events where account_id = $1 and type = $2 order by id", account, type
        )
        return [json.loads(row[0]) for row in rows]

    return read


@pytest.fixture
async def vip(database, account) -> int:
    async with database.tx(account) as tx:
        return (await tags.create(tx, "VIP")).id


@pytest.fixture
async def gold(database, account) -> int:
    async with database.tx(account) as tx:
        return (await tags.create(tx, "Gold")).id


async def _made(database, account, *people_given: dict) -> list[int]:
    async with database.tx(account) as tx:
        return [(await people.create(tx, NewContact(**given))).id for given in people_given]


async def test_a_phone_is_stored_in_e164(api):
    answer = await api.post("/contacts", json={**ANN, "phone": "+1 (555) 123-4567"})

    assert answer.json()["data"]["phone"] == "+15551234567"


async def test_a_phone_that_cannot_be_dialled_stays_as_written(api):
    answer = await api.post("/contacts", json={**ANN, "phone": "ext. 12"})

    assert (answer.status_code, answer.json()["data"]["phone"]) == (201, "ext. 12")


async def test_a_company_is_found_by_its_name_or_made(api, connection, account):
    for email, company in (("a@example.com", "Acme Inc"), ("b@example.com", " ACME  inc "), ("c@example.com", "Beta")):
        await api.post("/contacts", json={"first_name": "A", "email": email, "company": company})

    names = await connection.fetch("select name from companies where account_id = $1 order by id", account)
    assert [row[0] for row in names] == ["Acme Inc", "Beta"]


async def test_the_email_of_a_deleted_contact_is_free(api, jane):
    await api.delete(f"/contacts/{jane['id']}")

    answer = await api.post("/contacts", json={"first_name": "Jane", "email": "jane@example.com"})

    assert answer.status_code == 201
    assert answer.json()["data"]["id"] != jane["id"]


async def test_the_email_of_another_workspace_is_free(api, database, other_account):
    await _made(database, other_account, {"email": "ann@example.com"})

    assert (await api.post("/contacts", json=ANN)).status_code == 201


@pytest.mark.parametrize("taken", [{"email": "JANE@example.com"}, {"phone": "+40 740 111 222"}])
async def test_an_update_cannot_take_what_is_somebody_elses(api, jane, taken):
    await api.put(f"/contacts/{jane['id']}", json={"phone": "+40740111222"})
    ann = (await api.post("/contacts", json=ANN)).json()["data"]

    answer = await api.put(f"/contacts/{ann['id']}", json={**taken, "city": "Cluj"})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, list(taken))
    assert (await api.get(f"/contacts/{ann['id']}")).json()["data"]["city"] is None


async def test_each_tag_put_on_is_an_event(api, vip, gold, events):
    await api.post("/contacts", json={**ANN, "tag_ids": [vip, gold, vip]})

    changed = await events("contact.tags_changed")
    assert sorted(event["tag_id"] for event in changed if event["added"]) == [vip, gold]


async def test_only_the_difference_of_tags_is_an_event(api, vip, gold, events):
    ann = (await api.post("/contacts", json={**ANN, "tag_ids": [vip]})).json()["data"]

    await api.put(f"/contacts/{ann['id']}", json={"tag_ids": [gold]})

    changed = await events("contact.tags_changed")
    assert [(event["tag_id"], bool(event["added"])) for event in changed] == [(vip, True), (vip, False), (gold, True)]


async def test_a_tag_of_another_workspace_does_not_exist(api, database, other_account):
    async with database.tx(other_account) as tx:
        theirs = await tags.create(tx, "Theirs")

    answer = await api.post("/contacts", json={**ANN, "tag_ids": [theirs.id]})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["tag_ids.0"])
    assert (await api.get("/contacts")).json()["data"] == []


async def test_a_tag_of_conversations_is_none_of_contacts(api, database, account):
    async with database.tx(account) as tx:
        other_kind = await tags.create(tx, "urgent", kind="conversation")

    answer = await api.post("/contacts", json={**ANN, "tag_ids": [other_kind.id]})

    assert list(answer.json()["errors"]) == ["tag_ids.0"]


@pytest.mark.parametrize(
    ("stored", "told"),
    [("active", "active"), ("blocked", "inactive"), ("archived", "inactive"), ("stopped", "unsubscribed")],
)
async def test_the_status_is_told_in_three_words(api, database, account, stored, told):
    [id] = await _made(database, account, {"first_name": "Ann", "status": stored})

    assert (await api.get(f"/contacts/{id}")).json()["data"]["status"] == told
    assert [row["id"] for row in (await api.get(f"/contacts?status={told}")).json()["data"]] == [id]
    assert (await api.get(f"/contacts?status={stored if stored == 'blocked' else 'x'}")).json()["data"] == []


@pytest.mark.parametrize(
    ("before", "written", "after"),
    [
        ("active", "inactive", "archived"),
        ("active", "unsubscribed", "stopped"),
        ("stopped", "active", "active"),
        ("blocked", "inactive", "blocked"),
        ("blocked", "active", "active"),
    ],
)
async def test_a_written_status_is_stored(api, database, account, before, written, after):
    [id] = await _made(database, account, {"first_name": "Ann", "status": before})

    await api.put(f"/contacts/{id}", json={"status": written})

    async with database.tx(account) as tx:
        assert (await people.get(tx, id)).status == after


async def test_custom_fields_are_merged(api, jane):
    await api.put(f"/contacts/{jane['id']}", json={"custom_fields": {"plan": "gold", "seats": 3}})

    answer = await api.put(f"/contacts/{jane['id']}", json={"custom_fields": {"plan": None, "city": "Cluj"}})

    assert answer.json()["data"]["custom_fields"] == {"seats": 3, "city": "Cluj"}


async def test_an_empty_update_changes_nothing(api, jane):
    answer = await api.put(f"/contacts/{jane['id']}")

    assert (answer.status_code, answer.json()["data"]) == (200, jane)


async def test_spaces_are_no_name(api, jane):
    answer = await api.put(f"/contacts/{jane['id']}", json={"first_name": "  "})

    assert list(answer.json()["errors"]) == ["first_name"]
    assert (await api.get(f"/contacts/{jane['id']}")).json()["data"]["first_name"] == "Jane"


async def test_counts_come_with_one_contact_only(api, conversation, jane):
    one = (await api.get(f"/contacts/{jane['id']}")).json()["data"]
    listed = (await api.get("/contacts")).json()["data"][0]

    assert (one["conversations_count"], one["deals_count"]) == (1, 0)
    assert not {"conversations_count", "deals_count"} & set(listed)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=OMEG", ["Cy"]),
        ("search=cy@example", ["Cy"]),
        ("search=young", ["Bo"]),
        ("country=romania", ["Ann"]),
        ("min_score=50", ["Bo", "Cy"]),
        ("min_score=50&max_score=60", ["Bo"]),
        ("sort_by=lead_score", ["Cy", "Bo", "Ann"]),
        ("sort_by=first_name&sort_dir=asc", ["Ann", "Bo", "Cy"]),
        ("sort_by=last_name&sort_dir=desc", ["Bo", "Ann", "Cy"]),
        ("sort_by=company&sort_dir=asc", ["Cy", "Ann", "Bo"]),
        ("sort_by=email&sort_dir=asc", ["Ann", "Bo", "Cy"]),
        ("sort_by=nonsense&sort_dir=nonsense", ["Cy", "Bo", "Ann"]),
        ("", ["Cy", "Bo", "Ann"]),
        ("status=&country=&search=", ["Cy", "Bo", "Ann"]),
    ],
)
async def test_lists_are_filtered_and_sorted(api, database, account, connection, query, found):
    given = (
        {"first_name": "Ann", "last_name": "Low", "email": "ann@example.com", "country": "Romania"},
        {"first_name": "Bo", "last_name": "Young", "email": "bo@example.com", "lead_score": 50},
        {"first_name": "Cy", "email": "cy@example.com", "lead_score": 90, "company": "Omega"},
    )
    ids = await _made(database, account, *given)
    for n, id in enumerate(ids):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=n)
        await connection.execute("update contacts set created_at = $2 where id = $1", id, moment)

    rows = (await api.get(f"/contacts?{query}")).json()["data"]

    names = [row["first_name"] for row in rows]
    assert (names if "sort" in query or len(found) == 3 else sorted(names)) == found


async def test_a_page_tells_where_it_stands(api, database, account):
    await _made(database, account, *({"first_name": f"N{n}"} for n in range(7)))

    told = (await api.get("/contacts?per_page=3&page=2&sort_dir=asc")).json()

    base = "http://testserver/api/v1/contacts?per_page=3&sort_dir=asc&page="
    assert told["links"] == {"first": f"{base}1", "last": f"{base}3", "prev": f"{base}1", "next": f"{base}3"}
    assert {name: told["meta"][name] for name in ("current_page", "last_page", "per_page", "total", "from", "to")} == {
        "current_page": 2, "last_page": 3, "per_page": 3, "total": 7, "from": 4, "to": 6,
    }  # fmt: skip
    assert told["meta"]["path"] == "http://testserver/api/v1/contacts"
    assert [link["label"] for link in told["meta"]["links"]] == ["&laquo; Previous", "1", "2", "3", "Next &raquo;"]


async def test_a_filtered_list_is_counted_to_ten_thousand(api, connection, account):
    await connection.execute(
        """
        insert into contacts (account_id, uuid, first_name, country)
        select $1, gen_random_uuid(), 'N', 'RO' from generate_series(1, 10001)
        """,
        account,
    )

    filtered = (await api.get("/contacts?country=ro&per_page=1")).json()["meta"]
    unfiltered = (await api.get("/contacts?per_page=1")).json()["meta"]

    assert (filtered["total"], filtered["total_capped"]) == (10_000, True)
    assert (unfiltered["total"], "total_capped" in unfiltered) == (10_001, False)


async def test_an_export_is_safe_for_spreadsheets(api):
    await api.post("/contacts", json={**ANN, "company": "=1+1", "phone": "+40740111222"})

    answer = await api.get("/contacts/export")

    [header, row] = list(csv.reader(io.StringIO(answer.text)))
    assert header == [
        "First Name", "Last Name", "Email", "Phone", "Company", "Job Title", "City", "Country", "Timezone",
        "Lead Score", "Status", "Tags", "Created At",
    ]  # fmt: skip
    assert (row[3], row[4]) == ("+40740111222", "'=1+1")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith('attachment; filename="contacts-export-20')


async def test_an_export_tells_status_and_tags(api, vip, gold, database, account):
    ann = (await api.post("/contacts", json={**ANN, "tag_ids": [vip, gold]})).json()["data"]
    await api.put(f"/contacts/{ann['id']}", json={"status": "inactive"})

    answer = await api.get("/contacts/export")

    assert list(csv.reader(io.StringIO(answer.text)))[1][10:12] == ["inactive", "Gold, VIP"]


async def test_a_workbook_is_imported(api):
    import xlsxwriter

    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["First Name", "Email"])
        sheet.write_row(1, 0, ["Ann", "ann@example.com"])

    answer = await api.post("/contacts/import", files={"file": ("people.xlsx", content.getvalue())})

    assert answer.json()["data"]["imported"] == 1
    assert (await api.get("/contacts")).json()["data"][0]["first_name"] == "Ann"


async def test_a_phone_survives_an_import(api):
    content = b"email,phone\nann@example.com,+40740111222\nbob@example.com,'+40740333444"

    await api.post("/contacts/import", files={"file": ("people.csv", content)})

    told = (await api.get("/contacts?sort_by=email&sort_dir=asc")).json()["data"]
    assert [row["phone"] for row in told] == ["+40740111222", "+40740333444"]


async def test_what_was_exported_can_be_imported(api):
    given = {**ANN, "phone": "+40740111222", "company": "=1+1", "city": "'@home", "job_title": "-"}
    id = (await api.post("/contacts", json=given)).json()["data"]["id"]
    content = (await api.get("/contacts/export")).content

    report = (await api.post("/contacts/import", files={"file": ("people.csv", content)})).json()["data"]

    assert (report["imported"], report["skipped"]) == (1, 0)
    told = (await api.get(f"/contacts/{id}")).json()["data"]
    assert {name: told[name] for name in given} == given


async def test_an_import_subscribes_nobody_again(api, jane):
    await api.put(f"/contacts/{jane['id']}", json={"status": "unsubscribed"})

    await api.post("/contacts/import", files={"file": ("a.csv", b"email,first_name,status\njane@example.com,J,active")})

    told = (await api.get(f"/contacts/{jane['id']}")).json()["data"]
    assert (told["first_name"], told["status"]) == ("J", "unsubscribed")


async def test_blank_cells_change_nothing(api):
    ann = (await api.post("/contacts", json={**ANN, "city": "Cluj"})).json()["data"]

    await api.post("/contacts/import", files={"file": ("a.csv", b"email,first_name,city\nann@example.com,,\n")})

    told = (await api.get(f"/contacts/{ann['id']}")).json()["data"]
    assert (told["first_name"], told["city"]) == ("Ann", "Cluj")


async def test_a_file_of_more_than_ten_megabytes_is_named(api):
    content = b"email\n" + b"a@example.com\n" * 800_000

    answer = await api.post("/contacts/import", files={"file": ("a.csv", content)})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["file"])


async def test_what_is_deleted_here_is_gone_everywhere(api, jane):
    path = f"/contacts/{jane['id']}"
    assert (await api.delete(path)).status_code == 204

    answers = [await api.get(path), await api.put(path, json={}), await api.delete(path)]

    assert {(answer.status_code, answer.text) for answer in answers} == {(404, '{"message":"Contact not found."}')}
