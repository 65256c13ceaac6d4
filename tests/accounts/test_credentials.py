"""From a key to who stands behind it, fast, and never for long after it was taken away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from trunkline.accounts import api_keys, credentials, settings, users
from trunkline.accounts.credentials import Credentials
from trunkline.core import clock, crypto
from trunkline.core.db import Database
from trunkline.core.ids import token

pytestmark = pytest.mark.anyio


@pytest.fixture
async def owner(database: Database, account: int) -> int:
    async with database.system(account) as tx:
        made = await users.create(tx, f"{token(12).lower()}@example.com", "owner", password="a bird sang twice")
    return made.member.id


@pytest.fixture
async def key(database: Database, account: int, owner: int) -> str:
    async with database.tx(account, "test") as tx:
        secret, _ = await api_keys.create(tx, owner, "portal", scopes=["read"], rate_limit="5/minute")
    return secret


@pytest.fixture
async def known(database: Database) -> AsyncIterator[Credentials]:
    known = await Credentials(database).open()
    await known.find(crypto.new_key("portal")[0])
    await until(known, listening=True)
    yield known
    await known.close()


async def until(known: Credentials, *, listening: bool) -> None:
    async with asyncio.timeout(5):
        while known._listening != listening:
            await asyncio.sleep(0.01)


async def refused(known: Credentials, key: str) -> bool:
    """Whether the key is refused before long, though it was remembered."""
    async with asyncio.timeout(5):
        while await known.find(key):
            await asyncio.sleep(0.01)
    return True


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    asked: list[bytes] = []
    look_up = Credentials._look_up

    async def counted(self: Credentials, digest: bytes) -> Any:
        asked.append(digest)
        return await look_up(self, digest)

    monkeypatch.setattr(Credentials, "_look_up", counted)
    return asked


async def test_a_key_tells_account_user_role_and_rights(known: Credentials, account: int, owner: int, key: str) -> None:
    credential = await known.find(key)

    assert credential is not None
    assert (credential.account.id, credential.user_id, credential.role) == (account, owner, "owner")
    assert (credential.dialect, credential.scopes, credential.rate_limit) == ("portal", {"read"}, "5/minute")
    assert (credential.has_scope("read"), credential.has_scope("write")) == (True, False)


async def test_garbage_never_reaches_the_database(known: Credentials, key: str, queries: list[bytes]) -> None:
    broken = key[:-1] + ("0" if key[-1] != "0" else "1")

    found = [await known.find(text) for text in (broken, "", "trk_portal_", "\ud800", "x" * 10_000)]

    assert (found, queries) == ([None] * 5, [])


async def test_a_known_key_is_looked_up_once(known: Credentials, key: str, queries: list[bytes]) -> None:
    for _ in range(5):
        await known.find(key)

    assert len(queries) == 1


async def test_what_is_remembered_grows_old(
    known: Credentials, key: str, queries: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    await known.find(key)
    moment = clock.monotonic()

    monkeypatch.setattr(clock, "monotonic", lambda: moment + credentials.LISTENING_SECONDS)
    await known.find(key)

    assert len(queries) == 2


async def test_a_deaf_process_asks_again_each_second(
    database: Database, key: str, queries: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = Credentials(database)
    await deaf.find(key)
    moment = clock.monotonic()

    monkeypatch.setattr(clock, "monotonic", lambda: moment + credentials.DEAF_SECONDS)
    await deaf.find(key)

    assert len(queries) == 2


async def test_the_memory_is_bounded(
    known: Credentials, database: Database, account: int, owner: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "MOST", 2)
    async with database.tx(account) as tx:
        keys = [(await api_keys.create(tx, owner, "portal"))[0] for _ in range(4)]

    for key in keys:
        await known.find(key)

    assert len(known._kept) == 2


async def revoke(database: Database, account: int, owner: int, key: str) -> None:
    async with database.system() as tx:
        await api_keys.revoke_secret(tx, key)


async def switch_off(database: Database, account: int, owner: int, key: str) -> None:
    async with database.system(account) as tx:
        await users.create(tx, f"{token(12).lower()}@example.com", "owner")
        await users.set(tx, owner, active=False)


async def ban(database: Database, account: int, owner: int, key: str) -> None:
    async with database.system(account) as tx:
        await tx._connection.execute("update users set active = false where id = $1", owner)


async def delete_account(database: Database, account: int, owner: int, key: str) -> None:
    async with database.system(account) as tx:
        await tx._connection.execute("update accounts set deleted_at = now() where id = $1", account)


@pytest.mark.parametrize("end", [revoke, switch_off, ban, delete_account])
async def test_every_process_hears_when_a_key_ends(
    known: Credentials,
    database: Database,
    account: int,
    owner: int,
    key: str,
    end: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(credentials, "LISTENING_SECONDS", 1000)
    await known.find(key)

    await end(database, account, owner, key)

    assert await refused(known, key)


async def test_new_settings_and_roles_arrive(
    known: Credentials,
    database: Database,
    account: int,
    owner: int,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(credentials, "LISTENING_SECONDS", 1000)
    await known.find(key)

    async with database.system(account) as tx:
        await settings.put(tx, {"suspended": "yes", "anon": "yes"}, operator=True)
        await users.create(tx, f"{token(12).lower()}@example.com", "owner")
        await users.set(tx, owner, role="viewer")

    async with asyncio.timeout(5):
        while not (now := await known.find(key)) or not now.account.suspended:
            await asyncio.sleep(0.01)
    assert (now.role, now.account.settings) == ("viewer", {"anon": True})


async def test_an_answer_that_was_overtaken_is_not_remembered(
    known: Credentials, account: int, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = known._database.system

    def overtaken(*args: Any) -> Any:
        known.forget(account)
        return system(*args)

    monkeypatch.setattr(known._database, "system", overtaken)
    await known.find(key)

    assert not known._kept


async def test_a_cut_line_makes_it_forget_and_listen_again(
    known: Credentials, key: str, queries: list[bytes], connection: Any
) -> None:
    await known.find(key)

    await connection.execute(
        """select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query in ('LISTEN "trunkline_keys"', 'LISTEN trunkline_keys', 'select 1')
        """
    )
    await until(known, listening=False)
    forgotten = not known._kept
    await until(known, listening=True)

    assert forgotten
    assert await known.find(key)


async def test_nobody_listens_while_no_key_is_shown(
    known: Credentials, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known.find(key)

    monkeypatch.setattr(credentials, "REST_SECONDS", 0)
    await until(known, listening=False)
    monkeypatch.undo()
    deaf = not known._kept
    await known.find(key)

    assert deaf
    await until(known, listening=True)


async def test_an_expired_key_is_refused_though_remembered(
    known: Credentials, database: Database, account: int, owner: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    async with database.tx(account) as tx:
        key, _ = await api_keys.create(tx, owner, "portal", expires_at=now + timedelta(hours=1))
    before = await known.find(key)

    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=1))
    after = await known.find(key)

    assert (before is not None, after) == (True, None)


async def test_use_is_stored_at_most_once_a_minute(
    known: Credentials, database: Database, account: int, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    stored = []

    for seconds in (0, 59, 60):
        monkeypatch.setattr(clock, "now", lambda at=now + timedelta(seconds=seconds): at)
        await known.find(key)
        stored.append(await known.flush())

    assert stored == [1, 0, 1]
    async with database.tx(account) as tx:
        assert (await api_keys.listed(tx))[0].last_used_at == now + timedelta(seconds=60)
