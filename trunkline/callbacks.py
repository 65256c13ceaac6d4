"""What the world calls without a key of ours: providers' callbacks, links in mail, addresses of workflows."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, BinaryIO
from urllib.parse import quote
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from trunkline.channels import base
from trunkline.core.db import Database
from trunkline.core.errors import Invalid, LimitReached, NotFound, TooLarge, TrunklineError, Unavailable
from trunkline.core.limits import Bucket, Limiter
from trunkline.core.metrics import Counter
from trunkline.dialects import decoding
from trunkline.dialects.base import UnsupportedMedia, status_of
from trunkline.flows import downloads
from trunkline.messaging import carrier, channels, mailing, media, receiving, tracking
from trunkline.web import preferences, rendering
from trunkline.workflows import hooks, letters

Endpoint = Callable[[Request], Awaitable[Response]]

PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b")
"""A transparent GIF of one pixel."""

HOOK_RATE = Bucket("hook", 120)
STRANGERS_RATE = Bucket("hook_unknown", 30)
"""Calls a minute of one workflow, and of one address that guesses."""
LARGEST_CALL = 256 * 1024

CALLBACKS = Counter(
    "trunkline_callbacks", "Calls of providers, by kind of channel and class of answer.", ["kind", "status"]
)


def routes(database: Database) -> list[Route]:
    """`/c/{kind}/{channel}/{action}` for providers, `/m/{token}` for files, `/a/{token}` for archives, and what mails
    lead to: `/u/{token}` to unsubscribe, `/l/{token}` for links, `/o/{token}` for the picture that tells of opening;
    `/hooks/workflows/{token}` sets a workflow going, `/hooks/mail/{token}` stands in mails of workflows.
    """

    async def callback(request: Request) -> Response:
        channel = await _channel(database, request)
        request.state.kind = channel.kind
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
        taken = await receiving.take_all(database, channel, adapter.receive(call))
        if taken.messages:
            return _json({"message_id": taken.messages[0].message_id, "duplicate": taken.messages[0].duplicate})
        if taken.events:
            return _json({"event_id": taken.events[0].event_id, "duplicate": taken.events[0].duplicate})
        return _json({})

    async def unsubscribe(request: Request) -> Response:
        """A GET only shows a page, since scanners follow links; the POST of RFC 8058 needs no page, no cookie."""
        token = request.path_params["token"]
        if request.method == "GET":
            mailing.check_link(database.tools, token)
            return _unsubscribe(request)
        evidence = {"ip": request.client.host if request.client else "", "agent": request.headers.get("user-agent", "")}
        address = await mailing.unsubscribe(database, token, evidence)
        return _unsubscribe(request, address)

    return [
        Route("/c/{kind}/{channel}/{action}", counted(answered(callback)), methods=["GET", "POST"]),
        Route("/u/{token}", answered(unsubscribe), methods=["GET", "POST"]),
        *_files(database),
        *_tracked(database),
        *_hooks(database),
    ]


def _files(database: Database) -> list[Route]:
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

    async def archive(request: Request) -> Response:
        """The file as it lies there, so that its hash is the one that was told."""
        found = await downloads.opened(database, request.path_params["token"])
        headers = {
            "Content-Disposition": f"attachment; filename={found.name}",
            "Cache-Control": "private, no-store",
            "Content-Length": str(found.size),
        }
        return StreamingResponse(_pieces(found.file), headers=headers, media_type="application/gzip")

    return [
        Route("/m/{token}", answered(file), methods=["GET"]),
        Route("/m/{token}/{uuid}/{name}", answered(file), methods=["GET"]),
        Route("/a/{token}", answered(archive), methods=["GET"]),
    ]


def _tracked(database: Database) -> list[Route]:
    async def follow(request: Request) -> Response:
        """To the address that stands in the broadcast, whoever asks; what the link says of the asker is noted."""
        token = tracking.read(database.tools.vault, request.path_params["token"])
        async with database.tx(token.account, actor="contact", relaxed=True) as tx:
            url = await tracking.target(tx, token)
            await tracking.note(tx, token, request.method, request.headers.get("user-agent", ""))
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
        return RedirectResponse(url, status_code=302, headers=headers)

    async def picture(request: Request) -> Response:
        """A picture of one pixel; what is not ours gets it too, so that no mail shows a broken one."""
        with contextlib.suppress(NotFound, Unavailable):
            token = tracking.read(database.tools.vault, request.path_params["token"])
            async with database.tx(token.account, actor="contact", relaxed=True) as tx:
                await tracking.note(tx, token, request.method, request.headers.get("user-agent", ""))
        return Response(PIXEL, headers={"Cache-Control": "no-store"}, media_type="image/gif")

    return [
        Route("/l/{token}", answered(follow), methods=["GET"]),
        Route("/o/{token}", answered(picture), methods=["GET"]),
    ]


def _hooks(database: Database) -> list[Route]:
    limiter = Limiter()

    async def hook(request: Request) -> Response:
        """Takes JSON and the fields of a form. `Idempotency-Key` or `webhook-id` tells repeats apart."""
        token, caller = request.path_params["token"], request.client.host if request.client else ""
        try:
            target = await hooks.find(database, token)
        except NotFound:
            _admit(limiter, caller, STRANGERS_RATE)
            raise
        _admit(limiter, token, HOOK_RATE)
        repeat = request.headers.get("idempotency-key") or request.headers.get("webhook-id")
        await hooks.call(database, target, await _payload(request), repeat)
        return _json({"message": "Accepted."}, hooks.ACCEPTED)

    async def mail_mark(request: Request) -> Response:
        """A link of a workflow's mail, or its picture."""
        signed, agent = request.path_params["token"], request.headers.get("user-agent", "")
        url = await letters.follow(database, signed, request.method, agent)
        if url is None:
            return Response(PIXEL, headers={"Cache-Control": "no-store"}, media_type="image/gif")
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
        return RedirectResponse(url, status_code=302, headers=headers)

    return [
        Route("/hooks/workflows/{token}", answered(hook), methods=["POST"]),
        Route("/hooks/mail/{token}", answered(mail_mark), methods=["GET"]),
    ]


def answered(endpoint: Endpoint) -> Endpoint:
    """What goes wrong becomes a small JSON answer."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except TrunklineError as error:
            return _refused(error)

    return answer


def counted(endpoint: Endpoint) -> Endpoint:
    """Counts a provider's calls. The kind in an address that names no channel of ours is anybody's word."""

    async def answer(request: Request) -> Response:
        response = await endpoint(request)
        kind = getattr(request.state, "kind", "none")
        CALLBACKS.of(kind, f"{response.status_code // 100}xx").add()
        return response

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


def _admit(limiter: Limiter, key: str, bucket: Bucket) -> None:
    verdict = limiter.hit(key, bucket)
    if not verdict.allowed:
        raise LimitReached(verdict.retry_after)


async def _payload(request: Request) -> dict[str, Any]:
    """The members of a JSON object or the fields of a form; any other JSON stands under `body`."""
    raw = await request.body()
    if len(raw) > LARGEST_CALL:
        raise TooLarge("The request body is too large.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        fields = decoding.parse_query(raw)
        return {name: given[0] if len(given) == 1 else given for name, given in fields.items()}
    if kind not in ("", "application/json") and not kind.endswith("+json"):
        raise UnsupportedMedia("Send JSON, or the fields of a form as application/x-www-form-urlencoded.")
    value = decoding.parse(raw or b"{}")
    decoding.vet(value)
    return value if isinstance(value, dict) else {"body": value}


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


def _unsubscribe(request: Request, address: str = "") -> Response:
    """Asks, or tells that it is done."""
    return rendering.page("unsubscribe.html", preferences=preferences.of(request), address=address)
