"""Media: files for messages."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from msgspec import Struct

from trunkline.core.errors import TooLarge
from trunkline.core.media import BadMedia
from trunkline.core.tools import Tools
from trunkline.dialects.base import Call, Upload
from trunkline.dialects.rapidpro import reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import Rejected
from trunkline.dialects.rapidpro.fields import Field
from trunkline.dialects.rapidpro.reading import Body
from trunkline.messaging import media

FORM = {"file": Field("The file: a picture, a sound, a film or a PDF of up to 25 MB.")}
PIECE = 256 * 1024


class MediaOut(Struct, frozen=True):
    """Give the `uuid` as an attachment of messages."""

    uuid: UUID
    content_type: str
    url: str
    filename: str
    size: int


@rapidpro.post("/media.json", fields=FORM, status=201, upload_limit=media.CAP, seconds=60)
async def upload_media(call: Call, file: Upload | None, body: Body) -> MediaOut:
    """Upload a file for messages, as the field `file` of a form."""
    async with call.tx() as tx:
        await reading.writing(tx)
    if file is None:
        raise Rejected({"file": [NO_FILE if "file" in body else NOTHING]})
    if not file.size:
        raise Rejected({"file": [EMPTY]})
    try:
        kept = await media.add(
            call.database, call.caller.account, _pieces(file), name=file.filename, by=call.caller.actor
        )
    except BadMedia:
        raise Rejected({"file": ["Unsupported file type."]}) from None
    except TooLarge:
        raise Rejected({"file": [f"Limit for file uploads is {media.CAP / 2**20:.1f} MB."]}) from None
    tools: Tools = call.database.tools
    url = media.address(tools, call.caller.account, kept)
    return MediaOut(kept.uuid, kept.content_type, url, kept.name, kept.size)


async def _pieces(file: Upload) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.file.read, PIECE):
        yield piece


NOTHING = "No file was submitted."
NO_FILE = "The submitted data was not a file. Check the encoding type on the form."
EMPTY = "The submitted file is empty."
