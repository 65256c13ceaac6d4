"""Letters: the mails of workflows. They tell of opening and of links followed, as those of campaigns do."""

import asyncio
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from trunkline.accounts import accounts, settings
from trunkline.contacts import urns
from trunkline.core import mailhtml, text
from trunkline.core.crypto import Vault
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import NotFound, TrunklineError
from trunkline.core.html import is_html
from trunkline.core.tools import Tools
from trunkline.core.urns import Urn
from trunkline.inbox import conversations
from trunkline.inbox.conversations import Replied
from trunkline.messaging import channels, mailing, recipients, sending, tracking
from trunkline.messaging.sending import Draft, Rejected

PURPOSE = "workflow mail"


class NotSent(TrunklineError):
    """Nothing goes out to this contact, and that is no fault: they want no mail, or have no address."""

    code = "not_sent"


class Letter(Struct, frozen=True, kw_only=True):
    """Texts with their slots; `headers` are those of the message pipeline."""

    subject: str
    text: str = ""
    html: str | None = None
    headers: dict[str, Any] = {}
    attachments: list[dict[str, Any]] = []
    template_id: int | None = None
    conversation_id: int | None = None


async def queue(tx: Tx, contact_id: int, letter: Letter, known: dict[str, Any]) -> int:
    """Queue a letter to a contact on the workspace's mail channel and return the message's id.

    Its links and its way out name the message, so they are put in when that has its number, in the same commit.
    """
    channel = await channels.choose(tx, "email")
    to = await _address(tx, contact_id)
    subject = text.compile(letter.subject).render(known, escape="header", missing="empty")
    draft = Draft(
        contact_id=contact_id,
        to=to,
        text=letter.text,
        html=letter.html,
        subject=subject,
        headers={**letter.headers, mailing.AUTOMATED: True},
        attachments=letter.attachments,
        template_id=letter.template_id,
        conversation_id=letter.conversation_id,
    )
    [queued] = await sending.queue_many(tx, channel, [draft])
    if isinstance(queued, Rejected):
        raise NotSent(queued.message)
    words = await _write(tx, queued.id, letter, known)
    if letter.conversation_id is not None:
        home, at = letter.conversation_id, queued.created_at
        replied = Replied(conversation_id=home, message_id=queued.id, text=words, at=at)
        await conversations.replied(tx, [replied])
    return queued.id


def token(vault: Vault, account: int, message: int, number: int) -> str:
    return vault.sign(PURPOSE, f"{account}-{message}-{number}")


async def follow(database: Database, signed: str, method: str, agent: str) -> str | None:
    """Note that a mark of a mail was asked for; returns where its link leads, None for the picture."""
    payload = database.tools.vault.verify(PURPOSE, signed)
    if payload is None:
        raise NotFound("link")
    account, message, number = map(int, payload.decode().split("-"))
    async with database.tx(account, actor="contact", relaxed=True) as tx:
        url = None
        if number != mailhtml.PIXEL:
            url = await tx.value(str, URL, tx.account, message, number)
            if url is None:
                raise NotFound("link")
        machine = method == "HEAD" or tracking.is_machine(agent)
        await tx.run(NOTE, tx.account, message, number, machine, tracking.HASTY_SECONDS)
    return url


async def _address(tx: Tx, contact_id: int) -> Urn:
    if await recipients.refused(tx, [contact_id]):
        raise NotSent("The contact is blocked, has opted out or must not be disturbed.")
    for record in (await urns.of(tx, [contact_id]))[contact_id]:
        if record.scheme == "mailto":
            return record.urn
    raise NotSent("The contact has no e-mail address.")


async def _write(tx: Tx, message: int, letter: Letter, known: dict[str, Any]) -> str:
    """Fill in the letter: values of the contact, links of this very mail. Returns its text."""
    tools: Tools = tx.database.tools
    tracked = bool(settings.value(await accounts.current(tx), "mail_tracking"))
    made = await asyncio.to_thread(_made, letter.html, letter.text, tracked)
    urls = [text.compile(url).render(_quoted(known), missing="empty") for url in made.links]
    if urls:
        await tx.run(KEEP_LINKS, tx.account, message, urls)
    marks = {
        f"track.{number}": tools.url(f"/hooks/mail/{token(tools.vault, tx.account, message, number)}")
        for number in range(len(urls) + 1)
    }
    marks[mailing.WAY_OUT] = mailing.unsubscribe_url(tools, tx.account, message)
    words = text.compile(made.text).render({**known, **marks}, missing="empty")
    html = text.compile(made.html).render({**known, **marks}, escape="html", missing="empty") if made.html else None
    await tx.run(WRITE, tx.account, message, words, html)
    return words


def _quoted(value: Any) -> Any:
    """Values fill a path or a query of a link; they never change whose site it is."""
    if isinstance(value, dict):
        return {name: _quoted(one) for name, one in value.items()}
    return quote(value, safe="/") if isinstance(value, str) else value


@lru_cache(maxsize=64)
def _made(html: str | None, words: str, tracked: bool) -> mailhtml.Letter:
    """Cleaned and inlined once for all contacts who get it."""
    if html is None and is_html(words):
        html, words = words, ""
    return mailhtml.letter(mailhtml.clean(html) if html else None, words, tracked=tracked)


KEEP_LINKS = sql("""
    insert into mail_links (account_id, message_id, number, url)
    select $1, $2, number, url from unnest($3::text[]) with ordinality as l (url, number)
""")

WRITE = sql("""
    update messages set body = $3, html = $4, kind = case when $4::text is null then 'text' else 'html' end
    where account_id = $1 and id = $2
""")

URL = sql("""
    select l.url from mail_links l join accounts a on a.id = $1 and not a.suspended and a.deleted_at is null
    where l.account_id = $1 and l.message_id = $2 and l.number = $3
""")

# Broadcast 0 is none. What was asked for is judged together with what the mails of broadcasts tell.
NOTE = sql("""
    insert into mail_hits (account_id, message_id, number, broadcast_id, machine)
    select $1, m.id, $3::smallint, 0, $4 or m.sent_at is null or now() < m.sent_at + make_interval(secs => $5)
    from messages m join accounts a on a.id = $1
    where m.account_id = $1 and m.id = $2 and coalesce(a.settings -> 'mail_tracking', 'true') <> 'false'
    on conflict (account_id, message_id, number) do update set machine = false, judged = false, at = now()
        where mail_hits.machine and not excluded.machine
""")
