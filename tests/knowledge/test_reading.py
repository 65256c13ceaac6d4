"""Reading files of every format, honest and hostile ones."""

import contextlib
import io
import zipfile

import pytest

from trunkline.knowledge import readers, reading
from trunkline.knowledge.reading import Unreadable

pytestmark = pytest.mark.anyio


async def test_a_pdf_is_read_page_by_page(pdf) -> None:
    found = await reading.read_bytes(pdf("Goods may be re-\nturned.", "Zwölf Straßen"), "pdf")

    assert found.text == "Goods may be returned.\n\nZwölf Straßen"


async def test_a_docx_keeps_headings_and_tables(docx) -> None:
    found = await reading.read_bytes(docx("# Retururi", "Banii în 14 zile.", "Oraș | Preț", "日本語"), "docx")

    assert found.text == "# Retururi\n\nBanii în 14 zile.\n\nOraș | Preț\n\n日本語"


async def test_a_page_is_what_a_reader_came_for() -> None:
    page = """<html><head><title> Help  Center </title><style>p {}</style></head><body><nav>Home</nav>
        <main><h2>Returns <b>policy</b></h2><p>Within&nbsp;30 days.</p><script>alert(1)</script>
        <ul><li>first</li><li>second</li></ul></main><footer>Imprint</footer></body></html>"""

    found = await reading.read_bytes(page.encode(), "html")

    assert found.title == "Help Center"
    assert "## Returns policy" in found.text
    assert "Within 30 days." in found.text
    assert "first" in found.text
    assert not any(word in found.text for word in ("Home", "alert", "Imprint", "p {}"))


@pytest.mark.parametrize(
    "content",
    ["Țară și oraș".encode(), "\ufeffȚară și oraș".encode(), "Țară și oraș".encode("utf-16")],
    ids=["utf-8", "with a mark", "utf-16"],
)
async def test_plain_text_is_read_in_its_encoding(content: bytes) -> None:
    assert (await reading.read_bytes(content, "text")).text == "Țară și oraș"


@pytest.mark.parametrize("declared", ["header", "meta"])
async def test_a_page_is_read_in_the_encoding_that_it_names(declared: str) -> None:
    meta = '<meta charset="iso-8859-2">' if declared == "meta" else ""
    page = f"<html><head>{meta}</head><body><p>şcoală</p></body></html>".encode("iso-8859-2")

    found = await reading.read_bytes(page, "html", charset="iso-8859-2" if declared == "header" else None)

    assert found.text == "şcoală"


async def test_a_protected_pdf_is_told_as_such(pdf) -> None:
    with pytest.raises(Unreadable, match="password"):
        await reading.read_bytes(pdf("Secret", password="x"), "pdf")


async def test_a_pdf_without_text_is_told_as_such(pdf) -> None:
    with pytest.raises(Unreadable, match="no text"):
        await reading.read_bytes(pdf(""), "pdf")


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7\nnothing of that kind", b"%PDF-", b"%PDF-1.4\n" + bytes(range(256)) * 50]
)
async def test_a_damaged_pdf_is_told_as_such(content: bytes) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        await reading.read_bytes(content, "pdf")


async def test_a_cut_pdf_ends_one_way_or_the_other(pdf) -> None:
    whole = pdf("Some text", "and more")

    for length in range(10, len(whole), len(whole) // 7):
        with contextlib.suppress(Unreadable):
            assert (await reading.read_bytes(whole[:length], "pdf")).text


async def test_an_archive_that_is_no_docx_is_told_as_such(zipped) -> None:
    with pytest.raises(Unreadable, match="not a DOCX"):
        await reading.read_bytes(zipped({"a.txt": b"a"}), "docx")


async def test_a_bomb_is_not_unpacked(docx) -> None:
    bomb = docx(xml="<w:document>" + " " * (80 * 1024 * 1024))

    with pytest.raises(Unreadable, match="too much data"):
        await reading.read_bytes(bomb, "docx")


async def test_a_bomb_that_lies_about_its_size_is_not_unpacked(docx) -> None:
    bomb = bytearray(docx(xml="<w:document>" + " " * (80 * 1024 * 1024)))
    size = (80 * 1024 * 1024 + 12).to_bytes(4, "little")
    while (at := bomb.find(size)) >= 0:
        bomb[at : at + 4] = (100).to_bytes(4, "little")

    with pytest.raises(Unreadable):
        await reading.read_bytes(bytes(bomb), "docx")


async def test_entities_are_not_unfolded(docx) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    xml = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY l0 "lol">{laughs}]><d>&l9;</d>'

    with pytest.raises(Unreadable, match="entities"):
        await reading.read_bytes(docx(xml=xml), "docx")


async def test_an_archive_of_very_many_parts_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for n in range(readers.MOST_ENTRIES + 1):
            archive.writestr(str(n), b"")

    with pytest.raises(Unreadable, match="too many parts"):
        await reading.read_bytes(file.getvalue(), "docx")


async def test_a_deep_page_ends_one_way_or_the_other() -> None:
    page = b"<div>" * 200_000 + b"deep" + b"</div>" * 200_000

    with contextlib.suppress(Unreadable):
        assert (await reading.read_bytes(page, "html")).text


async def test_what_takes_too_long_is_given_up(pdf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SECONDS", 0.001)

    with pytest.raises(Unreadable, match="too long"):
        await reading.read_bytes(pdf("Text"), "pdf")


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    greedy = tmp_path / "greedy.py"
    greedy.write_text(
        f"import runpy, sys\nmodule = runpy.run_path({readers.__file__!r})\n"
        "module['FORMATS']['text'] = lambda file, charset: (None, 'x' * 2**31)\nmodule['main']()\n"
    )
    monkeypatch.setattr(reading, "PROGRAM", greedy)

    with pytest.raises(Unreadable, match="too much"):
        await reading.read_bytes(b"x", "text")


async def test_a_reader_sees_no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("TRUNKLINE_SECRET", "of the installation")
    curious = tmp_path / "curious.py"
    curious.write_text("import json, os\nprint(json.dumps({'text': ' '.join(os.environ)}))\n")
    monkeypatch.setattr(reading, "PROGRAM", curious)

    found = await reading.read_bytes(b"x", "text")

    assert "TRUNKLINE" not in found.text


@pytest.mark.parametrize("content", [b"   \n", b"... --- ...", b"\0\0"])
async def test_nothing_is_told_as_such(content: bytes) -> None:
    with pytest.raises(Unreadable, match="No text"):
        await reading.read_bytes(content, "text")


async def test_more_text_than_a_document_may_have_is_refused() -> None:
    with pytest.raises(Unreadable, match="1,000,000 characters"):
        await reading.read_bytes(b"word " * 300_000, "text")


async def test_a_page_is_cut_at_what_pages_may_have() -> None:
    found = await reading.read_bytes(b"word " * 300_000, "text", most=50_000)

    assert len(found.text) == 50_000
