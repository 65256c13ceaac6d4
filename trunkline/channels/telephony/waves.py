"""Recordings: WAV files as what telephones carry, 16-bit samples at 8,000 a second, one channel. Pure."""

import io
import sys
import wave
from array import array
from math import gcd

from trunkline.channels.telephony import speech

MOST_SECONDS = 600
RATES = range(8_000, 48_001)


class BadRecording(Exception):
    """Why a recording cannot be played, as a sentence."""


def read(file: bytes) -> bytes:
    """Samples of a WAV with 8 or 16 bits, one or two channels, from 8 to 48 kHz. Raises `BadRecording`."""
    try:
        with wave.open(io.BytesIO(file)) as opened:
            width, channels, rate = opened.getsampwidth(), opened.getnchannels(), opened.getframerate()
            if opened.getnframes() > MOST_SECONDS * rate:
                raise BadRecording(f"The recording is longer than {MOST_SECONDS // 60} minutes.")
            frames = opened.readframes(opened.getnframes())
    except (wave.Error, EOFError, ValueError, ZeroDivisionError):
        raise BadRecording("The recording is not a WAV file with uncompressed sound.") from None
    if width not in (1, 2) or channels not in (1, 2) or rate not in RATES or gcd(rate, speech.RATE) < 25:
        raise BadRecording(f"A WAV file with {8 * width} bits, {channels} channels and {rate} Hz is not played.")
    samples = _mixed(_widened(frames, width), channels)
    return speech.to_telephone(samples, rate) if rate != speech.RATE else samples


def _widened(frames: bytes, width: int) -> bytes:
    """8-bit samples are counted from 0 to 255."""
    return frames if width == 2 else _bytes(array("h", [(sample - 128) << 8 for sample in frames]))


def _mixed(frames: bytes, channels: int) -> bytes:
    if channels == 1:
        return frames
    both = array("h", frames[: len(frames) & ~3])
    if sys.byteorder == "big":
        both.byteswap()
    return _bytes(array("h", [(left + right) >> 1 for left, right in zip(both[::2], both[1::2], strict=True)]))


def _bytes(samples: "array[int]") -> bytes:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
