"""Letters: what a broadcast by mail really sends, made once, when its first message is about to be written."""

import asyncio

from msgspec import Struct

from trunkline.accounts import accounts, settings
from trunkline.core import mailhtml
from trunkline.core.db import Tx, sql


class Draft(Struct, frozen=True):
    channel: str
    body: str
    html: str | None
    preview_text: str | None


async def write(tx: Tx, id: int) -> None:
    """Inline the styles, find the links, make the text part; nothing to do for what is no mail.

    The addresses of the links are kept, so that links lead there and nowhere else.
    """
    draft = await tx.one(Draft, DRAFT, tx.account, id)
    if draft.channel != "email":
        return
    tracked = settings.value(await accounts.current(tx), "mail_tracking")
    letter = await asyncio.to_thread(
        mailhtml.letter, draft.html, draft.body, preview=draft.preview_text or "", tracked=tracked
    )
    if letter.links:
        await tx.run(KEEP_LINKS, tx.account, id, letter.links)
    await tx.run(WRITE, tx.account, id, letter.html, letter.text)


DRAFT = sql("select channel, body, html, preview_text from broadcasts where account_id = $1 and id = $2")

KEEP_LINKS = sql("""
    insert into broadcast_links (account_id, broadcast_id, number, url)
    select $1, $2, number, url from unnest($3::text[]) with ordinality as l (url, number)
    on conflict do nothing
""")

WRITE = sql("update broadcasts set letter_html = $3, letter_text = $4 where account_id = $1 and id = $2")
