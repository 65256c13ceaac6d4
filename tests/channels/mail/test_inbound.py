"""The door: what it takes, what it refuses, and that nothing is lost."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from trunkline.channels.mail.inbound import Envelope, MailDoor, parse_listen
from trunkline.core.errors import Invalid, Unavailable

pytestmark = pytest.mark.anyio


class Talk:
    """A peer that speaks raw lines."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader, self.writer = reader, writer

    async def say(self, octets: bytes, answers: int = 1) -> list[str]:
        self.writer.write(octets)
        return [await self.answer() for _ in range(answers)]

    async def answer(self) -> str:
        while True:
            line = await asyncio.wait_for(self.reader.readline(), 10)
            if line[3:4] != b"-":
                return line.decode().strip()

    async def mail(
        self, raw: bytes, *recipients: str, hello: bytes = b"EHLO peer.test", sender: bytes = b"ana@x.test"
    ) -> list[str]:
        await self.answer()
        await self.say(hello + b"\r\n")
        await self.say(b"MAIL FROM:<" + sender + b">\r\n")
        for recipient in recipients or ("reply+1@in.test",):
            await self.say(f"RCPT TO:<{recipient}>\r\n".encode())
        await self.say(b"DATA\r\n")
        return await self.say(raw + b"\r\n.\r\n", max(1, len(recipients)) if hello.startswith(b"L") else 1)


@asynccontextmanager
async def opened(listen="127.0.0.1:0", deliver=None, **settings):
    mails: list[Envelope] = []

    async def keep(envelope: Envelope) -> None:
        mails.append(envelope)

    door = MailDoor(listen, deliver or keep, **settings)
    await door.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    try:
        yield Talk(reader, writer), mails
    finally:
        writer.close()
        await door.close()


async def test_a_mail_comes_in_as_it_was():
    async with opened() as (peer, mails):
        answers = await peer.mail(b"Subject: x\r\n\r\n..dot\r\n8-bit \xff\r\n")

    assert answers == ["250 2.0.0 Ok"]
    assert (mails[0].sender, mails[0].recipients) == ("ana@x.test", ["reply+1@in.test"])
    assert (mails[0].raw, mails[0].helo) == (b"Subject: x\r\n\r\n.dot\r\n8-bit \xff\r\n\r\n", "peer.test")


async def test_the_null_sender_is_empty():
    async with opened() as (peer, mails):
        await peer.mail(b"x: y\r\n\r\nz", sender=b"")

    assert mails[0].sender == ""


async def test_lmtp_answers_once_per_recipient():
    async with opened("lmtp://127.0.0.1:0") as (peer, mails):
        answers = await peer.mail(b"x: y\r\n\r\nz", "a@in.test", "b@in.test", hello=b"LHLO peer.test")
        [after] = await peer.say(b"NOOP\r\n")

    assert answers == ["250 2.0.0 Ok", "250 2.0.0 Ok"]
    assert mails[0].recipients == ["a@in.test", "b@in.test"]
    assert after.startswith("250")


async def test_lmtp_says_no_for_each_recipient():
    async def deliver(envelope: Envelope) -> None:
        raise Unavailable("The database")

    async with opened("lmtp://127.0.0.1:0", deliver) as (peer, _):
        answers = await peer.mail(b"x: y\r\n\r\nz", "a@in.test", "b@in.test", hello=b"LHLO peer.test")
        [after] = await peer.say(b"NOOP\r\n")

    assert [answer[:3] for answer in answers] == ["451", "451"]
    assert after.startswith("250")


@pytest.mark.parametrize("error", [Unavailable("The database"), ValueError("a bug")])
async def test_what_we_cannot_keep_stays_with_the_peer(error):
    async def deliver(envelope: Envelope) -> None:
        raise error

    async with opened(deliver=deliver) as (peer, _):
        answers = await peer.mail(b"x: y\r\n\r\nz")

    assert answers == ["451 4.3.0 Not now, please try again"]


async def test_unknown_recipients_are_refused():
    async with opened(accept=lambda to: to.startswith("reply+")) as (peer, mails):
        await peer.answer()
        await peer.say(b"EHLO peer.test\r\n")
        await peer.say(b"MAIL FROM:<>\r\n")
        refused = await peer.say(b"RCPT TO:<nobody@in.test>\r\n")
        no_data = await peer.say(b"DATA\r\n")

    assert refused == ["550 5.1.1 No such mailbox here"]
    assert no_data[0].startswith("503")
    assert mails == []


INNER = b"MAIL FROM:<boss@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\nSubject: two\r\n\r\nsecond"


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\n.\r", b"\r.\n", b"\r\n..\n"])
async def test_a_disguised_end_of_mail_is_refused(end):
    async with opened() as (peer, mails):
        answers = await peer.mail(b"Subject: one\r\n\r\nfirst" + end + INNER)
        [after] = await peer.say(b"NOOP\r\n")

    assert answers[0].startswith("550 5.5.2")
    assert after.startswith("250")
    assert mails == []


@pytest.mark.parametrize("end", [b"\r\n.\n", b"\r\n.\r", b"\r\n..\r\n"])
async def test_only_crlf_dot_crlf_ends_a_mail(end):
    async with opened() as (peer, mails):
        await peer.mail(b"Subject: one\r\n\r\nfirst" + end + INNER)

    assert [mail.sender for mail in mails] == ["ana@x.test"]
    assert mails[0].raw.endswith(b"second\r\n")


async def test_stray_line_ends_are_mended():
    async with opened() as (peer, mails):
        await peer.mail(b"Subject: x\r\n\r\none\ntwo\rthree\r\n\r\r\n.four")

    assert mails[0].raw == b"Subject: x\r\n\r\none\r\ntwo\r\nthree\r\n\r\n\r\nfour\r\n"


async def test_a_long_line_is_no_reason_to_refuse():
    async with opened() as (peer, mails):
        answers = await peer.mail(b"x: y\r\n\r\n" + b"z" * 50_000)

    assert answers == ["250 2.0.0 Ok"]
    assert len(mails[0].raw) > 50_000


async def test_a_mail_that_is_too_big_is_refused(monkeypatch):
    monkeypatch.setattr("trunkline.channels.mail.inbound.MAX_SIZE", 10_000)
    async with opened() as (peer, mails):
        answers = await peer.mail(b"x: y\r\n\r\n" + b"z" * 70 + b"\r\n" * 10_000)

    assert answers[0].startswith("552")
    assert mails == []


async def test_more_callers_than_places_are_asked_to_come_back(monkeypatch):
    monkeypatch.setattr("trunkline.channels.mail.inbound.CONNECTIONS", 0)
    async with opened() as (peer, _):
        answer = await peer.answer()

    assert answer.startswith("421 4.3.2")


async def test_closing_ends_the_talks():
    async with opened() as (peer, _):
        await peer.answer()

    assert await peer.reader.read() == b""


@pytest.mark.parametrize(
    ("listen", "parsed"),
    [
        ("0.0.0.0:2525", ("smtp", "0.0.0.0", 2525)),
        ("lmtp://127.0.0.1:24", ("lmtp", "127.0.0.1", 24)),
        ("smtp://[::1]:25", ("smtp", "::1", 25)),
        (":25", ("smtp", "127.0.0.1", 25)),
    ],
)
def test_where_to_listen(listen, parsed):
    assert parse_listen(listen) == parsed


@pytest.mark.parametrize("listen", ["", "25", "host:", "host:x", "http://host:25", "host:70000"])
def test_where_not_to_listen(listen):
    with pytest.raises(Invalid):
        parse_listen(listen)
