"""Sub-accounts: what an agency sees of them, and what it does for them."""

from starlette.responses import Response

from trunkline.accounts import subaccounts, visits
from trunkline.accounts.profiles import Profile
from trunkline.billing import agencies, credits, recharges, statements, transfers, troubles
from trunkline.billing.agencies import Opened, Sub, Terms
from trunkline.core import ids
from trunkline.core.db import Tx
from trunkline.core.errors import Forbidden, Invalid, NotFound, OutOfCredits
from trunkline.web.login import signing
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("agency")

SHOWN = 50
MOST = 1_000_000_000_000


@pages.get("/agency", level="admin")
async def table(visit: Visit) -> Response:
    _check(visit)
    async with visit.tx() as tx:
        rows = await agencies.listed(tx, visit.query.number("after") or 0, SHOWN + 1)
        subs = rows[:SHOWN]
        return visit.page(
            "settings/agency.html",
            block="found",
            subs=subs,
            seen=await subaccounts.activity(tx, [sub.id for sub in subs]),
            troubles=await troubles.of(tx, [sub.id for sub in subs]),
            mine={one.account_id: one.account_uuid for one in visit.visitor.session.memberships},
            balance=await credits.balance(tx),
            used_today=await statements.used_today(tx),
            wanted=[one for one in await recharges.latest(tx, 20) if one.closed_at is None],
            next=visit.here(after=subs[-1].id) if len(rows) > SHOWN else "",
        )


@pages.get("/agency/new", level="admin")
async def new(visit: Visit) -> Response:
    _check(visit)
    return visit.page("settings/agency_form.html")


@pages.post("/agency/new", level="admin")
async def create(visit: Visit) -> Response:
    _check(visit)
    form = visit.form
    terms = Terms(
        monthly=form.number("monthly", most=MOST) or 0,
        roll_over=form.flag("roll_over"),
        credits=form.number("credits", most=MOST),
    )
    profile = Profile(first_name=form.text("first_name", most=100), last_name=form.text("last_name", most=100))
    async with visit.tx() as tx:
        try:
            opened = await agencies.open(
                tx,
                form.text("name", most=128) or " ",
                form.text("email", most=320),
                terms,
                profile=profile,
                with_owner=True,
            )
        except OutOfCredits as error:
            raise Invalid({"credits": [error.message]}) from None
    return await _one(visit, opened.account.id, opened)


@pages.get("/agency/{id:int}", level="admin")
@pages.get("/agency/{id:int}/credits", level="admin")
@pages.get("/agency/{id:int}/allowance", level="admin")
async def one(visit: Visit) -> Response:
    return await _one(visit, visit.id())


@pages.post("/agency/{id:int}/credits", level="admin")
async def grant(visit: Visit) -> Response:
    """The key in the form makes a form that was sent twice count once."""
    form = visit.form
    amount, key = form.number("amount", least=1, most=MOST), form.text("once", most=64)
    if amount is None:
        raise Invalid({"amount": [visit.words("This is needed.")]})
    async with visit.tx() as tx:
        sub = await _sub(tx, visit.id())
        said = form.text("description", most=500)
        try:
            await transfers.transfer(tx, sub.email, amount, description=said, idempotency_key=key or None)
        except OutOfCredits as error:
            raise Invalid({"amount": [error.message]}) from None
    return visit.to(f"/agency/{sub.id}", visit.words("Credits given."))


@pages.post("/agency/{id:int}/allowance", level="admin")
async def allow(visit: Visit) -> Response:
    form = visit.form
    monthly = form.number("monthly", most=MOST) or 0
    async with visit.tx() as tx:
        sub = await _sub(tx, visit.id())
        try:
            await agencies.set_allowance(tx, sub.email, monthly, roll_over=form.flag("roll_over"))
        except OutOfCredits as error:
            raise Invalid({"monthly": [error.message]}) from None
    return visit.to(f"/agency/{sub.id}", visit.words("Saved."))


@pages.post("/agency/{id:int}/suspension", level="admin")
async def suspend(visit: Visit) -> Response:
    async with visit.tx() as tx:
        sub = await _sub(tx, visit.id())
        await subaccounts.suspend(tx, sub.email, on=visit.form.flag("on"))
    return visit.to(f"/agency/{sub.id}", visit.words("Saved."))


@pages.post("/agency/{id:int}/visit", level="admin")
async def stand_in(visit: Visit) -> Response:
    """Look at it as one of its admins does, for an hour at most; it stands in the log of both."""
    _check(visit)
    token, reason = visit.visitor.token, visit.form.text("reason", most=500)
    await visits.begin(visit.database, token, visit.id(), reason=reason, ip=signing.ip(visit.request))
    return visit.to("/")


@pages.post("/visit/end", level="view")
async def leave(visit: Visit) -> Response:
    """Back to the agency, from whatever page one stands on."""
    account = visit.visitor.account_id
    await visits.end(visit.database, visit.visitor.session, ip=signing.ip(visit.request))
    return visit.to(f"/agency/{account}" if visit.visitor.workspace.visit_until else "/")


@pages.post("/agency/{id:int}/removal", level="dangerous")
async def remove(visit: Visit) -> Response:
    """Its credits come back to the agency; its rows stay."""
    async with visit.tx() as tx:
        await subaccounts.delete(tx, (await _sub(tx, visit.id())).email)
    return visit.to("/agency", visit.words("Deleted."))


async def _one(visit: Visit, id: int, opened: Opened | None = None) -> Response:
    _check(visit)
    async with visit.tx() as tx:
        sub = await _sub(tx, id)
        return visit.page(
            "settings/agency_one.html",
            sub=sub,
            seen=(await subaccounts.activity(tx, [sub.id])).get(sub.id),
            trouble=(await troubles.of(tx, [sub.id])).get(sub.id),
            mine={one.account_id: one.account_uuid for one in visit.visitor.session.memberships},
            wanted=next((r for r in await recharges.latest(tx) if r.sub_account_id == id and not r.closed_at), None),
            once=ids.token(24),
            opened=opened,
        )


async def _sub(tx: Tx, id: int) -> Sub:
    """Somebody else's is as unknown as any."""
    found = await agencies.listed(tx, id - 1, 1)
    if not found or found[0].id != id:
        raise NotFound("sub_account", id)
    return found[0]


def _check(visit: Visit) -> None:
    if visit.visitor.workspace.account_kind != "agency":
        raise Forbidden(visit.words("This account is not an agency."), code="not_an_agency")
