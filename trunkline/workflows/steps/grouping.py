"""Add the contact to a group that is kept by hand, or take them out of it."""

from msgspec import Struct

from trunkline.contacts import groups
from trunkline.core.db import Tx
from trunkline.workflows.definition import Problems
from trunkline.workflows.steps.base import Outcome, Scene, Step


class Config(Struct, frozen=True):
    group_id: int


async def check(tx: Tx, config: Config) -> Problems:
    for group in await groups.get_many(tx, [config.group_id]):
        if group.query is not None:
            return {"group_id": [f"The group {group.name} fills itself by its query."]}
        return {}
    return {"group_id": ["The selected group_id is invalid."]}


async def add(tx: Tx, scene: Scene, config: Config) -> Outcome:
    await groups.get(tx, config.group_id)
    new = await groups.add(tx, config.group_id, [scene.contact_id])
    return Outcome(note=None if new else "The contact was in the group already.")


async def remove(tx: Tx, scene: Scene, config: Config) -> Outcome:
    gone = await groups.remove(tx, config.group_id, [scene.contact_id])
    return Outcome(note=None if gone else "The contact was not in the group.")


ADD_TO_GROUP = Step(config=Config, run=add, check=check)
REMOVE_FROM_GROUP = Step(config=Config, run=remove, check=check)
