"""Topics: General is always there, the others have one name each."""

import pytest

from trunkline.core.errors import Conflict, Forbidden, Invalid, NotFound
from trunkline.inbox import topics

pytestmark = pytest.mark.anyio


async def test_general_is_made_once(tx):
    general = await topics.default(tx)

    assert await topics.default(tx) == general
    assert (general.name, general.is_default) == ("General", True)
    assert await topics.all_of(tx) == [general]


async def test_created_ones_come_first(tx):
    billing = await topics.create(tx, " Billing ")

    found = await topics.all_of(tx)

    assert [topic.name for topic in found] == ["Billing", "General"]
    assert await topics.by_uuid(tx, billing.uuid) == billing


@pytest.mark.parametrize("name", ["", "x" * 65, "BILLING", "general"])
async def test_bad_names_are_refused(tx, name):
    await topics.create(tx, "Billing")

    with pytest.raises(Invalid) as caught:
        await topics.create(tx, name)

    assert list(caught.value.fields) == ["name"]


async def test_rename(tx):
    billing, sales = await topics.create(tx, "Billing"), await topics.create(tx, "Sales")

    renamed = await topics.rename(tx, billing, "billing")

    assert (renamed.id, renamed.name) == (billing.id, "billing")
    with pytest.raises(Invalid):
        await topics.rename(tx, sales, "Billing")


async def test_general_keeps_its_name(tx):
    with pytest.raises(Forbidden):
        await topics.rename(tx, await topics.default(tx), "Other")


async def test_there_is_a_limit(tx, monkeypatch):
    monkeypatch.setattr(topics, "MAX_TOPICS", 1)
    await topics.create(tx, "Billing")

    with pytest.raises(Conflict):
        await topics.create(tx, "Sales")


async def test_foreign_ones_are_unknown(tx, database, other_account):
    async with database.tx(other_account) as theirs:
        billing = await topics.create(theirs, "Billing")

    with pytest.raises(NotFound):
        await topics.by_uuid(tx, billing.uuid)
    with pytest.raises(NotFound):
        await topics.rename(tx, billing, "Mine")
    assert (await topics.create(tx, "Billing")).id != billing.id
