"""One HTTP request over a judged connection, up to the head of its reply.

aiohttp keeps the connections with their TLS. Its session is left out: cookies, proxies, authentication and traces are
not wanted here, and cost three quarters of a call (docs/decisions/0014, 0016).
"""

import asyncio
import re
from collections.abc import Mapping

from aiohttp.connector import Connection
from multidict import CIMultiDict
from yarl import URL

from trunkline.core.connector import CALL, Connector
from trunkline.core.egress import Refused
from trunkline.core.talks import Talk


class Reply:
    """The head of a reply; `read` gives the body as it comes. To be closed by whoever got it."""

    __slots__ = ("_connection", "_talk", "_upload", "headers", "read", "status")

    def __init__(self, connection: Connection, talk: Talk, upload: asyncio.Task[None] | None) -> None:
        self._connection, self._talk, self._upload = connection, talk, upload
        self.status, self.read = talk.status, talk.read
        self.headers: Mapping[str, str] = CIMultiDict(
            [(name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in talk.fields]
        )

    def close(self) -> None:
        """Give the connection back; or hang up, if there is still something to read or to write."""
        if self._upload is not None and not self._upload.done():
            self._upload.cancel()
            self._connection.close()
        elif self._talk.usable:
            self._connection.release()
        else:
            self._connection.close()


async def send(connector: Connector, method: str, url: URL, headers: CIMultiDict[str], body: bytes | None) -> Reply:
    """Send, and wait for a head that is not a provisional one. Raises what the talk raises (see talks.py)."""
    body = body or b""
    head = _written(f"{method} {url.raw_path_qs} HTTP/1.1", headers)
    connection, talk = await connector.reach(url)
    upload = None
    try:
        fits = len(body) <= PIECE
        talk.ask(head + body if fits else head, bodiless=method == "HEAD")
        CALL.get().sent = True  # from here on bytes may have left
        if not fits:
            upload = _uploading(talk, body)
        await talk.head()
    except BaseException:
        if upload is not None:
            upload.cancel()
        connection.close()
        raise
    return Reply(connection, talk, upload)


def _written(line: str, headers: CIMultiDict[str]) -> bytes:
    said = [line, *[f"{name}: {value}" for name, value in headers.items()]]
    whole = "".join(said)
    if not whole.isprintable() and UNSPEAKABLE.search(whole):  # the first tells of most that it need not be searched
        raise Refused("A header holds characters that no header may hold.")
    return ("\r\n".join(said) + "\r\n\r\n").encode("utf-8", "ignore")  # half a character, copied from a reply, say


def _uploading(talk: Talk, body: bytes) -> asyncio.Task[None]:
    """A large body goes out in pieces beside the reading: a peer may refuse it before it has come."""
    upload = asyncio.create_task(_pieces(talk, body))
    upload.add_done_callback(lambda task: task.cancelled() or task.exception())  # the reader meets the same trouble
    return upload


async def _pieces(talk: Talk, body: bytes) -> None:
    whole = memoryview(body)
    for start in range(0, len(body), PIECE):
        await talk.say(whole[start : start + PIECE])


PIECE = 32 * 1024
UNSPEAKABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters but for the tab, the ends of lines above all: a value must not become another header."""
