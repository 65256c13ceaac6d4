"""Condition: the contact is in a group, of whatever kind."""

from msgspec import Struct

from trunkline.contacts import groups
from trunkline.core.db import Tx
from trunkline.workflows.definition import Problems
from trunkline.workflows.steps.base import Outcome, Scene, Step


class Config(Struct, frozen=True):
    group_id: int


async def check(tx: Tx, config: Config) -> Problems:
    if await groups.get_many(tx, [config.group_id]):
        return {}
    return {"group_id": ["The selected group_id is invalid."]}


async def run(tx: Tx, scene: Scene, config: Config) -> Outcome:
    found = (await groups.of(tx, [scene.contact_id]))[scene.contact_id]
    return Outcome(branch=any(group.id == config.group_id for group in found))


STEP = Step(config=Config, run=run, check=check)
