"""Styles, scripts and icons: their address changes with their content, so browsers keep them for good.

Only they are compressed: a page holds secrets beside what others typed, and its length would tell of them.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

STATIC = Path(__file__).parent / "static"

TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".json": "application/json"}

# Served as one file: a page asks for one style sheet, a reader opens a small one.
BUNDLES = {
    "trunkline.css": ["base", "layout", "forms", "content", "tables", "status", "above", "alone"],
}

FOR_GOOD = "public, max-age=31536000, immutable"
FOR_A_DAY = "public, max-age=86400"


class Asset(Struct, frozen=True):
    name: str
    digest: str
    content: bytes
    packed: bytes


def routes() -> list[Route]:
    async def hashed(request: Request) -> Response:
        name, digest = request.path_params["name"], request.path_params["digest"]
        if name not in _names() or _asset(name).digest != digest:
            raise HTTPException(404)
        return _response(request, _asset(name), FOR_GOOD)

    async def icon(request: Request) -> Response:
        return _response(request, _asset("favicon.svg"), FOR_A_DAY)

    return [
        Route("/static/{digest}/{name:path}", hashed),
        Route("/favicon.svg", icon),
        Route("/favicon.ico", icon),
    ]


def path(name: str) -> str:
    return f"/static/{_asset(name).digest}/{name}"


def _response(request: Request, asset: Asset, caching: str) -> Response:
    packs = "gzip" in request.headers.get("accept-encoding", "")
    headers = {
        **({"Content-Encoding": "gzip"} if packs else {}),
        "Cache-Control": caching,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    content = asset.packed if packs else asset.content
    return Response(content, headers=headers, media_type=TYPES[Path(asset.name).suffix])


@cache
def _names() -> frozenset[str]:
    """What may be asked for: no name from outside is ever looked up in the file system."""
    found = (place.relative_to(STATIC).as_posix() for place in STATIC.rglob("*") if place.suffix in TYPES)
    return frozenset([*BUNDLES, *found])


@cache
def _asset(name: str) -> Asset:
    if name in BUNDLES:
        content = b"\n".join((STATIC / "style" / f"{part}.css").read_bytes() for part in BUNDLES[name])
    else:
        content = (STATIC / name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(name, digest, content, gzip.compress(content, 9, mtime=0))
