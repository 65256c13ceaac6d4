"""Inputs that no honest program sends, and data that is none: refused, or told exactly and harmlessly."""

import pytest

from tests import world
from trunkline.contacts import companies, people, tags
from trunkline.contacts.companies import CompanyChanges
from trunkline.contacts.people import NewContact
from trunkline.inbox import listing, tagging

pytestmark = pytest.mark.anyio

LISTS = ("/companies", "/contacts", "/conversations")
UNKNOWN = "123e4567-e89b-12d3-a456-426614174000"


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "header",
    [
        None, "", "Bearer", "Bearer ", "Bearer null", "Bearer trk_developer_nobody", "Token {}", "Basic {}", "{}",
        "Bearer  {}", "Bearer {} x", "Bearer \xff", "Bearer " + "x" * 100_000,
    ],
    ids=range(13),
)  # fmt: skip
async def test_without_its_key_nothing_is_told(anybody, new_key, path, header):
    key = await new_key("developer")
    headers = {} if header is None else {"authorization": header.format(key).encode("latin-1")}

    answer = await anybody.get(f"http://testserver/api/developer/v1{path}", headers=headers)

    assert answer.status_code == 401
    assert answer.json() == {"error": "Unauthorized", "message": "Invalid or missing API key"}
    assert answer.headers["content-type"] == "application/json"


async def test_a_key_that_was_revoked_is_wrong(api, database, account, connection):
    await connection.execute("update api_keys set revoked_at = now() where account_id = $1", account)

    answer = await api.get("/companies")

    assert answer.status_code == 401


@pytest.mark.parametrize("company", ["not-a-uuid", UNKNOWN, "", "0", "%27%20or%201%3D1--", "*", "null", "x" * 5_000])
@pytest.mark.parametrize("path", ["/contacts", "/conversations"])
@pytest.mark.parametrize("paging", ["", "&limit=10"])
async def test_a_company_that_is_not_there_has_nobody(api, acme, path, company, paging):
    answer = await api.get(f"{path}?companyId={company}{paging}")

    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("path", ["/contacts", "/conversations"])
async def test_anothers_company_is_as_unknown_as_none(api, acme, path, database, other_account):
    async with database.tx(other_account) as tx:
        theirs = await companies.create(tx, "Theirs")
        await people.create(tx, NewContact(name="Far", company_id=theirs.id))

    foreign, unknown = [await api.get(f"{path}?companyId={id}") for id in (theirs.uuid, UNKNOWN)]

    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content) == (200, b"[]")


@pytest.mark.parametrize(
    "query", ["companyId={}&companyId={}", "companyId[]={}", "companyId[$ne]={}", "companyId[0]={}"]
)
@pytest.mark.parametrize("path", ["/contacts", "/conversations"])
async def test_a_twisted_company_is_refused(api, acme, path, query):
    answer = await api.get(f"{path}?{query.format(acme.company, UNKNOWN)}")

    assert answer.status_code in (400, 422)
    assert set(answer.json()) == {"error", "message"}


@pytest.mark.parametrize("query", ["limit=-1&offset=1e18", "offset=1e18", "page=-1&per_page=0", "sort=;drop"])
@pytest.mark.parametrize("path", LISTS)
async def test_parameters_of_other_apis_are_not_seen(api, acme, path, query):
    answer = await api.get(f"{path}?{query}")

    assert (answer.status_code, len(answer.json()) > 0) == (200, True)


@pytest.mark.parametrize(
    "cursor", ["x", "", "eyJpZCI6MX0", "' or 1=1", "x" * 5_000, "%2e%2e%2f", "AAAAAAAAAAAAAAAAAAAAAAAA"]
)
@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_that_nobody_gave_is_refused(api, acme, path, cursor):
    answer = await api.get(f"{path}?limit=10&cursor={cursor}")

    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "message"}


async def test_a_cursor_of_another_account_is_refused(api, acme, anybody, new_key, database, other_account):
    await world.contacts(database, other_account, ["+40740111222", "+40740111333"])
    theirs = {"authorization": f"Bearer {await new_key('developer', account=other_account)}"}
    walk = await anybody.get("/contacts?limit=1", headers=theirs)

    answer = await api.get(walk.links["next"]["url"])

    assert answer.status_code == 422


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", LISTS)
async def test_nothing_can_be_written(api, acme, path, method):
    before = (await api.get(path)).json()

    answer = await api.request(method, path, json={"name": "Evil Corp", "id": acme.company})

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert answer.json() == {"error": "Method Not Allowed", "message": "This API is read-only."}
    assert (await api.get(path)).json() == before


@pytest.mark.parametrize("path", ["/companies/{}", "/contacts/{}", "/campaigns", "/tags", "/nope", "//contacts"])
async def test_what_is_not_documented_is_not_there(api, acme, path):
    answer = await api.get(f"http://testserver/api/v1{path.format(acme.company)}")

    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found", "message": "Not found."})


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:image/svg+xml,<svg onload=alert(1)>", "</script><script>alert(1)</script>"]
)
async def test_a_hostile_address_is_a_string_and_nothing_else(api, database, account, address):
    async with database.tx(account) as tx:
        await companies.create(tx, "Acme", changes=CompanyChanges(website=address, logo_url=address))

    answer = await api.get("/companies")

    assert [(row["website"], row["logoUrl"]) for row in answer.json()] == [(address, address)]
    assert answer.headers["content-type"] == "application/json"


async def test_tags_of_a_chat_are_told_letter_by_letter(api, acme, database, account):
    odd = ['"urgent', "back\\slash", "line\u2028end", "\u202eevil", "<b>", "{{name}}", "👩‍👩‍👧‍👦", "Z" + "\u0301" * 20]
    async with database.tx(account) as tx:
        [chat] = await listing.page(tx, listing.Filter(channel="web_chat"))
        made = [await tags.create(tx, name, kind="conversation") for name in odd]
        await tagging.add(tx, [chat.id], [tag.id for tag in made])

    [told] = (await api.get("/conversations")).json()

    assert sorted(told["tags"]) == sorted([tag.name for tag in made] + ["support", "urgent"])
    assert {'"urgent', "back\\slash", "\u202eevil", "<b>", "{{name}}"} <= set(told["tags"])


async def test_names_of_the_world_are_told(api, database, account):
    names = ["مريم", "👩‍👩‍👧‍👦", "𐍈𐍈", "Renée", "<b>Ann</b>", "{{name}}", "\u202eevil"]
    async with database.tx(account) as tx:
        for name in names:
            await people.create(tx, NewContact(name=name))

    told = (await api.get("/contacts")).json()

    assert [person["name"] for person in reversed(told)] == names


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("query", ["companyId=%00", "companyId=%ff", "cursor=%00&limit=1", "channel=%ed%a0%80"])
async def test_a_query_that_is_no_text_is_refused_or_unread(api, acme, path, query):
    answer = await api.get(f"{path}?{query}")

    assert answer.status_code in (400, 422)


@pytest.mark.parametrize("channel", ["sms", "", "ALL", "web_chat'--"])
async def test_a_channel_is_one_of_two(api, acme, channel):
    answer = await api.get("/conversations", params={"channel": channel})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("method", "status"),
    [("HEAD", 200), ("OPTIONS", 204), ("TRACE", 405), ("CONNECT", 405), ("FOO", 501)],
)
@pytest.mark.parametrize("path", LISTS)
async def test_methods_of_http_have_no_effect(api, acme, path, method, status):
    answer = await api.request(method, path)

    assert answer.status_code == status
    assert answer.content == b"" or set(answer.json()) == {"error", "message"}


@pytest.mark.parametrize(
    "headers",
    [
        {"x-http-method-override": "DELETE"},
        {"x-tenant-id": "1"},
        {"expect": "100-continue"},
        {"connection": "Upgrade", "upgrade": "h2c"},
        {"idempotency-key": "k"},
        {"content-encoding": "gzip"},
    ],
    ids=str,
)
async def test_headers_for_others_change_nothing(api, acme, headers):
    answer = await api.get("/companies?_method=DELETE", headers=headers)

    assert (answer.status_code, len(answer.json())) == (200, 1)


async def test_a_storm_is_stopped(anybody, new_key):
    headers = {"authorization": f"Bearer {await new_key('developer', rate='2/minute')}"}

    answers = [await anybody.get("/companies", headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json() == {"error": "Too Many Requests", "message": "Too Many Attempts."}
    assert int(answers[2].headers["retry-after"]) > 0


async def test_everybody_has_twelve_hundred_a_minute(anybody, new_key):
    headers = {"authorization": f"Bearer {await new_key('developer')}"}

    answer = await anybody.get("/companies", headers=headers)

    assert (answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"]) == ("1200", "1199")


async def test_a_bug_tells_nothing(api, monkeypatch):
    async def broken(*_, **__):
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr("trunkline.contacts.cards.companies", broken)

    answer = await api.get("/companies?limit=1")

    assert answer.status_code == 500
    assert answer.json() == {"error": "Internal Server Error", "message": "Server Error"}
