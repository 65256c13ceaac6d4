"""Condition: the contact wears a tag."""

from typing import Annotated

from msgspec import Meta, Struct

from trunkline.contacts import tags
from trunkline.core.db import Tx
from trunkline.workflows.steps.base import Outcome, Scene, Step


class Config(Struct, frozen=True):
    tag_name: Annotated[str, Meta(min_length=1, max_length=255)]


async def run(tx: Tx, scene: Scene, config: Config) -> Outcome:
    worn = (await tags.of(tx, [scene.contact_id]))[scene.contact_id]
    found = await tags.find(tx, [scene.text(config.tag_name)])
    return Outcome(branch=any(tag.id in worn for tag in found.values()))


STEP = Step(config=Config, run=run)
