"""Companies and their way through the pipeline."""

import asyncio
from decimal import Decimal

import pytest

from trunkline.contacts import companies, people
from trunkline.contacts.companies import CompanyChanges
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Conflict, Invalid, NotFound

pytestmark = pytest.mark.anyio


async def test_names_are_found_or_made(tx: Tx):
    ids = await companies.find_or_create(tx, ["Acme", "Beta", " acme "])

    assert ids[0] == ids[2] != ids[1]
    assert (await companies.get(tx, ids[0])).name == "Acme"


async def test_many_callers_make_one_company(database: Database, account: int):
    async def call() -> list[int]:
        async with database.tx(account) as tx:
            return await companies.find_or_create(tx, ["Acme", "Beta"])

    answers = await asyncio.gather(*(call() for _ in range(16)))

    assert len({tuple(answer) for answer in answers}) == 1


async def test_a_taken_name_is_refused(tx: Tx):
    await companies.create(tx, "Acme")

    with pytest.raises(Conflict):
        await companies.create(tx, "ACME")


async def test_a_company_is_renamed_to_a_free_name(tx: Tx):
    acme, beta = await companies.create(tx, "Acme"), await companies.create(tx, "Beta")

    renamed = await companies.update(tx, acme.id, CompanyChanges(name="Acme Inc", deal_value=Decimal("50000.50")))

    assert (renamed.name, renamed.deal_value) == ("Acme Inc", Decimal("50000.50"))
    with pytest.raises(Conflict):
        await companies.update(tx, acme.id, CompanyChanges(name="beta"))
    assert beta.deal_value == 0


async def test_the_usual_pipeline_comes_by_itself(tx: Tx):
    stages = await companies.stages(tx)

    assert [stage.name for stage in stages] == ["Lead", "Qualified", "Proposal", "Won", "Lost"]
    assert await companies.stages(tx) == stages


async def test_a_stage_may_be_added(tx: Tx):
    stage = await companies.add_stage(tx, "On hold")

    assert stage.position == 5
    with pytest.raises(Conflict):
        await companies.add_stage(tx, "on HOLD")


async def test_a_company_enters_a_stage_at_its_end_and_may_be_moved(tx: Tx):
    lead = (await companies.stages(tx))[0]
    made = [await companies.create(tx, name, changes=CompanyChanges(stage_id=lead.id)) for name in "abc"]

    moved = await companies.move(tx, made[2].id, lead.id, 0)

    assert [company.position for company in made] == [0, 1, 2]
    assert moved.position == 0
    assert [(await companies.get(tx, company.id)).position for company in made[:2]] == [1, 2]


async def test_an_unknown_stage_is_refused(tx: Tx):
    with pytest.raises(Invalid):
        await companies.create(tx, "Acme", changes=CompanyChanges(stage_id=10**9))


async def test_people_stay_when_their_company_goes(tx: Tx):
    jane = await people.create(tx, NewContact(name="Jane", company="Acme", is_primary=True))
    assert jane.company_id

    await companies.delete(tx, jane.company_id)

    after = await people.get(tx, jane.id)
    assert (after.company, after.company_id, after.is_primary) == (None, None, False)


async def test_a_company_in_the_pipeline_is_a_deal_of_its_people(tx: Tx):
    lead = (await companies.stages(tx))[0]
    acme = await companies.create(tx, "Acme", changes=CompanyChanges(stage_id=lead.id))
    inside = await people.create(tx, NewContact(company_id=acme.id))
    outside = await people.create(tx, NewContact(company="Beta"))

    assert await companies.deals_of(tx, [inside.id, outside.id]) == {inside.id: 1, outside.id: 0}


async def test_companies_are_paged_newest_first(tx: Tx):
    for name in "abc":
        await companies.create(tx, name)

    first = await companies.page(tx, limit=2)
    rest = await companies.page(tx, after=(first[-1].created_at, first[-1].id))

    assert [company.name for company in (*first, *rest)] == ["c", "b", "a"]


async def test_a_company_of_another_account_does_not_exist(database: Database, account: int, other_account: int):
    async with database.tx(other_account) as tx:
        theirs = await companies.create(tx, "Acme")

    async with database.tx(account) as tx:
        assert await companies.by_uuid(tx, theirs.uuid) is None
        assert await companies.page(tx) == []
        for call in (companies.get(tx, theirs.id), companies.update(tx, theirs.id, CompanyChanges(name="x"))):
            with pytest.raises(NotFound):
                await call
        with pytest.raises(NotFound):
            await companies.delete(tx, theirs.id)
