"""Multipart bodies, written to a spooled temporary file while they arrive."""

import tempfile
from collections.abc import AsyncIterator
from typing import Any, BinaryIO, cast

from python_multipart.multipart import MultipartParser, parse_options_header

from trunkline.core.errors import Invalid, Malformed, TooLarge
from trunkline.dialects.refusals import UnsupportedMedia

SPOOL_BYTES = 1024 * 1024
FIELD_BYTES = 1024 * 1024
MOST_PARTS = 100


class Upload:
    """One file part. `file` stands at its beginning; it is gone when the request ends."""

    __slots__ = ("content_type", "file", "filename", "size")

    def __init__(self, filename: str, content_type: str) -> None:
        self.filename = filename
        self.content_type = content_type
        self.size = 0
        self.file = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))  # noqa: SIM115

    async def read(self) -> bytes:
        self.file.seek(0)
        return self.file.read()


class Form:
    """A multipart body, read whole: text fields and files by name. With `repeats` a name that comes again is a list."""

    def __init__(self, content_type: bytes, *, upload_limit: int, repeats: bool = False) -> None:
        media_type, options = parse_options_header(content_type)
        if media_type != b"multipart/form-data" or not options.get(b"boundary"):
            raise UnsupportedMedia("The request body must be multipart/form-data.")
        self.fields: dict[str, str | list[str]] = {}
        self.files: dict[str, Upload] = {}
        self._limit = upload_limit
        self._repeats = repeats
        self._parts = 0
        self._text_bytes = 0
        self._finished = False
        self._parser = MultipartParser(options[b"boundary"], cast(Any, self._callbacks()))

    async def read(self, chunks: AsyncIterator[bytes]) -> None:
        """Take the body in. A file over its limit is read on and dropped, so that the answer can be heard."""
        try:
            async for chunk in chunks:
                self._parser.write(chunk)
            self._parser.finalize()
        except ValueError:
            raise Malformed("The multipart body cannot be read.") from None
        if not self._finished:
            raise Malformed("The multipart body is cut off.")
        for upload in self.files.values():
            upload.file.seek(0)
        over = [name for name, upload in self.files.items() if upload.size > self._limit]
        if over:
            most = f"must not be greater than {self._limit // 1024} kilobytes."
            raise Invalid({name: [f"The {name} field {most}"] for name in over})

    def close(self) -> None:
        for upload in self.files.values():
            upload.file.close()

    def _callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._open,
            "on_part_data": self._take,
            "on_part_end": self._close,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise Malformed("The multipart body has too many parts.")
        self._headers: dict[bytes, bytes] = {}
        self._name_bytes = self._value_bytes = b""
        self._text: bytearray | None = None
        self._upload: Upload | None = None

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name_bytes += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value_bytes += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name_bytes.lower()] = self._value_bytes
        self._name_bytes = self._value_bytes = b""

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if b"name" not in options:
            raise Malformed("A part of the multipart body has no name.")
        self._name = _text(options[b"name"])
        if b"filename" not in options:
            self._text = bytearray()
            return
        # Only the last step of the path: some clients send where the file was.
        filename = _text(options[b"filename"]).replace("\\", "/").rpartition("/")[2][-255:]
        content_type = self._headers.get(b"content-type", b"").decode("latin-1")[:255]
        self._upload = Upload(filename, content_type)
        if (earlier := self.files.get(self._name)) is not None:
            earlier.file.close()
        self.files[self._name] = self._upload

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._upload is not None:
            self._upload.size += end - start
            if self._upload.size <= self._limit:
                self._upload.file.write(data[start:end])
        elif self._text is not None:
            self._text_bytes += end - start
            if self._text_bytes > FIELD_BYTES:
                raise TooLarge("The text fields of the form are too large.")
            self._text += data[start:end]

    def _close(self) -> None:
        if self._text is None:
            return
        value = _text(bytes(self._text))
        name = self._name.removesuffix("[]")
        earlier = self.fields.get(name)
        if isinstance(earlier, list):
            earlier.append(value)
        elif self._name.endswith("[]"):
            self.fields[name] = [value]
        elif self._repeats and earlier is not None:
            self.fields[name] = [earlier, value]
        else:
            self.fields[name] = value

    def _end(self) -> None:
        self._finished = True


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Malformed("The multipart body is not valid UTF-8.") from None
    if "\0" in text:
        raise Malformed("The multipart body contains a null character.")
    return text
