"""The whole round through a real Postfix and a real Dovecot."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import dkim as dkimpy
import imap_tools
import pytest

from tests.peers import dovecot, postfix, require
from tests.peers.certificates import client_context, issue
from trunkline.channels.base import Identity, Inbound, Mail, Outbound, Status, Wire
from trunkline.channels.mail import dkim, tokens
from trunkline.channels.mail.inbound import Envelope, MailDoor
from trunkline.channels.mail.transport import Pool
from trunkline.channels.smtp import Smtp, SmtpConfig
from trunkline.core.egress import Egress
from trunkline.core.http import Http
from trunkline.core.urns import Urn

pytestmark = pytest.mark.anyio

PEM, RECORD = dkim.generate_key("rsa")


EGRESS = Egress(["127.0.0.1"])


@pytest.fixture
def wire() -> Wire:
    """SMTP talks through the egress guard alone."""
    return Wire(http=Http(EGRESS), egress=EGRESS, carrier=None)  # pyright: ignore[reportArgumentType]


@dataclass
class Post:
    """Our door, the relay in the middle, and the customers' mailboxes."""

    relay: postfix.Postfix
    mailboxes: dovecot.Dovecot
    doors: dict[str, MailDoor]
    arrived: "asyncio.Queue[Envelope]"

    async def next(self) -> Envelope:
        try:
            return await asyncio.wait_for(self.arrived.get(), 15)
        except TimeoutError:
            raise AssertionError(f"no mail came back:\n{self.relay.log}") from None

    def read(self, user: str) -> imap_tools.MailMessage:
        """The first mail of a mailbox, waited for by IDLE."""
        with imap_tools.MailBoxUnencrypted("127.0.0.1", self.mailboxes.imap_port).login(user, dovecot.PASSWORD) as box:
            for _ in range(6):
                found = next(iter(box.fetch(limit=1)), None)
                if found:
                    return found
                box.idle.wait(timeout=5)
        raise AssertionError(f"no mail for {user}:\n{self.relay.log}\n{self.mailboxes.log}")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    return issue(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture(scope="module")
def mailboxes() -> Iterator[dovecot.Dovecot]:
    require(dovecot.available())
    with dovecot.running() as server:
        yield server


@pytest.fixture(scope="module")
async def post(mailboxes, certificate) -> AsyncIterator[Post]:
    require(postfix.available())
    arrived: asyncio.Queue[Envelope] = asyncio.Queue()
    doors = {kind: MailDoor(f"{kind}://127.0.0.1:0", arrived.put) for kind in ("lmtp", "smtp")}
    doors["closed"] = MailDoor("127.0.0.1:0", arrived.put, accept=lambda recipient: False)
    for door in doors.values():
        await door.open()
    transports = {
        "x.test": f"lmtp:inet:127.0.0.1:{mailboxes.lmtp_port}",
        "nobody@x.test": "error:5.1.1 No such person here",
        "gone.test": f"smtp:[127.0.0.1]:{doors['closed'].port}",
        "in.test": f"lmtp:inet:127.0.0.1:{doors['lmtp'].port}",
        "bounce.test": f"smtp:[127.0.0.1]:{doors['smtp'].port}",
    }
    with postfix.running(transports, certificate=certificate[0], key=certificate[1]) as relay:
        yield Post(relay, mailboxes, doors, arrived)
    for door in doors.values():
        await door.close()


@pytest.fixture
async def smtp(post, certificate) -> AsyncIterator[Smtp]:
    config = SmtpConfig(
        host="127.0.0.1",
        port=post.relay.port,
        tls="starttls",
        from_="shop@in.test",
        from_name="Magazinul Țării",
        dkim_selector="s1",
        dkim_key=PEM,
        inbound_domain="in.test",
        bounce_domain="bounce.test",
    )
    identity = Identity(account_id=1, id=1, name="Shop", address="shop@in.test")
    smtp = Smtp(config, channel=identity, secret="channel secret")
    smtp.pool = Pool(smtp.relay(), EGRESS.open_socket, context=client_context(certificate[0]))
    yield smtp
    await smtp.close()


def message(smtp: Smtp, id: int, to: str, text: str = "Bună! Vii?") -> Outbound:
    mail = Mail(
        subject="Comanda ta e pregătită",
        html=f"<p>{text}</p>",
        reply_token=tokens.seal(smtp.key, "reply", id),
        bounce_token=tokens.seal(smtp.key, "bounce", id),
        unsubscribe_url="https://t.test/u/abc",
        unsubscribe_mailto="unsub+abc@in.test",
    )
    return Outbound(id=id, uuid=f"u-{id}", to=Urn("mailto", to), text=text, mail=mail)


async def test_a_customer_reads_it_and_the_signature_still_verifies(post, smtp, wire):
    text = "Bună! Vii?\n.\n" + "țară " * 400

    [sent] = await smtp.send(wire, [message(smtp, 1, "reader@x.test", text)])
    read = await asyncio.to_thread(post.read, "reader@x.test")
    raw = read.obj.as_bytes()

    assert sent.error is None
    assert (read.subject, read.from_, read.text.replace("\r\n", "\n").strip()) == (
        "Comanda ta e pregătită",
        "shop@in.test",
        text.strip(),
    )
    assert read.headers["message-id"] == (f"<{sent.external_id}>",)
    assert read.headers["return-path"] == (f"<b+{tokens.seal(smtp.key, 'bounce', 1)}@bounce.test>",)
    assert "ESMTPS" in str(read.headers["received"])
    assert dkimpy.verify(raw, dnsfunc=lambda name, timeout=5: RECORD.encode())


async def test_a_mailbox_that_the_relay_knows_not_to_exist_is_refused_at_once(post, smtp, wire):
    [sent] = await smtp.send(wire, [message(smtp, 4, "nobody@x.test")])

    assert sent.error is not None
    assert (sent.error.code, sent.error.retry, sent.error.provider_code) == ("invalid", False, "5.1.1")


async def test_an_unknown_mailbox_comes_back_as_a_hard_bounce(post, smtp, wire):
    [sent] = await smtp.send(wire, [message(smtp, 2, "ana@gone.test")])

    envelope = await post.next()
    [status] = smtp.take_in(envelope)

    assert sent.error is None
    assert envelope.sender == ""
    assert isinstance(status, Status)
    assert (status.status, status.reason, status.code, status.message_id) == ("failed", "hard_bounce", "5.1.1", 2)
    assert status.external_id == sent.external_id


async def test_a_reply_finds_its_thread_without_the_quote(post, smtp, wire):
    [sent] = await smtp.send(wire, [message(smtp, 3, "customer@x.test")])
    received = await asyncio.to_thread(post.read, "customer@x.test")
    reply_to = received.reply_to[0]
    reply = (
        f"From: Ana <customer@x.test>\r\nTo: {reply_to}\r\nSubject: Re: {sent.id}\r\nMessage-ID: <r1@x.test>\r\n"
        f"In-Reply-To: {received.headers['message-id'][0]}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        f"Da! Pot schimba adresa?\r\n\r\nÎn mie., 5 nov. 2025 la 10:12, Shop <{reply_to}> a scris:\r\n\r\n> Vii?\r\n"
    ).encode()

    await smtp.pool.deliver("customer@x.test", [reply_to], reply)
    envelope = await post.next()
    [inbound] = smtp.take_in(envelope)

    assert isinstance(inbound, Inbound)
    assert (inbound.text, inbound.automatic, inbound.name) == ("Da! Pot schimba adresa?", False, "Ana")
    assert inbound.thread is not None
    assert tokens.unseal(smtp.key, "reply", inbound.thread.token or "") == 3
    assert tokens.uuid_in(smtp.key, inbound.thread.message_id or "") == "u-3"


async def test_a_mail_to_two_of_our_addresses_comes_in_once_by_lmtp(post, smtp):
    raw = b"From: Ana <customer@x.test>\r\nSubject: two\r\n\r\nHello\r\n"

    await smtp.pool.deliver("customer@x.test", ["reply+1-a@in.test", "reply+2-b@in.test"], raw)
    envelope = await post.next()

    assert sorted(envelope.recipients) == ["reply+1-a@in.test", "reply+2-b@in.test"]


async def test_many_mails_share_few_connections(post, smtp, wire):
    sent = await smtp.send(wire, [message(smtp, number, "many@x.test") for number in range(100, 140)])

    assert [one.error for one in sent] == [None] * 40
    assert smtp.pool.opened <= 8
