"""A telephone that nobody holds: what is said stands in the outbox, keys come over the simulator's address."""

import asyncio

import msgspec

from trunkline.channels.base import Attachment, Carrier, Identity, Outbound
from trunkline.channels.talking import Dialled, DialStatus, Ring, Said, Strokes
from trunkline.core import clock
from trunkline.core.errors import Unavailable

LOOK_SECONDS = 0.2


class SimulatedHandset:
    """The telephone of whoever a simulator calls; `dial` and `dial_seconds` are how calls to others end."""

    def __init__(self, carrier: Carrier, channel: Identity, message: Outbound, dial: DialStatus, dial_seconds: int):
        self._carrier, self._channel, self._message = carrier, channel, message
        self._dialled = Dialled(dial, dial_seconds if dial == "answered" else 0)
        self._keys = ""
        self.hung_up = False

    async def say(self, said: Said, *, cut: bool) -> None:
        """Nothing takes time here; whoever hung up hears nothing."""
        await self.look()
        if self.hung_up:
            return
        files = [Attachment(content_type="audio/wav", url=said.url)] if said.sound is not None else []
        spoken = msgspec.structs.replace(self._message, text=said.text, attachments=files)
        await self._carrier.accept(self._channel, [spoken])

    async def key(self, seconds: float) -> str | None:
        until = clock.monotonic() + seconds
        while True:
            if not self._keys:
                await self.look()
            if self._keys:
                key, self._keys = self._keys[0], self._keys[1:]
                return key
            if self.hung_up:
                return ""
            if clock.monotonic() >= until:
                return None
            await asyncio.sleep(min(LOOK_SECONDS, max(0.0, until - clock.monotonic())))

    async def ring(self, ring: Ring) -> Dialled:
        await self.look()
        return Dialled(self._dialled.status, min(self._dialled.seconds, int(ring.seconds)))

    async def look(self) -> None:
        """What happened since; the database being away only delays it."""
        try:
            strokes = await self._carrier.pressed(self._channel, self._message.id)
        except Unavailable:
            strokes = Strokes("", hung_up=False)
        self._keys += strokes.keys
        self.hung_up = self.hung_up or strokes.hung_up
