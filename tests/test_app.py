"""The app of a web process, whole: what it keeps up beside answering."""

import asyncio

import pytest

from tests import world
from trunkline import app as apps
from trunkline.accounts import api_keys, users
from trunkline.core import crypto, ids
from trunkline.core.db import Database

pytestmark = pytest.mark.anyio


async def test_the_last_use_of_a_key_is_written_down_while_it_runs(
    database: Database, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apps, "NOTE_SECONDS", 0.01)
    async with database.system(account) as tx:
        user = await users.create(tx, f"{ids.token(8).lower()}@example.com", "owner")
    async with database.tx(account) as tx:
        secret, _ = await api_keys.create(tx, user.member.id, "portal")
    app = apps.App(database)
    await app.open()

    await app.credentials.find(secret)

    async with asyncio.timeout(30):
        while not await world.execute(database.dsn, USED, crypto.digest(secret)):
            await asyncio.sleep(0.01)
    await app.close()


USED = "select from api_keys where digest = $1 and last_used_at is not null"
