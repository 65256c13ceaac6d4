"""All that a browser asks for: put together here, one file for each subject."""

from typing import Any

from starlette.routing import Route

from trunkline.core.db import Database
from trunkline.web import assets, errors, live, signing, status
from trunkline.web.hub import Hub


class Pages:
    """The web pages of one process. `dialects` tells which APIs are `served`."""

    def __init__(self, database: Database, dialects: Any):
        self.database = database
        self.dialects = dialects
        self.hub = Hub(database)

    def routes(self) -> list[Route]:
        return [
            *status.routes(self.database, self.dialects.served),
            *signing.routes(self.database),
            *live.routes(self.database, self.hub),
            *assets.routes(),
        ]

    def error_pages(self) -> dict[Any, Any]:
        """What Starlette shows when something is wrong, by status or class of the exception."""
        return errors.pages()

    async def open(self) -> None:
        """Nothing is opened before the first browser comes: the hub listens from then on."""

    async def close(self) -> None:
        """End all streams; browsers come back by themselves and resume."""
        await self.hub.close()
