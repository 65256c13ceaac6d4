"""Pages about the public APIs: every endpoint with examples, and a form that sends real requests."""

import re
from functools import cache
from typing import Any

from markupsafe import Markup, escape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trunkline.dialects import openapi
from trunkline.dialects.dispatch import Dialects
from trunkline.documents import guide, samples
from trunkline.documents.guide import Chapter
from trunkline.documents.machine import base
from trunkline.web import preferences, rendering, visitors
from trunkline.web.visitors import Visitor

# What the form is called where each API was first documented.
FORMS = {"platform": "Try It", "rapidpro": "API Explorer", "portal": "API Tester"}

KEYS = {
    "platform": "Settings → Account",
    "developer": "Settings → Developer",
    "rapidpro": "Settings → Workspace tokens",
    "connector": "Settings → Account",
    "portal": "Settings → API Keys",
}


EXPLORER = "/api/v2/explorer/"
EXPLORERS = ("owner", "admin", "editor")


def routes(dialects: Dialects) -> list[Route]:
    """`/docs` lists them, `/docs/{dialect}` is one. The explorer is that of rapidpro for somebody who is signed in."""
    served = {each.name: each for each in dialects.served}

    @cache
    def read(name: str) -> tuple[dict[str, Any], list[Chapter]]:
        document = openapi.document(served[name], "")
        return document, guide.chapters(document)

    async def index(request: Request) -> Response:
        here = base(dialects, request)
        return _page(request, "docs/index.html", served=served.values(), base=here, keys=KEYS)

    async def api(request: Request) -> Response:
        return about(request, request.path_params["name"], None)

    async def explorer(request: Request) -> Response:
        """Its requests are the visitor's own unless they give a key."""
        visitor = await visitors.find(dialects.site.database, request)
        if visitor is None or visitor.workspace.role not in EXPLORERS:
            return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
        return about(request, "rapidpro", visitor)

    def about(request: Request, name: str, visitor: Visitor | None) -> Response:
        if name not in served:
            raise HTTPException(404)
        document, chapters = read(name)
        return _page(
            request,
            "docs/api.html",
            visitor=visitor,
            dialect=served[name],
            served=served.values(),
            document=document,
            chapters=chapters,
            address=base(dialects, request) + served[name].address,
            auth=samples.auth(document),
            written=samples.written,
            form=FORMS.get(name, "Try it"),
            keys=KEYS,
            coded=_coded,
        )

    return [Route("/docs", index), Route("/docs/{name}", api), Route(EXPLORER, explorer)]


def _coded(text: str) -> Markup:
    """Prose with its `words in backticks` as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704


CODE = re.compile(r"`([^`]+)`")


def _page(request: Request, template: str, **values: Any) -> Response:
    return rendering.page(template, preferences=preferences.of(request), **values)
