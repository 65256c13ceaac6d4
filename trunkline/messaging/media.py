"""Media: files beside messages. Bytes lie in the blob store, rows say whose they are, links are signed."""

import re
from collections.abc import AsyncIterable, Sequence
from typing import BinaryIO
from urllib.parse import quote
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.channels.base import Attachment
from trunkline.core import ids
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import NotFound, TrunklineError
from trunkline.core.media import BadMedia, judge
from trunkline.core.tools import Tools

Content = bytes | AsyncIterable[bytes]

LINK = "media"
CAP = 25 * 1024 * 1024
STRANGER = "visitor:"
"""Who begins like this is nobody we know: what they sent is downloaded, never shown."""


class File(Struct, frozen=True):
    id: int
    uuid: UUID
    key: str
    name: str
    content_type: str
    size: int
    created_by: str


async def keep(
    database: Database,
    account: int,
    attachments: Sequence[Attachment],
    *,
    takes: tuple[str, ...] = ("",),
    by: str = "",
) -> list[Attachment]:
    """Put bytes that came with a message into the store and return the attachments as links.

    Runs before the message's transaction: a crash in between leaves a file that nobody knows, never a message
    without its file. What may not be kept (empty, a type that the store refuses, a content type that begins like none
    of `takes`) is named without a link. `by` says who sent it.
    """
    kept = []
    for attachment in attachments:
        if attachment.content is None:
            kept.append(attachment)
            continue
        kept.append(await _keep(database, account, attachment, attachment.content, takes, by))
    return kept


async def _keep(
    database: Database, account: int, attachment: Attachment, content: bytes, takes: tuple[str, ...], by: str
) -> Attachment:
    tools: Tools = database.tools
    bare = msgspec.structs.replace(attachment, content=None)
    try:
        stored = await tools.media.put(
            account, content, name=attachment.name, content_type=attachment.content_type, cap=CAP
        )
    except TrunklineError:
        return bare
    if not stored.content_type.startswith(takes):
        await tools.media.delete(stored.key)
        return bare
    digest = bytes.fromhex(stored.sha256)
    row = (ids.new_uuid(), stored.key, attachment.name[:255], stored.content_type, stored.size, digest, by)
    try:
        async with database.tx(account) as tx:
            id = await tx.value(int, INSERT, tx.account, *row) or 0
    except BaseException:
        # Whoever sent it tries again, perhaps for days: each try would leave its files behind.
        await tools.media.delete(stored.key)
        raise
    return msgspec.structs.replace(bare, url=link(tools, account, id), content_type=stored.content_type)


def link(tools: Tools, account: int, id: int) -> str:
    """An address that cannot be guessed and names no path."""
    return tools.url(f"/m/{tools.vault.sign(LINK, f'{account}-{id}')}")


async def opened(database: Database, token: str) -> tuple[File, BinaryIO, bool]:
    """The file behind a link, and whether it may only be downloaded, never shown."""
    tools: Tools = database.tools
    payload = tools.vault.verify(LINK, token)
    if payload is None:
        raise NotFound("file")
    account, _, id = payload.decode().partition("-")
    async with database.tx(int(account)) as tx:
        file = await get(tx, int(id))
    stream = tools.media.open(file.key)
    _, download_only = judge(stream.read(4096), file.name, file.content_type)
    stream.seek(0)
    return file, stream, download_only or file.created_by.startswith(STRANGER)


async def add(database: Database, account: int, content: Content, *, name: str, by: str) -> File:
    """Keep an uploaded file of one of the `SENDABLE` types; raises `BadMedia`, or `TooLarge` beyond `CAP`.

    `name` is what people see: only letters, digits, space and `-[]()` stay of it before the ending.
    """
    tools: Tools = database.tools
    name = readable(name)
    stored = await tools.media.put(account, content, name=name, cap=CAP)
    if not (stored.content_type in SENDABLE or stored.content_type.startswith(("audio/", "video/"))):
        await tools.media.delete(stored.key)
        raise BadMedia("This type of file cannot be sent.")
    row = (ids.new_uuid(), stored.key, name, stored.content_type, stored.size, bytes.fromhex(stored.sha256), by)
    try:
        async with database.tx(account, by) as tx:
            return await get(tx, await tx.value(int, INSERT, tx.account, *row) or 0)
    except BaseException:
        await tools.media.delete(stored.key)
        raise


def address(tools: Tools, account: int, file: File) -> str:
    """A link that also tells the file's uuid and name."""
    return f"{link(tools, account, file.id)}/{file.uuid}/{quote(file.name)}"


def attached(tools: Tools, account: int, file: File) -> dict[str, str]:
    """The file as messages keep it."""
    return {"content_type": file.content_type, "url": address(tools, account, file), "name": file.name}


def readable(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    stem = UNREADABLE.sub("", stem if dot else name)[:200].strip()
    return f"{stem or 'file'}{dot}{UNREADABLE.sub('', ending)[:20] if dot else ''}"


async def by_uuids(tx: Tx, uuids: Sequence[UUID]) -> dict[UUID, File]:
    return {file.uuid: file for file in await tx.fetch(File, BY_UUIDS, tx.account, list(uuids))}


async def get(tx: Tx, id: int) -> File:
    file = await tx.maybe(File, SELECT, tx.account, id)
    if file is None:
        raise NotFound("file", id)
    return file


SENDABLE = frozenset(
    {"image/apng", "image/avif", "image/gif", "image/jpeg", "image/png", "image/webp", "application/pdf"}
)
UNREADABLE = re.compile(r"[^\w\-\[\]() ]")

INSERT = sql("""
    insert into media (account_id, uuid, key, name, content_type, size, sha256, created_by)
    values ($1, $2, $3, $4, $5, $6, $7, $8) returning id
""")

_COLUMNS = "id, uuid, key, name, content_type, size, created_by"

SELECT = sql(f"select {_COLUMNS} from media where account_id = $1 and id = $2")

BY_UUIDS = sql(f"select {_COLUMNS} from media where account_id = $1 and uuid = any($2::uuid[])")
