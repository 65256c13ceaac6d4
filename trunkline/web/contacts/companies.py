"""Companies: the table, one company, and the pipeline as a board."""

from decimal import Decimal, InvalidOperation
from itertools import groupby

from starlette.responses import Response

from trunkline.contacts import companies, listing
from trunkline.contacts.companies import CompanyChanges
from trunkline.contacts.listing import Filter
from trunkline.core.errors import Invalid
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("companies")

SHOWN = 50
TABS = [("/companies", "Table"), ("/companies/pipeline", "Pipeline")]


@pages.get("/companies")
async def table(visit: Visit) -> Response:
    async with visit.tx() as tx:
        rows = await companies.page(tx, after=visit.after, limit=SHOWN + 1)
        stages = {stage.id: stage.name for stage in await companies.stages(tx)}
    found = rows[:SHOWN]
    next = visit.beyond(found[-1].created_at, found[-1].id) if len(rows) > SHOWN else ""
    return visit.page("companies/table.html", companies=found, stages=stages, next=next, tabs=TABS)


@pages.post("/companies", level="create")
async def create(visit: Visit) -> Response:
    async with visit.tx() as tx:
        made = await companies.create(tx, visit.form.text("name", most=255), created_by=visit.visitor.user.id)
    return visit.to(f"/companies/{made.id}", visit.words("Saved."))


@pages.get("/companies/pipeline")
async def board(visit: Visit) -> Response:
    """Each stage with its companies; a long stage shows its first."""
    async with visit.tx() as tx:
        stages = await companies.stages(tx)
        cards = await companies.board(tx, SHOWN)
        worth = await companies.worth(tx)
    by_stage = {stage: list(group) for stage, group in groupby(cards, lambda card: card.stage_id)}
    return visit.page("companies/board.html", block="board", stages=stages, by_stage=by_stage, worth=worth, tabs=TABS)


@pages.post("/companies/stages", level="manage")
async def add_stage(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await companies.add_stage(tx, visit.form.text("name", most=64))
    return visit.to("/companies/pipeline", visit.words("Saved."))


@pages.post("/companies/{id:int}/place", level="interact")
async def move(visit: Visit) -> Response:
    """Where a company was dropped; none of the stages takes it off the board."""
    form = visit.form
    async with visit.tx() as tx:
        await companies.move(tx, visit.id(), form.number("stage"), form.number("position", most=100_000) or 0)
    return visit.to("/companies/pipeline")


@pages.get("/companies/{id:int}")
async def show(visit: Visit) -> Response:
    async with visit.tx() as tx:
        company = await companies.get(tx, visit.id())
        people = await listing.page(tx, Filter(company_id=company.id), limit=SHOWN)
        pairs = [(stage.id, stage.name) for stage in await companies.stages(tx)]
        return visit.page("companies/company.html", company=company, people=people, pairs=pairs)


@pages.post("/companies/{id:int}", level="interact")
async def change(visit: Visit) -> Response:
    form = visit.form
    changes = CompanyChanges(
        name=form.text("name", most=255),
        website=form.text("website", most=255) or None,
        industry=form.text("industry", most=255) or None,
        deal_value=_amount(visit),
        stage_id=form.number("stage"),
        notes=form.text("notes", most=10_000) or None,
        is_customer=form.flag("is_customer"),
    )
    async with visit.tx() as tx:
        await companies.update(tx, visit.id(), changes)
    return visit.to(f"/companies/{visit.id()}", visit.words("Saved."))


@pages.post("/companies/{id:int}/removal", level="manage")
async def delete(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await companies.delete(tx, visit.id())
    return visit.to("/companies", visit.words("Deleted."))


def _amount(visit: Visit) -> Decimal:
    try:
        return Decimal(visit.form.text("deal_value") or "0")
    except InvalidOperation:
        raise Invalid({"deal_value": [visit.words("This is no amount.")]}) from None
