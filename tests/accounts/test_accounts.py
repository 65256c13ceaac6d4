"""Accounts: workspaces, agencies and what is below them."""

import pytest

from trunkline.accounts import accounts
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import new_uuid

pytestmark = pytest.mark.anyio


async def test_a_workspace_is_found_by_its_uuid(database: Database) -> None:
    async with database.system() as tx:
        made = await accounts.create(tx, "Acme", timezone="europe/bucharest", country="ro", languages=["ron", "eng"])

        found = await accounts.by_uuid(tx, str(made.uuid))

    assert found == made
    assert (found.timezone, found.country, found.languages) == ("Europe/Bucharest", "RO", ["ron", "eng"])
    assert (found.kind, found.parent_id, found.metered) == ("workspace", None, False)


async def test_a_sub_account_is_metered_and_has_an_email(database: Database) -> None:
    async with database.system() as tx:
        agency = await accounts.create(tx, "Agency", "agency")

        sub = await accounts.create(tx, "Client", parent=agency.uuid, email="Client@Example.com")

    assert (sub.parent_id, sub.metered, sub.email) == (agency.id, True, "client@example.com")


async def test_two_sub_accounts_of_one_agency_cannot_share_an_email(database: Database) -> None:
    async with database.system() as tx:
        agency = await accounts.create(tx, "Agency", "agency")
        await accounts.create(tx, "Client", parent=agency.uuid, email="client@example.com")

        with pytest.raises(Conflict) as refused:
            await accounts.create(tx, "Again", parent=agency.uuid, email="CLIENT@example.com")

    assert refused.value.code == "account_exists"


async def test_two_agencies_may_have_a_client_with_the_same_email(database: Database) -> None:
    async with database.system() as tx:
        agencies = [await accounts.create(tx, "Agency", "agency") for _ in range(2)]

        subs = [await accounts.create(tx, "C", parent=agency.uuid, email="c@example.com") for agency in agencies]

    assert subs[0].id != subs[1].id


async def test_every_wrong_detail_is_named(database: Database) -> None:
    async with database.system() as tx:
        with pytest.raises(Invalid) as refused:
            await accounts.create(
                tx, " ", "shop", email="nobody", timezone="Mars/Base", country="XX", languages=["en", "fre"]
            )

    assert set(refused.value.fields) == {"name", "kind", "email", "timezone", "country", "languages"}


async def test_only_an_agency_can_be_a_parent(database: Database) -> None:
    async with database.system() as tx:
        workspace = await accounts.create(tx, "Acme")

        for parent in (workspace.uuid, new_uuid()):
            with pytest.raises(Invalid) as refused:
                await accounts.create(tx, "Client", parent=parent, email="c@example.com")
            assert refused.value.fields == {"parent": ["The parent must be an agency."]}


@pytest.mark.parametrize("uuid", ["nonsense", "00000000-0000-7000-8000-000000000000"])
async def test_what_is_no_tenant_is_not_found(database: Database, uuid: str) -> None:
    async with database.system() as tx:
        with pytest.raises(NotFound):
            await accounts.by_uuid(tx, uuid)


async def test_a_transaction_knows_its_own_account_only(tx: Tx, account: int, other_account: int) -> None:
    own = await accounts.current(tx)
    tx.account = other_account

    with pytest.raises(NotFound):
        await accounts.current(tx)

    assert own.id == account
