"""The way of a request: credential, dialect, scope, role, and what comes back."""

import httpx2
import pytest
from structlog.testing import capture_logs

from trunkline.core.db import Database

pytestmark = pytest.mark.anyio

UNION = {"message": "Unauthenticated.", "error": "Unauthorized"}


async def test_a_list_has_links_and_totals(client):
    answer = await client.get("/contacts?page=2&per_page=50&search=")

    assert answer.status_code == 200
    body = answer.json()
    assert len(body["data"]) == 50
    at = "http://testserver/api/inbox/v1/contacts?per_page=50&search=&page="
    assert body["links"] == {"first": f"{at}1", "last": f"{at}3", "prev": f"{at}1", "next": f"{at}3"}
    meta = body["meta"]
    assert (meta["current_page"], meta["from"], meta["to"], meta["last_page"]) == (2, 51, 100, 3)
    assert (meta["per_page"], meta["total"]) == (50, 120)
    assert meta["path"] == "http://testserver/api/inbox/v1/contacts"
    assert [link["label"] for link in meta["links"]] == ["&laquo; Previous", "1", "2", "3", "Next &raquo;"]
    assert "total_capped" not in meta


@pytest.mark.parametrize(
    ("query", "page", "per_page"),
    [("page=0", 1, 25), ("page=-1", 1, 25), ("per_page=0", 1, 1), ("per_page=1000000", 1, 100)],
)
async def test_pages_are_brought_into_range(client, query, page, per_page):
    answer = await client.get(f"/contacts?{query}")

    meta = answer.json()["meta"]
    assert (meta["current_page"], meta["per_page"]) == (page, per_page)


async def test_a_page_far_behind_the_end_is_empty(client):
    answer = await client.get("/contacts?page=1000000000000000000000")

    assert answer.json()["data"] == []
    assert answer.json()["meta"]["from"] is None


@pytest.mark.parametrize("page", ["abc", "", "1.5", "-", "٣"])
async def test_a_page_that_is_no_number_is_refused(client, page):
    answer = await client.get(f"/contacts?page={page}")

    assert answer.status_code == 422
    assert answer.json()["errors"] == {"page": ["The page field must be an integer."]}


async def test_a_capped_total_says_so(client):
    answer = await client.get("/contacts?search=capped")

    assert answer.json()["meta"]["total_capped"] is True


async def test_every_answer_is_json_that_nobody_stores(client):
    answer = await client.get("/contacts")

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.json()["data"][0]["created_at"][-1] == "Z"
    assert "." not in answer.json()["data"][0]["created_at"]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer null", "Basic abc", "Token {key}", "bearer  {key}", "Bearer {key}x", "{key}"],
)
async def test_a_wrong_credential_is_401(anybody, new_key, header):
    key = await new_key()

    answer = await anybody.get("/api/inbox/v1/contacts", headers={"authorization": header.format(key=key)})

    assert answer.status_code == 401
    assert answer.json()["message"] == "Unauthenticated."
    assert answer.headers["x-ratelimit-limit"] == "20"


async def test_the_scheme_may_be_lower_case(anybody, new_key):
    key = await new_key()

    answer = await anybody.get("/api/inbox/v1/contacts", headers={"authorization": f"bearer {key}"})

    assert answer.status_code == 200


async def test_two_credentials_at_once_are_refused(anybody, new_key):
    key = f"Bearer {await new_key()}"

    answer = await anybody.get("/api/inbox/v1/contacts", headers=[("authorization", key), ("authorization", key)])

    assert answer.status_code == 400


async def test_on_a_shared_path_the_key_decides(anybody, new_key):
    platform, developer = await new_key("platform"), await new_key("developer")

    one = await anybody.get("/api/v1/contacts", headers={"authorization": f"Bearer {platform}"})
    other = await anybody.get("/api/v1/contacts", headers={"authorization": f"Bearer {developer}"})

    assert isinstance(one.json()["data"], list)
    assert other.json() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("dialect", ["portal", "rapidpro", None])
async def test_on_a_shared_path_everybody_else_gets_both_shapes(anybody, new_key, dialect):
    headers = {"authorization": f"Bearer {await new_key(dialect)}"} if dialect else {}

    answer = await anybody.get("/api/v1/contacts", headers=headers)

    assert answer.status_code == 401
    assert answer.json() == UNION


async def test_a_path_of_the_other_dialect_is_404_in_the_keys_own_shape(anybody, new_key):
    platform, developer = await new_key("platform"), await new_key("developer")

    one = await anybody.get("/api/v1/companies", headers={"authorization": f"Bearer {platform}"})
    other = await anybody.get("/api/v1/contacts/5", headers={"authorization": f"Bearer {developer}"})

    assert (one.status_code, one.json()["message"]) == (404, "Not found.")
    assert (other.status_code, other.json()) == (404, {"error": "Not Found", "message": "Not found."})


@pytest.mark.parametrize("prefix", ["/api/v1/integrations", "/api/portal/v1"])
async def test_the_portal_takes_its_own_header_only(anybody, new_key, prefix):
    key, platform = await new_key("portal"), await new_key("platform")
    url, body = f"{prefix}/messages/batch-status", {"recipients": [{"to": "a"}]}

    right = await anybody.post(url, json=body, headers={"x-api-key": key})
    bearer = await anybody.post(url, json=body, headers={"authorization": f"Bearer {key}"})
    foreign = await anybody.post(url, json=body, headers={"x-api-key": platform})

    assert [right.status_code, bearer.status_code, foreign.status_code] == [200, 401, 401]


async def test_a_public_operation_needs_no_credential(anybody):
    answer = await anybody.post("/api/v1/auth/login", json={"title": "x"})

    assert answer.status_code == 200
    assert answer.json() == {"ip": "127.0.0.1", "url": "http://testserver/api/v1/contacts"}


async def test_a_public_operation_refuses_in_its_own_words(anybody):
    answer = await anybody.post("/api/v1/auth/login", json={"title": "wrong"})

    assert answer.status_code == 401
    assert answer.json()["message"] == "Wrong email address or password."


@pytest.mark.parametrize("id", [1, 999999])
async def test_scope_comes_before_existence(anybody, new_key, id):
    key = await new_key(scopes=["contacts"])

    answer = await anybody.post(
        f"/api/inbox/v1/campaigns/{id}/send", content=b"{", headers={"authorization": f"Bearer {key}"}
    )

    assert answer.status_code == 403
    assert answer.json()["code"] == "missing_scope"


@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        ("viewer", [200, 403, 403, 403, 403]),
        ("agent", [200, 201, 200, 403, 403]),
        ("editor", [200, 201, 200, 204, 403]),
        ("admin", [200, 201, 200, 204, 200]),
        ("owner", [200, 201, 200, 204, 200]),
    ],
)
async def test_the_role_sets_the_level(client, new_key, role, statuses):
    headers = {"authorization": f"Bearer {await new_key(role=role)}"}
    body = {"first_name": "Jane", "email": "jane@example.com"}

    answers = [
        await client.get("/contacts", headers=headers),
        await client.post("/contacts", json=body, headers=headers),
        await client.put("/contacts/1", json=body, headers=headers),
        await client.delete("/contacts/1", headers=headers),
        await client.get("/team", headers=headers),
    ]

    assert [answer.status_code for answer in answers] == statuses


async def test_a_suspended_account_is_told(client, connection, account):
    await connection.execute("update accounts set suspended = true where id = $1", account)

    answer = await client.get("/contacts")

    assert (answer.status_code, answer.json()["code"]) == (403, "suspended")


async def test_a_bug_shows_nothing_of_itself_but_to_the_log(client):
    with capture_logs() as logs:
        answer = await client.get("/bug")

    assert answer.status_code == 500
    assert answer.json() == {"message": "Server Error", "code": "server_error"}
    assert [(entry["event"], str(entry["exc_info"])) for entry in logs] == [("endpoint failed", "secret detail")]


async def test_what_the_database_cannot_store_is_the_callers_fault(client):
    answer = await client.get(f"/contacts/{2**62}")

    assert answer.status_code == 422


async def test_what_takes_too_long_is_ended_and_undone(client, connection, account):
    answer = await client.post("/slow")

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert not await connection.fetchval(
        "select count(*) from audit_log where account_id = $1 and action = 'toy.slow'", account
    )


async def test_a_signed_in_user_has_their_role_and_all_scopes(anybody, signed_in, account):
    token, _ = await signed_in("viewer", account)
    headers = {"authorization": f"Bearer {token}"}

    read = await anybody.get("/api/v1/contacts", headers=headers)
    write = await anybody.delete("/api/v1/contacts/1", headers=headers)

    assert (read.status_code, write.status_code) == (200, 403)


async def test_the_workspace_is_chosen_by_header(anybody, signed_in, account, other_account):
    token, user = await signed_in("owner", account, other_account)
    headers = {"authorization": f"Bearer {token}"}

    unnamed = await anybody.get("/api/v1/self", headers=headers)
    named = await anybody.get("/api/v1/self", headers={**headers, "x-tenant-id": str(other_account)})

    assert (unnamed.status_code, unnamed.json()["code"]) == (403, "no_workspace")
    assert named.json()["account"] == other_account
    assert named.json()["actor"] == f"user:{user}"


async def test_the_workspace_of_others_is_refused_and_written_down(
    anybody, signed_in, account, other_account, connection
):
    token, user = await signed_in("owner", account)
    headers = {"authorization": f"Bearer {token}", "x-tenant-id": str(other_account)}

    answer = await anybody.get("/api/v1/self", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_mismatch")
    actor = await connection.fetchval(
        "select actor from audit_log where account_id = $1 and action = 'tenant.refused'", account
    )
    assert actor == f"user:{user}"


async def test_a_key_is_not_moved_by_the_tenant_header(client, account, other_account):
    answer = await client.get("/self", headers={"x-tenant-id": str(other_account)})

    assert answer.json()["account"] == account


async def test_a_browser_session_is_no_bearer_token(anybody, signed_in, account):
    token, _ = await signed_in("owner", account, kind="browser")

    answer = await anybody.get("/api/v1/contacts", headers={"authorization": f"Bearer {token}"})

    assert answer.status_code == 401


async def test_an_endpoint_may_open_its_own_transaction(client, account):
    answer = await client.get("/self")

    assert answer.json()["account"] == account
    assert answer.json()["actor"].startswith("key:")


async def test_a_database_that_is_away_is_503(dsn, vault, new_key):
    from tests.dialects import toy
    from trunkline.dialects.dispatch import Dialects

    key = await new_key()
    database = await Database(dsn, connections=2).open()
    dialects = Dialects(database, vault=vault, served=[toy.platform])
    await dialects.site.credentials.find(key)
    database.dsn = "postgresql://127.0.0.1:1/nothing"
    await database.close()
    transport = httpx2.ASGITransport(dialects)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver/api/inbox/v1") as client:
        answer = await client.get("/contacts", headers={"authorization": f"Bearer {key}"})

    assert answer.status_code == 503
