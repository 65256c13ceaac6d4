"""The talk with a relay once it is open: commands go out, answers come in, in order.

The library opens, encrypts and logs in; then this takes over, because a broadcast says four commands for each of its
mails. It may say several before the first answer came (RFC 2920), which saves the way to a relay that is far.
"""

import asyncio
from collections import deque
from typing import cast

from msgspec import Struct

LONGEST = 32_768
"""Octets of one answer; a relay that says more says no answer."""


class Answer(Struct, frozen=True):
    code: int
    message: str

    def __str__(self) -> str:
        return f"{self.code} {self.message}"


class TalkOver(ConnectionError):
    """The relay hung up, kept silent, or said what is no answer."""


class Talk(asyncio.Protocol):
    """`over` says why there is nothing more to hear; "" as long as all is well."""

    def __init__(self, transport: asyncio.BaseTransport):
        self.over = ""
        self._transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()
        self._asked: deque[asyncio.Future[Answer]] = deque()
        self._begun = b""
        """What came of a line whose end did not."""
        self._lines: list[bytes] = []
        """The lines of an answer whose last one is still to come."""
        self._length = 0
        self._writable = asyncio.Event()
        self._writable.set()
        transport.set_protocol(self)

    @property
    def alive(self) -> bool:
        return not self.over and not self._transport.is_closing()

    def ask(self, *commands: str) -> list[asyncio.Future[Answer]]:
        """Say commands at once; each has an answer to wait for (see `within`). Raises TalkOver."""
        return self.say("".join(f"{command}\r\n" for command in commands).encode("ascii"), answers=len(commands))

    def say(self, octets: bytes, *, answers: int = 1) -> list[asyncio.Future[Answer]]:
        if self.over:
            raise TalkOver(self.over)
        awaited = [self._loop.create_future() for _ in range(answers)]
        self._asked.extend(awaited)
        self._transport.write(octets)
        return awaited

    async def within(self, seconds: float, answer: asyncio.Future[Answer]) -> Answer:
        """An answer, or the end of the talk after so much silence: what comes later would be taken for another's."""
        timer = self._loop.call_later(seconds, self.end, f"No answer within {seconds:g} seconds.")
        try:
            return await answer
        finally:
            timer.cancel()

    async def drain(self, seconds: float) -> None:
        """Wait until the relay has taken most of what was said, or the talk is over."""
        if not self._writable.is_set():
            timer = self._loop.call_later(seconds, self.end, f"The relay took nothing for {seconds:g} seconds.")
            try:
                await self._writable.wait()
            finally:
                timer.cancel()

    def end(self, why: str) -> None:
        """Hang up in the middle of the talk."""
        self._tell(why)
        self._transport.abort()

    def close(self) -> None:
        """Hang up after it, with a QUIT that nobody waits for."""
        if self.alive:
            self._transport.write(b"QUIT\r\n")
        self._tell("We hung up.")
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._length += len(data)
        if self._length > LONGEST:
            self.end("The answer is too long.")
            return
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        if not line[:3].isdigit():
            self.end(f"This is no answer: {line[:100].decode('utf-8', 'replace')!r}")
            return
        self._lines.append(line[4:].strip())
        if line[3:4] == b"-":
            return
        answer = Answer(int(line[:3]), b"\n".join(self._lines).decode("utf-8", "replace"))
        self._lines, self._length = [], len(self._begun)
        if not self._asked:  # a relay that speaks unasked says goodbye
            self.end(f"The relay spoke unasked: {answer}"[:500])
            return
        awaited = self._asked.popleft()
        if not awaited.done():
            awaited.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._tell(str(exc) if exc else "The relay hung up.")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _tell(self, why: str) -> None:
        """All who wait hear it."""
        self.over = self.over or why
        self._writable.set()
        while self._asked:
            awaited = self._asked.popleft()
            if not awaited.done():
                awaited.set_exception(TalkOver(self.over))
                awaited.exception()  # nobody need ask for it
