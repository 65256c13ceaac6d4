"""Files of documents: judged by their content when they come, kept in the media store until the document goes."""

from asyncio import to_thread
from typing import BinaryIO, Literal

from msgspec import Struct

from trunkline.core.errors import Invalid, TrunklineError
from trunkline.core.media import Folder
from trunkline.core.text import one_line
from trunkline.knowledge.readers import WIDE_MARKS, decoded

MOST_BYTES = 10 * 1024 * 1024

Format = Literal["pdf", "docx", "html", "text"]


class Kept(Struct, frozen=True):
    """What is stored of a file; `content_type` is the true one."""

    key: str | None = None
    name: str | None = None
    content_type: str | None = None
    size: int | None = None


async def keep(media: Folder, account: int, file: BinaryIO, name: str) -> Kept:
    """Put a file into the store. Raises `Invalid` for what nobody could read later."""
    content = await to_thread(_all_of, file)
    format, extension = _judge(content, name)
    size, claim = len(content), f"file.{extension}"
    if format in ("text", "html"):
        content, claim = (await to_thread(decoded, content)).encode(), ""
    try:
        stored = await media.put(account, content, name=claim, cap=4 * MOST_BYTES)
    except TrunklineError as error:
        raise refused(error.message) from None
    return Kept(stored.key, one_line(name)[-255:], TYPES[extension], size)


def format_of(content_type: str) -> Format:
    """How a kept file is read."""
    return FORMATS[next(extension for extension, known in TYPES.items() if known == content_type)]


def refused(problem: str) -> Invalid:
    return Invalid({"file": [problem]})


def _all_of(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(MOST_BYTES + 1)


def _judge(content: bytes, name: str) -> tuple[Format, str]:
    """The format by the content, and the extension that tells it. The name decides between kinds of text only."""
    if not content.strip():
        raise refused("The file is empty.")
    if len(content) > MOST_BYTES:
        raise refused(f"The file field must not be greater than {MOST_BYTES // 1024} kilobytes.")
    if content.startswith(OLD_WORD):
        raise refused("Old Word files (.doc) and protected ones cannot be read. Save it as .docx or PDF.")
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    for magic, format in MAGIC.items():
        if content.startswith(magic):
            if extension not in NAMED[format]:
                raise refused(f"The content of the file is {format.upper()}, which its name does not say.")
            return format, format
    if extension not in TEXTS:
        raise refused(MISFIT if extension in ("pdf", "docx", "doc") else WANTED)
    if not _is_text(content):
        raise refused(MISFIT)
    extension = TEXTS[extension]
    return FORMATS[extension], extension


def _is_text(content: bytes) -> bool:
    return content.startswith(WIDE_MARKS) or not any(control in content for control in CONTROLS)


OLD_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MAGIC: dict[bytes, Literal["pdf", "docx"]] = {b"%PDF-": "pdf", b"PK\x03\x04": "docx"}
# A .doc is often a newer file under an old name.
NAMED = {"pdf": ("pdf",), "docx": ("docx", "doc")}
TEXTS = {"txt": "txt", "text": "txt", "md": "md", "markdown": "md", "html": "html", "htm": "html"}
FORMATS: dict[str, Format] = {"pdf": "pdf", "docx": "docx", "txt": "text", "md": "text", "html": "html"}
TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
}
CONTROLS = [bytes([code]) for code in (0, 1, 2, 3, 4, 5, 6, 14, 15, 16, 17, 18, 19, 20)]
WANTED = "The file field must be a file of type: pdf, docx, txt, md, html."
MISFIT = "The content of the file does not match its name."
