"""The team: who is in, with which role, who is invited."""

from starlette.responses import Response

from trunkline.accounts import invitations, roles, team, users
from trunkline.accounts.invitations import Invited
from trunkline.core import clock
from trunkline.core.db import Transaction
from trunkline.web.sections import Section
from trunkline.web.settings import tabs
from trunkline.web.visits import Visit

pages = Section("settings")


@pages.get("/settings/team")
async def show(visit: Visit) -> Response:
    return await _page(visit)


@pages.post("/settings/team", level="admin")
async def invite(visit: Visit) -> Response:
    """Where no mail can be sent, whoever invites passes the link on."""
    email, role = visit.form.text("email", most=320), visit.form.text("role")
    async with _system(visit) as tx:
        invited = await invitations.invite(tx, visit.visitor.user.id, email, role)
    if invited.mailed:
        return visit.to("/settings/team", visit.words("The invitation is on its way."))
    return await _page(visit, invited)


@pages.post("/settings/team/{id:int}/role", level="admin")
async def change_role(visit: Visit) -> Response:
    async with _system(visit) as tx:
        await team.change(tx, visit.visitor.user.id, visit.id(), role=visit.form.text("role"))
    return visit.to("/settings/team", visit.words("Saved."))


@pages.post("/settings/team/{id:int}/switch", level="admin")
async def switch(visit: Visit) -> Response:
    async with _system(visit) as tx:
        await team.change(tx, visit.visitor.user.id, visit.id(), active=visit.form.flag("on"))
    return visit.to("/settings/team", visit.words("Saved."))


@pages.post("/settings/team/invitations/{id:int}/removal", level="admin")
async def withdraw(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await invitations.revoke(tx, visit.id())
    return visit.to("/settings/team", visit.words("The link is worth nothing from now on."))


async def _page(visit: Visit, invited: Invited | None = None) -> Response:
    own = visit.visitor.workspace.role
    async with visit.tx() as tx:
        return tabs.page(
            visit,
            "settings/team.html",
            members=await users.members(tx),
            invitations=await invitations.listed(tx) if visit.may("admin") else [],
            roles=[role for role in reversed(roles.ROLES) if roles.outranks(own, role)],
            outranks=roles.outranks,
            invited=invited,
            now=clock.now(),
        )


def _system(visit: Visit) -> Transaction:
    return visit.site.database.system(visit.visitor.account_id, visit.visitor.actor)
