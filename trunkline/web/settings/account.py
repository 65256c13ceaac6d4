"""Settings → Account: the workspace, personal tokens of the platform API, the connector key."""

from zoneinfo import available_timezones

from starlette.responses import Response

from trunkline.accounts import accounts, api_keys
from trunkline.accounts import settings as account_settings
from trunkline.web.sections import Section
from trunkline.web.settings import keys, tabs
from trunkline.web.visits import Visit

pages = Section("settings")


@pages.get("/settings/account")
@pages.get("/settings/account/tokens")
@pages.get("/settings/account/key")
async def account(visit: Visit) -> Response:
    return await _account(visit)


@pages.post("/settings/account", level="admin")
async def change(visit: Visit) -> Response:
    form = visit.form
    values = {
        "name": form.text("name", most=128) or " ",
        "timezone": form.text("timezone", most=64),
        "country": form.text("country", most=2),
        "languages": form.text("languages", most=500),
        "date_style": form.text("date_style"),
    }
    async with visit.tx() as tx:
        await account_settings.put(tx, values)
    return visit.to("/settings/account", visit.words("Saved."))


@pages.post("/settings/account/tokens", level="view")
async def create_token(visit: Visit) -> Response:
    """A personal token does at most what its owner's role allows, so everybody may have some."""
    return await _account(visit, made=await keys.create(visit, "platform"))


@pages.post("/settings/account/key", level="admin")
async def regenerate(visit: Visit) -> Response:
    """The old key dies with the same commit."""
    return await _account(visit, made=await keys.create(visit, "connector"))


async def _account(visit: Visit, made: keys.Made | None = None) -> Response:
    async with visit.tx() as tx:
        found = await accounts.current(tx)
        own = await keys.listed(visit, tx, "platform", "connector")
        return tabs.page(
            visit,
            "settings/account.html",
            account=found,
            date_style=account_settings.value(found, "date_style"),
            zones=sorted(available_timezones()),
            tokens=[one for one in own if one.dialect == "platform"],
            connector=[one for one in own if one.dialect == "connector"],
            people=await keys.people(tx),
            scopes=api_keys.SCOPES["platform"],
            made=made,
        )
