"""Templates by the portal dialect."""

import pytest

pytestmark = pytest.mark.anyio

REMINDER = {
    "key": "appointment_reminder",
    "channel": "sms",
    "name": "Reminder",
    "language": "ro",
    "body": "Hello {{name}}, see you on {{date}}.",
}


async def test_a_template_is_created(api):
    answer = await api.post("/templates", json=REMINDER)

    told = answer.json()["data"]
    assert answer.status_code == 201
    assert {name: told[name] for name in REMINDER} == REMINDER
    assert (told["subject"], told["variables"], told["status"]) == (None, ["name", "date"], "approved")
    assert set(told) == {*REMINDER, "id", "subject", "variables", "status", "updated_at"}
    assert (await api.get("/templates")).json() == {"data": [told]}


async def test_templates_are_listed_by_channel(api):
    await api.post("/templates", json=REMINDER)
    await api.post("/templates", json={**REMINDER, "channel": "email"})

    answer = await api.get("/templates?channel=sms")
    wrong = await api.get("/templates?channel=fax")

    assert [template["channel"] for template in answer.json()["data"]] == ["sms"]
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["channel"])


async def test_a_taken_key_is_a_conflict(api):
    await api.post("/templates", json=REMINDER)

    answer = await api.post("/templates", json=REMINDER)

    assert (answer.status_code, answer.json()["code"]) == (409, "template_exists")


async def test_an_update_changes_what_is_given(api):
    made = (await api.post("/templates", json=REMINDER)).json()["data"]

    answer = await api.put(f"/templates/{made['id']}", json={"body": "Hi {{who}}"})

    told = answer.json()["data"]
    assert (answer.status_code, told["body"], told["variables"]) == (200, "Hi {{who}}", ["who"])
    assert (told["id"], told["key"], told["language"]) == (made["id"], REMINDER["key"], "ro")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": "a b"}, "key"),
        ({"channel": "fax"}, "channel"),
        ({"body": ""}, "body"),
        ({"body": "{{a"}, "body"),
        ({"language": "?"}, "language"),
    ],
)
async def test_a_wrong_field_is_named(api, change, field):
    answer = await api.post("/templates", json={**REMINDER, **change})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


async def test_deleted_is_gone(api):
    made = (await api.post("/templates", json=REMINDER)).json()["data"]

    first = await api.delete(f"/templates/{made['id']}")
    again = await api.delete(f"/templates/{made['id']}")

    assert (first.status_code, again.status_code) == (204, 404)
    assert again.json() == {"message": "Template not found.", "code": "not_found"}


async def test_foreign_templates_are_unknown(api, new_key, other_account):
    made = (await api.post("/templates", json=REMINDER)).json()["data"]
    theirs = {"x-api-key": await new_key("portal", account=other_account)}

    changed = await api.put(f"/templates/{made['id']}", json={"body": "x"}, headers=theirs)

    assert changed.status_code == 404
    assert (await api.get("/templates", headers=theirs)).json() == {"data": []}
