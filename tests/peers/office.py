"""The post of a small town: a relay between our doors and the mailboxes of customers, who read and write."""

import asyncio
import smtplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from time import monotonic

import imap_tools

from tests.peers import dovecot, free_port, postfix, require

PATIENCE = 20


@dataclass(frozen=True)
class Office:
    """Customers live at x.test. Mail to in.test and bounce.test comes to us by LMTP, to desk.test by SMTP.

    The relay knows that nobody@x.test does not exist; that nobody lives at gone.test it learns from us, too late.
    """

    relay: postfix.Postfix
    mailboxes: dovecot.Dovecot
    lmtp_port: int
    smtp_port: int

    @property
    def listen(self) -> str:
        return f"lmtp://127.0.0.1:{self.lmtp_port}"

    @property
    def desk(self) -> str:
        return f"smtp://127.0.0.1:{self.smtp_port}"

    async def read(self, user: str, count: int = 1) -> list[imap_tools.MailMessage]:
        """The mails of a customer, as soon as there are so many."""
        return await asyncio.to_thread(self.wait_for, user, count)

    async def count(self, user: str) -> int:
        return len(await asyncio.to_thread(self._fetch, user))

    async def post(self, raw: bytes | EmailMessage, sender: str, *recipients: str) -> None:
        """Somebody hands a mail to the relay."""
        octets = raw if isinstance(raw, bytes) else raw.as_bytes(policy=SMTP)
        await asyncio.to_thread(post, self.relay.port, octets, sender, recipients)

    async def hand_over(self, raw: bytes | EmailMessage, sender: str, *recipients: str) -> None:
        """Past the relay, straight to our door; raises what smtplib raises when it is refused."""
        octets = raw if isinstance(raw, bytes) else raw.as_bytes(policy=SMTP)
        await asyncio.to_thread(post, self.lmtp_port, octets, sender, recipients, smtplib.LMTP)

    def wait_for(self, user: str, count: int = 1) -> list[imap_tools.MailMessage]:
        """The same for a test that drives a browser and has no loop to await in."""
        deadline = monotonic() + PATIENCE
        with self._box(user) as box:
            while monotonic() < deadline:
                if len(found := list(box.fetch(mark_seen=False))) >= count:
                    return found
                box.idle.wait(timeout=1)
        raise AssertionError(f"{user} has less than {count} mails:\n{self.relay.log}\n{self.mailboxes.log}")

    def _fetch(self, user: str) -> list[imap_tools.MailMessage]:
        with self._box(user) as box:
            return list(box.fetch(mark_seen=False))

    def _box(self, user: str) -> imap_tools.BaseMailBox:
        box = imap_tools.MailBoxUnencrypted("127.0.0.1", self.mailboxes.imap_port, timeout=PATIENCE)
        return box.login(user, dovecot.PASSWORD)


@contextmanager
def running() -> Iterator[Office]:
    """Skips without Postfix and Dovecot."""
    require(postfix.available())
    require(dovecot.available())
    lmtp_port, smtp_port = free_port(), free_port()
    with dovecot.running() as mailboxes:
        transports = {
            "x.test": f"lmtp:inet:127.0.0.1:{mailboxes.lmtp_port}",
            "nobody@x.test": "error:5.1.1 No such person here",
            "in.test": f"lmtp:inet:127.0.0.1:{lmtp_port}",
            "bounce.test": f"lmtp:inet:127.0.0.1:{lmtp_port}",
            "desk.test": f"smtp:[127.0.0.1]:{smtp_port}",
            "gone.test": f"lmtp:inet:127.0.0.1:{lmtp_port}",
        }
        with postfix.running(transports) as relay:
            yield Office(relay, mailboxes, lmtp_port, smtp_port)


def post(
    port: int, raw: bytes, sender: str, recipients: Sequence[str], protocol: type[smtplib.SMTP] = smtplib.SMTP
) -> None:
    with protocol("127.0.0.1", port, timeout=PATIENCE) as client:
        client.sendmail(sender, list(recipients), raw)


def letter(sender: str, to: str, subject: str, text: str, **headers: str) -> EmailMessage:
    """A mail as a customer's program writes it; `in_reply_to` becomes In-Reply-To."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail
