"""Adapters are kept, and changed with the settings of their channel."""

import asyncio

import pytest

from tests import world
from trunkline.channels.base import Adapter
from trunkline.core.db import Database
from trunkline.messaging import adapters as module
from trunkline.messaging import channel_setup
from trunkline.messaging.adapters import Adapters
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio


async def taken(database: Database, adapters: Adapters, channel: Channel) -> Adapter:
    async with database.tx(channel.account_id) as tx:
        return (await adapters.of(tx, channel.id))[1]


async def test_all_who_ask_at_once_get_one_adapter(database: Database, account: int) -> None:
    adapters, channel = Adapters(), await world.simulator(database, account)

    found = await asyncio.gather(*(taken(database, adapters, channel) for _ in range(5)))

    assert len({id(each) for each in found}) == 1


async def test_new_settings_are_another_adapter(
    database: Database, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    adapters, channel = Adapters(), await world.custom(database, account, "https://example.com/a")
    first, again = [await taken(database, adapters, channel) for _ in range(2)]
    async with database.tx(account) as tx:
        await channel_setup.change(tx, channel.id, "Acme", "acme", {"url": "https://example.com/b"})

    other = await taken(database, adapters, channel)

    assert (again is first, other is first) == (True, False)
