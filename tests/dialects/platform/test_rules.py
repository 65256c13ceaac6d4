"""What holds for every endpoint of the platform dialect: tokens, workspaces, limits, refusals, the document."""

import asyncio
import json

import jsonschema_rs
import pytest
import schemathesis

from trunkline.core.errors import Unavailable
from trunkline.dialects import openapi
from trunkline.dialects.platform import platform

pytestmark = pytest.mark.anyio

OWN = "http://testserver/api/inbox/v1"
CSV = {"file": ("people.csv", b"email\nann@example.com")}


async def test_on_the_shared_path_a_stranger_gets_both_shapes(anybody):
    answer = await anybody.get("/contacts")

    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated.", "error": "Unauthorized"})
    assert answer.headers["x-ratelimit-limit"] == "300"


async def test_on_its_own_path_it_speaks_its_own(anybody):
    answer = await anybody.get(f"{OWN}/contacts")

    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_of_another_dialect_is_unknown(anybody, new_key):
    headers = {"authorization": f"Bearer {await new_key('portal')}"}

    assert (await anybody.get("/contacts", headers=headers)).status_code == 401


async def test_both_addresses_serve_the_same(api, jane):
    own = await api.get(f"{OWN}/contacts/{jane['id']}")
    shared = await api.get(f"/contacts/{jane['id']}")

    assert own.json() == shared.json()


async def test_pages_lead_to_the_address_that_was_asked(api, jane):
    told = (await api.get(f"{OWN}/contacts")).json()

    assert told["links"]["first"] == f"{OWN}/contacts?page=1"


async def test_each_minute_has_sixty_requests(anybody, new_key):
    headers = {"authorization": f"Bearer {await new_key()}"}

    answers = await asyncio.gather(*(anybody.get("/user", headers=headers) for _ in range(61)))

    refused = [answer for answer in answers if answer.status_code == 429]
    [last] = refused
    assert last.json() == {"message": "Too Many Attempts."}
    assert (last.headers["x-ratelimit-limit"], last.headers["x-ratelimit-remaining"]) == ("60", "0")
    assert int(last.headers["retry-after"]) > 0
    assert int(last.headers["x-ratelimit-reset"]) > 0


async def test_import_and_export_share_five_a_minute(anybody, new_key):
    headers = {"authorization": f"Bearer {await new_key()}"}

    imports = [await anybody.post("/contacts/import", files=CSV, headers=headers) for _ in range(3)]
    exports = [await anybody.get("/contacts/export", headers=headers) for _ in range(3)]
    listed = await anybody.get("/contacts", headers=headers)

    assert [answer.status_code for answer in (*imports, *exports)] == [200] * 5 + [429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in (*imports, *exports)] == list("432100")
    assert imports[0].headers["x-ratelimit-limit"] == "5"
    assert exports[2].json() == {"message": "Too Many Attempts."}
    assert (listed.status_code, listed.headers["x-ratelimit-limit"]) == (200, "60")


async def test_each_token_is_counted_alone(anybody, new_key):
    tokens = [await new_key(rate="1/minute"), await new_key(rate="1/minute")]

    answers = [await anybody.get("/user", headers={"authorization": f"Bearer {token}"}) for token in tokens]

    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize("noun", ["contact", "conversation", "tag", "canned-response"])
async def test_what_is_not_there_is_named(api, noun):
    answers = [await api.get(f"/{noun}s/{id}") for id in ("abc", "999999999", "0", "-1")]

    told = noun.replace("-", " ").capitalize()
    assert {answer.status_code for answer in answers} == {404}
    assert all(answer.json() == {"message": f"{told} not found."} for answer in answers)


async def test_export_and_import_are_no_ids(api):
    exported = await api.get("/contacts/export")
    imported = await api.get("/contacts/import")

    assert exported.headers["content-type"].startswith("text/csv")
    assert (imported.status_code, imported.headers["allow"]) == (405, "POST, OPTIONS")


async def test_a_bug_tells_nothing(api, monkeypatch):
    async def broken(*_):
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr("trunkline.contacts.people.get", broken)

    answer = await api.get("/contacts/1")

    assert (answer.status_code, answer.json()) == (500, {"message": "Server Error"})


async def test_what_is_away_comes_back(api, monkeypatch):
    async def away(*_):
        raise Unavailable("The database")

    monkeypatch.setattr("trunkline.contacts.people.get", away)

    answer = await api.get("/contacts/1")

    assert (answer.status_code, answer.headers["retry-after"], set(answer.json())) == (503, "5", {"message"})


async def test_a_post_that_is_repeated_has_one_effect(api):
    headers = {"idempotency-key": "form-17"}
    body = {"first_name": "Ann", "email": "ann@example.com"}

    first = await api.post("/contacts", json=body, headers=headers)
    again = await api.post("/contacts", json=body, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_user_of_one_workspace_need_not_name_it(anybody, signed_in, account):
    token, _ = await signed_in("viewer", account)

    answer = await anybody.get("/workspace", headers={"authorization": f"Bearer {token}"})

    assert answer.json()["data"]["id"] == account


async def test_a_user_of_two_workspaces_names_one(anybody, signed_in, account, other_account):
    token, _ = await signed_in("agent", account, other_account)
    headers = {"authorization": f"Bearer {token}"}

    unnamed = await anybody.get("/workspace", headers=headers)
    named = await anybody.get("/workspace", headers={**headers, "x-tenant-id": str(other_account)})
    me = await anybody.get("/auth/me", headers=headers)

    assert (unnamed.status_code, unnamed.json()["error"], unnamed.json()["code"]) == (
        403, "No active workspace.", "NO_WORKSPACE",
    )  # fmt: skip
    assert named.json()["data"]["id"] == other_account
    assert sorted(tenant["id"] for tenant in me.json()["data"]["tenants"]) == sorted([account, other_account])


async def test_a_user_has_no_limit_of_scopes_but_a_role(anybody, signed_in, account):
    token, _ = await signed_in("agent", account)
    headers = {"authorization": f"Bearer {token}"}

    created = await anybody.post("/tags", json={"name": "VIP"}, headers=headers)
    deleted = await anybody.delete(f"/tags/{created.json()['data']['id']}", headers=headers)

    assert (created.status_code, deleted.status_code) == (201, 403)
    assert deleted.json()["required_role"] == "manage"


async def test_a_session_of_a_browser_is_no_token(anybody, signed_in, account):
    token, _ = await signed_in("owner", account, kind="browser")
    headers = {"authorization": f"Bearer {token}"}

    answers = [await anybody.get(path, headers=headers) for path in ("/contacts", "/auth/me")]

    assert [answer.status_code for answer in answers] == [401, 401]


async def test_a_token_of_the_api_is_no_session(api):
    answers = [await api.get("/auth/me"), await api.post("/auth/logout")]

    assert [answer.status_code for answer in answers] == [401, 401]


async def test_guesses_of_a_password_are_counted(anybody):
    guess = {"email": "nobody@example.com", "password": "guess"}

    answers = [await anybody.post("/auth/login", json=guess) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_suspended_workspace_is_told_so(api, connection, account):
    await connection.execute("update accounts set suspended = true where id = $1", account)

    answer = await api.get("/contacts")

    assert (answer.status_code, answer.json()["code"]) == (403, "SUSPENDED")


def test_the_document_is_valid():
    document = openapi.document(platform, "http://testserver")

    schema = schemathesis.openapi.from_dict(document)
    schema.validate()
    assert len(list(schema.get_all_operations())) == len(platform.operations)


def test_examples_of_the_document_fit():
    document = openapi.document(platform, "http://testserver")
    operations = [operation for path in document["paths"].values() for operation in path.values()]

    for operation in operations:
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "example" in content:
                schema = {**content["schema"], "components": document["components"]}
                jsonschema_rs.validator_for(schema).validate(content["example"])


def test_the_document_names_no_internals():
    text = json.dumps(openapi.document(platform, "http://testserver"))

    assert "trunkline." not in text
