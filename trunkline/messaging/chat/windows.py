"""Windows: what a page may know of a chat window before anybody has said who they are."""

import gzip
import html
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.channels.webchat import WebChatConfig
from trunkline.core import opaque
from trunkline.core.db import Database
from trunkline.core.errors import Forbidden, NotFound
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel

KIND = "webchat"
PLACE = "widget"
READER = "readable_by"
"""Where an answer's request keeps the origin whose pages may read it."""
ASSISTANT = "campaign"
"""The kinds under which windows and assistants get their opaque ids."""


class Window(Struct, frozen=True):
    """A window that is open. `secret` proves identities; it never leaves the server."""

    channel: Channel
    config: WebChatConfig
    secret: str
    assistant_id: int | None

    @property
    def title(self) -> str:
        return self.config.title or self.channel.name

    def shown(self) -> dict[str, Any]:
        """What a page needs to draw it."""
        return {
            "id": str(self.channel.uuid),
            "title": self.title,
            "greeting": self.config.greeting,
            "colour": self.config.colour,
            "uploads": self.config.trust_uploads,
        }


async def find(database: Database, name: str) -> Window:
    """The window by the channel's UUID or its opaque id. Raises `NotFound`, also for one that was closed."""
    return _opened(database, await _channel(database, name))


async def of_channel(database: Database, id: int) -> Window:
    """The window of a channel."""
    return _opened(database, await channels.by_id(database, KIND, id))


def _opened(database: Database, channel: Channel | None) -> Window:
    if channel is None or channel.pool or not channel.active:
        raise NotFound("chat window")
    sealed = channels.open_sealed(database.tools, channel)
    config = msgspec.convert(sealed.settings, WebChatConfig, strict=False)
    return Window(channel, config, sealed.secret, opaque.read(database.tools.vault, ASSISTANT, config.assistant))


def check_origin(window: Window, origin: str | None, host: str) -> str | None:
    """The origin that may read the answer: None when no browser asks, or a page of our own.

    Raises `Forbidden` for a page of a site that is not on the window's list.
    """
    if origin is None or origin.partition("://")[2].lower() == host.lower():
        return None
    if not window.config.admits(origin):
        raise Forbidden("This site may not show the chat window.", code="origin_refused")
    return origin


def page(window: Window, script: str, source: str = "") -> str:
    """HTML that shows the window alone, open and as large as the page. `source` is where its link was."""
    title = html.escape(window.title)
    origin = f' data-source="{html.escape(source[:255])}"' if source else ""
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f'<script async src="{html.escape(script)}" data-channel="{window.channel.uuid}" data-full{origin}></script>'
        "</html>"
    )


def loader(window: Window, script: str, source: str = "") -> str:
    """JavaScript that puts the window into the page which loads it."""
    data = {"channel": str(window.channel.uuid)} | ({"source": source[:255]} if source else {})
    return (
        f"(()=>{{const s=document.createElement('script');s.async=true;s.src={_literal(script)};"
        f"Object.assign(s.dataset,{_literal(data)});document.head.append(s)}})()"
    )


@cache
def script() -> bytes:
    """What sites embed."""
    return files("trunkline.messaging.chat").joinpath("script/chat-widget.js").read_bytes()


@cache
def packed_script() -> bytes:
    """The same for those who can unpack."""
    return gzip.compress(script(), 9, mtime=0)


@cache
def script_digest() -> str:
    return sha256(script()).hexdigest()[:16]


def _literal(value: object) -> str:
    """As JavaScript that stays what it is inside of a page, too."""
    return msgspec.json.encode(value).decode().replace("<", "\\u003c")


async def _channel(database: Database, name: str) -> Channel | None:
    id = opaque.read(database.tools.vault, PLACE, name)
    if id is not None:
        return await channels.by_id(database, KIND, id)
    try:
        return await channels.by_uuid(database, KIND, UUID(name))
    except ValueError:
        return None
