"""Media: blobs in a folder under random names, known by content, not by what their sender calls them."""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from trunkline.core import ids
from trunkline.core.errors import NotFound, TooLarge, TrunklineError


class BadMedia(TrunklineError):
    """Empty, or of a type that we do not keep."""

    code = "unsupported_media"


class Stored(msgspec.Struct, frozen=True):
    """`download_only` types can carry script: serve them as an attachment, never inline."""

    key: str
    size: int
    sha256: str
    content_type: str
    download_only: bool


class Folder:
    """The blob store of one machine: `<root>/<account>/<two letters>/<rest of the key>`."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    async def put(
        self,
        account: int,
        content: bytes | AsyncIterable[bytes],
        *,
        name: str,
        content_type: str = "",
        cap: int = 25 * 1024 * 1024,
    ) -> Stored:
        """Keep `content`; it is on disk, whole and named, when this returns, or not there at all.

        `name` and `content_type` are only claims, checked against the content.
        """
        key = f"{account}/{ids.token(32)}"
        path = self._path(key)
        draft = path.with_suffix(".part")
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        try:
            return await self._write(key, draft, path, content, name, content_type, cap)
        except BaseException:
            with suppress(FileNotFoundError):
                draft.unlink()
            raise

    def open(self, key: str) -> BinaryIO:
        """The blob for reading; raises `NotFound`."""
        try:
            return self._path(key).open("rb")
        except FileNotFoundError:
            raise NotFound("media", key) from None

    async def read(self, key: str) -> bytes:
        return await asyncio.to_thread(lambda: self.open(key).read())

    async def delete(self, key: str) -> bool:
        """Whether there was something to delete."""
        try:
            await asyncio.to_thread(self._path(key).unlink)
        except FileNotFoundError:
            return False
        return True

    async def _write(
        self,
        key: str,
        draft: Path,
        path: Path,
        content: bytes | AsyncIterable[bytes],
        name: str,
        content_type: str,
        cap: int,
    ) -> Stored:
        head, size, sha256 = b"", 0, hashlib.sha256()
        with draft.open("xb") as file:
            async for chunk in _chunks(content):
                size += len(chunk)
                if size > cap:
                    raise TooLarge(f"The file is larger than {cap / 2**20:.1f} MB.")
                head = (head + chunk)[:HEAD] if len(head) < HEAD else head
                sha256.update(chunk)
                await asyncio.to_thread(file.write, chunk)
            found, download_only = judge(head, name, content_type)
            await asyncio.to_thread(_settle, file, draft, path)
        return Stored(key, size, sha256.hexdigest(), found, download_only)

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise NotFound("media", key)
        account, token = key.split("/")
        return self.root / account / token[:2] / token[2:]


def judge(head: bytes, name: str, claimed: str = "") -> tuple[str, bool]:
    """The content type of a file that begins with `head`, and whether it may only be downloaded.

    Raises `BadMedia` when content and extension do not belong together.
    """
    if not head:
        raise BadMedia("The file is empty.", code="empty_file")
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    found = sniff(head)
    expected = EXTENSIONS.get(extension or EXTENSION_OF.get(claimed.partition(";")[0].strip().lower(), ""))
    if expected is None and extension:
        raise BadMedia(f"Files named .{extension[:20]} are not supported.")
    if found is None or (expected and not _belongs(found, expected)):
        raise BadMedia("The content of the file does not match its name or is not supported.")
    exact = found if expected is None or found.startswith("image/") else expected
    return exact, exact in SCRIPTABLE


def sniff(head: bytes) -> str | None:
    """The content type by the first bytes; none for programs and for what we do not know."""
    for magic, content_type in MAGIC:
        if magic.match(head):
            return "image/apng" if content_type == "image/png" and b"acTL" in head[:HEAD] else content_type
    if head.startswith(PROGRAMS):
        return None
    return _sniff_text(head)


def _sniff_text(head: bytes) -> str | None:
    try:
        text = head[:HEAD].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(head) < HEAD or error.start < HEAD - 4:  # a character cut off by the end of `head` is no fault
            return None
        text = head[: error.start].decode("utf-8-sig")
    if CONTROLS.search(text):
        return None
    for pattern, content_type in MARKUP:
        if pattern.search(text):
            return content_type
    return "text/plain"


def _belongs(found: str, expected: str) -> bool:
    if found == expected:
        return True
    return expected in FAMILIES.get(found, ())


async def _chunks(content: bytes | AsyncIterable[bytes]) -> AsyncIterable[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    async for chunk in content:
        yield chunk


def _settle(file: BinaryIO, draft: Path, path: Path) -> None:
    """On disk under its name, or not at all: contents first, then the name, then the folder that holds it."""
    file.flush()
    os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


HEAD = 4096
KEY = re.compile(r"[0-9]{1,19}/[0-9A-Za-z]{32}")
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
PROGRAMS = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xca\xfe\xba\xbe",
    b"\xfe\xed\xfa",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
)
SCRIPTABLE = frozenset({"image/svg+xml", "text/html", "application/xml", "text/xml", "application/xhtml+xml"})

MAGIC = [
    (re.compile(pattern, re.DOTALL), content_type)
    for pattern, content_type in [
        (rb"\x89PNG\r\n\x1a\n", "image/png"),
        (rb"\xff\xd8\xff", "image/jpeg"),
        (rb"GIF8[79]a", "image/gif"),
        (rb"RIFF....WEBP", "image/webp"),
        (rb"RIFF....WAVE", "audio/wav"),
        (rb"RIFF....AVI ", "video/x-msvideo"),
        (rb"....ftyp(avif|avis)", "image/avif"),
        (rb"....ftyp(heic|heix|hevc|mif1|msf1)", "image/heic"),
        (rb"....ftypM4[AB] ", "audio/mp4"),
        (rb"....ftypqt  ", "video/quicktime"),
        (rb"....ftyp3g", "video/3gpp"),
        (rb"....ftyp", "video/mp4"),
        (rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", "audio/mpeg"),
        (rb"\xff[\xf0\xf1\xf8\xf9]", "audio/aac"),
        (rb"#!AMR", "audio/amr"),
        (rb"fLaC", "audio/flac"),
        (rb"OggS.{24}.{0,4}\x80theora", "video/ogg"),
        (rb"OggS", "audio/ogg"),
        (rb"\x1aE\xdf\xa3", "video/webm"),
        (rb"%PDF-", "application/pdf"),
        (rb"PK\x03\x04", "application/zip"),
        (rb"\x1f\x8b\x08", "application/gzip"),
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
    ]
]
MARKUP = [
    (re.compile(r"<svg[\s>:]", re.IGNORECASE), "image/svg+xml"),
    (
        re.compile(r"<(!doctype\s+html|html|head|body|script|iframe|style|title|meta)[\s>/]", re.IGNORECASE),
        "text/html",
    ),
    (re.compile(r"^\s*<(\?xml|!DOCTYPE|[a-z_][\w.:-]*[\s/>])", re.IGNORECASE), "application/xml"),
]

OFFICE = "application/vnd.openxmlformats-officedocument."
EXTENSIONS = {
    "png": "image/png", "apng": "image/apng", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
    "webp": "image/webp", "avif": "image/avif", "heic": "image/heic", "svg": "image/svg+xml",
    "mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "ogg": "audio/ogg", "oga": "audio/ogg",
    "opus": "audio/ogg", "wav": "audio/wav", "amr": "audio/amr", "flac": "audio/flac", "weba": "audio/webm",
    "mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "3gp": "video/3gpp",
    "webm": "video/webm", "ogv": "video/ogg", "avi": "video/x-msvideo",
    "pdf": "application/pdf", "txt": "text/plain", "csv": "text/csv", "vcf": "text/vcard",
    "ics": "text/calendar", "json": "application/json", "html": "text/html", "htm": "text/html",
    "xml": "application/xml", "zip": "application/zip", "gz": "application/gzip", "doc": "application/msword",
    "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
    "docx": f"{OFFICE}wordprocessingml.document",
    "xlsx": f"{OFFICE}spreadsheetml.sheet", "pptx": f"{OFFICE}presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
}  # fmt: skip
EXTENSION_OF = {content_type: extension for extension, content_type in reversed(EXTENSIONS.items())}

# One container, many uses: what the content can say on the left, what the name may make of it on the right.
ZIPPED = tuple(kind for kind in EXTENSIONS.values() if kind.startswith((OFFICE, "application/vnd.oasis")))
FAMILIES = {
    "text/plain": ("text/csv", "text/vcard", "text/calendar", "application/json"),
    "application/zip": ZIPPED,
    "application/msword": ("application/vnd.ms-excel", "application/vnd.ms-powerpoint"),
    "video/mp4": ("audio/mp4", "video/quicktime", "video/3gpp"),
    "video/webm": ("audio/webm",),
    "audio/ogg": ("video/ogg",),
    "image/apng": ("image/png",),
    "image/heic": ("image/avif",),
}
