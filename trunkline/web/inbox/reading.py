"""What the inbox asks for: views and their counts, lists, one conversation, the contact beside it."""

from datetime import datetime
from typing import Any

from starlette.responses import Response

from trunkline.campaigns import received
from trunkline.channels import get as adapter
from trunkline.contacts import fields, groups, people, tags, urns
from trunkline.contacts import listing as people_listing
from trunkline.core import paging
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid, NotFound
from trunkline.flows import runs
from trunkline.inbox import (
    canned,
    conversations,
    drafts,
    finding,
    history,
    listing,
    macros,
    mentions,
    offering,
    presence,
    sharing,
    views,
)
from trunkline.inbox.finding import Cursor, Line, Looker
from trunkline.inbox.views import Wanted
from trunkline.messaging import channels, recipients
from trunkline.web.inbox import shapes
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("inbox")

PAGE = 50
SHOWN = 40
"""Messages at a time."""
WALK = "inbox"


def looker(visit: Visit) -> Looker:
    return Looker(visit.visitor.user.id, visit.zone)


def cursor(visit: Visit, last: Line) -> str:
    return paging.encode(visit.vault, f"{WALK}:{visit.visitor.account_id}", (last.active_at, last.id))


@pages.get("/inbox/api/views")
async def counts(visit: Visit) -> Response:
    async with visit.tx() as tx:
        looks = looker(visit)
        found = {"counts": await views.counts(tx, looks), "saved": await views.saved(tx, looks.user_id)}
    return visit.told(found)


@pages.get("/inbox/api/list")
async def page(visit: Visit) -> Response:
    """A page of a view, or with `ids` those of them that are in the view."""
    async with visit.tx() as tx:
        if "ids" in visit.query:
            ids = [int(id) for id in visit.query.text("ids").split(",") if id.isdigit() and len(id) < 16][:200]
            return visit.told({"lines": await views.holding(tx, _wanted(visit), looker(visit), ids)})
        lines = await views.page(tx, _wanted(visit), looker(visit), after=_after(visit), limit=PAGE + 1)
    more = len(lines) > PAGE
    return visit.told({"lines": lines[:PAGE], "next": cursor(visit, lines[PAGE - 1]) if more else None})


@pages.get("/inbox/api/conversations/{id:int}")
async def show(visit: Visit) -> Response:
    async with visit.tx() as tx:
        return visit.told(await opened(tx, visit, visit.id()))


@pages.get("/inbox/api/conversations/{id:int}/messages")
async def messages(visit: Visit) -> Response:
    message, _, note = visit.query.text("before").partition("-")
    if not (message.isdigit() and note.isdigit() and len(message) < 20 and len(note) < 20):
        raise Invalid({"before": ["Two numbers are asked for."]})
    before = (min(int(message), 2**63 - 1), min(int(note), 2**63 - 1))
    async with visit.tx() as tx:
        part = await history.read(tx, visit.id(), before=before, limit=SHOWN)
    return visit.told(shapes.stretch(part))


@pages.get("/inbox/api/conversations/{id:int}/panel")
async def panel(visit: Visit) -> Response:
    """The contact, and what there was with them."""
    async with visit.tx() as tx:
        conversation = await conversations.get(tx, visit.id())
        found = await people.get_many(tx, [conversation.contact_id], deleted=True)
        if not found:
            raise NotFound("contact", conversation.contact_id)
        return visit.told(await _panel(tx, found[0]))


@pages.get("/inbox/api/conversations/{id:int}/canned")
async def offered(visit: Visit) -> Response:
    name = visit.visitor.user.name or visit.visitor.user.email
    async with visit.tx() as tx:
        conversation = await conversations.get(tx, visit.id())
        found = await canned.offered(tx, conversation.contact_id, name, visit.query.text("q", most=100) or None)
    return visit.told({"canned": [shapes.canned(visit.database.tools, visit.visitor.account_id, one) for one in found]})


@pages.get("/inbox/api/conversations/{id:int}/macros")
async def macros_for(visit: Visit) -> Response:
    """Macros with their replies written for this contact."""
    user = visit.visitor.user
    async with visit.tx() as tx:
        conversation = await conversations.get(tx, visit.id())
        found = await macros.filled(tx, user.id, conversation.contact_id, user.name or user.email)
    return visit.told({"macros": found})


@pages.get("/inbox/api/conversations/{id:int}/templates")
async def templates(visit: Visit) -> Response:
    """The approved templates of its channel, with what is known of the contact."""
    async with visit.tx() as tx:
        return visit.told({"templates": await offering.offered(tx, visit.id())})


@pages.get("/inbox/api/contacts")
async def search_contacts(visit: Visit) -> Response:
    """People by a part of their name or address."""
    async with visit.tx() as tx:
        found = await people_listing.page(tx, people_listing.Filter(search=visit.query.text("q", most=100)), limit=10)
    told = [{"id": one.id, "name": one.name, "address": one.email or one.phone or ""} for one in found]
    return visit.told({"contacts": told})


@pages.get("/inbox/api/conversations/{id:int}/presence")
async def present(visit: Visit) -> Response:
    async with visit.tx() as tx:
        return visit.told({"present": await presence.others(tx, visit.id(), visit.visitor.user.id)})


async def opened(tx: Tx, visit: Visit, id: int) -> shapes.Opened:
    """A conversation with the newest messages. Whoever may answer has read it by that, unless they only peek."""
    conversation = await conversations.get(tx, id)
    me = visit.visitor.user.id
    if visit.may("interact") and "peek" not in visit.query:
        await conversations.mark_read(tx, [id])
        await mentions.seen(tx, id, me)
    [line] = await finding.some(tx, [id])
    return shapes.Opened(
        line=line,
        history=shapes.stretch(await history.read(tx, id, limit=SHOWN)),
        channel=await _channel(tx, conversation),
        draft=await drafts.get(tx, id, me),
        present=await presence.others(tx, id, me),
        place=await sharing.place(tx, id) if conversation.assignee_id is None else None,
    )


async def _channel(tx: Tx, conversation: conversations.Conversation) -> shapes.ChannelFacts:
    channel = await channels.with_deleted(tx, conversation.channel_id)
    hours = recipients.window(channel)
    return shapes.ChannelFacts(
        kind=conversation.channel,
        name=channel.name,
        address=channel.address,
        takes_files=adapter(channel.kind).can.media,
        is_active=channel.active,
        has_window=hours is not None,
        open_until=await recipients.open_until(tx, channel, conversation.contact_id),
    )


async def _panel(tx: Tx, contact: people.Contact) -> dict[str, Any]:
    past = await listing.latest(tx, listing.Filter(contact_id=contact.id), limit=10)
    journeys = await runs.page(tx, runs.Filter(contact_id=contact.id), limit=5)
    return {
        "contact": {
            "id": contact.id,
            "name": contact.name,
            "email": contact.email or "",
            "phone": contact.phone or "",
            "company": contact.company or "",
            "language": contact.language or "",
            "status": contact.status,
            "do_not_disturb": contact.do_not_disturb,
            "bot_active": contact.bot_active,
            "notes": contact.notes or "",
            "created_at": contact.created_at,
            "last_seen_at": contact.last_seen_at,
            "is_deleted": contact.deleted_at is not None,
            "tags": contact.tags,
        },
        "fields": [
            {"key": one.key, "label": one.label, "value": str(contact.fields.get(one.key) or "")}
            for one in await fields.all(tx)
        ],
        "all_tags": [tag.name for tag in await tags.all(tx)],
        "addresses": [
            {"scheme": one.scheme, "path": one.path} for one in (await urns.of(tx, [contact.id]))[contact.id]
        ],
        "groups": [one.name for one in (await groups.of(tx, [contact.id]))[contact.id]],
        "past": [
            {"id": one.id, "channel": one.channel, "status": one.status, "preview": one.preview, "at": _at(one)}
            for one in past
        ],
        "campaigns": await received.by_contact(tx, contact.id),
        "flows": [
            {"name": one.flow_name, "status": one.status, "at": one.modified_at, "steps": len(one.nodes)}
            for one in journeys
        ],
    }


def _at(conversation: conversations.Conversation) -> datetime:
    return conversation.last_message_at or conversation.created_at


def _wanted(visit: Visit) -> Wanted:
    return Wanted(visit.query.text("view", most=30) or "all", visit.query.text("q", most=500))


def _after(visit: Visit) -> Cursor | None:
    given = visit.query.text("after")
    if not given:
        return None
    try:
        return paging.decode(visit.vault, f"{WALK}:{visit.visitor.account_id}", given, tuple[datetime, int])
    except paging.BadCursor:
        raise Invalid({"after": ["This is no place in the list."]}) from None
