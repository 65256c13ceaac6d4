"""The audit log."""

import pytest

from trunkline.accounts import audit
from trunkline.core.db import Database, Tx

pytestmark = pytest.mark.anyio


async def test_entries_come_newest_first_and_page_by_page(tx: Tx) -> None:
    for action in ("one", "two", "three"):
        await audit.record(tx, action, "thing:1", {"n": 1}, "192.0.2.1")

    first = await audit.entries(tx, limit=2)
    rest = await audit.entries(tx, before=first[-1].id)

    assert [entry.action for entry in first + rest] == ["three", "two", "one"]
    assert (first[0].actor, first[0].subject, str(first[0].ip)) == ("test", "thing:1", "192.0.2.1")


async def test_another_accounts_log_is_not_seen(database: Database, account: int, other_account: int) -> None:
    async with database.tx(account) as tx:
        await audit.record(tx, "secret.deed")

    async with database.tx(other_account) as tx:
        assert await audit.entries(tx) == []


@pytest.mark.parametrize("statement", ["update audit_log set action = 'x'", "delete from audit_log"])
async def test_nothing_in_it_can_be_changed(tx: Tx, statement: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await tx._connection.execute(statement)
