"""What the world calls without a key of ours: providers' callbacks, and the links that go out in mail."""

import html
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, BinaryIO
from urllib.parse import quote
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from trunkline.channels import base
from trunkline.core.db import Database
from trunkline.core.errors import Invalid, LimitReached, NotFound, TrunklineError, Unavailable
from trunkline.dialects.base import status_of
from trunkline.messaging import carrier, channels, mailing, media, receiving

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(database: Database) -> list[Route]:
    """`/c/{kind}/{channel}/{action}` for providers, `/u/{token}` to unsubscribe, `/m/{token}` for files."""

    async def callback(request: Request) -> Response:
        channel = await _channel(database, request)
        adapter = channels.adapter(database.tools, channel)
        call = base.Request(
            action=request.path_params["action"],
            method=request.method,
            headers=dict(request.headers),
            query=dict(request.query_params),
            body=await request.body(),
        )
        adapter.verify(call)
        if channel.kind == "simulator" and call.action == "outbox":
            return await _outbox(database, channel, call)
        if call.method != "POST":
            raise NotFound("address")
        received = await receiving.take(database, channel, adapter.receive(call))
        if not received:
            return _json({})
        first = received[0]
        return _json({"message_id": first.message_id, "duplicate": first.duplicate})

    async def unsubscribe(request: Request) -> Response:
        """A GET only shows a page, since scanners follow links; the POST of RFC 8058 needs no page, no cookie."""
        token = request.path_params["token"]
        if request.method == "GET":
            mailing.check_link(database.tools, token)
            return _page("Unsubscribe", '<form method="post"><button>Stop these mails</button></form>')
        evidence = {"ip": request.client.host if request.client else "", "agent": request.headers.get("user-agent", "")}
        address = await mailing.unsubscribe(database, token, evidence)
        return _page("Done", f"<p>{html.escape(address)} gets no more of these mails.</p>")

    async def file(request: Request) -> Response:
        found, stream, download_only = await media.opened(database, request.path_params["token"])
        shown = "attachment" if download_only else "inline"
        headers = {
            "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(found.name or 'file')}",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "private, max-age=86400",
            "Content-Length": str(found.size),
        }
        return StreamingResponse(_pieces(stream), headers=headers, media_type=found.content_type)

    return [
        Route("/m/{token}", answered(file), methods=["GET"]),
        Route("/c/{kind}/{channel}/{action}", answered(callback), methods=["GET", "POST"]),
        Route("/u/{token}", answered(unsubscribe), methods=["GET", "POST"]),
    ]


def answered(endpoint: Endpoint) -> Endpoint:
    """What goes wrong becomes a small JSON answer."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except TrunklineError as error:
            return _refused(error)

    return answer


async def _channel(database: Database, request: Request) -> channels.Channel:
    try:
        uuid = UUID(request.path_params["channel"])
    except ValueError:
        raise NotFound("channel") from None
    channel = await channels.by_uuid(database, request.path_params["kind"], uuid)
    if channel is None:
        raise NotFound("channel")
    return channel


async def _outbox(database: Database, channel: channels.Channel, call: base.Request) -> Response:
    try:
        after, limit = int(call.query.get("after", 0)), int(call.query.get("limit", 1000))
    except ValueError:
        raise Invalid({"after": ["after and limit are whole numbers."]}) from None
    async with database.tx(channel.account_id) as tx:
        delivered = await carrier.outbox(tx, channel.id, min(max(after, 0), 2**62), max(1, min(limit, 1000)))
    return _json({"messages": delivered})


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(65_536):
            yield piece


def _refused(error: TrunklineError) -> Response:
    body: dict[str, Any] = {"message": error.message, "code": error.code}
    if isinstance(error, Invalid):
        body["errors"] = error.fields
    headers = {}
    if isinstance(error, LimitReached | Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    return _json(body, status_of(error), headers)


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        msgspec.json.encode(body), status, {"Cache-Control": "no-store", **(headers or {})}, "application/json"
    )


def _page(title: str, body: str) -> Response:
    policy = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    return HTMLResponse(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1>{body}",
        headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"},
    )
