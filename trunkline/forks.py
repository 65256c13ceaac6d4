"""Processes that are forked from one that has everything loaded (commands/nursery.py), as the supervisor sees them."""

import asyncio
import contextlib
import os
import signal
import socket

import msgspec
from msgspec import Struct

LINE = 256
"""Bytes that the name of a command has at most."""


class Born(Struct, frozen=True, tag="born"):
    """The answer to a name: its process."""

    pid: int


class Died(Struct, frozen=True, tag="died"):
    """`code` as of a subprocess: negative for a signal."""

    pid: int
    code: int


def tell(door: socket.socket, news: Born | Died) -> None:
    """Say something to the supervisor; when it is gone there is nobody to tell."""
    with contextlib.suppress(OSError):
        door.sendall(msgspec.json.encode(news) + b"\n")


class Fork:
    """A running process: lines in, lines out, and one day its exit code."""

    def __init__(self, pid: int, orders: int, reports: asyncio.StreamReader, ended: "asyncio.Future[int]"):
        self.pid, self.reports, self.ended = pid, reports, ended
        self._orders = orders
        ended.add_done_callback(lambda _: os.close(orders))

    def say(self, line: bytes) -> None:
        """One short line; a process that has ended hears nothing any more."""
        if not self.ended.done():
            with contextlib.suppress(BrokenPipeError):
                os.write(self._orders, line)

    def kill(self, sign: signal.Signals) -> None:
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sign)


class Nursery:
    """Makes forks by asking the process at the other end of a pair."""

    def __init__(self, door: socket.socket):
        door.setblocking(False)
        self._door = door
        self._listening = asyncio.create_task(self._listen())
        self._born: asyncio.Future[tuple[int, asyncio.Future[int]]] | None = None
        self._living: dict[int, asyncio.Future[int]] = {}
        self._one = asyncio.Lock()

    async def fork(self, name: str) -> Fork:
        """A new process that runs the command `trunkline NAME`."""
        async with self._one:
            orders, reports = os.pipe(), os.pipe()
            self._born = asyncio.get_running_loop().create_future()
            try:
                socket.send_fds(self._door, [name.encode() + b"\n"], [orders[0], reports[1]])
                pid, ended = await self._born
            except BaseException:
                os.close(orders[1])
                os.close(reports[0])
                raise
            finally:
                os.close(orders[0])
                os.close(reports[1])
        return Fork(pid, orders[1], await _reader(reports[0]), ended)

    async def _listen(self) -> None:
        """Hear who was born and who died. The other side ends after us; when it is killed, so are we."""
        loop, rest = asyncio.get_running_loop(), b""
        while heard := await loop.sock_recv(self._door, 4096):
            *lines, rest = (rest + heard).split(b"\n")
            for line in lines:
                self._note(msgspec.json.decode(line, type=Born | Died))

    def _note(self, news: Born | Died) -> None:
        match news:
            case Born(pid):
                ended = self._living[pid] = asyncio.get_running_loop().create_future()
                assert self._born is not None
                self._born.set_result((pid, ended))
            case Died(pid, code):
                self._living.pop(pid).set_result(code)


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", 0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader
