"""A cable between us and the database that can be cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit, urlunsplit


class Cable:
    """`dsn` leads through it. `cut` ends all connections and refuses new ones until `mend`."""

    def __init__(self, dsn: str):
        self._parts = urlsplit(dsn)
        self._whole = True
        self._ends: set[asyncio.StreamWriter] = set()
        self.dsn = ""

    def cut(self) -> None:
        self._whole = False
        for end in self._ends:
            end.close()

    def mend(self) -> None:
        self._whole = True

    async def open(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        user = self._parts.netloc.rpartition("@")[0]
        place = f"{user}@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.dsn = urlunsplit(self._parts._replace(netloc=place, query=""))
        return server

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.close()
            return
        far_reader, far_writer = await self._far_end()
        ends = {writer, far_writer}
        self._ends |= ends
        await asyncio.wait(
            [asyncio.create_task(carry(reader, far_writer)), asyncio.create_task(carry(far_reader, writer))]
        )
        self._ends -= ends

    async def _far_end(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = parse_qs(self._parts.query).get("host", [self._parts.hostname or "127.0.0.1"])[0]
        port = self._parts.port or int(parse_qs(self._parts.query).get("port", ["5432"])[0])
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while octets := await reader.read(65_536):
            writer.write(octets)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def laid(dsn: str) -> AsyncIterator[Cable]:
    cable = Cable(dsn)
    server = await cable.open()
    try:
        yield cable
    finally:
        server.close()
        cable.cut()
