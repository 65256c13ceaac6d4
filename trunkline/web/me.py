"""One's own page: how things look, how one signs in, and where one is signed in."""

from starlette.responses import Response

from trunkline.accounts import logins, second_factors
from trunkline.accounts.second_factors import Enrolment
from trunkline.core.db import Transaction
from trunkline.web import preferences
from trunkline.web.login import signing
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("me")


@pages.get("/me")
@pages.get("/me/password")
@pages.get("/me/second-factor/removal")
@pages.get("/me/second-factor/codes")
async def show(visit: Visit) -> Response:
    return await _page(visit)


@pages.post("/me/look", level="view")
async def look(visit: Visit) -> Response:
    response = visit.to("/me", visit.words("Saved."))
    preferences.keep(visit.request, response, theme=visit.form.text("theme"), language=visit.form.text("language"))
    return response


@pages.post("/me/password", level="view")
async def change_password(visit: Visit) -> Response:
    form, session = visit.form, visit.visitor.session
    current, new, ip = form.raw("current"), form.raw("password"), signing.ip(visit.request)
    await logins.change_password(visit.site.database, session, current, new, ip=ip)
    return visit.to("/me", visit.words("The new password counts from now on; other browsers are signed out."))


@pages.get("/me/second-factor")
async def enrol(visit: Visit) -> Response:
    """What an app needs, as a picture and to be typed. It counts only once a code of it was given."""
    user = visit.visitor.user
    async with _system(visit) as tx:
        begun = await second_factors.begin(tx, user.id, user.email)
    return visit.page("settings/second_factor.html", begun=begun, picture=_picture(begun))


@pages.post("/me/second-factor", level="view")
async def confirm(visit: Visit) -> Response:
    session = visit.visitor.session
    async with _system(visit) as tx:
        codes = await second_factors.confirm(tx, session.user.id, visit.form.text("code"), keep=session.digest)
    return await _page(visit, codes)


@pages.post("/me/second-factor/codes", level="view")
async def renew_codes(visit: Visit) -> Response:
    session = visit.visitor.session
    password, ip = visit.form.raw("factor_password"), signing.ip(visit.request)
    await logins.prove(visit.site.database, session, password, ip=ip, field="factor_password")
    async with _system(visit) as tx:
        codes = await second_factors.renew_codes(tx, session.user.id)
    return await _page(visit, codes)


@pages.post("/me/second-factor/removal", level="view")
async def disable(visit: Visit) -> Response:
    password, ip = visit.form.raw("factor_password"), signing.ip(visit.request)
    await logins.drop_second_factor(
        visit.site.database, visit.visitor.session, password, ip=ip, field="factor_password"
    )
    return visit.to("/me", visit.words("You sign in by password alone from now on."))


@pages.post("/me/sessions/others", level="view")
async def sign_out_others(visit: Visit) -> Response:
    async with _system(visit) as tx:
        await logins.end_others(tx, visit.visitor.session)
    return visit.to("/me", visit.words("You are signed out everywhere but here."))


@pages.post("/me/sessions/{digest}/removal", level="view")
async def sign_out_one(visit: Visit) -> Response:
    async with _system(visit) as tx:
        await logins.end(tx, visit.visitor.session, visit.request.path_params["digest"])
    return visit.to("/me", visit.words("Signed out there."))


async def _page(visit: Visit, codes: list[str] | None = None) -> Response:
    """`codes` are recovery codes that were just made: shown once."""
    session = visit.visitor.session
    async with _system(visit) as tx:
        return visit.page(
            "me.html",
            factor=await second_factors.of(tx, session.user.id),
            logins=await logins.listed(tx, session),
            codes=codes or [],
        )


def _picture(begun: Enrolment) -> str:
    import segno  # seldom needed

    return segno.make(begun.uri, error="m").svg_data_uri(scale=5, border=3, dark="#000", light="#fff")


def _system(visit: Visit) -> Transaction:
    return visit.site.database.system(visit.visitor.account_id, visit.visitor.actor)
