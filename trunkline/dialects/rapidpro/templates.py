"""Message templates: texts that were approved once, with slots for variables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.core.db import Tx
from trunkline.dialects.base import Paged
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.wire import Moment, Ref, moment
from trunkline.dialects.walking import Place, Walk
from trunkline.messaging import channels, templates
from trunkline.messaging.channels import Channel
from trunkline.messaging.templates import Template


class TranslationOut(Struct, frozen=True):
    """A text in one language, on one channel that it fits."""

    language: str
    locale: str
    content: str
    namespace: str
    variable_count: int
    status: str
    channel: Ref


class TemplateOut(Struct, frozen=True):
    uuid: UUID
    name: str
    translations: list[TranslationOut]
    created_on: Moment
    modified_on: Moment


class TemplateQuery(Struct):
    before: Annotated[str | None, Meta(description="Changed at this time or before.")] = None
    after: Annotated[str | None, Meta(description="Changed at this time or after.")] = None
    reverse: Annotated[str | None, Meta(description="true: the oldest change first.")] = None


class _Family(Struct):
    """The languages of one text; it is known by its oldest one."""

    first: Template
    members: list[Template]
    modified_at: datetime


@rapidpro.get("/templates.json")
async def list_templates(tx: Tx, walk: Walk, query: TemplateQuery) -> Paged[TemplateOut]:
    """List message templates, the last changed first, with their translations for each channel that they fit."""
    after, before = reading.between(query.after, query.before)
    known = [each for each in await channels.all_of(tx) if each.active]
    fitting = {channel.sends_as for channel in known}
    kept = [
        each
        for each in _families([each for each in await templates.all_of(tx) if each.channel in fitting])
        if (after is None or each.modified_at >= after) and (before is None or each.modified_at <= before)
    ]
    page = await walk.page(lists.walked(kept, _place), _place, oldest_first=reading.flag(query.reverse) or False)
    return Paged([_shape(each, known) for each in page.rows], next=page.next, previous=page.previous)


def _families(found: Sequence[Template]) -> list[_Family]:
    families: dict[str, list[Template]] = {}
    for each in sorted(found, key=lambda each: each.id):
        families.setdefault(each.key, []).append(each)
    return [_Family(members[0], members, max(each.updated_at for each in members)) for members in families.values()]


def _shape(family: _Family, known: Sequence[Channel]) -> TemplateOut:
    return TemplateOut(
        uuid=family.first.uuid,
        name=family.first.name,
        translations=[
            _translation(each, channel)
            for each in family.members
            for channel in known
            if channel.sends_as == each.channel
        ],
        created_on=moment(family.first.created_at),
        modified_on=moment(family.modified_at),
    )


def _translation(template: Template, channel: Channel) -> TranslationOut:
    return TranslationOut(
        language=template.language.replace("_", "-").partition("-")[0].lower(),
        locale=template.language,
        content=template.body,
        namespace="",
        variable_count=len(template.variables),
        status=template.status.capitalize(),
        channel=Ref(channel.uuid, channel.name),
    )


def _place(family: _Family) -> Place:
    return family.modified_at, family.first.id
