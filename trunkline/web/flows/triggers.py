"""Triggers: what starts flows by itself."""

from typing import get_args

from starlette.responses import Response

from trunkline.contacts import groups
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid
from trunkline.flows import listing, triggers
from trunkline.flows.listing import Filter
from trunkline.flows.triggers import Kind, Match, NewTrigger
from trunkline.messaging import channels
from trunkline.web.flows.table import TABS
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("flows")

MOST_FLOWS = 1_000

# Kinds and matches with what they are called; the order is that of the form.
KINDS: dict[Kind, str] = {
    "keyword": "Somebody writes a word",
    "catch_all": "Somebody writes anything else",
    "new_conversation": "A conversation begins",
    "inbound_call": "Somebody calls",
    "missed_call": "A call is missed",
    "schedule": "At set times",
    "closed_ticket": "A ticket is closed",
    "opt_in": "Somebody opts in",
    "opt_out": "Somebody opts out",
    "referral": "Somebody comes by a link",
}
MATCHES: dict[Match, str] = {"first_word": "It begins with the word", "only_word": "It is the word alone"}


@pages.get("/flows/triggers")
async def table(visit: Visit) -> Response:
    async with visit.tx() as tx:
        archived = visit.query.flag("archived")
        found = await triggers.all_of(tx, archived=archived)
        return visit.page(
            "flows/triggers.html",
            triggers=found,
            archived=archived,
            zones=await triggers.zones(tx, found),
            titles=await listing.titles(tx, {one.flow_id for one in found}),
            flows=await listing.page(tx, Filter(archived=False), limit=MOST_FLOWS),
            groups=await groups.all(tx),
            channels=await channels.all_of(tx),
            kinds=KINDS,
            matches=MATCHES,
            tabs=TABS,
        )


@pages.post("/flows/triggers", level="manage")
async def create(visit: Visit) -> Response:
    """One for exactly the same that is there already goes to the archive."""
    form = visit.form
    kind = form.one_of("kind", get_args(Kind))
    flow = form.number("flow")
    if flow is None:
        raise Invalid({"flow": [visit.words("Choose a flow.")]})
    async with visit.tx() as tx:
        new = NewTrigger(
            kind=kind,
            flow_id=flow,
            channel_id=await _channel(visit, tx),
            keywords=form.text("keywords").replace(",", " ").split() if kind == "keyword" else (),
            match=form.one_of("match", get_args(Match)),
            referrer=(form.text("referrer", most=255) or None) if kind == "referral" else None,
            groups=await _groups(visit, tx, "group"),
            exclude_groups=await _groups(visit, tx, "exclude"),
            cron=form.text("cron", most=100) or None if kind == "schedule" else None,
            timezone=visit.visitor.workspace.timezone,
        )
        if kind == "schedule" and not new.cron:
            raise Invalid({"cron": [visit.words("Say when.")]})
        await triggers.create(tx, new)
    return visit.to("/flows/triggers", visit.words("Saved."))


@pages.post("/flows/triggers/{id:int}/archive", level="manage")
async def archive(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await triggers.archive(tx, [visit.id()])
    return visit.to("/flows/triggers", visit.words("Put away."))


@pages.post("/flows/triggers/{id:int}/removal", level="manage")
async def delete(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await triggers.delete(tx, visit.id())
    return visit.to("/flows/triggers?archived=1", visit.words("Deleted."))


async def _channel(visit: Visit, tx: Tx) -> int | None:
    id = visit.form.number("channel")
    return (await channels.get(tx, id)).id if id else None


async def _groups(visit: Visit, tx: Tx, name: str) -> list[int]:
    return [group.id for group in await groups.get_many(tx, visit.form.numbers(name))]
