"""A mail server that keeps what it is given, on a thread of its own: the browser's loop belongs to the test."""

import contextlib
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


class Mailbox:
    """What an SMTP server was given. Mail to nobody@ is refused for good; `trusts` off refuses all of it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0
        self.trusts = True

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        if "nobody@" in str(mail["To"]):
            return "550 5.1.1 No such mailbox"
        if not self.trusts:
            return "550 5.7.1 Refused by policy"
        self.mails.append(mail)
        return "250 OK"


@contextlib.contextmanager
def open_mailbox() -> Iterator[Mailbox]:
    """A mailbox that listens on a free port."""
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        box.port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=box.port)
    server.start()
    yield box
    server.stop()
