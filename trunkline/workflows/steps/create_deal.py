"""Bring the contact's company into the pipeline: that is what a deal is."""

from decimal import Decimal, InvalidOperation
from typing import Annotated

from msgspec import Meta, Struct

from trunkline.contacts import companies, people
from trunkline.contacts.companies import CompanyChanges
from trunkline.contacts.records import Changes
from trunkline.core.db import Tx
from trunkline.workflows.definition import Problems
from trunkline.workflows.steps.base import Outcome, Scene, Step, StepFailed


class Config(Struct, frozen=True):
    """A contact without a company gets one that is called like the deal. A workspace has one pipeline."""

    deal_name: Annotated[str, Meta(min_length=1, max_length=255)]
    pipeline_id: int | str | None = None
    value: str | int | float | None = None


async def check(tx: Tx, config: Config) -> Problems:
    if isinstance(config.value, str) and "{{" in config.value:
        return {}
    try:
        _amount(config.value)
    except StepFailed as wrong:
        return {"value": [wrong.message]}
    return {}


async def run(tx: Tx, scene: Scene, config: Config) -> Outcome:
    [contact] = await people.get_many(tx, [scene.contact_id])
    company = contact.company_id
    if company is None:
        company = await companies.resolve(tx, scene.text(config.deal_name), None)
        if company is None:
            raise StepFailed("The name of the deal is empty.")
        await people.update(tx, contact.id, Changes(company_id=company))
    changes = CompanyChanges()
    written = scene.text(config.value) if isinstance(config.value, str) else config.value
    if (amount := _amount(written)) is not None:
        changes.deal_value = amount
    if (await companies.get(tx, company)).stage_id is None:
        changes.stage_id = (await companies.stages(tx))[0].id
    await companies.update(tx, company, changes)
    return Outcome(note=f"The deal is that of company {company}.", keep={"deal": {"id": company}})


def _amount(written: str | int | float | None) -> Decimal | None:
    if written is None or written == "":
        return None
    try:
        amount = Decimal(str(written).strip().replace(",", ""))
    except InvalidOperation:
        raise StepFailed(f"{written!r} is no amount.") from None
    if not amount.is_finite() or not 0 <= amount < 10**13:
        raise StepFailed("The value must be a positive amount.")
    return amount.quantize(Decimal("0.01"))


STEP = Step(config=Config, run=run, check=check)
