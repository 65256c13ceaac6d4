"""Webhooks: addresses that are told what happens, and the account's own one."""

from typing import Any

from msgspec import UNSET
from starlette.responses import Response

from trunkline.accounts import accounts, audit
from trunkline.accounts import settings as account_settings
from trunkline.core.egress import BadUrl
from trunkline.core.errors import Invalid
from trunkline.web.sections import Section
from trunkline.web.settings import tabs
from trunkline.web.visits import Visit
from trunkline.webhooks import catalog, deliveries, endpoints, journal
from trunkline.webhooks.endpoints import Changes, Endpoint, NewEndpoint

pages = Section("settings")

SHOWN = 30


@pages.get("/settings/webhooks", level="admin")
@pages.get("/settings/webhooks/account", level="admin")
async def show(visit: Visit) -> Response:
    return await _page(visit)


@pages.post("/settings/webhooks/account", level="admin")
async def change_account(visit: Visit) -> Response:
    """The account's own webhook: one URL, told of what was ticked, about contacts with one of the tags."""
    form = visit.form
    values = {
        "webhook_url": form.text("url", most=2_048),
        "webhook_events": form.texts("event"),
        "webhook_tags": form.text("tags", most=5_000),
    }
    async with visit.tx() as tx:
        try:
            await account_settings.put(tx, values, egress=tx.database.tools.egress)
        except Invalid as error:  # its fields are called otherwise here
            raise Invalid({name.removeprefix("webhook_"): told for name, told in error.fields.items()}) from None
    return visit.to("/settings/webhooks", visit.words("Saved."))


@pages.post("/settings/webhooks/secret", level="admin")
async def secret(visit: Visit) -> Response:
    """The secret that signs the account's webhook and all callbacks, shown or made anew; both are written down."""
    async with visit.tx() as tx:
        if fresh := visit.form.flag("fresh"):
            await account_settings.put(tx, {"webhook_secret": None})
        told = await account_settings.webhook_secret(tx, visit.vault)
        await audit.record(tx, "webhook_secret.renewed" if fresh else "webhook_secret.shown")
    return await _page(visit, secret=told)


@pages.get("/settings/webhooks/new", level="admin")
async def new(visit: Visit) -> Response:
    return _form(visit, None)


@pages.post("/settings/webhooks/new", level="admin")
async def create(visit: Visit) -> Response:
    form = visit.form
    chosen = _chosen(visit)
    wanted = NewEndpoint(url=form.text("url", most=2_048), description=form.text("description", most=500), **chosen)
    async with visit.tx() as tx:
        made, told = await endpoints.create(tx, wanted)
    return await _one(visit, made.id, secret=told)


@pages.get("/settings/webhooks/{id:int}", level="admin")
@pages.get("/settings/webhooks/{id:int}/test", level="admin")
async def one(visit: Visit) -> Response:
    return await _one(visit, visit.id())


@pages.get("/settings/webhooks/{id:int}/form", level="admin")
async def edit(visit: Visit) -> Response:
    async with visit.tx() as tx:
        return _form(visit, await endpoints.get(tx, visit.id()))


@pages.post("/settings/webhooks/{id:int}/form", level="admin")
async def change(visit: Visit) -> Response:
    form, chosen = visit.form, _chosen(visit)
    changes = Changes(
        url=form.text("url", most=2_048),
        description=form.text("description", most=500),
        profile=chosen["profile"] or UNSET,
        events=chosen["events"] or UNSET,
    )
    async with visit.tx() as tx:
        await endpoints.update(tx, visit.id(), changes)
    return visit.to(f"/settings/webhooks/{visit.id()}", visit.words("Saved."))


@pages.post("/settings/webhooks/{id:int}/switch", level="admin")
async def switch(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await endpoints.update(tx, visit.id(), Changes(active=visit.form.flag("on")))
    return visit.to(f"/settings/webhooks/{visit.id()}", visit.words("Saved."))


@pages.post("/settings/webhooks/{id:int}/secret", level="admin")
async def rotate(visit: Visit) -> Response:
    async with visit.tx() as tx:
        _, told = await endpoints.update(tx, visit.id(), Changes(rotate=True))
    return await _one(visit, visit.id(), secret=told or "")


@pages.post("/settings/webhooks/{id:int}/test", level="admin")
async def test(visit: Visit) -> Response:
    async with visit.tx() as tx:
        delivery = await deliveries.test(tx, visit.id())
    return visit.to(f"/settings/webhooks/deliveries/{delivery.id}")


@pages.post("/settings/webhooks/{id:int}/removal", level="admin")
async def remove(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await endpoints.delete(tx, visit.id())
    return visit.to("/settings/webhooks", visit.words("Deleted."))


async def _page(visit: Visit, secret: str = "") -> Response:
    async with visit.tx() as tx:
        account = await accounts.current(tx)
        return tabs.page(
            visit,
            "settings/webhooks.html",
            endpoints=await endpoints.all_of(tx),
            own={name: account_settings.value(account, f"webhook_{name}") for name in ("url", "events", "tags")},
            own_line=next((line for line in await journal.lines(tx) if line.kind == "account"), None),
            events=account_settings.WEBHOOK_EVENTS,
            profiles=catalog.PROFILES,
            secret=secret,
        )


async def _one(visit: Visit, id: int, secret: str = "") -> Response:
    async with visit.tx() as tx:
        endpoint = await endpoints.get(tx, id)
        return tabs.page(
            visit,
            "settings/webhook.html",
            block="log",
            endpoint=endpoint,
            told=catalog.names(endpoint.profile, endpoint.events),
            profiles=catalog.PROFILES,
            deliveries=await journal.page(tx, id, limit=SHOWN),
            line_id=id,
            secret=secret,
        )


def _form(visit: Visit, endpoint: Endpoint | None) -> Response:
    values = {"endpoint": endpoint, "events": catalog.EVENTS, "profiles": catalog.PROFILES}
    return tabs.page(visit, "settings/webhook_form.html", **values)


def _chosen(visit: Visit) -> dict[str, Any]:
    """A profile, or the events that were ticked where the form says so."""
    profile, url = visit.form.text("profile"), visit.form.text("url", most=2_048)
    try:
        visit.site.database.tools.egress.check_url(url)
    except BadUrl as error:
        raise Invalid({"url": [str(error)]}) from None
    if profile:
        return {"profile": profile, "events": None}
    events = visit.form.texts("event")
    if not events:
        raise Invalid({"event": [visit.words("Choose at least one.")]})
    return {"profile": None, "events": events}
