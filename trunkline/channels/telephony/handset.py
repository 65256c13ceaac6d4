"""The telephone of whoever we called, for somebody who leads the call: speech, keys, and calls to somebody else."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from trunkline.channels.talking import Dialled, DialStatus, Ring, Said
from trunkline.channels.telephony.phone import Phone, Unreached
from trunkline.channels.telephony.session import Session
from trunkline.channels.telephony.speech import Unspeakable
from trunkline.core import clock
from trunkline.core.egress import Refused


class Handset:
    """`speak` makes sound of a text; `trouble` is told what could not be said or dialled."""

    def __init__(
        self,
        phone: Phone,
        session: Session,
        caller: str,
        speak: Callable[[Said], Awaitable[bytes]],
        trouble: Callable[[str], Awaitable[None]],
    ):
        self._phone, self._session, self._caller = phone, session, caller
        self._speak, self._trouble = speak, trouble

    @property
    def hung_up(self) -> bool:
        return self._session.ended.is_set()

    async def say(self, said: Said, *, cut: bool) -> None:
        try:
            sound = said.sound if said.sound is not None else await self._speak(said)
        except Unspeakable as error:
            await self._trouble(str(error))
            return
        await self._session.say(sound, cut=cut)

    async def key(self, seconds: float) -> str | None:
        return await self._session.key(seconds)

    async def ring(self, ring: Ring) -> Dialled:
        """A call of its own; whoever hangs up first ends it. Its sound goes through us."""
        try:
            async with self._phone.dial(self._caller, ring.number, lambda step: None) as talk:
                waiting = asyncio.create_task(talk.answer(ring.ring_seconds))
                await self._while_there(waiting)
                if talk.session is None:
                    self._phone.hang_up(talk)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0 if self.hung_up else None):
                            await talk.end()
                    return Dialled(_outcome(talk.ending.outcome if talk.ending else "canceled"))
                return Dialled("answered", round(await self._bridge(talk.session, ring.seconds)))
        except (Unreached, Refused) as error:
            await self._trouble(str(error))
            return Dialled("failed")

    async def _bridge(self, other: Session, seconds: float) -> float:
        """Seconds that both talked."""
        began = clock.monotonic()
        self._session.join(other)
        try:
            async with asyncio.timeout(seconds):
                await self._while_there(asyncio.create_task(other.ended.wait()))
        except TimeoutError:
            pass
        finally:
            self._session.part()
        return clock.monotonic() - began

    async def _while_there(self, other: "asyncio.Task[object]") -> None:
        """Until the other is through, or whoever we called hangs up."""
        gone = asyncio.create_task(self._session.ended.wait())
        try:
            await asyncio.wait([gone, other], return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            other.cancel()


def _outcome(outcome: str) -> DialStatus:
    """A number that rang too long was not answered."""
    return "busy" if outcome == "busy" else "failed" if outcome == "failed" else "no_answer"
