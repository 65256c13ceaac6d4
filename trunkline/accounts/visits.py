"""Visits: somebody of an agency stands in a sub-account without being one of its members, and its log says so.

A visit begins with an entry in the sub-account's audit log and is worth nothing without it: a session may look at a
sub-account for `LONGEST` after the entry, as an admin, as long as its user is an admin of the agency.
"""

from datetime import timedelta

from trunkline.accounts import audit, sessions, subaccounts
from trunkline.accounts.roles import Role, outranks
from trunkline.accounts.sessions import VISIT_BEGAN, VISIT_LONGEST, Session
from trunkline.core import clock
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import Conflict, Forbidden, NotFound

LONGEST: timedelta = VISIT_LONGEST
LEAST: Role = "admin"


async def begin(database: Database, token: str, account_id: int, *, reason: str = "", ip: str | None = None) -> None:
    """Let this browser look at a sub-account of the agency that it looks at now; both logs say who, when and why."""
    session = await sessions.find(database, token)
    if session is None or session.kind != "browser":
        raise Forbidden("Only somebody signed in to the pages can visit a sub-account.")
    here = session.membership(session.account_id)
    if here.account_kind != "agency" or here.visit_until or not outranks(here.role, LEAST):
        raise Forbidden("This account is not an agency.", code="not_an_agency")
    if any(one.account_id == account_id for one in session.memberships):
        raise Conflict("already_member", "You are a member there: switch to it.")
    async with database.system(here.account_id, f"user:{session.user.id}") as tx:
        if not await tx.value(bool, IS_BELOW, here.account_id, account_id):
            raise NotFound("sub_account", account_id)
        told = {"name": session.user.name or session.user.email, "agency": here.account_name, "reason": reason[:500]}
        async with subaccounts.inside(tx, account_id):
            await audit.record(tx, VISIT_BEGAN, f"account:{account_id}", told, ip)
        await audit.record(tx, "sub_account.visited", f"account:{account_id}", {"reason": reason[:500]}, ip)
        await tx.run(STAND, session.digest, account_id)


async def end(database: Database, session: Session, *, ip: str | None = None) -> None:
    """Go back to the agency; nothing happens to a session that visits nobody."""
    here = session.membership(session.account_id)
    if here.visit_until is None:
        return
    async with database.system(here.account_id, f"user:{session.user.id}") as tx:
        agency = await tx.value(int, ABOVE, here.account_id)
        began = here.visit_until - LONGEST
        lasted = {"minutes": round((clock.now() - began).total_seconds() / 60)}
        await audit.record(tx, "visit.ended", f"account:{here.account_id}", lasted, ip)
        await tx.run(STAND, session.digest, agency)
        if agency is not None:
            await audit.record(tx, "sub_account.visit_ended", f"account:{here.account_id}", lasted, ip, account=agency)


async def guests(tx: Tx) -> dict[str, str]:
    """Who visited the account of `tx`, by their actor, as they were called at the last visit."""
    return {actor: str(name) for actor, name in await tx.rows(GUESTS, tx.account, VISIT_BEGAN)}


IS_BELOW = sql("select true from accounts where parent_id = $1 and id = $2 and deleted_at is null", system=True)

ABOVE = sql("select parent_id from accounts where id = $1", system=True)

STAND = sql("update sessions set account_id = $2 where digest = $1", system=True)

GUESTS = sql("""
    select distinct on (actor) actor, details ->> 'name' from audit_log
    where account_id = $1 and action = $2 order by actor, id desc
""")
