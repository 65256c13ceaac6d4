"""Addresses, methods, content types, credentials, limits: what is the same at every endpoint."""

import base64

import httpx2
import pytest

from trunkline.accounts import browsers, settings
from trunkline.contacts import groups

pytestmark = pytest.mark.anyio


async def test_the_root_lists_the_endpoints_without_a_token(anybody):
    answer = await anybody.get("/.json")

    assert answer.status_code == 200
    assert answer.json()["groups"] == "http://127.0.0.1/api/v2/groups"


async def test_the_suffix_may_end_with_a_slash(api):
    assert (await api.get("/groups.json/")).status_code == 200


@pytest.mark.parametrize("path", ["/groups/", "/flows.xml", "/nothing.json", "/groups.json/1"])
async def test_other_addresses_lead_nowhere(api, path):
    assert (await api.get(path)).status_code == 404


async def test_without_the_suffix_there_is_documentation_for_everybody(anybody):
    answer = await anybody.get("/groups", headers={"accept": "text/html"})

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "/api/v2/groups.json" in answer.text


async def test_documentation_for_programs_is_an_empty_list(anybody):
    answer = await anybody.get("/groups", headers={"accept": "application/json"})

    assert answer.json() == []


async def test_nobody_writes_to_documentation(api):
    answer = await api.post("/groups", json={"name": "Reporters"})

    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")


async def test_nobody_writes_to_the_root(api):
    assert (await api.post("/", json={})).status_code == 405


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused_by_name(api, method):
    answer = await api.request(method, "/groups.json")

    assert answer.status_code == 405
    assert answer.json() == {"detail": f'Method "{method}" not allowed.'}


async def test_head_is_refused(api):
    assert (await api.head("/groups.json")).status_code == 405


async def test_only_json_can_be_had(api):
    answer = await api.get("/groups.json", headers={"accept": "text/csv"})

    assert answer.status_code == 406
    assert answer.json() == {"detail": "Could not satisfy the request Accept header."}


async def test_other_media_types_are_refused(api):
    answer = await api.post("/groups.json", content="name=x", headers={"content-type": "text/plain"})

    assert answer.status_code == 415
    assert answer.json() == {"detail": 'Unsupported media type "text/plain" in request.'}


async def test_broken_json_is_refused(api):
    answer = await api.post("/groups.json", content="{", headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("JSON parse error - ")


async def test_a_list_is_no_body(api):
    answer = await api.post("/groups.json", json=[])

    assert answer.status_code == 400
    assert answer.json() == {"non_field_errors": ["Request body should be a single JSON object"]}


async def test_an_empty_body_is_an_empty_object(api):
    answer = await api.post("/groups.json", headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.json() == {"name": ["This field is required."]}


@pytest.mark.parametrize("how", [{"data": {"name": "Reporters"}}, {"files": {"name": (None, "Reporters")}}])
async def test_forms_are_bodies(api, how):
    answer = await api.post("/groups.json", **how)

    assert answer.status_code == 201
    assert answer.json()["name"] == "Reporters"


async def test_answers_name_the_workspace(api, account):
    answer = await api.get("/groups.json")

    assert answer.headers["x-temba-org"] == str(account)
    assert len(answer.headers["x-temba-workspace"]) == 36


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "Authentication credentials were not provided."),
        ("Bearer abc", "Authentication credentials were not provided."),
        ("Token abc", "Invalid token"),
        ("Token", "Invalid token header. No credentials provided."),
        ("Token a b", "Invalid token header. Token string should not contain spaces."),
        (f"Basic {base64.b64encode(b'a@example.com:abc').decode()}", "Invalid token or email"),
    ],
)
async def test_bad_credentials_are_always_403(anybody, header, detail):
    headers = {"authorization": header} if header else {}

    answer = await anybody.get("/groups.json", headers=headers)

    assert answer.status_code == 403
    assert answer.json() == {"detail": detail}
    assert "www-authenticate" not in answer.headers


async def test_the_keyword_is_written_as_one_likes(anybody, new_key):
    headers = {"authorization": f"tOKEN {await new_key('rapidpro')}"}

    assert (await anybody.get("/groups.json", headers=headers)).status_code == 200


async def test_a_key_of_another_dialect_opens_nothing(anybody, new_key):
    headers = {"authorization": f"Token {await new_key('platform')}"}

    assert (await anybody.get("/groups.json", headers=headers)).status_code == 403


async def test_a_token_is_the_password_of_its_users_address(anybody, new_key, connection, account):
    key = await new_key("rapidpro")
    email = await connection.fetchval(
        "select u.email from users u join memberships m on m.user_id = u.id where m.account_id = $1", account
    )

    mine = await anybody.get("/groups.json", auth=(email.upper(), key))
    others = await anybody.get("/groups.json", auth=("else@example.com", key))

    assert (mine.status_code, others.status_code) == (200, 403)


async def test_a_signed_in_browser_reads(anybody, signed_in, account):
    token, _ = await signed_in("admin", account, kind="browser")

    answer = await anybody.get("/groups.json", headers={"cookie": f"trunkline={token}"})

    assert answer.status_code == 200


async def test_a_browser_writes_with_the_proof_of_a_page_only(anybody, signed_in, account):
    token, _ = await signed_in("admin", account, kind="browser")
    cookie = {"cookie": f"trunkline={token}"}

    forged = await anybody.post("/groups.json", json={"name": "A"}, headers=cookie)
    ours = await anybody.post(
        "/groups.json", json={"name": "A"}, headers={**cookie, "x-csrftoken": browsers.proof(token)}
    )

    assert forged.status_code == 403
    assert forged.json() == {"detail": "CSRF Failed: CSRF token missing."}
    assert ours.status_code == 201


async def test_plain_http_from_elsewhere_is_refused(dialects, new_key):
    transport = httpx2.ASGITransport(dialects, client=("203.0.113.9", 4711))
    headers = {"authorization": f"Token {await new_key('rapidpro')}"}
    async with httpx2.AsyncClient(transport=transport, headers=headers) as client:
        answer = await client.get("http://127.0.0.1/api/v2/groups.json")
        secure = await client.get("https://127.0.0.1/api/v2/groups.json")

    assert answer.status_code == 403
    assert "location" not in answer.headers
    assert secure.status_code == 200


async def test_a_role_without_the_right_is_told(agent):
    answer = await agent.post("/groups.json", json={"name": "A"})

    assert answer.status_code == 403
    assert answer.json() == {"detail": "You do not have permission to perform this action."}


async def test_a_missing_method_comes_before_a_missing_right(agent):
    assert (await agent.put("/globals.json")).status_code == 405


@pytest.mark.parametrize("state", ["flagged", "suspended"])
async def test_a_stopped_workspace_reads_and_does_not_write(api, database, account, state):
    async with database.tx(account) as tx:
        await settings.put(tx, {state: True}, operator=True)

    answer = await api.post("/groups.json", json={"name": "A"})

    assert (await api.get("/groups.json")).status_code == 200
    assert answer.status_code == 400
    assert answer.json() == {
        "non_field_errors": [
            f"Sorry, your workspace is currently {state}. To re-enable starting flows and sending messages, "
            "please contact support."
        ]
    }


async def test_the_whole_workspace_counts_together(anybody, new_key, database, account):
    async with database.tx(account) as tx:
        await settings.put(tx, {"rate.v2": "2/hour"}, operator=True)
    first, second = await new_key("rapidpro"), await new_key("rapidpro")

    codes = [
        (await anybody.get("/groups.json", headers={"authorization": f"Token {key}"})).status_code
        for key in (first, second)
    ]
    answer = await anybody.get("/labels.json", headers={"authorization": f"Token {first}"})

    assert codes == [200, 200]
    assert answer.status_code == 429
    assert 3500 < int(answer.headers["retry-after"]) <= 3657
    seconds = answer.headers["retry-after"]
    assert answer.json() == {"detail": f"Request was throttled. Expected available in {seconds} seconds."}


async def test_2500_requests_an_hour_are_answered(anybody, new_key):
    headers = {"authorization": f"Token {await new_key('rapidpro')}"}

    answer = await anybody.get("/groups.json", headers=headers)

    assert answer.headers["x-ratelimit-limit"] == "2500"


async def test_a_bug_is_told_in_plain_text(api, monkeypatch):
    async def fail(tx):
        raise RuntimeError("a bug")

    monkeypatch.setattr(groups, "all", fail)

    answer = await api.get("/groups.json")

    assert answer.status_code == 500
    assert answer.text == "Server Error. Site administrators have been notified."
