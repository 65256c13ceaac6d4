"""What is changed in the inbox: one conversation or many alike, tags, kept views, the contact beside it."""

from typing import Any

from msgspec import UNSET
from starlette.responses import Response

from trunkline.contacts import changing, people, tags
from trunkline.contacts.records import Changes as ContactChanges
from trunkline.core.db import Tx
from trunkline.inbox import assignment, changes, finding, merging, rehoming, snoozing, tagging, views
from trunkline.inbox.changes import Changes
from trunkline.web.inbox import shapes
from trunkline.web.inbox.reading import looker
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("inbox")

DIRECT = ("status", "priority", "is_starred", "is_read", "until")


@pages.post("/inbox/api/changes", level="interact")
async def change(visit: Visit) -> Response:
    """Change conversations alike; answers with what they are now."""
    given = await visit.json(shapes.ChangesIn)
    async with visit.tx() as tx:
        await _change(tx, visit, given)
        return visit.told({"lines": await finding.some(tx, given.ids)})


@pages.post("/inbox/api/merge", level="interact")
async def merge(visit: Visit) -> Response:
    given = await visit.json(shapes.MergeIn)
    async with visit.tx() as tx:
        await merging.merge(tx, given.into, given.ids)
        return visit.told({"lines": await finding.some(tx, [given.into])})


@pages.post("/inbox/api/conversations/{id:int}/contact", level="interact")
async def rehome(visit: Visit) -> Response:
    """The conversation is with somebody else; answers with where it is now."""
    given = await visit.json(shapes.OtherContactIn)
    async with visit.tx() as tx:
        return visit.told({"id": await rehoming.change_contact(tx, visit.id(), given.contact_id)})


@pages.post("/inbox/api/tags", level="interact")
async def tag(visit: Visit) -> Response:
    """The tag of this name, made when there is none."""
    given = await visit.json(shapes.TagIn)
    async with visit.tx() as tx:
        [found] = await tags.get_or_create(tx, [given.name], "conversation")
    return visit.told({"tag": found})


@pages.post("/inbox/api/views", level="interact")
async def keep_view(visit: Visit) -> Response:
    given = await visit.json(shapes.ViewIn)
    async with visit.tx() as tx:
        view = await views.save(tx, given.name, given.query, looker(visit), shared=given.is_shared)
    return visit.told({"view": view})


@pages.post("/inbox/api/views/{id:int}/removal", level="interact")
async def remove_view(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await views.remove(tx, visit.id(), visit.visitor.user.id)
    return visit.told({})


@pages.post("/inbox/api/contacts/{id:int}", level="interact")
async def change_contact(visit: Visit) -> Response:
    given = await visit.json(shapes.ContactIn)
    texts = {name: getattr(given, name) for name in ("name", "email", "phone", "company", "language")}
    wanted: dict[str, Any] = {name: value.strip() or None for name, value in texts.items() if value is not UNSET}
    if given.fields is not UNSET:
        wanted["fields"] = {key: value.strip() or None for key, value in given.fields.items()}
    if given.bot_active is not UNSET:
        wanted["bot_active"] = given.bot_active
    async with visit.tx() as tx:
        if wanted:
            await changing.update(tx, visit.id(), ContactChanges(**wanted))
        if given.is_blocked is not UNSET:
            await people.get(tx, visit.id())
            await changing.change_status(tx, [visit.id()], "blocked" if given.is_blocked else "active")
    return visit.told({})


async def _change(tx: Tx, visit: Visit, given: shapes.ChangesIn) -> None:
    if any(getattr(given, name) is not None for name in DIRECT):
        until = snoozing.moment(given.until, visit.zone) if given.until else None
        wanted = Changes(
            status="snoozed" if until else given.status,
            priority=given.priority,
            is_starred=given.is_starred,
            is_read=given.is_read,
            snoozed_until=until,
        )
        await changes.update_many(tx, given.ids, wanted)
    if given.assignee_id is not UNSET:
        await assignment.assign_many(tx, given.ids, given.assignee_id)
    if given.add_tags:
        await tagging.add(tx, given.ids, given.add_tags)
    if given.remove_tags:
        await tagging.remove(tx, given.ids, given.remove_tags)
