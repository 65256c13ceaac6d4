"""The provider at the other end: each message is written to a file and synced before the answer. The judge reads it."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httptools
import msgspec

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Sink:
    """A loopback HTTP server. `strike` is called right after an answer was written, when a kill was asked for."""

    def __init__(self, path: Path):
        self.path = path
        self.count = 0
        self.strike: Callable[[], object] | None = None
        self._file = path.open("ab", buffering=0)
        self._lines: list[bytes] = []
        self._answers: list[asyncio.Transport] = []
        self._flush: asyncio.Task[None] | None = None
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Exchange(self), "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._file.close()

    def take(self, transport: asyncio.Transport, path: str, body: bytes) -> None:
        message = msgspec.json.decode(body, type=_Payload).customData
        self._lines.append(f"{path.strip('/')}\t{message.toId}\t{message.messageSid}\n".encode())
        self._answers.append(transport)
        if self._flush is None or self._flush.done():
            self._flush = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        """All that has arrived meanwhile in one sync; an answer only afterwards."""
        while self._lines:
            lines, self._lines = self._lines, []
            answers, self._answers = self._answers, []
            await asyncio.to_thread(self._sync, b"".join(lines))
            self.count += len(lines)
            struck = random.randrange(len(answers)) if self.strike else -1
            for position, transport in enumerate(answers):
                if not transport.is_closing():
                    transport.write(OK)
                if position == struck and self.strike is not None:
                    strike, self.strike = self.strike, None
                    strike()

    def _sync(self, lines: bytes) -> None:
        self._file.write(lines)
        os.fsync(self._file.fileno())

    def read(self) -> dict[str, Counter[str]]:
        """How often each recipient was reached, per path: from the file, as it is on the disk."""
        reached: dict[str, Counter[str]] = {}
        for line in self.path.read_text().splitlines():
            path, to, _ = line.split("\t")
            reached.setdefault(path, Counter())[to] += 1
        return reached


class _Custom(msgspec.Struct):
    toId: str
    messageSid: str


class _Payload(msgspec.Struct):
    customData: _Custom


class _Exchange(asyncio.Protocol):
    def __init__(self, sink: Sink):
        self.sink = sink
        self.url, self.body = b"", b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.url, self.body = b"", b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.sink.take(self.transport, self.url.decode(), self.body)
