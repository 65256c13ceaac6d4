"""The sound and what is agreed on about it: SDP, G.711, RTP, digits, speech."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.peers import require
from trunkline.channels.telephony import g711, rtp, sdp, speech
from trunkline.channels.telephony.rtp import Keypad, Packet
from trunkline.channels.telephony.sdp import Media
from trunkline.channels.telephony.speech import Unspeakable

pytestmark = pytest.mark.anyio

ANSWER = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP {}\r\n{}"


def test_our_offer_is_an_answer_that_we_understand():
    assert sdp.answer(sdp.offer("192.0.2.1", 4000, "pcma", 1), "pcma") == Media("192.0.2.1", 4000, "pcma", 101)
    assert sdp.answer(sdp.offer("2001:db8::1", 4000, "pcmu", 1), "pcmu") == Media("2001:db8::1", 4000, "pcmu", 101)


@pytest.mark.parametrize(
    ("types", "more", "media"),
    [
        ("0", "", Media("192.0.2.9", 4000, "pcmu", None)),
        ("8 0 96", "a=rtpmap:96 telephone-event/8000\r\n", Media("192.0.2.9", 4000, "pcmu", 96)),
        ("8", "c=IN IP4 192.0.2.7\r\n", Media("192.0.2.7", 4000, "pcma", None)),
        ("0", "m=video 5000 RTP/AVP 34\r\nc=IN IP4 192.0.2.5\r\n", Media("192.0.2.9", 4000, "pcmu", None)),
        ("18", "", None),
    ],
)
def test_what_was_agreed_on(types, more, media):
    assert sdp.answer(ANSWER.format(types, more).encode(), "pcmu") == media


@pytest.mark.parametrize(
    "body", [b"", b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n", ANSWER.format("0", "").replace("4000", "0").encode()]
)
def test_no_sound_can_flow(body):
    assert sdp.answer(body, "pcmu") is None


@given(st.binary(max_size=400))
def test_any_description_is_read(body):
    sdp.answer(body, "pcmu")


@pytest.mark.parametrize(
    ("codec", "samples", "octets"),
    [
        ("pcmu", [0, -1, 4, 1000, -1000, 32767, -32768], "ff7efece4e8000"),
        ("pcma", [0, -1, 8, 1000, -1000, 32767, -32768], "d555d5fa7aaa2a"),
    ],
)
def test_samples_become_octets(codec, samples, octets):
    pcm = b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)

    assert g711.encode(codec, pcm).hex() == octets


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_sample_is_what_the_standard_library_made_of_it():
    audioop = pytest.importorskip("audioop")  # until Python 3.12
    pcm = b"".join(sample.to_bytes(2, "little", signed=True) for sample in range(-32_768, 32_768))

    assert g711.encode("pcmu", pcm) == audioop.lin2ulaw(pcm, 2)
    assert g711.encode("pcma", pcm) == audioop.lin2alaw(pcm, 2)


@given(st.integers(0, 127), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.binary(max_size=200), st.booleans())
def test_packets_are_read_as_written(kind, sequence, timestamp, payload, marker):
    packet = Packet(kind, sequence, timestamp, 7, payload, marker)

    assert rtp.read(rtp.write(packet)) == packet


@given(st.binary(max_size=60))
def test_any_datagram_is_a_packet_or_none(datagram):
    rtp.read(datagram)


def test_padding_extensions_and_sources_are_left_out():
    head = bytes([0x80 | 0x20 | 0x10 | 1, 0, 0, 1]) + bytes(8)
    extension = bytes([0, 0, 0, 1]) + bytes(4)

    packet = rtp.read(head + bytes(4) + extension + b"sound" + b"\x00\x00\x03")

    assert packet is not None
    assert packet.payload == b"sound"


def test_a_stream_counts_on_over_the_edge():
    stream = rtp.Stream(0, 7, 0xFFFF, 0xFFFFFFFF)

    first, second = (rtp.read(stream.packet(b"x")) for _ in range(2))

    assert first is not None
    assert second is not None
    assert (first.marker, second.marker) == (True, False)
    assert (second.sequence, second.timestamp) == (0, 159)


def test_a_key_is_told_once_whatever_is_lost_or_repeated():
    keypad = Keypad(101)
    end = 0x80
    packets = [
        Packet(101, 1, 100, 7, bytes([5, 10, 0, 160])),
        Packet(101, 2, 100, 7, bytes([5, end | 10, 1, 64])),
        Packet(0, 3, 400, 7, bytes(160)),
        Packet(101, 4, 900, 7, bytes([11, end | 10, 1, 64])),
        Packet(101, 4, 900, 7, bytes([11, end | 10, 1, 64])),
        Packet(101, 5, 1200, 7, bytes([200, 10, 0, 160])),
        Packet(101, 6, 1300, 7, b"\x01"),
    ]

    assert [key for packet in packets if (key := keypad.press(packet))] == ["5", "#"]


def test_what_lies_above_the_telephones_band_is_left_out():
    high = b"".join((16_000 * (-1) ** n).to_bytes(2, "little", signed=True) for n in range(8_000))
    flat = (12_000).to_bytes(2, "little", signed=True) * 8_000

    loudest = max(abs(sample) for sample in samples(speech.to_telephone(high))[50:-50])
    steady = samples(speech.to_telephone(flat))

    assert loudest < 100
    assert len(steady) == 8_000 * 8_000 // 22_050
    assert set(steady[50:-50]) <= set(range(11_990, 12_011))


async def test_speech_in_several_languages():
    require(speech.missing())

    english = await speech.speak("Hello, this is a reminder for your appointment tomorrow.", "en")
    romanian = await speech.speak("Bună ziua, aveți o programare mâine.", "ro-RO")

    assert 2 * speech.RATE < len(english) // 2 < 5 * speech.RATE
    assert 1 * speech.RATE < len(romanian) // 2 < 5 * speech.RATE


@pytest.mark.parametrize("voice", ["xx", "../../etc/passwd", "-w", ""])
async def test_a_voice_that_is_none(voice):
    require(speech.missing())

    with pytest.raises(Unspeakable):
        await speech.speak("Hello", voice)


async def test_markup_and_phonemes_are_words(tmp_path):
    require(speech.missing())

    spoken = await speech.speak("[[h@lo]]", "en")
    nothing = await speech.speak("[ [h@lo] ]", "en")

    assert speech.plain("a\x00[[b]]") == "a [ [b] ]"
    assert spoken == nothing


async def test_a_speech_that_takes_too_long(monkeypatch):
    require(speech.missing())
    monkeypatch.setattr(speech, "SECONDS", 0.0)

    with pytest.raises(Unspeakable, match="took longer"):
        await speech.speak("Hello", "en")


def samples(pcm: bytes) -> list[int]:
    return [int.from_bytes(pcm[n : n + 2], "little", signed=True) for n in range(0, len(pcm), 2)]
