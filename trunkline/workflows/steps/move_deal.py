"""Move the deal to another stage."""

from msgspec import Struct

from trunkline.contacts import companies, people
from trunkline.contacts.companies import CompanyChanges
from trunkline.core.db import Tx
from trunkline.workflows.definition import Problems
from trunkline.workflows.steps.base import Outcome, Scene, Step, StepFailed


class Config(Struct, frozen=True):
    stage_id: int


async def check(tx: Tx, config: Config) -> Problems:
    if any(stage.id == config.stage_id for stage in await companies.stages(tx)):
        return {}
    return {"stage_id": ["The selected stage_id is invalid."]}


async def run(tx: Tx, scene: Scene, config: Config) -> Outcome:
    """The deal that set it going, else the contact's."""
    company = scene.execution.context.get("trigger", {}).get("deal_id")
    if company is None:
        [contact] = await people.get_many(tx, [scene.contact_id])
        company = contact.company_id
    if company is None:
        raise StepFailed("The contact has no part in a deal.")
    await companies.update(tx, company, CompanyChanges(stage_id=config.stage_id))
    return Outcome(keep={"deal": {"id": company}})


STEP = Step(config=Config, run=run, check=check)
