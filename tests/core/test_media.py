"""Blobs under random names, typed by what is in them."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core import media
from trunkline.core.errors import NotFound, TooLarge
from trunkline.core.media import BadMedia, Folder

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0"


async def pieces(*chunks):
    for chunk in chunks:
        yield chunk


def files(root):
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.mark.anyio
async def test_a_blob_comes_back_whole(tmp_path):
    folder = Folder(tmp_path)

    stored = await folder.put(17, pieces(PNG, b"a" * 70_000, b"b"), name="../../My photo.PNG", content_type="text/html")

    content = PNG + b"a" * 70_000 + b"b"
    assert (stored.size, stored.content_type, stored.download_only) == (len(content), "image/png", False)
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert await folder.read(stored.key) == content
    assert files(tmp_path)[0].is_relative_to(tmp_path / "17")


@pytest.mark.anyio
async def test_keys_are_random(tmp_path):
    folder = Folder(tmp_path)

    keys = {(await folder.put(17, PNG, name="a.png")).key for _ in range(3)}

    assert len(keys) == 3


@pytest.mark.anyio
async def test_a_refused_blob_leaves_nothing_behind(tmp_path):
    folder = Folder(tmp_path)

    async def broken():
        yield PNG
        raise ConnectionError

    with pytest.raises(TooLarge):
        await folder.put(17, pieces(PNG, b"a" * 100), name="a.png", cap=50)
    with pytest.raises(BadMedia):
        await folder.put(17, b"MZ\x90", name="a.png")
    with pytest.raises(BadMedia):
        await folder.put(17, b"", name="a.png")
    with pytest.raises(ConnectionError):
        await folder.put(17, broken(), name="a.png")

    assert files(tmp_path) == []


@pytest.mark.anyio
async def test_a_deleted_blob_is_gone(tmp_path):
    folder = Folder(tmp_path)
    stored = await folder.put(17, PNG, name="a.png")

    assert [await folder.delete(stored.key), await folder.delete(stored.key)] == [True, False]
    with pytest.raises(NotFound):
        folder.open(stored.key)


@given(
    st.text()
    | st.sampled_from(["../../etc/passwd", "17/../../x", "17/" + "a" * 31 + "/", "/etc/passwd", "٣/" + "a" * 32])
)
def test_only_our_own_keys_are_paths(key):
    with pytest.raises(NotFound):
        Folder("/nowhere").open(key)


@pytest.mark.parametrize(
    ("head", "name", "claimed", "content_type"),
    [
        (PNG, "a.png", "", "image/png"),
        (PNG, "a", "", "image/png"),
        (PNG + b"\0\0\0\x08acTL", "a.png", "", "image/apng"),
        (b"\xff\xd8\xff\xe0", "a.JPEG", "", "image/jpeg"),
        (b"GIF89a", "a.gif", "", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a.webp", "", "image/webp"),
        (b"\0\0\0\x1cftypavif", "a.avif", "", "image/avif"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a.wav", "", "audio/wav"),
        (b"ID3\x04", "a.mp3", "", "audio/mpeg"),
        (b"OggS" + bytes(24) + b"OpusHead", "a.opus", "", "audio/ogg"),
        (b"\0\0\0\x18ftypM4A ", "a.m4a", "", "audio/mp4"),
        (MP4, "a.m4a", "", "audio/mp4"),
        (MP4, "a.mp4", "", "video/mp4"),
        (b"#!AMR\n", "a.amr", "", "audio/amr"),
        (b"\x1aE\xdf\xa3", "a.webm", "", "video/webm"),
        (b"%PDF-1.7", "a.pdf", "", "application/pdf"),
        (b"PK\x03\x04", "a.docx", "", f"{media.OFFICE}wordprocessingml.document"),
        (b"name,phone\n", "a.csv", "", "text/csv"),
        ("Grüße".encode(), "a.txt", "", "text/plain"),
        (b"BEGIN:VCARD", "blob", "text/vcard; charset=utf-8", "text/vcard"),
    ],
)
def test_types_come_from_the_content(head, name, claimed, content_type):
    assert media.judge(head, name, claimed) == (content_type, False)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"<svg xmlns='x'><script/></svg>", "a.svg"),
        (b"<?xml version='1.0'?>\n<!-- x --><svg onload='x'>", "a.svg"),
        (b"\xef\xbb\xbf<!DOCTYPE html><html>", "a.html"),
        (b"<?xml version='1.0'?><x/>", "a.xml"),
        (b"<html>", "no extension"),
    ],
)
def test_what_can_carry_script_is_for_download_only(head, name):
    assert media.judge(head, name)[1] is True


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"MZ\x90\0", "a.jpg"),
        (b"MZ\x90\0", "a.exe"),
        (b"\x7fELF", "a"),
        (b"#!/bin/sh\n", "a.txt"),
        (b"<svg><script>alert(1)</script></svg>", "a.png"),
        (b"<html><script>alert(1)</script>", "a.txt"),
        (PNG, "a.pdf"),
        (PNG, "a.svg"),
        (b"%PDF-1.7", "a.html"),
        (b"\0\1\2\3", "a.txt"),
        (b"\xff\xfe\xfd", "a"),
        (b"echo", "a.bat"),
    ],
)
def test_disguises_are_refused(head, name):
    with pytest.raises(BadMedia):
        media.judge(head, name)


@given(st.binary(min_size=1, max_size=200), st.text(max_size=20))
def test_any_bytes_are_judged(head, name):
    try:
        content_type, download_only = media.judge(head, name)
    except BadMedia:
        return

    assert "/" in content_type
    assert download_only == (content_type in media.SCRIPTABLE)
