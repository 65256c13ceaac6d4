"""Several steps under one name."""

import pytest

from trunkline.core.errors import Invalid, NotFound
from trunkline.inbox import macros
from trunkline.inbox.macros import Steps

pytestmark = pytest.mark.anyio


async def test_ones_own_are_ones_own_and_shared_ones_everybodys(database, account, new_user) -> None:
    ana, bogdan = await new_user(), await new_user()
    async with database.tx(account) as tx:
        await macros.create(tx, "Mine", Steps(status="closed"), ana)
        await macros.create(tx, "Ours", Steps(priority="high", assignee="me"), ana, shared=True)

        found = [[one.name for one in await macros.all_of(tx, user)] for user in (ana, bogdan)]

    assert found == [["Mine", "Ours"], ["Ours"]]


async def test_a_reply_is_written_for_the_contact(database, account, new_user, new_contact) -> None:
    ana, contact = await new_user(), await new_contact()
    async with database.tx(account) as tx:
        await macros.create(tx, "Late", Steps(reply="Dear {{name}}, {{order}} is late. {{agent}}"), ana)

        [filled] = await macros.filled(tx, ana, contact, "Ana")

    assert filled.steps.reply == "Dear Jane, {{order}} is late. Ana"


async def test_a_macro_without_a_step_is_refused(database, account, new_user) -> None:
    ana = await new_user()
    async with database.tx(account) as tx:
        with pytest.raises(Invalid):
            await macros.create(tx, "Nothing", Steps(), ana)


async def test_anothers_macro_cannot_be_removed(database, account, new_user) -> None:
    ana, bogdan = await new_user(), await new_user()
    async with database.tx(account) as tx:
        made = await macros.create(tx, "Mine", Steps(status="closed"), ana)

        with pytest.raises(NotFound):
            await macros.remove(tx, made.id, bogdan)
        await macros.remove(tx, made.id, ana)

        assert await macros.all_of(tx, ana) == []
