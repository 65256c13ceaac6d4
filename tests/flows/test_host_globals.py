"""Globals: keys made of names, values that flows read at once."""

import pytest

from trunkline.core.db import Database
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.flows import globals, stock

pytestmark = pytest.mark.anyio


async def test_a_key_is_made_of_the_name(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        made = await globals.create(tx, "Org Name", "Acme")

    assert (made.key, made.name, made.value) == ("org_name", "Org Name", "Acme")


async def test_a_changed_value_is_in_the_stock_of_the_same_transaction(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        await globals.create(tx, "Org Name", "Acme")
        before = (await stock.of(tx)).assets.globals["org_name"].value
        await globals.update(tx, "org_name", "Apex")

        assert (before, (await stock.of(tx)).assets.globals["org_name"].value) == ("Acme", "Apex")


async def test_a_change_that_was_taken_back_is_not_in_the_stock(database: Database, account: int) -> None:
    with pytest.raises(RuntimeError):
        async with database.tx(account) as tx:
            await globals.create(tx, "Org Name", "Acme")
            await stock.of(tx)
            raise RuntimeError

    async with database.tx(account) as tx:
        await globals.create(tx, "Other", "x")
        assert list((await stock.of(tx)).assets.globals) == ["other"]


async def test_a_name_twice_is_a_conflict(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        await globals.create(tx, "Org Name", "Acme")

        with pytest.raises(Conflict):
            await globals.create(tx, "ORG-NAME", "Apex")


@pytest.mark.parametrize("name", ["", "Ünïcode", "7 days", "a" * 37, 'quo"te'])
async def test_names_are_plain(database: Database, account: int, name: str) -> None:
    async with database.tx(account) as tx:
        with pytest.raises(Invalid):
            await globals.create(tx, name, "x")


async def test_a_global_of_another_tenant_does_not_exist(database: Database, account: int, other_account: int) -> None:
    async with database.tx(other_account) as tx:
        await globals.create(tx, "Org Name", "Acme")

    async with database.tx(account) as tx:
        with pytest.raises(NotFound):
            await globals.update(tx, "org_name", "Mine")
