"""Downloads: files of archives, behind links that are good for a day."""

from typing import BinaryIO

from msgspec import Struct

from trunkline.core.crypto import Vault
from trunkline.core.db import Database, sql
from trunkline.core.errors import NotFound
from trunkline.flows import archives
from trunkline.flows.archives import Archive

LINK = "archive"
SECONDS = 24 * 3600


class Download(Struct, frozen=True):
    name: str
    size: int
    file: BinaryIO


def path(vault: Vault, account: int, id: int) -> str:
    """Where the file is for a day, below the address of the installation."""
    return f"/a/{vault.sign(LINK, f'{account}-{id}', seconds=SECONDS)}"


async def opened(database: Database, token: str) -> Download:
    payload = database.tools.vault.verify(LINK, token)
    if payload is None:
        raise NotFound("file")
    account, _, id = payload.decode().partition("-")
    async with database.tx(int(account)) as tx:
        archive = await tx.maybe(Archive, BY_ID, tx.account, int(id))
    if archive is None:
        raise NotFound("archive", id)
    file = archives.read(database.tools.media, archive)
    return Download(f"{archive.kind}_{archive.start_date}_{archive.period}.jsonl.gz", archive.size, file)


BY_ID = sql(f"select {archives.COLUMNS} from archives where account_id = $1 and id = $2")
