"""Pictures from strangers: without where and when they were taken, and none that would fill the memory of a viewer.

Pixels stay as they are, byte for byte; only what stands beside them goes. How the picture must be turned stays.
"""

import struct
import zlib
from collections.abc import Iterator

from trunkline.core.media import BadMedia

MOST_PIXELS = 40_000_000

PNG_HEAD = b"\x89PNG\r\n\x1a\n"
PNG_DROPPED = (b"eXIf", b"tEXt", b"iTXt", b"zTXt", b"tIME")
JPEG_DROPPED = (0xE1, 0xED, 0xFE)  # Exif and XMP, IPTC, comments
JPEG_BARE = (0x01, *range(0xD0, 0xD8))  # markers without a length
JPEG_SIZES = tuple(code for code in range(0xC0, 0xD0) if code not in (0xC4, 0xC8, 0xCC))
START, SCAN, END, EXIF = 0xD8, 0xDA, 0xD9, 0xE1
ORIENTATION = 0x0112
WEBP_DROPPED = (b"EXIF", b"XMP ")


def bared(content: bytes, content_type: str) -> bytes:
    """The same picture without what tells of its maker. Raises `BadMedia` for one that is broken or too large."""
    work = {"image/jpeg": _jpeg, "image/png": _png, "image/apng": _png, "image/webp": _webp, "image/gif": _gif}
    if content_type not in work:
        return content
    try:
        return work[content_type](content)
    except (struct.error, IndexError, ValueError):
        raise BadMedia("The picture is broken.") from None


def _check(width: int, height: int) -> None:
    if width < 1 or height < 1 or width * height > MOST_PIXELS:
        raise BadMedia(f"Pictures have at most {MOST_PIXELS // 1_000_000} million pixels.", code="too_many_pixels")


def _jpeg(content: bytes) -> bytes:
    kept, sized, place = bytearray(content[:2]), False, 2
    while True:
        if content[place] != 0xFF:
            raise ValueError("no marker")
        code = content[place + 1]
        if code == 0xFF:
            place += 1
            continue
        if code in JPEG_BARE:
            kept += content[place : place + 2]
            place += 2
            continue
        if code in (START, END):
            raise ValueError("no picture")
        (length,) = struct.unpack_from(">H", content, place + 2)
        segment = content[place : place + 2 + length]
        if length < 2 or len(segment) < 2 + length:
            raise ValueError("cut off")
        if code in JPEG_SIZES:
            height, width = struct.unpack_from(">HH", segment, 5)
            _check(width, height)
            sized = True
        if code == SCAN:
            if not sized:
                raise ValueError("no size")
            return bytes(kept + content[place:])
        kept += _turned(segment) if code == EXIF else b"" if code in JPEG_DROPPED else segment
        place += 2 + length


def _turned(segment: bytes) -> bytes:
    """An Exif segment that says how to turn the picture and nothing else; nothing for any other segment."""
    if segment[4:10] != b"Exif\0\0":
        return b""
    tiff = segment[10:]
    order = ">" if tiff[:2] == b"MM" else "<"
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        entries = (struct.unpack_from(order + "HHIH", tiff, start + 2 + 12 * n) for n in range(min(count, 512)))
        turn = next((value for tag, _, _, value in entries if tag == ORIENTATION), 1)
    except struct.error:
        return b""
    if not 1 < turn <= 8:
        return b""
    body = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, ORIENTATION, 3, 1, turn, 0, 0)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _png(content: bytes) -> bytes:
    kept, sized = bytearray(PNG_HEAD), False
    place = len(PNG_HEAD)
    while place < len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        chunk = content[place : place + 12 + length]
        if len(chunk) < 12 + length or zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
            raise ValueError("cut off")
        if kind == b"IHDR":
            _check(*struct.unpack_from(">II", chunk, 8))
            sized = True
        if kind not in PNG_DROPPED:
            kept += chunk
        place += len(chunk)
        if kind == b"IEND":
            break
    if not sized:
        raise ValueError("no size")
    return bytes(kept)  # what was hidden behind the end is gone, too


def _webp(content: bytes) -> bytes:
    kept, sized = bytearray(), False
    for kind, chunk in _riff(content):
        if kind == b"VP8X":
            _check(*(1 + int.from_bytes(chunk[at : at + 3], "little") for at in (12, 15)))
            chunk = chunk[:8] + bytes([chunk[8] & ~0x0C]) + chunk[9:]
            sized = True
        elif kind == b"VP8 ":
            width, height = struct.unpack_from("<HH", chunk, 14)
            _check(width & 0x3FFF, height & 0x3FFF)
            sized = True
        elif kind == b"VP8L":
            (bits,) = struct.unpack_from("<I", chunk, 9)
            _check(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
            sized = True
        if kind not in WEBP_DROPPED:
            kept += chunk
    if not sized:
        raise ValueError("no size")
    return b"RIFF" + struct.pack("<I", 4 + len(kept)) + b"WEBP" + bytes(kept)


def _riff(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 12
    while place < len(content):
        kind, length = struct.unpack_from("<4sI", content, place)
        padded = 8 + length + (length & 1)
        if place + 8 + length > len(content):
            raise ValueError("cut off")
        yield kind, content[place : place + padded]
        place += padded


def _gif(content: bytes) -> bytes:
    _check(*struct.unpack_from("<HH", content, 6))
    return content
