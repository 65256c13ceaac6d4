"""The text of PDF, DOCX, HTML and plain files. Runs as a program of its own, as hostile files take all they can get.

`python -I readers.py pdf < file` prints `{"title": …, "text": …}` or `{"problem": …}`. It sees no settings, writes no
file, and ends when it takes too long or too much memory. It imports nothing of Trunkline, so that it starts quickly.
"""

import codecs
import json
import re
import resource
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

MOST_TEXT = 1_000_000
MOST_PAGES = 2_000
MOST_ENTRIES = 2_000
MOST_UNPACKED = 60 * 1024 * 1024
MOST_RATIO = 200
SUSPECT = 1024 * 1024
"""No ratio is looked at below: small parts may well be very regular."""

CPU_SECONDS = 30
MEMORY_BYTES = 768 * 1024 * 1024

Read = tuple[str | None, str]


class Unreadable(Exception):
    """The file cannot be read; the text says why, for people."""


def main() -> None:
    for kind, most in LIMITS.items():
        resource.setrlimit(kind, (most, most))
    name, charset, most = sys.argv[1], sys.argv[2] or None, int(sys.argv[3])
    try:
        title, text = FORMATS[name](sys.stdin.buffer, charset)
        told: dict[str, Any] = {"title": _printable(title or "")[:1000], "text": _tidy(text, most)}
    except Unreadable as error:
        told = {"problem": str(error)}
    except (MemoryError, RecursionError):
        told = {"problem": "The file takes too much to read."}
    json.dump(told, sys.stdout)


def decoded(content: bytes, charset: str | None = None) -> str:
    """In the encoding that its mark or its sender names, else UTF-8 if it is valid, else what Windows writes."""
    if content.startswith(WIDE_MARKS):
        return content.decode("utf-16", "replace")
    named = META.search(content[:4096])
    for encoding in (charset, named and named[1].decode(), "utf-8-sig"):
        with suppress(LookupError, ValueError):  # ValueError is that of a wrong character too
            return content.decode(encoding or "utf-8-sig")
    return content.decode("cp1252", "replace")


def plain(file: BinaryIO, charset: str | None = None) -> Read:
    return None, decoded(file.read(), charset)


def pdf(file: BinaryIO, charset: str | None = None) -> Read:
    """The text layer of all pages; words that a line parted are put together again."""
    import pypdf
    from pypdf.errors import PyPdfError

    try:
        document = pypdf.PdfReader(file)
        if document.is_encrypted and not document.decrypt(""):
            raise Unreadable("The PDF is protected by a password.")
        if len(document.pages) > MOST_PAGES:
            raise Unreadable(f"The PDF has more than {MOST_PAGES} pages.")
        texts, size = [], 0
        for page in document.pages:
            texts.append(PARTED.sub(r"\1\2", page.extract_text()).strip())
            size += len(texts[-1])
            if size > MOST_TEXT:
                break
        title = document.metadata.title if document.metadata else None
    except Unreadable:
        raise
    except (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, ArithmeticError) as error:
        # The library meets broken files with whatever goes wrong first.
        raise Unreadable("The PDF is damaged or not a PDF.") from error
    if not any(texts):
        raise Unreadable("There is no text in the PDF. Scanned pages need text recognition first.")
    return title if isinstance(title, str) else None, "\n\n".join(texts)


def docx(file: BinaryIO, charset: str | None = None) -> Read:
    """Paragraphs, headings as `#`, tables as lines of cells; nothing but the main text is unpacked."""
    try:
        with zipfile.ZipFile(file) as archive:
            if len(archive.filelist) > MOST_ENTRIES:
                raise Unreadable("The DOCX file has too many parts.")
            try:
                entry = archive.getinfo("word/document.xml")
            except KeyError:
                raise Unreadable("The file is an archive, but not a DOCX file.") from None
            xml = _unpacked(archive, entry)
    except BROKEN_ZIP:
        raise Unreadable("The DOCX file is damaged or protected.") from None
    return None, "\n\n".join(_paragraphs(xml))


def html(file: BinaryIO, charset: str | None = None) -> Read:
    """What a reader of the page came for: without navigation, forms, scripts; headings as `#`."""
    import lxml.html
    from inscriptis import Inscriptis
    from inscriptis.model.config import ParserConfig
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    source = CONTROLS.sub(" ", decoded(file.read(), charset))
    if not source.strip():
        raise Unreadable("The page is empty.")
    try:
        # As bytes, for a text with an encoding declared in it is refused.
        parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
        page = lxml.html.document_fromstring(source.encode("utf-8", "replace"), parser=parser)
        title = _title(page)
        etree.strip_elements(page, *HIDDEN, with_tail=False)
        body = _main_part(page)
        for heading in body.iter("h1", "h2", "h3", "h4", "h5", "h6"):
            _mark(heading)
        text = Inscriptis(body, ParserConfig(display_links=False)).get_text()
    except (etree.LxmlError, ValueError, AssertionError, AttributeError, IndexError):
        raise Unreadable("The page is damaged or not HTML.") from None
    return title, text


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of one entry; sizes are counted, not believed."""
    entry.file_size = MOST_UNPACKED + 1  # else reading stops at the size that the file claims
    found, size = [], 0
    with archive.open(entry) as packed:
        while chunk := packed.read(256 * 1024):
            size += len(chunk)
            if size > MOST_UNPACKED or (size > SUSPECT and size > MOST_RATIO * max(entry.compress_size, 1)):
                raise Unreadable("The DOCX file unpacks to too much data.")
            found.append(chunk)
    return b"".join(found)


def _paragraphs(xml: bytes) -> Iterator[str]:
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    if b"<!DOCTYPE" in xml[:4096] or b"<!ENTITY" in xml:
        raise Unreadable("The DOCX file declares entities, which honest ones do not.")
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
        body = etree.fromstring(xml, parser).find(f"{WORD}body")
        yield from _blocks(body) if body is not None else ()
    except etree.LxmlError:
        raise Unreadable("The DOCX file is damaged.") from None


def _blocks(parent: Any) -> Iterator[str]:
    for element in parent:
        if element.tag == f"{WORD}p":
            if text := _paragraph(element):
                yield text
        elif element.tag == f"{WORD}tbl":
            rows = (" | ".join(_cells(row)) for row in element.iter(f"{WORD}tr"))
            yield "\n".join(row for row in rows if row.strip(" |"))
        elif element.tag in (f"{WORD}sdt", f"{WORD}sdtContent"):
            yield from _blocks(element)


def _cells(row: Any) -> Iterator[str]:
    for cell in row.iterchildren(f"{WORD}tc"):
        yield " ".join(text for paragraph in cell.iter(f"{WORD}p") if (text := _run(paragraph)))


def _paragraph(element: Any) -> str:
    text = _run(element)
    style = element.find(f"{WORD}pPr/{WORD}pStyle")
    level = HEADING_STYLE.fullmatch(style.get(f"{WORD}val", "")) if style is not None else None
    if not (text and level):
        return text
    return "#" * (int(level[1]) if level[1] else 1) + " " + " ".join(text.split())


def _run(paragraph: Any) -> str:
    parts: list[str] = []
    for element in paragraph.iter(f"{WORD}t", f"{WORD}tab", f"{WORD}br"):
        parts.append((element.text or "") if element.tag == f"{WORD}t" else " " if "tab" in element.tag else "\n")
    return "".join(parts).strip()


def _title(page: Any) -> str | None:
    for path in ("//meta[@property='og:title']/@content", "//title/text()", "//h1//text()"):
        if found := " ".join(" ".join(page.xpath(path)[:20]).split()):
            return found
    return None


def _main_part(page: Any) -> Any:
    """The main element when most of the page's text is in it."""
    whole = len(page.text_content())
    for path in ("//main", "//*[@role='main']", "//article"):
        found = page.xpath(path)
        if len(found) == 1 and len(found[0].text_content()) * 3 > whole:
            return found[0]
    return page


def _mark(heading: Any) -> None:
    text = " ".join(heading.text_content().split())
    tail = heading.tail
    heading.clear()
    heading.tail = tail
    heading.text = f"{'#' * int(heading.tag[1])} {text}" if text else None


def _tidy(text: str, most: int) -> str:
    """Without runs of space and empty lines. `most` cuts a page; a file that is longer than any may be is refused."""
    lines = (" ".join(line.split()) for line in _printable(text).splitlines())
    told = EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()
    if not LETTER.search(told):
        raise Unreadable("No text was found in it.")
    if len(told) > MOST_TEXT and most >= MOST_TEXT:
        raise Unreadable(f"It has more than {MOST_TEXT:,} characters of text. Split it into several documents.")
    return told[:most]


def _printable(text: str) -> str:
    return CONTROLS.sub(" ", text.encode("utf-8", "ignore").decode())


LIMITS = {
    resource.RLIMIT_CPU: CPU_SECONDS,
    resource.RLIMIT_AS: MEMORY_BYTES,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
}
FORMATS: dict[str, Callable[[BinaryIO, str | None], Read]] = {"text": plain, "pdf": pdf, "docx": docx, "html": html}

WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
META = re.compile(rb"<meta[^>]{0,200}charset=[\"']?([A-Za-z0-9_-]{1,40})", re.IGNORECASE)
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
EMPTY_LINES = re.compile(r"\n{3,}")
LETTER = re.compile(r"\w")
PARTED = re.compile(r"(\w)[-\u00ad]\n(\w)")
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
BROKEN_ZIP = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError,
    ValueError,
)  # fmt: skip
HEADING_STYLE = re.compile(r"(?:Heading|heading|Titlu|Titre|berschrift|Ttulo|Titolo)\s?([1-6])|Title")
HIDDEN = (
    "script", "style", "noscript", "template", "nav", "aside", "footer", "form", "button", "select", "iframe",
    "object", "svg", "math", "canvas", "audio", "video", "dialog",
)  # fmt: skip


if __name__ == "__main__":
    main()
