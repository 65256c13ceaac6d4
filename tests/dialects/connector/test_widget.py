"""The chat widget's endpoints: sessions, messages in and out, the script, and what they refuse."""

import secrets
from typing import Any

import httpx2
import pytest

from tests import world
from trunkline.ai import assistants
from trunkline.core.db import Database
from trunkline.dialects.dispatch import Dialects
from trunkline.inbox import cards, replies
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel
from trunkline.web.chat import cors

pytestmark = pytest.mark.anyio

SHOP = "https://shop.example"


@pytest.fixture
async def window(database: Database, account: int) -> Channel:
    settings = {"origins": SHOP, "title": "Acme", "greeting": "Hello!"}
    async with database.tx(account) as tx:
        return (await channels.create(tx, "webchat", "Shop", "shop", settings))[0]


@pytest.fixture
def config_id(window: Channel, outside: Any) -> str:
    return outside("widget", window.id)


@pytest.fixture
def visitor() -> str:
    """The random id that a visitor's program keeps."""
    return secrets.token_hex(16)


@pytest.fixture
async def token(anybody: httpx2.AsyncClient, config_id: str) -> str:
    answer = await anybody.post("/chat-widget-session", json={"configId": config_id})
    assert answer.status_code == 200, answer.text
    return answer.json()["token"]


@pytest.fixture
async def browser(anybody: httpx2.AsyncClient, token: str) -> httpx2.AsyncClient:
    anybody.headers["Authorization"] = f"Bearer {token}"
    return anybody


def said(visitor: str, text: str = "Is it in stock?", **more: Any) -> dict[str, Any]:
    return {"customData": {"messageSid": secrets.token_hex(8), "fromId": visitor, "toId": "me", "body": text, **more}}


async def test_the_config_names_window_and_account(
    anybody: httpx2.AsyncClient, config_id: str, account: int, outside: Any
) -> None:
    answer = await anybody.get("/chat-widget-config", params={"configId": config_id})

    assert answer.json() == {
        "success": True,
        "data": {
            "configId": config_id,
            "userId": outside("account", account),
            "title": "Acme",
            "greeting": "Hello!",
            "colour": "#1f5fbf",
            "uploads": "nobody",
        },
    }


@pytest.mark.parametrize("config", ["nonsense", "0192f3c0-0000-7000-8000-000000000000"])
async def test_an_unknown_config_is_not_found(anybody: httpx2.AsyncClient, config: str) -> None:
    answer = await anybody.get("/chat-widget-config", params={"configId": config})
    begun = await anybody.post("/chat-widget-session", json={"configId": config})
    shown = await anybody.get(f"/chat-widget/{config}")

    assert [answer.status_code, begun.status_code, shown.status_code] == [404] * 3
    assert answer.json()["error"]["code"] == "CHAT_WINDOW_NOT_FOUND"


async def test_a_config_must_be_named(anybody: httpx2.AsyncClient) -> None:
    assert (await anybody.get("/chat-widget-config")).status_code == 400


async def test_a_session_says_until_when(anybody: httpx2.AsyncClient, config_id: str) -> None:
    answer = await anybody.post("/chat-widget-session", json={"configId": config_id, "userId": "anything"})

    assert set(answer.json()) == {"success", "token", "expiresAt"}
    assert answer.json()["expiresAt"] > 1_000_000_000_000


async def test_a_session_for_somebody_elses_account_is_refused(
    anybody: httpx2.AsyncClient, config_id: str, other_account: int, outside: Any
) -> None:
    body = {"configId": config_id, "userId": outside("account", other_account)}

    assert (await anybody.post("/chat-widget-session", json=body)).status_code == 404


async def test_an_unknown_campaign_is_not_found(anybody: httpx2.AsyncClient, config_id: str) -> None:
    answer = await anybody.post("/chat-widget-session", json={"configId": config_id, "campaignId": "abc123xyz"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "CAMPAIGN_NOT_FOUND")


async def test_a_session_with_a_campaign_gives_the_talk_to_it(
    anybody: httpx2.AsyncClient, config_id: str, visitor: str, database: Database, account: int, outside: Any
) -> None:
    async with database.tx(account) as tx:
        assistant = await assistants.create(tx, "Tea")
    begun = await anybody.post(
        "/chat-widget-session", json={"configId": config_id, "campaignId": outside("campaign", assistant.id)}
    )
    headers = {"Authorization": f"Bearer {begun.json()['token']}"}

    await anybody.post("/incoming-chat-widget-message", json=said(visitor), headers=headers)

    statement = "select data->>'assistant_id' from events where account_id = $1 and type = 'message.received'"
    rows = await world.execute(database.dsn, statement, account)
    assert [row[0] for row in rows] == [str(assistant.id)]


async def test_what_is_said_reaches_the_inbox_and_the_answer_comes_back(
    browser: httpx2.AsyncClient, visitor: str, database: Database, account: int
) -> None:
    answer = await browser.post("/incoming-chat-widget-message", json=said(visitor, firstName="Ana"))
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"success", "messageId"}
    await world.react(database)
    async with database.tx(account) as tx:
        [card] = await cards.page(tx, "web_chat", None, after=None, limit=2)
        await replies.reply(tx, card.id, "Yes.", user_id=None)
    await world.deliver(database, account)

    listed = (await browser.get("/chat-widget-messages", params={"fromId": "account", "toId": visitor})).json()

    assert card.visitor is not None
    assert card.visitor["name"] == "Ana"
    assert listed["isBotTyping"] is False
    assert [(one["direction"], one["body"]) for one in listed["messages"]] == [
        ("outbound", "Yes."),
        ("inbound", "Is it in stock?"),
    ]
    assert set(listed["messages"][0]) == {
        "messageSid", "body", "mediaUrl", "mediaContentType", "timestamp", "type", "direction", "status",
    }  # fmt: skip


async def test_only_what_is_newer_is_listed(browser: httpx2.AsyncClient, visitor: str) -> None:
    await browser.post("/incoming-chat-widget-message", json=said(visitor))

    listed = await browser.get("/chat-widget-messages", params={"toId": visitor, "timestamp": 4_000_000_000_000})

    assert listed.json()["messages"] == []


async def test_the_same_message_again_gets_the_first_id(browser: httpx2.AsyncClient, visitor: str) -> None:
    body = said(visitor)

    first = (await browser.post("/incoming-chat-widget-message", json=body)).json()
    second = (await browser.post("/incoming_chat_widget_message", json=body)).json()

    assert second == {**first, "duplicate": True}


async def test_a_form_is_taken(browser: httpx2.AsyncClient, visitor: str) -> None:
    fields = {"customData[messageSid]": "1", "customData[fromId]": visitor, "customData[body]": "Hello"}

    answer = await browser.post("/incoming-chat-widget-message?userId=x", data=fields)

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "change",
    [
        {"messageSid": None},
        {"messageSid": "a b"},
        {"fromId": "short"},
        {"fromId": 5},
        {"body": ""},
        {"body": "x" * 4001},
        {"body": 7},
    ],
)
async def test_bad_messages_are_refused(browser: httpx2.AsyncClient, visitor: str, change: dict[str, Any]) -> None:
    body = said(visitor)
    body["customData"] |= change

    answer = await browser.post("/incoming-chat-widget-message", json=body)

    assert answer.status_code == 400
    assert answer.json()["success"] is False


async def test_broken_json_is_refused(browser: httpx2.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await browser.post("/incoming-chat-widget-message", content=b'{"customData":', headers=headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_JSON")


async def test_other_methods_are_refused(api: httpx2.AsyncClient) -> None:
    assert (await api.get("/incoming-chat-widget-message")).status_code == 405


@pytest.mark.parametrize("bearer", ["", "Bearer", "Bearer x", "Bearer " + "A" * 60])
async def test_without_a_session_nothing_is_told(anybody: httpx2.AsyncClient, visitor: str, bearer: str) -> None:
    headers = {"Authorization": bearer}

    statuses = [
        (await anybody.post("/incoming-chat-widget-message", json=said(visitor), headers=headers)).status_code,
        (await anybody.get("/chat-widget-messages", params={"toId": visitor}, headers=headers)).status_code,
        (await anybody.post("/chat-widget-messages/read", json={"toId": visitor}, headers=headers)).status_code,
    ]

    assert statuses == [401] * 3


async def test_the_id_of_an_account_opens_nothing(
    anybody: httpx2.AsyncClient, account: int, outside: Any, visitor: str
) -> None:
    params = {"userId": outside("account", account), "toId": visitor, "fromId": outside("account", account)}

    assert (await anybody.get("/chat-widget-messages", params=params)).status_code == 401


async def test_who_does_not_know_the_id_reads_nothing(browser: httpx2.AsyncClient, visitor: str) -> None:
    await browser.post("/incoming-chat-widget-message", json=said(visitor))

    listed = await browser.get("/chat-widget-messages", params={"toId": secrets.token_hex(16)})

    assert listed.json()["messages"] == []


async def test_reading_marks_what_was_sent(
    browser: httpx2.AsyncClient, visitor: str, database: Database, account: int
) -> None:
    await browser.post("/incoming-chat-widget-message", json=said(visitor))
    await world.react(database)
    async with database.tx(account) as tx:
        [card] = await cards.page(tx, "web_chat", None, after=None, limit=2)
        await replies.reply(tx, card.id, "Yes.", user_id=None)
    await world.deliver(database, account)

    answer = await browser.post("/chat-widget-messages/read", json={"fromId": "account", "toId": visitor})

    assert answer.json() == {"success": True}
    listed = (await browser.get("/chat-widget-messages", params={"toId": visitor})).json()["messages"]
    assert listed[0]["status"] == "read"


async def test_the_script_is_public(anybody: httpx2.AsyncClient) -> None:
    answer = await anybody.get("/scripts/chat-widget.js")

    assert answer.headers["content-type"] == "application/javascript"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert b"attachShadow" in answer.content


async def test_the_widget_is_a_page_and_a_script(anybody: httpx2.AsyncClient, config_id: str, window: Channel) -> None:
    page = await anybody.get(f"/chat-widget/{config_id}/%3Cnews%22letter")
    script = await anybody.get(f"/chat-widget/{config_id}/news", headers={"Sec-Fetch-Dest": "script"})

    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].endswith(f"frame-ancestors 'self' {SHOP}")
    assert "&lt;news&quot;letter" in page.text
    assert script.headers["content-type"] == "application/javascript"
    assert str(window.uuid) in script.text


async def test_an_address_makes_sixty_calls_a_minute(anybody: httpx2.AsyncClient, config_id: str) -> None:
    path = f"/chat-widget-config?configId={config_id}"

    statuses = [(await anybody.get(path)).status_code for _ in range(61)]

    assert statuses == [200] * 60 + [429]


@pytest.fixture
async def elsewhere(dialects: Dialects) -> Any:
    """A page of some site, as its browser calls us."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await cors.pass_on(dialects, scope, receive, send)

    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://testserver/v1") as client:
        yield client


async def test_a_listed_site_may_read_and_no_other(elsewhere: httpx2.AsyncClient, config_id: str) -> None:
    path = f"/chat-widget-config?configId={config_id}"

    ours = await elsewhere.get(path, headers={"Origin": SHOP})
    theirs = await elsewhere.get(path, headers={"Origin": "https://evil.example"})

    assert ours.headers["access-control-allow-origin"] == SHOP
    assert theirs.status_code == 403
    assert "access-control-allow-origin" not in theirs.headers


async def test_a_preflight_is_answered_for_the_widget_alone(elsewhere: httpx2.AsyncClient) -> None:
    headers = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}

    widget = await elsewhere.options("/incoming-chat-widget-message", headers=headers)
    contacts = await elsewhere.options("/contacts", headers=headers)

    assert widget.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert "access-control-allow-origin" not in contacts.headers
