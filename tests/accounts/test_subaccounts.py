"""What an agency sees below itself, and nobody else's."""

from collections.abc import AsyncIterator

import pytest

from tests import world
from trunkline.accounts import accounts, subaccounts
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Conflict, Forbidden, NotFound

pytestmark = pytest.mark.anyio


@pytest.fixture
async def agency(database: Database) -> AsyncIterator[Tx]:
    """A transaction of a new agency."""
    async with database.tx(await world.workspace(database, kind="agency"), "test") as tx:
        yield tx


async def test_a_new_sub_account_is_found_by_its_email(agency: Tx) -> None:
    made = await subaccounts.create(agency, "Client", "Client@Example.com")

    found = await subaccounts.find(agency, "CLIENT@example.COM")

    assert found == made
    assert (found.parent_id, found.metered) == (agency.account, True)


async def test_what_is_not_below_the_agency_is_not_found(database: Database, agency: Tx) -> None:
    other = await world.workspace(database, kind="agency")
    async with database.system() as tx:
        await tx._connection.execute("update accounts set email = 'own@example.com' where id = $1", agency.account)
    async with database.tx(other, "test") as tx:
        await subaccounts.create(tx, "Theirs", "theirs@example.com")

    for email in ("unknown@example.com", "theirs@example.com", "own@example.com", "nonsense", ""):
        for act in (subaccounts.find, subaccounts.delete):
            with pytest.raises(NotFound) as refused:
                await act(agency, email)
            assert (refused.value.kind, refused.value.id) == ("sub_account", None)


async def test_a_list_goes_on_after_the_last_one_seen(agency: Tx) -> None:
    made = [await subaccounts.create(agency, "Client", f"c{n}@example.com") for n in range(3)]

    first = await subaccounts.listed(agency, limit=2)
    rest = await subaccounts.listed(agency, after=first[-1].id)

    assert first + rest == made


async def test_an_email_is_free_again_after_deletion(database: Database, agency: Tx) -> None:
    old = await subaccounts.create(agency, "Client", "c@example.com")
    with pytest.raises(Conflict):
        await subaccounts.create(agency, "Client", "c@example.com")

    await subaccounts.delete(agency, "c@example.com")
    new = await subaccounts.create(agency, "Client", "c@example.com")

    assert [account.id for account in await subaccounts.listed(agency)] == [new.id]
    async with database.system() as tx:
        with pytest.raises(NotFound):
            await accounts.get(tx, old.id)


async def test_a_workspace_is_no_agency(tx: Tx) -> None:
    with pytest.raises(Forbidden) as refused:
        await subaccounts.listed(tx)

    assert refused.value.code == "not_an_agency"
