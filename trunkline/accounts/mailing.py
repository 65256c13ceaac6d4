"""Mail from the installation itself to people who use it, by the operator's relay; without one it is a log line.

What waits is sealed, for it may hold a password.
"""

import base64
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

import msgspec

from trunkline.core import clock, ids
from trunkline.core.crypto import Vault
from trunkline.core.db import Tx, sql
from trunkline.core.egress import EVERYWHERE, Egress
from trunkline.core.errors import Unavailable
from trunkline.core.jobs import Desk, job
from trunkline.core.mailrelay import MailRelay


async def mail_owners(tx: Tx, subject: str, text: str) -> None:
    """Write to every active owner of the account of `tx`."""
    for address in await tx.column(str, OWNERS, tx.account):
        await mail(tx, address, subject, text)


async def mail(tx: Tx, to: str, subject: str, text: str) -> None:
    """Write a plain text to somebody once this transaction is committed. Tried again for half an hour."""
    if tx.database.tools is None or tx.database.tools.mail_relay is None:
        _log().info("mail_not_sent", account=tx.account, subject=subject, why="TRUNKLINE_SMTP_URL is not set")
        return
    vault: Vault = tx.database.tools.vault
    letter = msgspec.json.encode({"to": to, "subject": subject, "text": text})
    send.later(tx, ids.new_uuid().hex, base64.b64encode(vault.seal(letter, aad=_aad(tx.account))).decode())


@job("mail.send", apart=True, at_once=4)
async def send(desk: Desk, id: str, sealed: str) -> None:
    """Hand one mail to the relay; a repeat carries the same Message-ID. What the relay will never take is dropped."""
    from trunkline.channels.base import SendError
    from trunkline.channels.mail.transport import Pool, Relay

    relay: MailRelay | None = desk.tools.mail_relay
    if relay is None:  # taken away meanwhile
        return
    letter = msgspec.json.decode(desk.tools.vault.open(base64.b64decode(sealed), aad=_aad(desk.account)))
    names = ("host", "port", "username", "password", "tls")
    way = Relay(helo=relay.sender.rpartition("@")[2], **{name: getattr(relay, name) for name in names})
    pool = Pool(way, Egress(EVERYWHERE).open_socket, size=1)
    try:
        await pool.deliver(relay.sender, [letter["to"]], _composed(relay, id, letter))
    except SendError as error:
        _log().warning("mail_failed", account=desk.account, subject=letter["subject"], error=str(error))
        if error.retry:
            raise Unavailable("The mail relay", 60) from None
    finally:
        await pool.close()


def _composed(relay: MailRelay, id: str, letter: dict[str, Any]) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = f"Trunkline <{relay.sender}>", letter["to"]
    message["Subject"] = " ".join(letter["subject"].split())
    message["Date"] = format_datetime(clock.now().replace(microsecond=0))
    message["Message-ID"] = f"<{id}@{relay.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter["text"])
    return message.as_bytes()


def _aad(account: int) -> str:
    return f"account:{account}:mail"


def _log() -> Any:
    # Loaded with the first line: commands that make an account write none.
    import structlog

    return structlog.get_logger("mailing")


OWNERS = sql("""
    select u.email from memberships m join users u on u.id = m.user_id
    where m.account_id = $1 and m.role = 'owner' and m.active and u.active order by u.id
""")
