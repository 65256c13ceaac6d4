"""The SMTP channel: messages out, mail in."""

from collections.abc import Callable

import msgspec
import pytest

from tests.peers import free_port, sink
from tests.peers.sink import DROP, Sink
from trunkline import channels
from trunkline.channels.base import Identity, Inbound, Mail, Outbound, Status, Wire
from trunkline.channels.mail import dkim, tokens
from trunkline.channels.mail.inbound import Envelope
from trunkline.channels.smtp import Smtp, SmtpConfig
from trunkline.core.egress import Egress
from trunkline.core.errors import Invalid
from trunkline.core.http import Http
from trunkline.core.urns import Urn

pytestmark = pytest.mark.anyio

PEM, RECORD = dkim.generate_key("ed25519")


@pytest.fixture
def wire() -> Wire:
    """SMTP talks through the egress guard alone."""
    egress = Egress(["127.0.0.1"])
    return Wire(http=Http(egress), egress=egress, carrier=None)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def channel() -> Callable[..., Smtp]:
    def make(port: int = 25, **settings: object) -> Smtp:
        plain = {"host": "127.0.0.1", "port": port, "tls": "none", "from": "shop@in.test", "from_name": "Shop"}
        config = msgspec.convert(plain | settings, SmtpConfig, strict=False)
        identity = Identity(account_id=1, id=1, name="Shop", address="shop@in.test")
        return Smtp(config, channel=identity, secret="channel secret")

    return make


def message(id: int = 1, to: str = "ana@x.test", **mail) -> Outbound:
    return Outbound(id=id, uuid=f"u-{id}", to=Urn("mailto", to), text="Hello", mail=Mail(subject="News", **mail))


async def test_a_message_goes_out_signed_and_logged(channel, wire):
    async with sink.running(Sink()) as relay:
        smtp = channel(relay.port, dkim_selector="s1", dkim_key=PEM, bounce_domain="bounce.test", password="secret")
        [sent] = await smtp.send(wire, [message(bounce_token="1-ab")])
        await smtp.close()

    assert sent.error is None
    assert sent.external_id == tokens.message_id(smtp.key, "u-1", "in.test")
    assert (relay.taken[0].sender, relay.taken[0].recipients) == ("b+1-ab@bounce.test", ["ana@x.test"])
    assert relay.taken[0].raw.startswith(b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=in.test;")
    assert sent.exchange is not None
    assert (sent.exchange.status, sent.exchange.response) == (250, "250 2.0.0 Ok: queued as 1")
    assert "Subject: News" in sent.exchange.request
    assert "Hello" not in sent.exchange.request


async def test_one_failure_touches_no_other_message(channel, wire):
    answers = {"no@x.test": "550 5.1.1 no", "later@x.test": "450 4.2.0 later", "cut@x.test": DROP}
    async with sink.running(Sink(on_rcpt=lambda to: answers.get(to, "250 Ok"))) as relay:
        smtp = channel(relay.port)
        names = ["ok1", "no", "later", "cut", "ok2", "bad address", "ok3"]
        sent = await smtp.send(wire, [message(number, f"{name}@x.test") for number, name in enumerate(names)])
        await smtp.close()

    assert [one.id for one in sent] == list(range(7))
    assert [one.error and one.error.code for one in sent] == [
        None,
        "invalid",
        "rejected",
        "unreachable",
        None,
        "invalid",
        None,
    ]
    assert len(relay.taken) == 3


async def test_a_lost_answer_is_tried_again_under_the_same_id(channel, wire):
    answers = iter([DROP, "250 Ok"])
    async with sink.running(Sink(on_data=lambda raw: next(answers))) as relay:
        smtp = channel(relay.port)
        [first] = await smtp.send(wire, [message()])
        [second] = await smtp.send(wire, [message()])
        await smtp.close()

    assert first.error is not None
    assert (first.error.code, first.error.retry) == ("ambiguous", True)
    assert first.external_id == second.external_id
    assert f"Message-ID: <{first.external_id}>".encode() in relay.taken[0].raw


async def test_connections_last_over_calls(channel, wire):
    async with sink.running(Sink()) as relay:
        smtp = channel(relay.port)
        for number in range(4):
            await smtp.send(wire, [message(number)])
        await smtp.close()

    assert (len(relay.taken), relay.connections) == (4, 1)


async def test_nobody_listens(channel, wire):
    [sent] = await channel(free_port()).send(wire, [message()])

    assert sent.error is not None
    assert (sent.error.code, sent.error.retry) == ("unreachable", True)


async def test_a_reply_at_the_door_is_a_message(channel):
    raw = b"From: Ana <ana@x.test>\r\nSubject: Re: News\r\n\r\nYes\r\n\r\nOn Wed, Shop wrote:\r\n> Coming?\r\n"

    [inbound] = channel().take_in(Envelope(sender="ana@x.test", recipients=["reply+7-ab@in.test"], raw=raw))

    assert isinstance(inbound, Inbound)
    assert (inbound.text, inbound.automatic) == ("Yes", False)
    assert inbound.thread is not None
    assert inbound.thread.token == "7-ab"


async def test_a_bounce_at_the_door_is_a_status(channel):
    smtp = channel()
    to = tokens.address("bounce", tokens.seal(smtp.key, "bounce", 9), "bounce.test")
    raw = b"From: MAILER-DAEMON@x.test\r\nSubject: failure\r\n\r\n550 5.1.1 unknown"

    [status] = smtp.take_in(Envelope(sender="", recipients=[to], raw=raw))

    assert isinstance(status, Status)
    assert (status.status, status.message_id, status.reason) == ("failed", 9, "hard_bounce")


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("host", "10.0.0.1", "host"),
        ("port", 22, "host"),
        ("from", "nobody", "from"),
        ("listen", "here", "listen"),
        ("inbound_domain", "in test", "inbound_domain"),
        ("bounce_domain", "a@b", "bounce_domain"),
        ("dkim_key", "no key", "dkim_key"),
    ],
)
async def test_settings_that_can_never_work_are_refused(setting, value, named):
    plain = {"host": "mail.example.org", "from": "shop@in.test", "dkim_selector": "s1", "dkim_key": PEM}
    config = msgspec.convert(plain | {setting: value}, SmtpConfig)

    with pytest.raises(Invalid) as refused:
        Smtp.check(config, Egress())

    assert list(refused.value.fields) == [named]


async def test_the_kind_is_known():
    assert channels.get("smtp") is Smtp
