"""The sound and what is agreed on about it: SDP, G.711, RTP, digits, speech."""

import contextlib
import io
import wave
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.peers import require
from trunkline.channels.telephony import g711, rtp, sdp, speech, waves
from trunkline.channels.telephony.rtp import Keypad, Packet
from trunkline.channels.telephony.sdp import Media
from trunkline.channels.telephony.session import Session, Sound
from trunkline.channels.telephony.speech import Unspeakable
from trunkline.channels.telephony.waves import BadRecording

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


@pytest.mark.parametrize(("heard", "spoken"), [("pcmu", "pcma"), ("pcma", "pcmu"), ("pcma", "pcma")])
def test_another_law_says_the_same(heard, spoken):
    loud = range(-30_000, 30_000, 500)
    pcm = b"".join(sample.to_bytes(2, "little", signed=True) for sample in loud)

    there = g711.translate(heard, spoken, g711.encode(heard, pcm))
    back = g711.translate(spoken, heard, there)

    pairs = zip(samples(pcm), back, strict=True)
    assert all(_near(heard, sample, byte) for sample, byte in pairs)


def _near(codec, sample: int, byte: int) -> bool:
    """Whether the byte stands for a sample within a step, a sixteenth, of this one."""
    step = abs(sample) // 16 + 16
    near = range(max(-32_768, sample - step), min(32_767, sample + step), 4)
    return byte in {g711.encode(codec, one.to_bytes(2, "little", signed=True))[0] for one in near}


PCM = b"".join(n.to_bytes(2, "little", signed=True) for n in (0, 1_000, -1_000, 20_000))


async def test_keys_cut_what_is_said_short():
    session = Session(Media("192.0.2.9", 4000, "pcmu", 101), Sound(lambda address: True))
    press = rtp.write(Packet(101, 1, 100, 7, bytes([5, 10, 0, 160])))
    session.hear(press, ("192.0.2.9", 4000))

    said = await session.say(bytes(16_000), cut=True)

    assert not said
    assert await session.key(1) == "5"
    assert await session.key(0) is None


async def test_two_who_are_joined_hear_each_other():
    ours, theirs = (Session(Media("192.0.2.9", 4000, codec, None), Sound(lambda _: True)) for codec in ("pcmu", "pcma"))
    ours.join(theirs)

    ours.hear(rtp.write(Packet(0, 1, 100, 7, g711.encode("pcmu", PCM * 40))), ("192.0.2.9", 4000))
    heard = theirs._frame("pcma")
    ours.part()
    ours.hear(rtp.write(Packet(0, 2, 260, 7, g711.encode("pcmu", PCM * 40))), ("192.0.2.9", 4000))

    assert heard == g711.translate("pcmu", "pcma", g711.encode("pcmu", PCM * 40))
    assert theirs._frame("pcma") == bytes([g711.SILENCE["pcma"]]) * rtp.FRAME


def wav(frames: bytes, *, width: int = 2, channels: int = 1, rate: int = 8_000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setsampwidth(width)
        opened.setnchannels(channels)
        opened.setframerate(rate)
        opened.writeframes(frames)
    return file.getvalue()


@pytest.mark.parametrize(
    ("file", "pcm"),
    [
        (wav(PCM), PCM),
        (wav(bytes([128, 255, 0]), width=1), array("h", [0, 127 << 8, -128 << 8]).tobytes()),
        (wav(array("h", [100, 300, -100, -300]).tobytes(), channels=2), array("h", [200, -200]).tobytes()),
    ],
)
def test_recordings_become_samples_of_the_telephone(file, pcm):
    assert waves.read(file) == pcm


@pytest.mark.parametrize("rate", [11_025, 16_000, 22_050, 44_100, 48_000])
def test_recordings_of_other_rates_are_brought_to_the_telephones(rate):
    pcm = samples(waves.read(wav((12_000).to_bytes(2, "little", signed=True) * rate, rate=rate)))

    assert len(pcm) == 8_000
    assert set(pcm[50:-50]) <= set(range(11_980, 12_021))


@pytest.mark.parametrize(
    "file",
    [b"", b"RIFF", b"ID3\x04" + bytes(100), wav(PCM)[:30], wav(bytes(30), width=3), wav(PCM, rate=7_999),
     wav(PCM, rate=44_101), wav(bytes(12), channels=3)],
)  # fmt: skip
def test_what_is_no_recording_of_ours_is_refused(file):
    with pytest.raises(BadRecording):
        waves.read(file)


@given(st.binary(max_size=200))
def test_any_file_is_a_recording_or_refused(file):
    with contextlib.suppress(BadRecording):
        waves.read(wav(PCM)[:20] + file)
