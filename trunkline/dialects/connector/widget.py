"""Chat windows for whoever brings their own: sessions, messages in and out, and the script that sites embed.

Nobody here shows a key of ours: a session stands for a visitor. Calls of browsers are answered to the window's sites.
"""

from collections.abc import AsyncIterator
from typing import Any

from trunkline.ai import assistants, composing
from trunkline.core import clock, opaque
from trunkline.core.db import Tx
from trunkline.dialects.base import (
    Call,
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Stream,
    Unauthenticated,
    UnsupportedMedia,
)
from trunkline.dialects.connector import widget_shapes as shapes
from trunkline.dialects.connector.dialect import connector
from trunkline.messaging.chat import proofs, speaking, stream, visitors, windows
from trunkline.messaging.chat.visitors import Visitor
from trunkline.messaging.chat.windows import Window

PAGE = 200
TAG = "Chat widget"
TEXT_BYTES = 64 * 1024
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'self' "


@connector.get("/scripts/chat-widget.js", public=True, bucket="visitor", tag=TAG)
async def get_script(call: Call) -> Stream:
    """The script that a site embeds: `<script async src="…" data-channel="{configId}"></script>`."""
    packs = "gzip" in (call.header("accept-encoding") or "")
    content, headers = (windows.packed_script(), PACKED) if packs else (windows.script(), SCRIPT)
    return Stream("application/javascript", _whole(content), headers=headers)


@connector.get("/chat-widget-config", public=True, bucket="visitor", raises=(NotFound, Forbidden), tag=TAG)
async def get_config(call: Call, *, configId: str) -> shapes.ConfigOut:
    """What a page needs to draw a window."""
    return shapes.ConfigOut(shapes.widget(call.vault, await _window(call, configId)))


@connector.get("/chat-widget/{configId}", public=True, bucket="visitor", noun="chat_window", tag=TAG)
async def get_widget(call: Call, configId: str) -> Stream:
    """The window as a page of its own. Loaded as a script, it puts the window into the page that loads it."""
    return await _shown(call, configId)


@connector.get("/chat-widget/{configId}/{fromId}", public=True, bucket="visitor", noun="chat_window", tag=TAG)
async def get_widget_of_source(call: Call, configId: str, fromId: str) -> Stream:
    """The same, noting where the visitor came from: `fromId` is your name for the place of the link."""
    return await _shown(call, configId, fromId)


@connector.post("/chat-widget-session", public=True, bucket="visitor", form=True, raises=(NotFound, Forbidden), tag=TAG)
async def create_session(call: Call, body: shapes.SessionIn) -> shapes.SessionOut:
    """Begin a session. The token is good for an hour; send it as `Authorization: Bearer …`.

    With a `campaignId` that campaign answers the visitor.
    """
    window = await _window(call, body.configId)
    _check_account(call, window, body.userId)
    person = proofs.of_jwt(window.secret, body.jwt) if body.jwt else None
    expires = int(clock.now().timestamp() + visitors.SESSION_SECONDS) * shapes.MILLISECONDS
    async with call.database.tx(window.channel.account_id) as tx:
        assistant = await _assistant(tx, call, body.campaignId)
        visitor = None
        if person or body.fromId:
            visitor = await visitors.meet(tx, window, key=body.fromId, person=person, assistant_id=assistant)
        return shapes.SessionOut(token=visitors.token(tx, window, visitor, assistant_id=assistant), expiresAt=expires)


@connector.post(
    "/incoming-chat-widget-message",
    "/incoming_chat_widget_message",
    public=True,
    bucket="visitor",
    form=True,
    body_limit=TEXT_BYTES,
    raises=(Unauthenticated, Forbidden, UnsupportedMedia),
    tag=TAG,
)
async def receive_chat_message(call: Call, body: shapes.SaidIn, *, userId: str | None = None) -> shapes.SaidOut:
    """Hand in what a visitor wrote. The same `messageSid` again changes nothing and gets the id of the first copy."""
    data = body.customData
    sid = str(data.messageSid or data.id or "").strip()
    if not sid:
        raise Invalid({"customData.messageSid": ["customData.messageSid is required."]})
    window = await _window_of_token(call)
    _check_account(call, window, userId)
    visitor = await _visitor(call, window, str(data.fromId), _said(data))
    said = await speaking.say(
        call.database, window, visitor, told_id=sid, text=data.body, reaction=body.messageType == "reaction"
    )
    id = opaque.write(call.vault, "message", said.message_id)
    return shapes.SaidOut(success=True, messageId=id, duplicate=said.duplicate)


@connector.get(
    "/chat-widget-messages", public=True, bucket="visitor", raises=(Unauthenticated, Forbidden, Malformed), tag=TAG
)
async def list_messages(
    call: Call, *, toId: str, fromId: str | None = None, timestamp: int | None = None
) -> shapes.ChatMessagesOut:
    """What was said in a window, the newest first. `fromId` is the account and `toId` the visitor.

    With a `timestamp` (milliseconds since 1970) only what is newer.
    """
    window = await _window_of_token(call)
    _check_account(call, window, fromId)
    visitor = await _visitor(call, window, toId)
    async with call.database.tx(window.channel.account_id) as tx:
        entries = await stream.before(tx, visitor.id, None, PAGE)
        typing = await composing.is_typing(tx, window.channel.id, visitor.urn)
    newer = [one for one in entries if not timestamp or one.created_at.timestamp() * shapes.MILLISECONDS > timestamp]
    return shapes.ChatMessagesOut([shapes.message(one) for one in reversed(newer)], typing)


@connector.post(
    "/chat-widget-messages/read",
    public=True,
    bucket="visitor",
    form=True,
    raises=(Unauthenticated, Forbidden, Conflict),
    tag=TAG,
)
async def mark_read(call: Call, body: shapes.SeenIn) -> shapes.SeenOut:
    """The visitor has seen all that was said so far."""
    window = await _window_of_token(call)
    visitor = await _visitor(call, window, str(body.toId) if body.toId is not None else None)
    async with call.database.tx(window.channel.account_id) as tx:
        await stream.mark_read(tx, visitor.id, visitor.seq)
    return shapes.SeenOut()


async def _window(call: Call, id: str) -> Window:
    return _readable(call, await windows.find(call.database, id))


async def _window_of_token(call: Call) -> Window:
    if call.bearer is None:
        raise Unauthenticated
    channel = visitors.channel_of_token(call.vault, call.bearer)
    return _readable(call, await windows.of_channel(call.database, channel))


def _readable(call: Call, window: Window) -> Window:
    """Note for the edge which site may read the answer. Raises `Forbidden` for one that is not on the list."""
    origin = windows.check_origin(window, call.header("origin"), call.header("host") or "")
    if origin is not None:
        call.scope.setdefault("state", {})[windows.READER] = origin
    return window


def _check_account(call: Call, window: Window, given: str | None) -> None:
    """`userId` proves nothing and opens nothing; one that names another account is a mistake worth telling."""
    if given is None:
        return
    id = opaque.read(call.vault, "account", given)
    if id is not None and id != window.channel.account_id:
        raise NotFound("user", given)


async def _visitor(call: Call, window: Window, key: str | None, said: dict[str, Any] | None = None) -> Visitor:
    async with call.database.tx(window.channel.account_id) as tx:
        visitor = await visitors.bearer(tx, window, call.bearer or "", key)
        if said is None:
            return visitor
        agent = call.header("user-agent") or ""
        identified = visitor.identified
        facts = visitors.facts_of(window, identified=identified, said=said, ip=call.ip, agent=agent)
        return await visitors.note(tx, visitor, facts)


async def _assistant(tx: Tx, call: Call, id: str | None) -> int | None:
    if not id:
        return None
    return (await assistants.get(tx, opaque.read(call.vault, assistants.OPAQUE, id))).id


def _said(data: shapes.SaidData) -> dict[str, Any]:
    name = " ".join(part for part in (data.firstName, data.lastName) if part)
    pages = {"page_url": data.pageUrl, "referrer_url": data.referrerUrl}
    return {"name": name or None, "email": data.email, **pages}


async def _shown(call: Call, id: str, source: str = "") -> Stream:
    window = await windows.find(call.database, id)
    if call.header("sec-fetch-dest") == "script":
        script = windows.loader(window, call.url("/scripts/chat-widget.js"), source)
        return Stream("application/javascript", _whole(script.encode()), headers=READABLE)
    page = windows.page(window, f"{call.mount}/scripts/chat-widget.js", source)
    headers = {"Content-Security-Policy": POLICY + " ".join(window.config.sites)}
    return Stream("text/html; charset=utf-8", _whole(page.encode()), headers=headers)


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


READABLE = {"Cross-Origin-Resource-Policy": "cross-origin"}
"""What any page may load as a script."""
SCRIPT = {**READABLE, "Cache-Control": "public, max-age=3600", "Vary": "Accept-Encoding"}
PACKED = {**SCRIPT, "Content-Encoding": "gzip"}
