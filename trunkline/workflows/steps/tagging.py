"""Put a tag on the contact, or take it off."""

from typing import Annotated

from msgspec import Meta, Struct

from trunkline.contacts import tags
from trunkline.core.db import Tx
from trunkline.workflows.steps.base import Outcome, Scene, Step, StepFailed


class Config(Struct, frozen=True):
    """A tag that does not exist yet is made when it is put on somebody."""

    tag_name: Annotated[str, Meta(min_length=1, max_length=255)]


async def add(tx: Tx, scene: Scene, config: Config) -> Outcome:
    contact, found = scene.contact_id, await tags.get_or_create(tx, [scene.text(config.tag_name)])
    if not found:
        raise StepFailed("The name of the tag is empty.")
    new = await tags.add(tx, [contact], [found[0].id])
    return Outcome(note=None if new else "The contact had the tag already.")


async def remove(tx: Tx, scene: Scene, config: Config) -> Outcome:
    contact, found = scene.contact_id, await tags.find(tx, [scene.text(config.tag_name)])
    gone = await tags.remove(tx, [contact], [tag.id for tag in found.values()])
    return Outcome(note=None if gone else "The contact did not have the tag.")


ADD_TAG = Step(config=Config, run=add)
REMOVE_TAG = Step(config=Config, run=remove)
