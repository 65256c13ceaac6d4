"""Classifiers, which this product has none of: its flows ask a language model instead."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.core.db import Tx
from trunkline.dialects.base import Paged
from trunkline.dialects.rapidpro import reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.wire import Moment
from trunkline.dialects.walking import Walk


class ClassifierOut(Struct, frozen=True):
    uuid: UUID
    name: str
    type: str
    intents: list[str]
    created_on: Moment


class ClassifierQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the classifier with this UUID.")] = None
    before: Annotated[str | None, Meta(description="Made at this time or before.")] = None
    after: Annotated[str | None, Meta(description="Made at this time or after.")] = None


@rapidpro.get("/classifiers.json")
async def list_classifiers(tx: Tx, walk: Walk, query: ClassifierQuery) -> Paged[ClassifierOut]:
    """List the classifiers of your workspace. There are none: flows ask a language model instead."""
    reading.uuid(query.uuid)
    return Paged([])
