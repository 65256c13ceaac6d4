"""The inbox: the page that holds it. What it shows and does goes through the files beside this one."""

from typing import Any

import msgspec
from markupsafe import Markup
from starlette.responses import Response

from trunkline.contacts import tags
from trunkline.core.db import Tx
from trunkline.core.errors import NotFound
from trunkline.core.html import clean_html
from trunkline.inbox import assignment, history, macros, members, sharing, views
from trunkline.inbox.views import Wanted
from trunkline.web import rendering, words
from trunkline.web.inbox import reading
from trunkline.web.inbox.reading import looker
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("inbox")

FIRST = 30
"""Conversations that the page brings along; the list asks for more."""

# A mail is shown in a frame of its own page, which may do nothing.
FRAMING = f"{rendering.POLICY}; frame-src 'self'; media-src 'self'"

ORIGINAL = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@pages.get("/inbox")
async def show(visit: Visit) -> Response:
    return await _page(visit, None)


@pages.get("/inbox/{id:int}")
async def open_one(visit: Visit) -> Response:
    """The same with a conversation open: its address can be sent to a colleague."""
    return await _page(visit, visit.id())


@pages.get("/inbox/messages/{id:int}/original")
async def original(visit: Visit) -> Response:
    """A mail as it was written, cleaned, in a page without scripts, forms and pictures from elsewhere."""
    async with visit.tx() as tx:
        entry = await history.message(tx, visit.id())
    harmless = Markup(clean_html(entry.html or ""))  # noqa: S704
    return rendering.page("inbox/original.html", 200, ORIGINAL, entry=entry, html=harmless)


async def _page(visit: Visit, id: int | None) -> Response:
    async with visit.tx() as tx:
        start = await _start(tx, visit)
        if id is not None:
            start["opened"] = await _opened(tx, visit, id)
    spoken = words.part("inbox", visit.words.language)
    response = visit.page("inbox/inbox.html", start=_block(start), spoken=_block(spoken))
    response.headers["Content-Security-Policy"] = FRAMING
    return response


def _block(value: Any) -> Markup:
    """JSON for a script element: nothing in it can end the element."""
    text = msgspec.json.encode(value).decode()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


async def _start(tx: Tx, visit: Visit) -> dict[str, Any]:
    """All that the first look needs, so that it costs one request."""
    view = visit.query.text("view", most=30) or "all"
    query = visit.query.text("q", most=500)
    looks = looker(visit)
    try:
        lines = await views.page(tx, Wanted(view, query), looks, limit=FIRST + 1)
    except NotFound:
        view = "all"
        lines = await views.page(tx, Wanted(view, query), looks, limit=FIRST + 1)
    return {
        "me": {"id": visit.visitor.user.id, "name": visit.visitor.user.name or visit.visitor.user.email},
        "zone": visit.visitor.workspace.timezone,
        "language": visit.words.language,
        "mayWrite": visit.may("interact"),
        "mayManage": visit.may("manage"),
        "member": await members.get(tx, looks.user_id),
        "standardKeys": members.KEYS,
        "rules": await sharing.rules(tx),
        "macros": await macros.all_of(tx, looks.user_id),
        "view": view,
        "query": query,
        "lines": lines[:FIRST],
        "next": reading.cursor(visit, lines[FIRST - 1]) if len(lines) > FIRST else None,
        "counts": await views.counts(tx, looks),
        "saved": await views.saved(tx, looks.user_id),
        "colleagues": await assignment.assignees(tx),
        "tags": [{"id": tag.id, "name": tag.name, "color": tag.color} for tag in await tags.all(tx, "conversation")],
        "opened": None,
    }


async def _opened(tx: Tx, visit: Visit, id: int) -> Any:
    """None when it does not exist: the list is shown all the same."""
    try:
        return await reading.opened(tx, visit, id)
    except NotFound:
        return None
