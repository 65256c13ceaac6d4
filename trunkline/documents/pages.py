"""Pages about the public APIs: every endpoint with examples, and a form that sends real requests."""

from functools import cache
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trunkline.dialects import openapi
from trunkline.dialects.dispatch import Dialects
from trunkline.documents import guide, samples
from trunkline.documents.guide import Chapter
from trunkline.documents.machine import base
from trunkline.web import preferences, rendering

# What the form is called where each API was first documented.
FORMS = {"platform": "Try It", "rapidpro": "API Explorer", "portal": "API Tester"}

KEYS = {
    "platform": "Settings → Account",
    "developer": "Settings → Developer",
    "rapidpro": "Settings → Workspace tokens",
    "connector": "Settings → Account",
    "portal": "Settings → API Keys",
}


def routes(dialects: Dialects) -> list[Route]:
    """`/docs` lists them, `/docs/{dialect}` is one."""
    served = {each.name: each for each in dialects.served}

    @cache
    def read(name: str) -> tuple[dict[str, Any], list[Chapter]]:
        document = openapi.document(served[name], "")
        return document, guide.chapters(document)

    async def index(request: Request) -> Response:
        here = base(dialects, request)
        return _page(request, "docs/index.html", served=served.values(), base=here, keys=KEYS)

    async def api(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in served:
            raise HTTPException(404)
        document, chapters = read(name)
        return _page(
            request,
            "docs/api.html",
            dialect=served[name],
            served=served.values(),
            document=document,
            chapters=chapters,
            address=base(dialects, request) + served[name].address,
            auth=samples.auth(document),
            written=samples.written,
            form=FORMS.get(name, "Try it"),
            keys=KEYS,
        )

    return [Route("/docs", index), Route("/docs/{name}", api)]


def _page(request: Request, template: str, **values: Any) -> Response:
    return rendering.page(template, preferences=preferences.of(request), **values)
