"""What both sides say about the sound (SDP, RFC 4566; offer and answer, RFC 3264). Pure."""

import re
from typing import Literal

from msgspec import Struct

Codec = Literal["pcmu", "pcma"]

EVENTS = 101
"""The payload type under which we take digits."""
TYPES: dict[Codec, int] = {"pcmu": 0, "pcma": 8}


class Media(Struct, frozen=True):
    """Where the other side wants the sound, and how. `events` is its payload type for digits, if it sends any."""

    host: str
    port: int
    codec: Codec
    events: int | None


def offer(host: str, port: int, codec: Codec, session: int) -> bytes:
    """Both codecs, the wanted one first, and digits."""
    family = "IP6" if ":" in host else "IP4"
    codecs = sorted(TYPES, key=lambda name: name != codec)
    lines = [
        "v=0",
        f"o=- {session} {session} IN {family} {host}",
        "s=-",
        f"c=IN {family} {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(str(TYPES[name]) for name in codecs)} {EVENTS}",
        *(f"a=rtpmap:{TYPES[name]} {name.upper()}/8000" for name in codecs),
        f"a=rtpmap:{EVENTS} telephone-event/8000",
        f"a=fmtp:{EVENTS} 0-15",
        "a=ptime:20",
        "a=sendrecv",
    ]
    return "\r\n".join(lines).encode() + b"\r\n"


def answer(body: bytes, codec: Codec) -> Media | None:
    """What was agreed on; None when no sound can flow: no common codec, no address, or the stream was refused."""
    host, audio, seen, maps = "", None, False, {}
    for line in body.decode("utf-8", "replace").splitlines():
        kind, _, value = line.strip().partition("=")
        if kind == "m":
            if audio is not None:
                break
            audio, seen = AUDIO.fullmatch(value), True
        elif kind == "c" and (found := CONNECTION.fullmatch(value)) and (audio is not None or not seen):
            host = found[1]
        elif kind == "a" and audio is not None and (found := MAPPED.fullmatch(value)):
            maps[int(found[1])] = found[2].lower()
    if audio is None or not host or not 0 < int(audio[1]) < 65_536:
        return None
    types = [int(one) for one in audio[2].split() if one.isascii() and one.isdecimal()]
    common: list[Codec] = [name for name in sorted(TYPES, key=lambda name: name != codec) if TYPES[name] in types]
    if not common:
        return None
    events = next((one for one in types if maps.get(one) == "telephone-event/8000"), None)
    return Media(host, int(audio[1]), common[0], events)


AUDIO = re.compile(r"audio ([0-9]{1,5})(?:/[0-9]+)? RTP/S?AVPF?((?: [0-9]+)+)\s*", re.ASCII)
CONNECTION = re.compile(r"IN IP[46] ([0-9A-Fa-f.:]+)(?:/.*)?\s*")
MAPPED = re.compile(r"rtpmap:([0-9]{1,3}) ([A-Za-z0-9-]+/[0-9]+)(?:/1)?\s*")
