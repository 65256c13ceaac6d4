"""Media: files beside messages. Bytes lie in the blob store, rows say whose they are, links are signed."""

from collections.abc import Sequence
from typing import BinaryIO

import msgspec
from msgspec import Struct

from trunkline.channels.base import Attachment
from trunkline.core import ids
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import NotFound, TrunklineError
from trunkline.core.media import judge
from trunkline.core.tools import Tools

LINK = "media"
CAP = 25 * 1024 * 1024


class File(Struct, frozen=True):
    id: int
    key: str
    name: str
    content_type: str
    size: int


async def keep(database: Database, account: int, attachments: Sequence[Attachment]) -> list[Attachment]:
    """Put bytes that came with a message into the store and return the attachments as links.

    Runs before the message's transaction: a crash in between leaves a file that nobody knows, never a message
    without its file. What may not be kept (empty, a type that the store refuses) is named without a link.
    """
    kept = []
    for attachment in attachments:
        if attachment.content is None:
            kept.append(attachment)
            continue
        kept.append(await _keep(database, account, attachment, attachment.content))
    return kept


async def _keep(database: Database, account: int, attachment: Attachment, content: bytes) -> Attachment:
    tools: Tools = database.tools
    bare = msgspec.structs.replace(attachment, content=None)
    try:
        stored = await tools.media.put(
            account, content, name=attachment.name, content_type=attachment.content_type, cap=CAP
        )
    except TrunklineError:
        return bare
    digest = bytes.fromhex(stored.sha256)
    row = (ids.new_uuid(), stored.key, attachment.name[:255], stored.content_type, stored.size, digest)
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
    return file, stream, download_only


async def get(tx: Tx, id: int) -> File:
    file = await tx.maybe(File, SELECT, tx.account, id)
    if file is None:
        raise NotFound("file", id)
    return file


INSERT = sql("""
    insert into media (account_id, uuid, key, name, content_type, size, sha256) values ($1, $2, $3, $4, $5, $6, $7)
    returning id
""")

SELECT = sql("select id, key, name, content_type, size from media where account_id = $1 and id = $2")
