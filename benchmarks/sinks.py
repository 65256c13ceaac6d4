"""Providers that take everything: HTTP and SMTP on loopback, each in a process of its own.

`python -m benchmarks.sinks http FOLDER` listens on a free port and says which. The first request, or mail, is kept in
the folder, so that the bare client can send the very same bytes.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httptools
import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session
from msgspec import Struct

from benchmarks.stage import clean_environment, end

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


class Sink(Struct, frozen=True):
    port: int
    folder: Path

    def request(self) -> tuple[dict[str, str], bytes]:
        """Headers and body of the first HTTP request that came; what belongs to the connection is left out."""
        head, _, body = (self.folder / "first").read_bytes().partition(b"\n\n")
        pairs = [line.split(": ", 1) for line in head.decode().splitlines()]
        return {name: value for name, value in pairs if name.lower() not in ("host", "content-length")}, body

    def mail(self) -> bytes:
        return (self.folder / "first").read_bytes()


@asynccontextmanager
async def sink(kind: str, folder: Path) -> AsyncIterator[Sink]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.sinks", kind, str(folder)),
        env=clean_environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield Sink(int(await process.stdout.readline()), folder)
    finally:
        await end(process)


class Exchange(asyncio.Protocol):
    def __init__(self, keep: Path):
        self.keep = keep
        self.head, self.body = b"", b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.head += name + b": " + value + b"\n"

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        _keep(self.keep, self.head + b"\n" + self.body)
        self.head, self.body = b"", b""
        self.transport.write(ANSWER)


class Mailbox:
    def __init__(self, keep: Path):
        self.keep = keep

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        _keep(self.keep, envelope.content)
        return "250 2.0.0 OK"


kept: set[Path] = set()


def _keep(path: Path, content: bytes) -> None:
    if path not in kept:
        kept.add(path)
        path.write_bytes(content)


async def main(kind: str, folder: Path) -> None:
    keep = folder / "first"
    mailbox = Mailbox(keep)
    protocols = {"http": lambda: Exchange(keep), "smtp": lambda: SMTP(mailbox, hostname="sink.example.com")}
    server = await asyncio.get_running_loop().create_server(protocols[kind], "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2])))
