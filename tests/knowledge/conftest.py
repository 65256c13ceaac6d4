"""Files as people bring them, made at the time of the test, and ways to bring them."""

import io
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any
from xml.sax.saxutils import escape

import pytest
from aiohttp import web

from trunkline.core.db import Database
from trunkline.knowledge import documents, uploads
from trunkline.knowledge.documents import Document, NewDocument

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def make_pdf(*pages: str, password: str = "") -> bytes:
    """A PDF with these lines, without brackets, on its pages."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
            NameObject("/Encoding"): NameObject("/WinAnsiEncoding"),
        }
    )
    for text in pages:
        page = writer.add_blank_page(612, 792)
        shown = "".join(f"({line}) Tj T* " for line in text.split("\n"))
        content = DecodedStreamObject()
        content.set_data(f"BT /F1 12 Tf 14 TL 72 700 Td {shown}ET".encode("cp1252"))
        page[NameObject("/Contents")] = writer._add_object(content)
        fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    if password:
        writer.encrypt(password, algorithm="AES-256")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def make_docx(*paragraphs: str, xml: str | None = None) -> bytes:
    """A DOCX file; a paragraph that begins with `#` is a heading, one with `|` a table of one row."""
    body = "".join(_block(text) for text in paragraphs)
    document = xml or f'<?xml version="1.0"?><w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    return make_zip({"[Content_Types].xml": b"<Types/>", "word/document.xml": document.encode()})


def make_zip(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def _block(text: str) -> str:
    if "|" in text:
        cells = "".join(f"<w:tc>{_block(cell.strip())}</w:tc>" for cell in text.split("|"))
        return f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"
    depth = len(text) - len(text.lstrip("#"))
    style = f'<w:pPr><w:pStyle w:val="Heading{depth}"/></w:pPr>' if depth else ""
    return f"<w:p>{style}<w:r><w:t>{escape(text.lstrip('# '))}</w:t></w:r></w:p>"


@pytest.fixture
def pdf() -> Callable[..., bytes]:
    return make_pdf


@pytest.fixture
def docx() -> Callable[..., bytes]:
    return make_docx


@pytest.fixture
def zipped() -> Callable[[dict[str, bytes]], bytes]:
    return make_zip


@pytest.fixture
def add(database: Database, account: int) -> Callable[..., Awaitable[Document]]:
    """Bring a document: `add(content="…")`, `add(question="…", answer="…")`, `add(file=b"…", name="a.pdf")`."""

    async def bring(
        title: str = "Returns", *, file: bytes | None = None, name: str = "", account: int = account, **given: Any
    ) -> Document:
        kind = "file" if file is not None else "qa" if "question" in given else given.pop("kind", "document")
        new = NewDocument(kind=kind, title=title, **given)
        if file is not None:
            new.file = await uploads.keep(database.tools.media, account, io.BytesIO(file), name)
        async with database.tx(account, "test") as tx:
            return await documents.create(tx, new)

    return bring


@pytest.fixture
def look(database: Database, account: int) -> Callable[[Document], Awaitable[Document]]:
    """The document as it is now."""

    async def again(document: Document) -> Document:
        async with database.tx(account) as tx:
            return await documents.get(tx, document.id)

    return again


@pytest.fixture
async def serve():
    """A web server on the loopback: `serve(answer)` gives its address."""
    runners = []

    async def start(answer) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()
