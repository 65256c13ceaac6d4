"""The sound of one call: what we say, in packets of 20 ms, and the digits that somebody presses meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Any

from trunkline.channels.telephony import g711, rtp
from trunkline.channels.telephony.rtp import FRAME, FRAME_SECONDS, Keypad, Stream
from trunkline.channels.telephony.sdp import TYPES, Codec, Media
from trunkline.core import clock, ids

MOST_BEHIND = 10
"""Packets that may be made up for at once; who was asleep for longer goes on from now."""
MOST_DIGITS = 200
MOST_RELAYED = 10 * FRAME
"""Sound of the other one that waits for its packet, a fifth of a second; older sound is dropped."""

Address = tuple[str, int]


class Session:
    """A conversation that is going on. It ends with the call; then `say` gives False and `digits` what there was.

    From the answer on there is always sound, silence if nothing else: packets that go out keep the way back open.
    """

    def __init__(self, media: Media, sound: "Sound"):
        self.media = media
        self.ended = asyncio.Event()
        self._sound = sound
        self._saying, self._at = b"", 0
        self._silent = asyncio.Event()
        self._silent.set()
        self._pressed: asyncio.Queue[str] = asyncio.Queue(MOST_DIGITS)
        self._keypad = Keypad(media.events)
        self._heard_from = self._cut = False
        self._other: Session | None = None
        self._relayed = bytearray()

    async def say(self, pcm: bytes, *, cut: bool = False) -> bool:
        """Play 16-bit samples at 8,000 a second. True when all of it was sent, False when `hush` or the end came, or,
        with `cut`, somebody has pressed a key that nobody took yet."""
        self._saying, self._at, self._cut = pcm, 0, cut
        if pcm and not self.ended.is_set() and not (cut and not self._pressed.empty()):
            self._silent.clear()
            await self._silent.wait()
        return self._at >= len(pcm)

    def hush(self) -> None:
        """Stop what is being said, for somebody who presses a key."""
        self._silent.set()

    async def digits(self, most: int = 1, *, finish: str = "#", seconds: float = 5.0) -> str:
        """Up to `most` keys; fewer when `finish` is pressed, which is left out, or after so long without a key."""
        pressed = ""
        while len(pressed) < most:
            key = await self.key(seconds)
            if not key or key in finish:
                break
            pressed += key
        return pressed

    async def key(self, seconds: float) -> str | None:
        """The next key; None after so long without one, "" when the call is over."""
        if self.ended.is_set() and self._pressed.empty():
            return ""
        try:
            async with asyncio.timeout(seconds):
                return await self._pressed.get()
        except TimeoutError:
            return None

    def join(self, other: "Session") -> None:
        """Let both hear each other, until `part`."""
        self._other, other._other = other, self

    def part(self) -> None:
        if self._other is not None:
            self._other._other, self._other = None, None

    def hear(self, datagram: bytes, source: Address) -> None:
        """A packet for us: the first one shows where the other side really is, behind whatever translates addresses."""
        packet = rtp.read(datagram)
        if packet is None:
            return
        if not self._heard_from:
            self._heard_from = True
            self._sound.turn_to(source)
        if self._other is not None and packet.payload_type == TYPES[self.media.codec]:
            self._other.relay(g711.translate(self.media.codec, self._other.media.codec, packet.payload))
        key = self._keypad.press(packet)
        if key and not self._pressed.full():
            self._pressed.put_nowait(key)
            if self._cut:
                self.hush()

    def relay(self, sound: bytes) -> None:
        """Sound of the other one, in our codec, for our next packets."""
        self._relayed += sound
        del self._relayed[:-MOST_RELAYED]

    def end(self) -> None:
        if not self.ended.is_set():
            self.ended.set()
            self._silent.set()
            if not self._pressed.full():
                self._pressed.put_nowait("")

    async def play(self) -> None:
        """Send until the end, each packet at its moment: a late one does not push back those after it."""
        codec: Codec = self.media.codec
        stream = Stream(*self._sound.beginning(codec))
        started, count = clock.monotonic(), 0
        while not self.ended.is_set():
            self._sound.send(stream.packet(self._frame(codec)))
            count += 1
            ahead = started + count * FRAME_SECONDS - clock.monotonic()
            if ahead < -MOST_BEHIND * FRAME_SECONDS:
                started, count = clock.monotonic(), 0
            await asyncio.sleep(max(0.0, ahead))

    def _frame(self, codec: Codec) -> bytes:
        silence = bytes([g711.SILENCE[codec]])
        if self._silent.is_set():
            sound = bytes(self._relayed[:FRAME])
            del self._relayed[:FRAME]
            return sound.ljust(FRAME, silence)
        pcm = self._saying[self._at : self._at + 2 * FRAME]
        self._at += 2 * FRAME
        if self._at >= len(self._saying):
            self._silent.set()
        return g711.encode(codec, pcm).ljust(FRAME, silence)


class Sound(asyncio.DatagramProtocol):
    """The socket of one call. It sends nowhere that `judge` refuses."""

    def __init__(self, judge: Callable[[Address], bool]):
        self._judge = judge
        self._to: Address | None = None
        self._transport: Any = None
        self.session: Session | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    @property
    def port(self) -> int:
        return self._transport.get_extra_info("sockname")[1]

    def turn_to(self, address: Address) -> None:
        if self._judge(address):
            self._to = address

    def beginning(self, codec: Codec) -> tuple[int, int, int, int]:
        """Payload type, source, first number and time: random, so that nobody guesses what comes."""
        return TYPES[codec], ids.number(32), ids.number(16), ids.number(32)

    def send(self, datagram: bytes) -> None:
        if self._to is not None and not self._transport.is_closing():
            self._transport.sendto(datagram, self._to)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.session is not None:
            self.session.hear(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """Nobody hears us there; the call itself says when it is over."""

    def close(self) -> None:
        self._transport.close()
