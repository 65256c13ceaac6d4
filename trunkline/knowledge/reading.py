"""Reading files without trusting them: each one in a process of its own, with little time, memory and knowledge."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from trunkline.core.errors import TrunklineError
from trunkline.knowledge import readers
from trunkline.knowledge.uploads import Format

SECONDS = 45
AT_ONCE = 2
"""Readers of one worker; each may take `readers.MEMORY_BYTES`."""


class Unreadable(TrunklineError):
    """The message is for whoever brought the document."""

    code = "unreadable"


class Text(Struct, frozen=True):
    """What was read; `title` is the document's own."""

    text: str
    title: str | None = None


class _Told(Struct, frozen=True):
    title: str = ""
    text: str = ""
    problem: str = ""


async def read(file: BinaryIO, format: Format, *, charset: str | None = None, most: int = readers.MOST_TEXT) -> Text:
    """The text of a file on disk, cut at `most` characters. Raises `Unreadable`."""
    async with ROOM:
        told = await _run(file, format, charset or "", most)
    if told.problem:
        raise Unreadable(told.problem)
    return Text(told.text, told.title or None)


async def read_bytes(
    content: bytes, format: Format, *, charset: str | None = None, most: int = readers.MOST_TEXT
) -> Text:
    """The same of what is in memory."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return await read(file, format, charset=charset, most=most)


async def _run(file: BinaryIO, format: Format, charset: str, most: int) -> _Told:
    """One process, with an empty environment: it has no use for the installation's secrets."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(PROGRAM), format, charset, str(most)),
        stdin=file,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        cwd="/",
    )
    try:
        async with asyncio.timeout(SECONDS):
            answer, _ = await process.communicate()
    except TimeoutError:
        raise Unreadable("It takes too long to read.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        return msgspec.json.decode(answer, type=_Told)
    except msgspec.DecodeError:  # it was ended by its limits
        raise Unreadable("It takes too much time or memory to read, or is damaged.") from None


PROGRAM = Path(readers.__file__)
ROOM = asyncio.Semaphore(AT_ONCE)
