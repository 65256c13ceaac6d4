"""Mailing: what the pipeline adds to an e-mail: subject and HTML, the thread it answers, the way to unsubscribe."""

from collections.abc import Iterable
from typing import Any

from trunkline.channels.base import Mail
from trunkline.core.db import Database, Tx
from trunkline.core.errors import NotFound
from trunkline.core.tools import Tools
from trunkline.messaging import consenting, tracking
from trunkline.messaging.lines import Claimed

UNSUBSCRIBE = "unsubscribe"
WAY_OUT = "unsubscribe_url"
TRACK = "track."
AUTOMATED = "automated"
"""The header by which whoever queues a mail tells that no person wrote it."""


def mail(tx: Tx, message: Claimed, subject: str, html: str | None, *, bulk: bool) -> Mail:
    """The mail parts of a message. Bulk and automations carry RFC 8058's one-click unsubscribe, a person does not."""
    tools: Tools = tx.database.tools
    headers: dict[str, Any] = message.headers or {}
    return Mail(
        subject=subject,
        html=html,
        from_name=headers.get("from_name"),
        unsubscribe_url=unsubscribe_url(tools, tx.account, message.id) if bulk or headers.get(AUTOMATED) else None,
        in_reply_to=headers.get("in_reply_to"),
        references=headers.get("references", ()),
        cc=headers.get("cc", ()),
        bcc=headers.get("bcc", ()),
    )


def unsubscribe_url(tools: Tools, account: int, message: int) -> str:
    return tools.url(f"/u/{tools.vault.sign(UNSUBSCRIBE, f'{account}-{message}')}")


def marks(tools: Tools, account: int, broadcast: int, message: int, names: Iterable[str]) -> dict[str, str]:
    """The addresses that stand in one recipient's letter alone, by the names of their slots."""
    out = {}
    for name in names:
        if name == WAY_OUT:
            out[name] = unsubscribe_url(tools, account, message)
        elif (number := name.removeprefix(TRACK)).isdecimal():
            token = tracking.token(tools.vault, account, broadcast, message, int(number))
            out[name] = tools.url(f"/l/{token}" if int(number) else f"/o/{token}")
    return out


def is_mark(name: str) -> bool:
    return name == WAY_OUT or name.startswith(TRACK)


def check_link(tools: Tools, token: str) -> None:
    """Raise `NotFound` for a link that is not ours."""
    if tools.vault.verify(UNSUBSCRIBE, token) is None:
        raise NotFound("link")


async def unsubscribe(database: Database, token: str, evidence: dict[str, Any]) -> str:
    """Stop mail to the address that the token's message went to; saying it twice is fine. Returns the address."""
    payload = database.tools.vault.verify(UNSUBSCRIBE, token)
    if payload is None:
        raise NotFound("link")
    account, _, message = payload.decode().partition("-")
    async with database.tx(int(account), actor="contact", cause="unsubscribe") as tx:
        return await consenting.unsubscribe(tx, int(message), evidence)
