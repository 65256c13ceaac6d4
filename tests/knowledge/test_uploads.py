"""Files when they come: judged by what is in them."""

import io

import pytest

from trunkline.core.db import Database
from trunkline.core.errors import Invalid
from trunkline.knowledge import uploads
from trunkline.knowledge.uploads import MOST_BYTES

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
OLD_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("a.pdf", b"%PDF-1.7 ...", "application/pdf"),
        ("A.PDF", b"%PDF-1.7 ...", "application/pdf"),
        ("a.docx", b"PK\x03\x04....", uploads.TYPES["docx"]),
        ("a.doc", b"PK\x03\x04....", uploads.TYPES["docx"]),
        ("a.txt", "Țară".encode(), "text/plain"),
        ("a.txt", "Țară".encode("utf-16"), "text/plain"),
        ("a.txt", b"<p>not a page", "text/plain"),
        ("a.md", b"# Title\n<div>x</div>", "text/markdown"),
        ("a.htm", "<p>é".encode("latin-1"), "text/html"),
    ],
)
async def test_a_file_is_kept_as_what_it_is(database: Database, name: str, content: bytes, content_type: str) -> None:
    kept = await uploads.keep(database.tools.media, 1, io.BytesIO(content), name)

    assert (kept.content_type, kept.size, kept.name) == (content_type, len(content), name)
    assert await database.tools.media.read(kept.key)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.doc", OLD_WORD, "Old Word"),
        ("a.docx", OLD_WORD, "Old Word"),
        ("a.pdf", b"plain text", "does not match"),
        ("a.docx", b"plain text", "does not match"),
        ("a.txt", PNG, "does not match"),
        ("a.txt", b"%PDF-1.7", "is PDF"),
        ("a.pdf", b"PK\x03\x04", "is DOCX"),
        ("a.png", PNG, "must be a file of type"),
        ("a.exe", b"MZ\x90", "must be a file of type"),
        ("noname", b"text", "must be a file of type"),
        ("", b"text", "must be a file of type"),
        ("a.txt", b"", "empty"),
        ("a.txt", b"\n \n", "empty"),
        ("a.txt", b"MZ\x90\x00\x03 a program", "does not match"),
        ("a.pdf", b"%PDF-" + b"x" * MOST_BYTES, "10240 kilobytes"),
    ],
)
async def test_what_cannot_be_read_is_refused_at_once(
    database: Database, name: str, content: bytes, problem: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await uploads.keep(database.tools.media, 1, io.BytesIO(content), name)

    assert problem in refused.value.fields["file"][0]
