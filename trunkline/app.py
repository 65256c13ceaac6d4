"""The ASGI app: dialects first, then providers' callbacks, health and the pages for people."""

import asyncio
import contextlib
from typing import Any

from msgspec.json import encode
from starlette.applications import Starlette

from trunkline import callbacks, documents, health, web
from trunkline.accounts.credentials import Credentials
from trunkline.core import vitals
from trunkline.core.db import Database
from trunkline.core.errors import Unavailable
from trunkline.core.tools import Tools
from trunkline.dialects.dispatch import Dialects
from trunkline.documents.pages import EXPLORER
from trunkline.web.chat import cors, live, window
from trunkline.web.chat.window import Chat
from trunkline.web.flows import table as flows
from trunkline.web.inbox import writing

NOTE_SECONDS = 30.0


class App:
    """One process's web half. Serve it inside `server.Edge`; call `open` before and `close` after."""

    def __init__(self, database: Database):
        tools: Tools = database.tools
        self.credentials = Credentials(database)
        self._keepers: list[asyncio.Task[None]] = []
        self.dialects = Dialects(
            database, vault=tools.vault, public_url=tools.settings.public_url, credentials=self.credentials
        )
        self.pages = web.Pages(database, self.dialects)
        self.chat = Chat(database)
        self.rest = Starlette(
            routes=[
                *self.chat.routes(),
                *live.routes(self.chat),
                *callbacks.routes(database),
                *health.routes(database),
                *documents.routes(self.dialects),
                *self.pages.routes(),
            ],
            exception_handlers=self.pages.error_pages(),
        )

    async def open(self) -> None:
        await self.credentials.open()
        await self.pages.open()
        self._keepers = [asyncio.create_task(self._note_uses()), asyncio.create_task(vitals.watch_loop())]

    async def close(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await self.chat.close()
        await self.pages.close()
        await self.credentials.close()

    async def _note_uses(self) -> None:
        """Write down now and then when keys were last used; a request does not wait for it."""
        while True:
            await asyncio.sleep(NOTE_SECONDS)
            with contextlib.suppress(Unavailable):
                await self.credentials.flush()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] != EXPLORER and self.dialects.claims(scope["path"]):
            await cors.pass_on(self.dialects, scope, receive, send)
        else:
            await self.rest(scope, receive, send)

    def body_cap(self, path: str, method: str) -> int:
        """The most bytes that a request to `path` may carry."""
        own = (upload.body_cap(path) for upload in (window, writing, flows))
        return self.dialects.body_cap(path, method) or next(filter(None, own), 1 << 20)

    def wording(self, path: str, status: int, message: str) -> bytes:
        """What the server says when it refuses a request before anybody here saw it."""
        return self.dialects.wording(path, status, message) or encode({"message": message})
