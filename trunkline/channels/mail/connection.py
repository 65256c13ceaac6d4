"""One connection to a relay, and what it takes to hand over a mail: its envelope, its content, the relay's word."""

import re
from asyncio import Future
from collections import deque
from collections.abc import Collection, Sequence

from msgspec import Struct

from trunkline.channels.base import SendError
from trunkline.channels.mail.outcomes import lost, refusal
from trunkline.channels.mail.talk import Answer, Talk, TalkOver

COMMAND = 60.0
# RFC 5321 4.5.3.2.6 asks for ten minutes; a relay that needs more than five is as good as gone.
ANSWER = 300.0
RESET = 10.0
CHUNK = 1 << 18
LINE_START_DOT = re.compile(rb"(?m)^\.")


class Receipt(Struct, frozen=True, kw_only=True):
    """The relay took the mail. `refused` are copies it would not take."""

    response: str
    refused: dict[str, str] = {}


class StaleError(Exception):
    """A kept connection was dead before the relay had agreed to anything."""


class Connection:
    """One mail after the other. To a relay that allows it, the whole envelope is said at once."""

    def __init__(self, talk: Talk, extensions: Collection[str]):
        self.talk = talk
        self.declares_size = "size" in extensions
        self.pipelines = "pipelining" in extensions
        self.used = False
        self.ahead: deque[Future[Answer]] = deque()
        """Answers to what was said before it was its turn."""

    @property
    def alive(self) -> bool:
        return self.talk.alive

    async def deliver(self, sender: str, recipients: Sequence[str], raw: bytes) -> Receipt:
        """Raises SendError, or StaleError when nothing was said on a connection that served before."""
        mail = f"MAIL FROM:<{sender}> SIZE={len(raw)}" if self.declares_size else f"MAIL FROM:<{sender}>"
        to = [f"RCPT TO:<{recipient}>" for recipient in recipients]
        # With copies there is more to judge before the relay is told that a mail comes.
        await self.begin([mail, *to] if len(to) > 1 else [mail, *to, "DATA"])
        refused = {}
        for recipient, line in zip(recipients, to, strict=True):
            answer = await self.command(line)
            if answer.code in (250, 251):
                continue
            # A copy that is refused does not stop the mail; the hang-up and the person it is for do.
            if answer.code == 421 or recipient == recipients[0]:
                raise refusal(answer.code, answer.message)
            refused[recipient] = str(answer)[:500]
        answer = await self.command("DATA")
        if answer.code != 354:
            raise refusal(answer.code, answer.message)
        answer = await self.content(raw)
        if answer.code // 100 != 2:
            raise refusal(answer.code, answer.message)
        return Receipt(response=str(answer)[:500], refused=refused)

    async def begin(self, envelope: Sequence[str]) -> None:
        reused, self.used = self.used, True
        try:
            if self.pipelines:
                self.ahead += self.talk.ask(*envelope)
            answer = await self.answer(envelope[0])
        except TalkOver as error:
            if reused:
                raise StaleError from error
            raise lost(error) from error
        if answer.code == 421 and reused:
            raise StaleError  # most relays say 421 to a connection that waited too long
        if answer.code != 250:
            raise refusal(answer.code, answer.message, of_sender=True)

    async def command(self, line: str) -> Answer:
        try:
            return await self.answer(line)
        except TalkOver as error:
            raise lost(error) from error

    async def answer(self, line: str) -> Answer:
        awaited = self.ahead.popleft() if self.ahead else self.talk.ask(line)[0]
        answer = await self.talk.within(COMMAND, awaited)
        if answer.code == 421:  # it speaks of the whole connection
            self.close()
        return answer

    async def content(self, raw: bytes) -> Answer:
        """The mail itself. Once the final dot is on its way, silence means that the mail may have arrived."""
        body = LINE_START_DOT.sub(b"..", raw) if b"\n." in raw or raw.startswith(b".") else raw
        body = (body if body.endswith(b"\r\n") else body + b"\r\n") + b".\r\n"
        first, *chunks = [body[start : start + CHUNK] for start in range(0, len(body), CHUNK)]
        try:
            [awaited] = self.talk.say(first)
        except TalkOver as error:
            raise lost(error) from error
        while chunks:
            await self.talk.drain(COMMAND)
            if awaited.done():  # it is refused in the middle, or the relay is gone
                break
            self.talk.say(chunks.pop(0), answers=0)
        try:
            answer = await self.talk.within(ANSWER, awaited)
        except TalkOver as error:
            if chunks:
                raise lost(error) from error
            raise SendError("ambiguous", f"The answer to the mail was lost: {error}"[:500], retry=True) from error
        if chunks:
            self.close()
            raise refusal(answer.code, answer.message)
        return answer

    async def reset(self) -> bool:
        """Ready for another mail after a refusal?"""
        try:
            said = [await self.talk.within(RESET, awaited) for awaited in self.ahead]
            self.ahead.clear()
            if said and said[-1].code == 354:
                return False  # it waits for the mail, and only its end would be understood
            return (await self.talk.within(RESET, self.talk.ask("RSET")[0])).code == 250
        except TalkOver:
            return False

    def close(self) -> None:
        self.talk.close()
