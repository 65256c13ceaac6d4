"""Who may call the connector dialect: by which key, from where, how often; and that keys stay secret."""

import logging

import httpx2
import pytest
import structlog

from tests import world
from trunkline import dialects as registry
from trunkline import logs
from trunkline.accounts import api_keys, audit
from trunkline.accounts.credentials import Credentials
from trunkline.core import config, metrics
from trunkline.dialects.connector import connector
from trunkline.dialects.dispatch import Dialects
from trunkline.server import Edge
from trunkline.server.proxies import Proxied

pytestmark = pytest.mark.anyio

OTHERS = [name for name in registry.DIALECTS if name != "connector"]
UNAUTHORIZED = {"error": {"code": "UNAUTHORIZED", "message": "Invalid or missing API key."}, "success": False}


def reach(app, **options):
    """A client of the app as the server sees its calls: from `client`, at our `server`."""
    client = options.pop("client", ("203.0.113.9", 40000))
    transport = httpx2.ASGITransport(app, client=client)
    return httpx2.AsyncClient(transport=transport, **{"base_url": "https://testserver/v1", **options})


async def test_the_key_in_the_address(anybody, key):
    answer = await anybody.get("/lists", params={"apiKey": key})

    assert answer.status_code == 200


async def test_the_key_in_the_header(anybody, key):
    answer = await anybody.get("/lists", headers={"X-API-Key": key})

    assert answer.status_code == 200


@pytest.mark.parametrize("prefix", ["/v1", "/api/connector/v1"])
async def test_both_prefixes_serve_the_same(anybody, key, prefix):
    answer = await anybody.get(f"https://testserver{prefix}/lists", params={"apiKey": key})

    assert answer.json() == {"data": [], "success": True}


async def test_b58_no_key_opens_nothing(anybody, key):
    answers = [
        await anybody.get("/lists"),
        await anybody.get("/lists?apiKey="),
        await anybody.get(f"/lists?apiKey={key}&apiKey={key}"),
        await anybody.get(f"/lists?apiKey={key}&apiKey=other"),
        await anybody.get(f"/lists?apikey={key}"),
        await anybody.get(f"/lists?apiKey[]={key}"),
        await anybody.get(f"/lists?apiKey={key[:-1]}"),
        await anybody.get("/lists", headers={"authorization": f"Bearer {key}"}),
        await anybody.get("/lists?userId=1"),
        await anybody.get("/lists", headers={"x-api-key": ""}),
    ]

    assert [answer.status_code for answer in answers] == [401] * len(answers)
    assert all(answer.json() == UNAUTHORIZED for answer in answers)
    assert {answer.headers["www-authenticate"] for answer in answers} == {"ApiKey"}


async def test_different_keys_in_both_places_open_nothing(anybody, key, new_key, other_account):
    other = await new_key("connector", account=other_account)

    same = await anybody.get("/lists", params={"apiKey": key}, headers={"x-api-key": key})
    different = await anybody.get("/lists", params={"apiKey": key}, headers={"x-api-key": other})

    assert (same.status_code, different.status_code) == (200, 401)


@pytest.mark.parametrize("dialect", OTHERS)
async def test_keys_of_other_dialects_open_nothing(anybody, new_key, dialect):
    key = await new_key(dialect)

    answers = [
        await anybody.get("/lists", params={"apiKey": key}),
        await anybody.get("/lists?x", headers={"x-api-key": key}),
    ]

    assert [answer.status_code for answer in answers] == [401, 401]


@pytest.mark.parametrize("name", OTHERS)
async def test_its_keys_open_no_other_dialect(database, vault, key, name):
    other = registry.load(name)
    scheme, path = ("Token", "/contacts.json") if name == "rapidpro" else ("Bearer", "/contacts")
    headers = {"x-api-key": key, "authorization": f"{scheme} {key}"}

    async with reach(Dialects(database, vault=vault, served=[other])) as client:
        answers = [
            await client.get(f"https://testserver{prefix}{path}", params={"apiKey": key}, headers=headers)
            for prefix in (*other.prefixes, *other.shared)
        ]

    assert {answer.status_code for answer in answers} <= {401, 403}


async def test_header_only_operations_take_no_key_in_the_address(anybody, key):
    grant = {"email": "sub@example.com", "amount": 5}

    by_query = await anybody.post("/subaccounts/credits", params={"apiKey": key}, json=grant)
    by_header = await anybody.post("/subaccounts/credits", headers={"x-api-key": key}, json=grant)

    assert (by_query.status_code, by_query.json()) == (401, UNAUTHORIZED)
    assert by_header.status_code != 401


async def test_b74_a_new_key_ends_the_old_one_at_once(database, vault, connection, account, new_key):
    old = await new_key("connector", rate="off")
    user = await connection.fetchval("select user_id from api_keys where account_id = $1", account)
    credentials = await Credentials(database).open()
    async with reach(Dialects(database, vault=vault, served=[connector], credentials=credentials)) as client:
        before = await client.get("/lists", params={"apiKey": old})
        async with database.tx(account, "test") as tx:
            new, _ = await api_keys.create(tx, user, "connector")
        credentials.forget(account)  # what the notice of the database makes every process do
        after = [await client.get("/lists", params={"apiKey": each}) for each in (old, new)]
    await credentials.close()

    assert before.status_code == 200
    assert [answer.status_code for answer in after] == [401, 200]


async def test_b59_plain_http_is_refused_and_nothing_happens(dialects, key, anybody):
    async with reach(dialects, base_url="http://testserver/v1") as plain:
        answer = await plain.post("/contacts", params={"apiKey": key}, json={"phone": "+15551234567"})

    found = await anybody.get("/contacts", params={"apiKey": key, "phoneNumber": "+15551234567"})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "HTTPS_REQUIRED"
    assert "location" not in answer.headers
    assert found.status_code == 404


async def test_a_key_that_came_bare_is_noted_once(dialects, database, account, key):
    async with reach(dialects, base_url="http://testserver/v1") as plain:
        answers = [await plain.get("/lists", params={"apiKey": each}) for each in (key, key, "nonsense")]

    async with database.tx(account) as tx:
        noted = [entry for entry in await audit.entries(tx) if entry.action == "key.exposed"]
    assert len({answer.text for answer in answers}) == 1
    assert [str(entry.ip) for entry in noted] == ["203.0.113.9"]


@pytest.mark.parametrize(
    ("wish", "client", "server", "headers", "status"),
    [
        ("auto", "127.0.0.1", "127.0.0.1", {}, 200),
        ("auto", "::1", "[::1]", {}, 200),
        ("auto", "203.0.113.9", "127.0.0.1", {}, 403),
        ("auto", "127.0.0.1", "203.0.113.1", {}, 403),
        ("auto", "127.0.0.1", "127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, 403),
        ("auto", "127.0.0.1", "127.0.0.1", {"x-forwarded-proto": "https"}, 403),
        ("deny", "127.0.0.1", "127.0.0.1", {}, 403),
        ("allow", "203.0.113.9", "203.0.113.1", {}, 200),
    ],
)
async def test_who_may_use_plain_http(dialects, database, key, monkeypatch, wish, client, server, headers, status):
    monkeypatch.setattr(database.tools, "settings", config.load({}, insecure_http=wish))

    async with reach(dialects, base_url=f"http://{server}/v1", client=(client, 40000)) as plain:
        answer = await plain.get("/lists", params={"apiKey": key}, headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("proxy", "proto", "status"), [("10.0.0.1", "https", 200), ("10.0.0.1", "http", 403), ("10.0.0.9", "https", 403)]
)
async def test_a_trusted_proxy_vouches_for_https(dialects, key, proxy, proto, status):
    headers = {"x-forwarded-proto": proto, "x-forwarded-for": "203.0.113.9"}

    async with reach(Proxied(dialects, ["10.0.0.1"]), base_url="http://10.0.0.2/v1", client=(proxy, 40000)) as client:
        answer = await client.get("/lists", params={"apiKey": key}, headers=headers)

    assert answer.status_code == status


async def test_a_key_makes_120_requests_a_minute(anybody, new_key):
    anybody.headers["x-api-key"] = await new_key("connector")

    answers = [await anybody.get("/tags") for _ in range(121)]

    last = answers[-1]
    assert [answer.status_code for answer in answers] == [200] * 120 + [429]
    assert last.json()["error"]["code"] == "RATE_LIMITED"
    assert 0 < int(last.headers["retry-after"]) <= 61
    assert answers[0].headers["x-ratelimit-limit"] == "120"


async def test_a_key_appears_nowhere(database, vault, key, monkeypatch, channel, told):
    served = Dialects(database, vault=vault, served=[connector])
    monkeypatch.setattr(connector.router.find("GET", "/tags")[0], "function", fail)
    data = {"messageSid": "a", "fromId": "x", "toId": "y", "body": "Hi"}

    async with reach(Edge(served)) as client:
        answers = [
            await client.get("/tags", params={"apiKey": key}),
            await client.get("/lists", params={"apiKey": key, "x": "\0"}),
            await client.get("/nothing", params={"apiKey": key}),
            await client.get("/contacts", params={"apiKey": key, "phoneNumber": key}),
            await client.post("/incoming_custom_channel_message", params={"apiKey": key}, json={"customData": data}),
            await client.get("http://testserver/v1/lists", params={"apiKey": key}),
        ]

    kept, lines = await rows_with(database, key), told.readouterr().err
    assert [answer.status_code for answer in answers] == [500, 400, 404, 400, 200, 403]
    assert {answer.headers["referrer-policy"] for answer in answers} == {"no-referrer"}
    assert key not in "".join(answer.text + str(answer.headers) for answer in answers)
    assert "endpoint failed" in lines
    assert key not in lines
    assert key.encode() not in metrics.exposition({"web": metrics.REGISTER.told()})
    assert not kept


@pytest.fixture
def told(monkeypatch, capsys):
    """The log of the server at its most talkative, but for what the tests' own client says."""
    handlers, level = logging.root.handlers, logging.root.level
    logs.set_up(config.load({}, log_level="debug", log_format="json"))
    structlog.configure(cache_logger_on_first_use=False)  # or the loggers stay as they are for all later tests
    monkeypatch.setattr(logging.getLogger("httpx2"), "disabled", True)
    monkeypatch.setattr(logging.getLogger("httpcore2"), "disabled", True)
    yield capsys
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


async def fail(**given):
    raise RuntimeError("broken")


async def rows_with(database, key):
    """Tables of which a row holds the text of the key."""
    tables = await world.execute(
        database.dsn,
        "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
    )
    return [
        table["table_name"]
        for table in tables
        if await world.execute(
            database.dsn, f'select 1 from "{table["table_name"]}" t where t::text like $1 limit 1', f"%{key}%"
        )
    ]
