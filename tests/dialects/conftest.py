"""Keys of every dialect and role, and the toy dialects behind an ASGI client."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.dialects import toy
from trunkline.accounts import api_keys
from trunkline.core import crypto, ids
from trunkline.core.crypto import Vault
from trunkline.core.db import Database
from trunkline.core.ids import new_uuid
from trunkline.dialects.dispatch import Dialects

NewKey = Callable[..., Awaitable[str]]


@pytest.fixture
def vault() -> Vault:
    return Vault(b"a secret for the tests alone")


@pytest.fixture
def new_key(database: Database, connection: asyncpg.Connection, account: int) -> NewKey:
    async def make(
        dialect: str = "platform",
        *,
        scopes: list[str] | None = None,
        rate: str | None = None,
        role: str = "owner",
        account: int = account,
    ) -> str:
        user: Any = await connection.fetchval(
            "insert into users (uuid, email) values ($1, $2) returning id",
            new_uuid(),
            f"{new_uuid()}@example.com",
        )
        await connection.execute(
            "insert into memberships (account_id, user_id, role) values ($1, $2, $3)", account, user, role
        )
        async with database.tx(account, "test") as tx:
            key, _ = await api_keys.create(tx, user, dialect, scopes=scopes, rate_limit=rate)
        return key

    return make


@pytest.fixture
def signed_in(connection: asyncpg.Connection) -> Callable[..., Awaitable[tuple[str, int]]]:
    """The token and the id of a new user with this role in these accounts."""

    async def make(role: str, *accounts: int, kind: str = "bearer") -> tuple[str, int]:
        user: Any = await connection.fetchval(
            "insert into users (uuid, email) values ($1, $2) returning id", new_uuid(), f"{new_uuid()}@example.com"
        )
        for account in accounts:
            await connection.execute(
                "insert into memberships (account_id, user_id, role) values ($1, $2, $3)", account, user, role
            )
        token = f"trs_{ids.token(43)}"
        await connection.execute(
            """
            insert into sessions (digest, user_id, account_id, kind, expires_at)
            values ($1, $2, $3, $4, now() + interval '1 day')
            """,
            crypto.digest(token),
            user,
            accounts[0],
            kind,
        )
        return token, user

    return make


@pytest.fixture
def dialects(database: Database, vault: Vault) -> Dialects:
    return Dialects(database, vault=vault, served=[toy.platform, toy.developer, toy.portal])


@pytest.fixture
async def anybody(dialects: Dialects) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a credential."""
    transport = httpx2.ASGITransport(dialects, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.fixture
async def client(anybody: httpx2.AsyncClient, new_key: NewKey) -> httpx2.AsyncClient:
    """The owner, at the platform dialect, without rate limits."""
    anybody.headers["authorization"] = f"Bearer {await new_key(rate='off')}"
    anybody.base_url = httpx2.URL("http://testserver/api/inbox/v1")
    return anybody
