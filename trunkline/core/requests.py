"""One HTTP request over a judged connection, up to the head of its reply.

aiohttp keeps the connections with their TLS, writes heads and parses replies. Its session is left out: cookies,
proxies, authentication and traces are not wanted here, and cost three quarters of a call (docs/decisions/0014).
"""

import asyncio
from collections.abc import Mapping

from aiohttp import StreamReader
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage, StreamWriter
from multidict import CIMultiDict
from yarl import URL

from trunkline.core.connector import CALL, Connector
from trunkline.core.egress import Refused


class Reply:
    """The head of a reply; `content` gives the body as it comes. To be closed by whoever got it."""

    __slots__ = ("_connection", "_upload", "content", "headers", "raw_headers", "status")

    def __init__(
        self, connection: Connection, upload: asyncio.Task[None] | None, head: RawResponseMessage, content: StreamReader
    ) -> None:
        self._connection, self._upload, self.content = connection, upload, content
        self.status: int = head.code
        self.headers: Mapping[str, str] = head.headers
        self.raw_headers: tuple[tuple[bytes, bytes], ...] = head.raw_headers

    def close(self) -> None:
        """Give the connection back; or hang up, if there is still something to read or to write."""
        if self._upload is not None and not self._upload.done():
            self._upload.cancel()
            self._connection.close()
        else:
            self._connection.release()


async def send(connector: Connector, method: str, url: URL, headers: CIMultiDict[str], body: bytes | None) -> Reply:
    """Send, and wait for a head that is not a provisional one. Raises what aiohttp's connections raise."""
    connection = await connector.reach(url)
    protocol = connection.protocol
    assert protocol is not None
    upload = None
    try:
        protocol.set_response_params(skip_payload=method == "HEAD", read_until_eof=True, auto_decompress=False)
        upload = await _write(protocol, f"{method} {url.raw_path_qs} HTTP/1.1", headers, body or b"")
        head, content = await protocol.read()
        while head.code in PROVISIONAL:
            head, content = await protocol.read()
    except BaseException:
        if upload is not None:
            upload.cancel()
        connection.close()
        raise
    return Reply(connection, upload, head, content)


async def _write(
    protocol: ResponseHandler, line: str, headers: CIMultiDict[str], body: bytes
) -> asyncio.Task[None] | None:
    """A large body goes out in pieces beside the reading: a peer may refuse it before it has come."""
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    try:
        await writer.write_headers(line, headers)  # keeps them until there is something to write with them
    except ValueError:
        raise Refused("A header holds characters that no header may hold.") from None
    CALL.get().sent = True  # from here on bytes may leave
    if len(body) <= PIECE:
        await writer.write_eof(body)
        return None
    upload = asyncio.create_task(_pieces(writer, body))
    upload.add_done_callback(lambda task: task.cancelled() or task.exception())  # the reader meets the same trouble
    return upload


async def _pieces(writer: StreamWriter, body: bytes) -> None:
    whole = memoryview(body)
    for start in range(0, len(body), PIECE):
        await writer.write(whole[start : start + PIECE])
    await writer.write_eof()


PIECE = 32 * 1024
PROVISIONAL = frozenset(range(100, 200)) - {101}
