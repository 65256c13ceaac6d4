"""People, channels and messages for the inbox, written straight into the tables."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import asyncpg
import pytest

from trunkline.core.ids import new_uuid
from trunkline.inbox.threads import FiledMessage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

Make = Callable[..., Awaitable[int]]
_numbers = count(1)


@pytest.fixture
def new_contact(connection: asyncpg.Connection, account: int) -> Make:
    async def make(account_id: int = account) -> int:
        return await connection.fetchval(
            "insert into contacts (account_id, uuid, name) values ($1, $2, 'Jane') returning id", account_id, new_uuid()
        )

    return make


@pytest.fixture
def new_channel(connection: asyncpg.Connection, account: int) -> Make:
    async def make(sends_as: str = "sms", account_id: int = account) -> int:
        name = f"{sends_as} {next(_numbers)}"
        return await connection.fetchval(
            """
            insert into channels (account_id, uuid, kind, sends_as, name, name_key, address, schemes, config, semantics)
            values ($1, $2, 'simulator', $3, $4, $4, '+15550001', '{tel}', '', 'at_least_once') returning id
            """,
            account_id,
            new_uuid(),
            sends_as,
            name,
        )

    return make


@pytest.fixture
def new_user(connection: asyncpg.Connection, account: int) -> Make:
    async def make(
        role: str = "agent", *, account_id: int = account, active: bool = True, name: str = "Agent Jones"
    ) -> int:
        uuid = new_uuid()
        user = await connection.fetchval(
            "insert into users (uuid, email, name) values ($1, $2, $3) returning id", uuid, f"{uuid}@acme.test", name
        )
        await connection.execute(
            "insert into memberships (account_id, user_id, role, active) values ($1, $2, $3, $4)",
            account_id,
            user,
            role,
            active,
        )
        return user

    return make


@pytest.fixture
def new_message(connection: asyncpg.Connection, account: int) -> Callable[..., Awaitable[FiledMessage]]:
    """An inbound message that is stored and waits to be filed."""

    async def make(contact: int, channel: int, *, account_id: int = account, **given: Any) -> FiledMessage:
        sends_as = given.pop("sends_as", None) or await connection.fetchval(
            "select sends_as from channels where id = $1", channel
        )
        id = await connection.fetchval(
            """
            insert into messages (account_id, direction, status, contact_id, channel_id, scheme, address, body,
                external_id, created_at)
            values ($1, 'in', 'received', $2, $3, 'tel', '+15557654321', $4, $5, $6) returning id
            """,
            account_id,
            contact,
            channel,
            given.get("text", "Hello"),
            given.pop("external_id", f"in-{next(_numbers)}"),
            given.get("received_at", NOON),
        )
        facts = {"text": "Hello", "received_at": NOON, **given}
        return FiledMessage(id=id, contact_id=contact, channel_id=channel, sends_as=sends_as, **facts)

    return make


@pytest.fixture
def events(connection: asyncpg.Connection, account: int) -> Callable[[str], Awaitable[list[Any]]]:
    """The data of this account's committed events of a type, in order."""

    async def read(type: str) -> list[Any]:
        return await connection.fetch(
            "select data, cause from events where account_id = $1 and type = $2 order by id", account, type
        )

    return read
