"""What an agency hears of trouble below it."""

from typing import Any

import pytest

from tests import world
from trunkline.billing import agencies, troubles

pytestmark = pytest.mark.anyio


async def test_what_does_not_work_is_counted_by_sub_account(clients: Any) -> None:
    async with clients.database.tx(clients.agency, "test") as tx:
        made = [(await agencies.open(tx, "Tea", f"tea{n}@example.com")).account.id for n in range(2)]
    channel = await world.simulator(clients.database, made[0])
    await world.execute(
        clients.database.dsn, "update channels set trouble = 'Wrong key' where id = $1 returning id", channel.id
    )

    async with clients.database.tx(clients.agency, "test") as tx:
        found = await troubles.of(tx, made)

    assert {id: (one.channels, one.number) for id, one in found.items()} == {made[0]: (1, 1), made[1]: (0, 0)}


async def test_nothing_is_told_of_anothers_sub_accounts(clients: Any) -> None:
    other = await world.workspace(clients.database, kind="agency")
    async with clients.database.tx(other, "test") as tx:
        theirs = await agencies.open(tx, "Theirs", "theirs@example.com")

    async with clients.database.tx(clients.agency, "test") as tx:
        assert await troubles.of(tx, [theirs.account.id, other]) == {}
