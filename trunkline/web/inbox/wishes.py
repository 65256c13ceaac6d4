"""What people want of the inbox: their own settings, the workspace's rules, macros, and texts that they keep."""

from html import escape

import msgspec
from starlette.responses import Response

from trunkline.inbox import canned, macros, members, sharing
from trunkline.inbox.members import Member
from trunkline.inbox.sharing import Rules
from trunkline.web.inbox import shapes
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("inbox")


@pages.post("/inbox/api/member", level="interact")
async def keep_member(visit: Visit) -> Response:
    """One's own settings, all at once."""
    given = await visit.json(shapes.MemberIn)
    async with visit.tx() as tx:
        kept = await members.keep(tx, visit.visitor.user.id, msgspec.convert(msgspec.structs.asdict(given), Member))
    async with visit.tx() as tx:
        await sharing.fill(tx)
    return visit.told({"member": kept})


@pages.post("/inbox/api/rules", level="manage")
async def set_rules(visit: Visit) -> Response:
    """Who is given what arrives, for the whole workspace."""
    given = await visit.json(shapes.RulesIn)
    wanted = msgspec.convert(msgspec.structs.asdict(given), Rules)
    async with visit.tx() as tx:
        await sharing.set_rules(tx, wanted)
    return visit.told({"rules": wanted})


@pages.post("/inbox/api/macros", level="interact")
async def keep_macro(visit: Visit) -> Response:
    given = await visit.json(shapes.MacroIn)
    me = visit.visitor.user.id
    async with visit.tx() as tx:
        await macros.create(tx, given.name, given.steps, me, shared=given.is_shared)
        return visit.told({"macros": await macros.all_of(tx, me)})


@pages.post("/inbox/api/macros/{id:int}/removal", level="interact")
async def remove_macro(visit: Visit) -> Response:
    me = visit.visitor.user.id
    async with visit.tx() as tx:
        await macros.remove(tx, visit.id(), me)
        return visit.told({"macros": await macros.all_of(tx, me)})


@pages.post("/inbox/api/canned", level="interact")
async def keep_canned(visit: Visit) -> Response:
    """What is in the composer becomes a canned response, files and all."""
    given = await visit.json(shapes.CannedIn)
    body = escape(given.text, quote=False).replace("\n", "<br>\n")
    async with visit.tx() as tx:
        made = await canned.create(tx, given.title, body, given.shortcut or None, files=given.files)
    return visit.told({"id": made.id})
