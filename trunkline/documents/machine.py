"""The OpenAPI documents of the public APIs, for people and their tools; no key is needed to read them."""

from functools import cache
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trunkline.dialects import openapi
from trunkline.dialects.dispatch import Dialects


def routes(dialects: Dialects) -> list[Route]:
    """`/openapi` lists them, `/openapi/{dialect}.json` is one."""
    served = {each.name: each for each in dialects.served}

    @cache
    def made(name: str) -> dict[str, Any]:
        return openapi.document(served[name], "")

    async def index(request: Request) -> Response:
        here = base(dialects, request)
        listed = [
            {
                "name": each.name,
                "title": each.title,
                "base_url": here + each.address,
                "document_url": f"{here}/openapi/{each.name}.json",
            }
            for each in served.values()
        ]
        return _json({"dialects": listed})

    async def document(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in served:
            raise HTTPException(404)
        here = base(dialects, request)
        return _json({**made(name), "servers": [{"url": here + served[name].address}]})

    async def to_rapidpro(request: Request) -> Response:
        return RedirectResponse("/api/v2/", status_code=302)

    return [
        Route("/openapi", index),
        Route("/openapi/{name}.json", document),
        Route("/api/", to_rapidpro),
    ]


def base(dialects: Dialects, request: Request) -> str:
    """Where the world reaches us, or where this request did."""
    return dialects.site.public_url.rstrip("/") or str(request.base_url).rstrip("/")


def _json(body: Any) -> Response:
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return Response(msgspec.json.encode(body), 200, headers, "application/json")
