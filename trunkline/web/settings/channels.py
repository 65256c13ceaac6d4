"""Channels: connected step by step, tried, switched off, and what was said with their providers."""

from starlette.responses import Response

from trunkline.messaging import channel_setup, channels, logs, messages
from trunkline.web.forms import Form
from trunkline.web.sections import Section
from trunkline.web.settings import channel_words, tabs
from trunkline.web.visits import Visit

pages = Section("settings")

SHOWN = 30
FINAL = {"sent", "delivered", "read", "failed", "canceled", "unknown"}


@pages.get("/settings/channels", level="admin")
async def table(visit: Visit) -> Response:
    async with visit.tx() as tx:
        found = await channels.all_of(tx)
    return tabs.page(visit, "settings/channels.html", block="found", channels=found, kinds=channel_words.KINDS)


@pages.get("/settings/channels/new", level="admin")
async def choose(visit: Visit) -> Response:
    return tabs.page(visit, "settings/channel_kinds.html", kinds=channel_words.KINDS)


@pages.get("/settings/channels/new/{kind}", level="admin")
async def new(visit: Visit) -> Response:
    kind = visit.request.path_params["kind"]
    values = {"kind": kind, "asked": channel_setup.asked(kind), "kept": {}, "secrets": set[str](), "channel": None}
    return tabs.page(visit, "settings/channel_form.html", words=channel_words, **values)


@pages.post("/settings/channels/new/{kind}", level="admin")
async def connect(visit: Visit) -> Response:
    kind = visit.request.path_params["kind"]
    form = visit.form
    async with visit.tx() as tx:
        name, address = form.text("name", most=64), form.text("address", most=320)
        channel, secret = await channel_setup.connect(tx, kind, name, address, _given(kind, form))
    return tabs.page(
        visit, "settings/channel_made.html", channel=channel, secret=secret, url=visit.url + channel.callback_path
    )


@pages.get("/settings/channels/{id:int}", level="admin")
@pages.get("/settings/channels/{id:int}/test", level="admin")
async def show(visit: Visit) -> Response:
    """With the test message, if one was just sent, and what its provider said so far."""
    before, tried = visit.query.number("before"), visit.query.number("tried")
    async with visit.tx() as tx:
        channel = await channel_setup.own(tx, visit.id())
        log = await logs.of_channel(tx, channel.id, failed=visit.query.flag("failed"), before=before, limit=SHOWN + 1)
        message = await messages.get(tx, tried) if tried else None
        return tabs.page(
            visit,
            "settings/channel.html",
            block="tried",
            channel=channel,
            kind=channel_words.KINDS.get(channel.kind),
            kept=channel_setup.shown(tx.database.tools, channel),
            words=channel_words,
            url=visit.url + channel.callback_path,
            log=log[:SHOWN],
            next=visit.here(before=log[SHOWN - 1].id) if len(log) > SHOWN else "",
            message=message,
            talks=await logs.of_message(tx, message.id) if message else [],
            is_over=message is not None and message.status in FINAL,
        )


@pages.post("/settings/channels/{id:int}/test", level="admin")
async def test(visit: Visit) -> Response:
    to, text = visit.form.text("to", most=320), visit.form.text("text", most=1_000)
    async with visit.tx() as tx:
        channel = await channel_setup.own(tx, visit.id())
        message = await channel_setup.try_out(tx, channel, to, text or visit.words("This is a test."))
    return visit.to(f"/settings/channels/{channel.id}?tried={message}")


@pages.get("/settings/channels/{id:int}/form", level="admin")
async def edit(visit: Visit) -> Response:
    async with visit.tx() as tx:
        channel = await channel_setup.own(tx, visit.id())
        tools = tx.database.tools
    asked = [one for one in channel_setup.asked(channel.kind) if one.name != channel_setup.KIND_OF]
    return tabs.page(
        visit,
        "settings/channel_form.html",
        words=channel_words,
        kind=channel.kind,
        channel=channel,
        asked=asked,
        kept=channel_setup.shown(tools, channel),
        secrets=channel_setup.has_secrets(tools, channel),
    )


@pages.post("/settings/channels/{id:int}/form", level="admin")
async def change(visit: Visit) -> Response:
    form = visit.form
    async with visit.tx() as tx:
        channel = await channel_setup.own(tx, visit.id())
        name, address = form.text("name", most=64), form.text("address", most=320)
        await channel_setup.change(tx, channel.id, name, address, _given(channel.kind, form))
    return visit.to(f"/settings/channels/{visit.id()}", visit.words("Saved."))


@pages.post("/settings/channels/{id:int}/switch", level="admin")
async def switch(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await channel_setup.switch(tx, visit.id(), on=visit.form.flag("on"))
    return visit.to(f"/settings/channels/{visit.id()}", visit.words("Saved."))


@pages.post("/settings/channels/{id:int}/default", level="admin")
async def prefer(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await channels.make_default(tx, (await channel_setup.own(tx, visit.id())).id)
    return visit.to(f"/settings/channels/{visit.id()}", visit.words("Saved."))


@pages.post("/settings/channels/{id:int}/removal", level="admin")
async def remove(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await channel_setup.remove(tx, visit.id())
    return visit.to("/settings/channels", visit.words("Deleted."))


def _given(kind: str, form: Form) -> dict[str, str]:
    """What the form says of each setting; a tick that is not there says no."""
    given: dict[str, str] = {}
    for one in channel_setup.asked(kind):
        field = form.raw(one.name) if one.type in ("secret", "key") else form.text(one.name, most=4_096)
        given[one.name] = ("true" if form.flag(one.name) else "") if one.type == "flag" else field
    return given
