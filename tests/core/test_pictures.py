"""Pictures lose what tells of their maker and keep their pixels; what is broken or huge is refused."""

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.media import BadMedia
from trunkline.core.pictures import bared

GPS = b"51.5007 N, 0.1246 W"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 1, height: int = 1, *more: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + pixels + chunk(b"IEND", b"")


def segment(code: int, data: bytes) -> bytes:
    return b"\xff" + bytes([code]) + struct.pack(">H", len(data) + 2) + data


def exif(turn: int) -> bytes:
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, turn, 0)
    return segment(0xE1, b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0) + GPS)


def jpeg(*more: bytes, width: int = 1, height: int = 1) -> bytes:
    frame = segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
    return (
        b"\xff\xd8" + segment(0xE0, b"JFIF\0\x01\x01\0\0\1\0\1\0\0") + b"".join(more) + frame + scan + b"\x12\xff\xd9"
    )


def webp(*more: tuple[bytes, bytes], width: int = 1, height: int = 1) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    flags = bytes([0x0C]) + b"\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks = [(b"VP8X", flags), (b"VP8L", b"\x2f" + struct.pack("<I", bits) + b"\0"), *more]
    body = b"".join(k + struct.pack("<I", len(d)) + d + b"\0" * (len(d) & 1) for k, d in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (png(1, 1, chunk(b"tEXt", b"Location\0" + GPS), chunk(b"eXIf", GPS)), "image/png"),
        (png() + GPS, "image/png"),
        (jpeg(exif(1)), "image/jpeg"),
        (jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + GPS)), "image/jpeg"),
        (jpeg(segment(0xED, GPS), segment(0xFE, GPS)), "image/jpeg"),
        (webp((b"EXIF", GPS), (b"XMP ", GPS)), "image/webp"),
    ],
)
def test_the_place_where_it_was_taken_goes(content: bytes, content_type: str) -> None:
    bare = bared(content, content_type)

    assert GPS in content
    assert GPS not in bare


@pytest.mark.parametrize(("content", "content_type"), [(png(), "image/png"), (jpeg(), "image/jpeg")])
def test_a_bare_picture_stays_as_it_is(content: bytes, content_type: str) -> None:
    assert bared(content, content_type) == content


def test_how_it_is_turned_stays() -> None:
    bare = bared(jpeg(exif(6)), "image/jpeg")

    assert b"Exif" in bare
    assert bared(bare, "image/jpeg") == bare


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (png(100_000, 100_000), "image/png"),
        (png(0, 5), "image/png"),
        (jpeg(width=65_000, height=65_000), "image/jpeg"),
        (webp(width=16_000, height=16_000), "image/webp"),
        (b"GIF89a" + struct.pack("<HH", 60_000, 60_000), "image/gif"),
        (png()[:40], "image/png"),
        (jpeg()[:30], "image/jpeg"),
        (webp()[:25], "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"\xff\xd8\xff\xd9", "image/jpeg"),
    ],
)
def test_broken_and_huge_pictures_are_refused(content: bytes, content_type: str) -> None:
    with pytest.raises(BadMedia):
        bared(content, content_type)


@given(st.binary(max_size=200), st.sampled_from(["image/png", "image/jpeg", "image/webp", "image/gif"]))
def test_whatever_comes_is_taken_or_refused(content: bytes, content_type: str) -> None:
    with contextlib.suppress(BadMedia):
        assert isinstance(bared(content, content_type), bytes)
