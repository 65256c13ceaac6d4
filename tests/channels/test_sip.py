"""The SIP channel against a real exchange: what is heard at the other end, and how each call ends."""

import asyncio
import hashlib
import re
import shutil
import socket

import msgspec
import pytest

from tests.peers import require, sipp
from trunkline.channels.base import CallNote, Identity, Outbound, Wire
from trunkline.channels.sip import Sip, SipConfig
from trunkline.channels.telephony import g711, rtp, speech
from trunkline.channels.telephony.phone import Phone, Trunk
from trunkline.channels.telephony.session import Session
from trunkline.core.egress import Egress
from trunkline.core.errors import Invalid, Unavailable
from trunkline.core.urns import Urn

pytestmark = pytest.mark.anyio

LOOPBACK = Egress(["127.0.0.1"])


class Book:
    """What was written down about the calls."""

    def __init__(self) -> None:
        self.notes: list[CallNote] = []

    async def note(self, notes) -> None:
        self.notes += notes

    @property
    def steps(self) -> list[str]:
        return [note.status for note in self.notes]


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def wire(book) -> Wire:
    return Wire(http=None, egress=LOOPBACK, carrier=None, calls=book)  # pyright: ignore[reportArgumentType]


@pytest.fixture(autouse=True)
def exchange():
    """How to start one; skips where the programs are missing."""
    require(sipp.available())
    require(speech.missing())
    return sipp.running


def sip(proxy: str, **settings: object) -> Sip:
    config = msgspec.convert({"proxy": proxy, "from": "+40311000000", **settings}, SipConfig, strict=False)
    return Sip(config, channel=Identity(1, 1, "Trunk", ""), secret="")


def message(text: str = "Hello.") -> Outbound:
    return Outbound(id=7, uuid="u-7", to=Urn("tel", "+40740111222"), text=text, account_id=3)


async def speak(channel: Sip, wire: Wire, text: str = "Hello."):
    async with asyncio.timeout(30):
        [sent] = await channel.send(wire, [message(text)])
    await channel.close()
    return sent


async def test_a_call_is_spoken_to_its_end(exchange, wire, book):
    with exchange() as there:
        sent = await speak(sip(there.address), wire)
        log = there.log

    assert (sent.id, sent.error, sent.arrived) == (7, None, True)
    assert book.steps == ["initiated", "ringing", "in_progress", "completed"]
    assert {note.account_id for note in book.notes} == {3}
    assert book.notes[-1].seconds >= 1
    assert f"INVITE sip:+40740111222@{there.address} SIP/2.0" in log
    assert "From: <sip:+40311000000@127.0.0.1>" in log
    assert sent.exchange.response.splitlines()[:3] == ["< 180 Ringing", "< 200 OK", "> ACK sip:127.0.0.1:"
        f"{there.port};transport=UDP"]  # fmt: skip


async def test_what_comes_back_is_what_was_said(exchange, monkeypatch):
    back: list[bytes] = []
    monkeypatch.setattr(Session, "hear", lambda self, datagram, source: back.append(datagram))
    pcm = await speech.speak("Hello, this is a reminder for your appointment tomorrow.", "en")
    with exchange() as there:
        phone = Phone(Trunk(host="127.0.0.1", port=there.port, login=None, codec="pcmu"), LOOPBACK)
        async with phone.dial("us", "them", lambda step: None) as talk:
            session = await talk.answer(10)
            assert session is not None
            said = await session.say(pcm)
            await session.say(bytes(8_000))
        phone.close()

    packets = [packet for datagram in back if (packet := rtp.read(datagram))]
    sound = b"".join(packet.payload for packet in packets)
    assert said
    assert {packet.payload_type for packet in packets} == {0}
    assert [p.sequence - packets[0].sequence & 0xFFFF for p in packets] == list(range(len(packets)))
    assert g711.encode("pcmu", pcm) in sound


async def test_a_busy_line(exchange, wire, book):
    with exchange(sipp.hear("INVITE"), sipp.answer("486 Busy Here"), sipp.hear("ACK")) as there:
        sent = await speak(sip(there.address), wire)
        played = there.played()

    assert (sent.error.reason, sent.error.provider_code, sent.error.retry) == ("busy", "486", False)
    assert book.steps == ["initiated", "busy"]
    assert played == 0


async def test_nobody_picks_up(exchange, wire, book):
    scene = [
        sipp.hear("INVITE"), sipp.answer("180 Ringing"), sipp.hear("CANCEL"), sipp.answer_within("200 OK"),
    ]  # fmt: skip
    with exchange(*scene) as there:
        channel = sip(there.address)
        channel.config = msgspec.structs.replace(channel.config, ring_seconds=0.3)
        async with asyncio.timeout(40):
            task = asyncio.create_task(channel.send(wire, [message()]))
            played = await asyncio.to_thread(there.played)
        log = there.log
        task.cancel()

    assert book.steps[:2] == ["initiated", "ringing"]
    assert "CANCEL sip:+40740111222@" in log
    assert played == 0


async def test_a_canceled_call_ends_when_the_exchange_says_so(exchange, wire, book):
    cancelled = sipp.answer("487 Request Terminated").replace("[last_CSeq:]", "CSeq: 1 INVITE")
    cancelled = cancelled.replace("[last_Via:]", "[$via]").replace("[last_To:];", "To: [$us];")
    via = '<recv request="INVITE"><action><ereg regexp="SIP/2.0/UDP.*" search_in="hdr" header="Via:" assign_to="v"/>'
    via += '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="us"/></action></recv>\n'
    cancelled = cancelled.replace("[$via]", "Via: [$v]")
    scene = [via, sipp.answer("180 Ringing"), sipp.hear("CANCEL"), sipp.answer_within("200 OK"), cancelled]
    with exchange(*scene, sipp.hear("ACK")) as there:
        channel = sip(there.address)
        channel.config = msgspec.structs.replace(channel.config, ring_seconds=0.3)
        sent = await speak(channel, wire)
        played = there.played()

    assert (sent.error.reason, sent.error.provider_code) == ("no_answer", "487")
    assert book.steps == ["initiated", "ringing", "no_answer"]
    assert played == 0


@pytest.mark.parametrize(
    ("status", "reason"),
    [("480 Away", "no_answer"), ("404 Not Found", "unknown_number"), ("603 Decline", None), ("403 No", "channel")],
)
async def test_a_refusal_says_why(exchange, wire, book, status, reason):
    with exchange(sipp.hear("INVITE"), sipp.answer(status), sipp.hear("ACK")) as there:
        sent = await speak(sip(there.address), wire)

    assert (sent.error.reason, sent.error.provider_code, sent.error.retry) == (reason, status[:3], False)
    assert book.steps[-1] == ("no_answer" if reason == "no_answer" else "failed")


@pytest.mark.parametrize(
    ("status", "header"),
    [("401 Unauthorized", "WWW-Authenticate"), ("407 Proxy Authentication Required", "Proxy-Authenticate")],
)
async def test_the_exchange_asks_who_we_are(exchange, wire, book, status, header):
    weak = f'{header}: Digest realm="x.test", nonce="n1", algorithm=MD5, qop="auth"'
    strong = f'{header}: Digest realm="x.test", nonce="n2", algorithm=SHA-256, qop="auth,auth-int", opaque="o"'
    scene = [
        sipp.hear("INVITE"), sipp.answer(status, weak, strong), sipp.hear("ACK"), sipp.hear("INVITE"),
        sipp.answer("200 OK", sound=True, again=True), sipp.hear("ACK"), sipp.hear("BYE"), sipp.answer_within("200 OK"),
    ]  # fmt: skip
    with exchange(*scene) as there:
        sent = await speak(sip(there.address, username="office", password="s3cret"), wire)
        played, log = there.played(), there.log

    assert (sent.error, played) == (None, 0)
    ours = "Authorization" if header.startswith("WWW") else "Proxy-Authorization"
    told = dict(re.findall(r'(\w+)="?([^",\r\n]+)', re.search(rf"^{ours}: Digest (.*)$", log, re.MULTILINE)[1]))
    assert (told["username"], told["realm"], told["algorithm"], told["opaque"]) == ("office", "x.test", "SHA-256", "o")
    secret, request = sha("office:x.test:s3cret"), sha(f"INVITE:{told['uri']}")
    assert told["response"] == sha(f"{secret}:n2:{told['nc']}:{told['cnonce']}:auth:{request}")
    assert "s3cret" not in log


async def test_a_wrong_password_is_tried_once_and_troubles_the_channel(exchange, wire, book):
    asks = 'WWW-Authenticate: Digest realm="x.test", nonce="n1"'
    refusal = [sipp.hear("INVITE"), sipp.answer("401 Unauthorized", asks), sipp.hear("ACK")]
    with exchange(*refusal, *refusal) as there:
        sent = await speak(sip(there.address, username="office", password="wrong"), wire)
        played = there.played()

    assert (sent.error.reason, sent.error.stop_channel, played) == ("channel", True, 0)
    assert book.steps == ["initiated", "failed"]


async def test_somebody_hangs_up_in_the_middle(exchange, wire, book):
    scene = [
        sipp.keep(), sipp.answer("200 OK", sound=True, again=True), sipp.hear("ACK"), sipp.wait(500),
        sipp.ask("BYE", 1), sipp.hear_answer(200),
    ]  # fmt: skip
    with exchange(*scene) as there:
        sent = await speak(sip(there.address), wire, "A very long message. " * 20)
        played = there.played()

    assert (sent.error, played) == (None, 0)
    assert (book.steps[-1], book.notes[-1].reason) == ("completed", "hung_up")
    assert book.notes[-1].seconds < 5


async def test_a_hold_is_refused_and_the_call_goes_on(exchange, wire, book):
    scene = [
        sipp.keep(), sipp.answer("200 OK", sound=True, again=True), sipp.hear("ACK"), sipp.ask("INVITE", 1, sound=True),
        sipp.hear_answer(488), sipp.ask("ACK", 1).replace(' retrans="500"', ""), sipp.hear("BYE"),
        sipp.answer_within("200 OK"),
    ]  # fmt: skip
    with exchange(*scene) as there:
        sent = await speak(sip(there.address), wire)
        played = there.played()

    assert (sent.error, played) == (None, 0)


async def test_digits_are_heard(exchange):
    scene = [
        sipp.hear("INVITE"), sipp.answer("200 OK", sound=True, again=True), sipp.hear("ACK"), sipp.hear("BYE"),
        sipp.answer_within("200 OK"),
    ]  # fmt: skip
    presses = [(5, 100), (5, 100), (5, 100), (10, 900), (3, 1700), (11, 2500)]
    with exchange(*scene) as there, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as keypad:
        phone = Phone(Trunk(host="127.0.0.1", port=there.port, login=None, codec="pcma"), LOOPBACK)
        async with phone.dial("us", "them", lambda step: None) as talk:
            session = await talk.answer(10)
            assert session is not None
            speaking = asyncio.create_task(session.say(bytes(16_000 * 10)))
            sound = re.search(r"m=audio (\d+) RTP/AVP 8 0 101", there.log)
            for number, (key, moment) in enumerate(presses):
                event = rtp.write(rtp.Packet(101, number, moment, 1, bytes([key, 10, 0, 160])))
                keypad.sendto(event, ("127.0.0.1", int(sound[1])))
            pressed = await session.digits(10)
            session.hush()
            said = await speaking
        phone.close()

    assert pressed == "5*3"
    assert not said


async def test_no_exchange_is_there(wire, book, monkeypatch):
    monkeypatch.setattr("trunkline.channels.telephony.transactions.T1", 0.01)
    monkeypatch.setattr("trunkline.channels.telephony.transactions.PATIENCE", 0.1)

    sent = await speak(sip(f"127.0.0.1:{sipp.free_port()}"), wire)

    assert (sent.error.reason, sent.error.retry) == ("unreachable", False)
    assert book.steps == ["initiated", "failed"]


async def test_a_private_exchange_is_not_called(book):
    wire = Wire(http=None, egress=Egress(), carrier=None, calls=book)  # pyright: ignore[reportArgumentType]

    sent = await speak(sip("127.0.0.1:5060"), wire)

    assert (sent.error.reason, sent.error.stop_channel) == ("channel", True)
    assert "TRUNKLINE_EGRESS_ALLOW" in sent.error.detail


async def test_what_the_exchange_names_is_judged_too(exchange, book):
    """It may name other addresses for the rest of the call and for the sound; private ones are not used."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as neighbour:
        neighbour.bind(("127.0.0.1", 0))
        neighbour.setblocking(False)
        port = neighbour.getsockname()[1]
        answer = sipp.answer("200 OK", sound=True, again=True, contact=f"127.0.0.1:{port}")
        scene = [answer.replace("[media_port]", str(port)), sipp.hear("ACK"), sipp.hear("BYE")]
        with exchange(sipp.hear("INVITE"), *scene, sipp.answer_within("200 OK")) as there:
            egress = Egress([there.address])
            wire = Wire(http=None, egress=egress, carrier=None, calls=book)  # pyright: ignore[reportArgumentType]
            sent = await speak(sip(there.address), wire)
            played = there.played()

        with pytest.raises(BlockingIOError):
            neighbour.recv(2000)

    assert (sent.error, played) == (None, 0)


async def test_nothing_leaves_before_it_is_written_down(exchange, wire):
    class Away:
        async def note(self, notes):
            raise Unavailable("The database")

    wire = Wire(http=None, egress=LOOPBACK, carrier=None, calls=Away())  # pyright: ignore[reportArgumentType]
    with exchange() as there:
        sent = await speak(sip(there.address), wire)
        log = there.log

    assert (sent.error.code, sent.error.retry) == ("unreachable", True)
    assert "INVITE" not in log


async def test_a_voice_that_does_not_exist(wire, book):
    sent = await speak(sip("127.0.0.1:5060", language="xx"), wire)

    assert (sent.error.reason, sent.error.retry) == ("unspeakable", False)
    assert book.steps == []


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"proxy": "10.0.0.1"}, "proxy"),
        ({"proxy": "localhost"}, "proxy"),
        ({"proxy": "sip.example.com:25"}, "proxy"),
        ({"proxy": "sip.example.com/x"}, "proxy"),
        ({"proxy": "a b"}, "proxy"),
        ({"from": "a>b"}, "from"),
        ({"language": "../../x"}, "language"),
        ({"public_address": "here"}, "public_address"),
        ({"username": "a\r\nb"}, "username"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, field):
    config = msgspec.convert({"proxy": "sip.example.com", **settings}, SipConfig)

    with pytest.raises(Invalid) as refused:
        Sip.check(config, Egress())

    assert list(refused.value.fields) == [field]


def test_without_the_program_the_channel_is_refused_with_its_name(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(Invalid, match="Install the package espeak-ng"):
        Sip.check(SipConfig(proxy="sip.example.com"), Egress())


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
