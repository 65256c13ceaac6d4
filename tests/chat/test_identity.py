"""Who a visitor is: what a site can prove, what nobody can take by saying so."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any

import httpx2
import pytest

from tests import world
from trunkline.contacts import people
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.urns import Urn
from trunkline.inbox import cards, replies
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

SECRET = b"identity-secret-of-the-shop"


def hash_of(user: str) -> str:
    return hmac.new(SECRET, user.encode(), hashlib.sha256).hexdigest()


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def jwt_of(claims: dict[str, Any], *, head: dict[str, str] | None = None, secret: bytes = SECRET) -> str:
    signed = f"{encoded(head or {'alg': 'HS256', 'typ': 'JWT'})}.{encoded(claims)}"
    mark = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


def later() -> int:
    return int(clock.now().timestamp()) + 600


async def say(client: httpx2.AsyncClient, token: str, text: str) -> None:
    body = {"id": secrets.token_hex(8), "text": text}
    answer = await client.post("messages", json=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 201


async def texts(client: httpx2.AsyncClient, **hello: Any) -> list[str]:
    answer = await client.post("session", json=hello)
    assert answer.status_code == 200, answer.text
    return [one["text"] for one in answer.json()["messages"]]


async def conversations(database: Database, account: int) -> list[Any]:
    await world.react(database)
    async with database.tx(account) as tx:
        return await cards.page(tx, "web_chat", None, after=None, limit=10)


async def test_a_proved_user_finds_their_conversation_on_another_machine(shop: httpx2.AsyncClient, begin: Any) -> None:
    proof = {"user_id": "42", "user_hash": hash_of("42")}
    await say(shop, await begin(shop, visitor=secrets.token_hex(16), **proof), "From my phone")

    assert await texts(shop, visitor=secrets.token_hex(16), **proof) == ["From my phone"]


async def test_what_was_said_before_signing_in_comes_along(
    shop: httpx2.AsyncClient, key: str, begin: Any, database: Database, account: int
) -> None:
    proof = {"user_id": "42", "user_hash": hash_of("42")}
    await say(shop, await begin(shop, **proof), "As a customer")
    await say(shop, await begin(shop, visitor=key), "Anonymously")
    assert len(await conversations(database, account)) == 2

    assert await texts(shop, visitor=key, **proof) == ["As a customer", "Anonymously"]

    [one] = await conversations(database, account)
    async with database.tx(account) as tx:
        assert len(await people.page(tx, people.Filter())) == 1
        await replies.reply(tx, one.id, "Hello again", user_id=None)
    await world.deliver(database, account)
    assert (await texts(shop, **proof))[-1] == "Hello again"


async def test_the_first_proof_keeps_contact_and_conversation(
    shop: httpx2.AsyncClient, key: str, begin: Any, database: Database, account: int
) -> None:
    await say(shop, await begin(shop, visitor=key), "Anonymously")
    [before] = await conversations(database, account)

    await begin(shop, visitor=key, user_id="42", user_hash=hash_of("42"))

    [after] = await conversations(database, account)
    assert after.id == before.id


async def test_an_answer_on_its_way_to_the_anonymous_visitor_arrives_after_they_signed_in(
    shop: httpx2.AsyncClient, key: str, begin: Any, database: Database, account: int
) -> None:
    await say(shop, await begin(shop, visitor=key), "Anonymously")
    [one] = await conversations(database, account)
    async with database.tx(account) as tx:
        await replies.reply(tx, one.id, "Underway", user_id=None)
    proof = {"user_id": "42", "user_hash": hash_of("42")}
    await begin(shop, visitor=key, **proof)

    await world.deliver(database, account)

    assert await texts(shop, **proof) == ["Anonymously", "Underway"]


async def test_whoever_signed_out_leaves_nothing_behind_the_key(shop: httpx2.AsyncClient, key: str, begin: Any) -> None:
    await say(shop, await begin(shop, visitor=key), "Anonymously")
    await begin(shop, visitor=key, user_id="42", user_hash=hash_of("42"))

    assert await texts(shop, visitor=key) == []


async def test_a_session_from_before_the_proof_ends_with_it(shop: httpx2.AsyncClient, key: str, begin: Any) -> None:
    old = await begin(shop, visitor=key)
    await begin(shop, visitor=key, user_id="42", user_hash=hash_of("42"))

    answer = await shop.get("messages", headers={"Authorization": f"Bearer {old}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "session_over")


async def test_a_proved_address_leads_to_its_contact(
    shop: httpx2.AsyncClient, key: str, begin: Any, database: Database, account: int
) -> None:
    [contact] = await world.contacts(database, account, ["ana@example.com"], "mailto")
    await say(shop, await begin(shop, visitor=key), "Anonymously")
    await world.react(database)

    token = await begin(shop, visitor=key, jwt=jwt_of({"sub": "42", "exp": later(), "email": "Ana@example.com"}))

    await say(shop, token, "It is me")
    [one] = await conversations(database, account)
    async with database.tx(account) as tx:
        found = await people.find(tx, Urn("mailto", "ana@example.com"))
        assert found is not None
        assert found.id == contact
        assert len(await people.page(tx, people.Filter())) == 1
    statement = "select contact_id from conversations where id = $1"
    assert [row[0] for row in await world.execute(database.dsn, statement, one.id)] == [contact]


async def test_a_proved_address_of_nobody_becomes_the_contacts(
    shop: httpx2.AsyncClient, begin: Any, database: Database, account: int
) -> None:
    token = await begin(shop, jwt=jwt_of({"sub": "7", "exp": later(), "email": "bo@example.com", "name": "Bo"}))
    await say(shop, token, "Hi")

    async with database.tx(account) as tx:
        found = await people.find(tx, Urn("mailto", "bo@example.com"))
    assert found is not None
    assert found.name == "Bo"


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "ana@example.com", "email_verified": False},
        {"email": "not an address"},
        {"email": ["ana@example.com"]},
    ],
)
async def test_an_address_that_is_not_vouched_for_leads_to_nobody(
    shop: httpx2.AsyncClient, begin: Any, database: Database, account: int, claims: dict[str, Any]
) -> None:
    [contact] = await world.contacts(database, account, ["ana@example.com"], "mailto")
    token = await begin(shop, jwt=jwt_of({"sub": "42", "exp": later(), **claims}))
    await say(shop, token, "Hi")

    [one] = await conversations(database, account)

    rows = await world.execute(database.dsn, "select contact_id from conversations where id = $1", one.id)
    assert rows[0][0] != contact


async def test_the_hash_of_an_id_says_nothing_about_an_address(
    shop: httpx2.AsyncClient, begin: Any, database: Database, account: int
) -> None:
    [contact] = await world.contacts(database, account, ["ana@example.com"], "mailto")
    token = await begin(shop, user_id="42", user_hash=hash_of("42"), email="ana@example.com")
    await say(shop, token, "Hi")

    [one] = await conversations(database, account)

    rows = await world.execute(database.dsn, "select contact_id from conversations where id = $1", one.id)
    assert rows[0][0] != contact


@pytest.mark.parametrize(
    "hello",
    [
        {"user_id": "42"},
        {"user_id": "42", "user_hash": ""},
        {"user_id": "42", "user_hash": hash_of("43")},
        {"user_id": "42", "user_hash": hash_of("42")[:-1]},
        {"user_id": "42", "user_hash": "ü"},
        {"user_hash": hash_of("42")},
        {"user_id": "", "user_hash": hash_of("")},
        {"user_id": "a\nb", "user_hash": hash_of("a\nb")},
        {"user_id": "x" * 300, "user_hash": hash_of("x" * 300)},
        {"jwt": "nonsense"},
        {"jwt": ".."},
        {"jwt": "é.é.é"},
        {"jwt": jwt_of({"sub": "42"})},
        {"jwt": jwt_of({"sub": "42", "exp": 1})},
        {"jwt": jwt_of({"sub": "42", "exp": "tomorrow"})},
        {"jwt": jwt_of({"sub": "42", "exp": True})},
        {"jwt": jwt_of({"sub": "42", "exp": 4_000_000_000, "nbf": 3_999_999_999})},
        {"jwt": jwt_of({"exp": 4_000_000_000})},
        {"jwt": jwt_of({"sub": None, "exp": 4_000_000_000})},
        {"jwt": jwt_of({"sub": "42", "exp": 4_000_000_000}, head={"alg": "none"})},
        {"jwt": jwt_of({"sub": "42", "exp": 4_000_000_000}, head={"alg": "none"}).rpartition(".")[0] + "."},
        {"jwt": jwt_of({"sub": "42", "exp": 4_000_000_000}, head={"alg": "HS512"})},
        {"jwt": jwt_of({"sub": "42", "exp": 4_000_000_000}, secret=b"guess")},
        {"jwt": jwt_of({"sub": "42", "exp": 4_000_000_000}, secret=b"")},
    ],
)
async def test_what_proves_nothing_opens_nothing(shop: httpx2.AsyncClient, key: str, hello: dict[str, Any]) -> None:
    answer = await shop.post("session", json={"visitor": key, **hello})

    assert (answer.status_code, answer.json()["code"]) == (422, "identity_refused")
    assert "token" not in answer.json()


async def test_the_secret_of_another_window_proves_nothing(opening: Any, paging: Any) -> None:
    async with paging(await opening(secret="another")) as elsewhere:
        answer = await elsewhere.post("session", json={"user_id": "42", "user_hash": hash_of("42")})

    assert answer.status_code == 422


async def test_a_key_does_not_open_another_windows_conversation(
    shop: httpx2.AsyncClient, key: str, begin: Any, opening: Any, paging: Any
) -> None:
    await say(shop, await begin(shop, visitor=key), "Secret")
    async with paging(await opening()) as elsewhere:
        assert await texts(elsewhere, visitor=key) == []


async def test_files_may_be_for_proved_users_only(opening: Any, paging: Any, key: str, begin: Any) -> None:
    window: Channel = await opening(trust_uploads="identified")
    async with paging(window) as page:
        stranger = (await page.post("session", json={"visitor": key})).json()
        known = (await page.post("session", json={"user_id": "42", "user_hash": hash_of("42")})).json()
        headers = {"Authorization": f"Bearer {stranger['token']}"}
        refused = await page.post("files?id=a&name=a.txt", content=b"hello", headers=headers)
        headers = {"Authorization": f"Bearer {known['token']}"}
        taken = await page.post("files?id=a&name=a.txt", content=b"hello", headers=headers)

    assert (stranger["uploads"], known["uploads"]) == (False, True)
    assert (refused.status_code, taken.status_code) == (403, 201)
