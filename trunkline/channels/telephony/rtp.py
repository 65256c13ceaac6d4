"""RTP (RFC 3550): packets of sound, and the digits that somebody presses (RFC 4733). Pure."""

import struct
from collections import deque

from msgspec import Struct

FRAME_SECONDS = 0.02
FRAME = 160
"""Samples, and with G.711 bytes, of one packet."""


class Packet(Struct, frozen=True):
    payload_type: int
    sequence: int
    timestamp: int
    source: int
    payload: bytes
    marker: bool = False


def read(datagram: bytes) -> Packet | None:
    """None for what is no RTP."""
    if len(datagram) < 12 or datagram[0] >> 6 != 2:
        return None
    first, second, sequence, timestamp, source = HEAD.unpack_from(datagram)
    start, end = 12 + 4 * (first & 0x0F), len(datagram)
    if first & 0x10:
        if end < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4])
    if first & 0x20:
        end -= datagram[-1]
    if start > end:
        return None
    return Packet(second & 0x7F, sequence, timestamp, source, datagram[start:end], second >= 0x80)


def write(packet: Packet) -> bytes:
    second = packet.payload_type | (0x80 if packet.marker else 0)
    return HEAD.pack(0x80, second, packet.sequence, packet.timestamp, packet.source) + packet.payload


class Stream:
    """Our half of the sound: numbers packets from a random beginning."""

    def __init__(self, payload_type: int, source: int, sequence: int, timestamp: int):
        self.payload_type, self.source = payload_type, source & 0xFFFFFFFF
        self._sequence, self._timestamp = sequence & 0xFFFF, timestamp & 0xFFFFFFFF
        self._first = True

    def packet(self, payload: bytes) -> bytes:
        packet = Packet(self.payload_type, self._sequence, self._timestamp, self.source, payload, self._first)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        self._first = False
        return write(packet)


class Keypad:
    """Digits out of event packets: each press is told once, at its first packet, whatever is lost or repeated."""

    def __init__(self, payload_type: int | None):
        self.payload_type = payload_type
        self._told: deque[int] = deque(maxlen=16)

    def press(self, packet: Packet) -> str | None:
        if packet.payload_type != self.payload_type or len(packet.payload) < 4 or packet.timestamp in self._told:
            return None
        self._told.append(packet.timestamp)
        key = packet.payload[0]
        return KEYS[key] if key < len(KEYS) else None


HEAD = struct.Struct("!BBHII")
KEYS = "0123456789*#ABCD"
