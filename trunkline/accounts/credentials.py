"""Credentials: who stands behind a key that a request shows, from a small memory that forgets in time."""

import asyncio
import contextlib
from collections import OrderedDict
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from trunkline.accounts.accounts import COLUMNS, Account
from trunkline.accounts.roles import Role
from trunkline.core import clock, crypto
from trunkline.core.db import CONNECTION_ERRORS, Database, sql

CHANNEL = "trunkline_keys"
LISTENING_SECONDS = 5.0
DEAF_SECONDS = 1.0
REST_SECONDS = 60.0
"""After so long without a request with a key nobody listens: a connection costs an idle machine 3 MiB."""
MOST = 10_000


class Credential(Struct, frozen=True):
    """A valid key. Whether its account is suspended is for the dialect to say."""

    key_id: int
    user_id: int
    role: Role
    dialect: str
    scopes: frozenset[str]
    rate_limit: str | None
    expires_at: datetime | None
    account: Account

    def has_scope(self, scope: str) -> bool:
        return scope in self.scopes or "*" in self.scopes


class Credentials:
    """The memory of one process. While keys are shown it hears of revoked ones; deaf, it forgets each second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[bytes, tuple[float, Credential]] = OrderedDict()
        self._used: dict[tuple[int, int], datetime] = {}
        self._forgotten = 0
        self._listening = False
        self._shown, self._shown_at = asyncio.Event(), -REST_SECONDS
        self._ear: asyncio.Task[None] | None = None

    async def open(self) -> "Credentials":
        self._ear = asyncio.get_running_loop().create_task(self._listen())
        return self

    async def close(self) -> None:
        if self._ear is not None:
            self._ear.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ear
        with contextlib.suppress(*CONNECTION_ERRORS):
            await self.flush()

    async def find(self, key: str) -> Credential | None:
        """The credential of a key; none if it is wrong, over, revoked, or its user or account is gone."""
        if not crypto.may_be_key(key):
            return None
        self._shown_at = clock.monotonic()
        self._shown.set()
        digest = crypto.digest(key)
        credential = self._remembered(digest) or await self._look_up(digest)
        now = clock.now()
        if credential is None or (credential.expires_at and credential.expires_at <= now):
            return None
        self._used[credential.account.id, credential.key_id] = now
        return credential

    async def flush(self) -> int:
        """Store when keys were last used, at most once a minute for each. The app calls this now and then."""
        used, self._used = self._used, {}
        if not used:
            return 0
        accounts, keys = zip(*used, strict=True)
        async with self._database.system() as tx:
            return await tx.run(USED, list(accounts), list(keys), list(used.values()))

    def forget(self, account_id: int) -> None:
        """Drop what is known of an account; answers that are on their way are not kept either."""
        self._forgotten += 1
        for digest in [d for d, (_, credential) in self._kept.items() if credential.account.id == account_id]:
            del self._kept[digest]

    def _remembered(self, digest: bytes) -> Credential | None:
        kept = self._kept.get(digest)
        seconds = LISTENING_SECONDS if self._listening else DEAF_SECONDS
        if kept is None or clock.monotonic() - kept[0] >= seconds:
            return None
        self._kept.move_to_end(digest)
        return kept[1]

    async def _look_up(self, digest: bytes) -> Credential | None:
        asked, forgotten = clock.monotonic(), self._forgotten
        async with self._database.system() as tx:
            row = await tx.maybe(_Row, FIND, digest, clock.now())
        if row is None:
            self._kept.pop(digest, None)
            return None
        credential = row.credential()
        if forgotten == self._forgotten:
            self._kept[digest] = (asked, credential)
            self._kept.move_to_end(digest)
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return credential

    def _heard(self, payload: str) -> None:
        if payload.isdigit():
            self.forget(int(payload))

    async def _listen(self) -> None:
        while True:
            if not self._is_needed():
                self._shown.clear()
                await self._shown.wait()
            connection = None
            try:
                connection = await self._database.listen(CHANNEL, self._heard)
                self._start_anew(listening=True)
                while self._is_needed():
                    # A line that is cut without a word would leave us deaf and not knowing it.
                    await asyncio.sleep(DEAF_SECONDS / 2)
                    await connection.execute("select 1", timeout=DEAF_SECONDS / 2)
            except (*CONNECTION_ERRORS, asyncpg.PostgresError):
                self._start_anew(listening=False)
                await asyncio.sleep(DEAF_SECONDS)
            finally:
                self._start_anew(listening=False)
                if connection is not None:
                    connection.terminate()

    def _is_needed(self) -> bool:
        return clock.monotonic() - self._shown_at < REST_SECONDS

    def _start_anew(self, *, listening: bool) -> None:
        """What was said while nobody listened is lost, so nothing that was known before counts."""
        self._forgotten += 1
        self._kept.clear()
        self._listening = listening


class _Row(Struct, frozen=True):
    key_id: int
    user_id: int
    role: Any
    dialect: str
    scopes: list[str]
    rate_limit: str | None
    expires_at: datetime | None
    id: int
    uuid: UUID
    kind: Any
    parent_id: int | None
    name: str
    email: str | None
    timezone: str
    country: str | None
    languages: list[str]
    metered: bool
    suspended: bool
    settings: dict[str, Any]
    created_at: datetime
    deleted_at: datetime | None

    def credential(self) -> Credential:
        account = Account(*(getattr(self, name) for name in Account.__struct_fields__))
        return Credential(
            self.key_id,
            self.user_id,
            self.role,
            self.dialect,
            frozenset(self.scopes),
            self.rate_limit,
            self.expires_at,
            account,
        )


FIND = sql(
    f"""
    select k.id as key_id, k.user_id, m.role, k.dialect, k.scopes, k.rate_limit, k.expires_at,
        {", ".join(f"a.{name.strip()}" for name in COLUMNS.split(","))}
    from api_keys k
    join accounts a on a.id = k.account_id and a.deleted_at is null
    join memberships m on m.account_id = k.account_id and m.user_id = k.user_id and m.active
    join users u on u.id = k.user_id and u.active
    where k.digest = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)
    """,
    system=True,
)

USED = sql(
    """
    update api_keys k set last_used_at = used.at
    from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as used (account_id, id, at)
    where k.account_id = used.account_id and k.id = used.id
        and (k.last_used_at is null or k.last_used_at <= used.at - interval '1 minute')
    """,
    system=True,
)
