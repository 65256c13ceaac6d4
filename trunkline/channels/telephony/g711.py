"""G.711: sound of 16 bits a sample to the eight that telephones carry. 8,000 samples a second, one byte each."""

import sys
from array import array
from functools import cache

from trunkline.channels.telephony.sdp import Codec

SILENCE: dict[Codec, int] = {"pcmu": 0xFF, "pcma": 0xD5}


def encode(codec: Codec, pcm: bytes) -> bytes:
    """Little-endian samples in, as many bytes as samples out."""
    samples = array("h", pcm[: len(pcm) & ~1])
    if sys.byteorder == "big":
        samples.byteswap()
    table = _table(codec)
    # Neither law hears the lowest two bits; a negative index counts from the end, where those values lie.
    return bytes([table[sample >> 2] for sample in samples])


def translate(heard: Codec, spoken: Codec, sound: bytes) -> bytes:
    """The same sound in another law."""
    return sound if heard == spoken else sound.translate(_translation(heard, spoken))


@cache
def _translation(heard: Codec, spoken: Codec) -> bytes:
    """For each byte that of the sample in the middle of those which it stands for."""
    meant: dict[int, list[int]] = {byte: [] for byte in range(256)}
    for n, byte in enumerate(_table(heard)):
        meant[byte].append(n if n < 8192 else n - 16_384)
    table = _table(spoken)
    return bytes(table[sum(samples) // len(samples)] if samples else SILENCE[spoken] for samples in meant.values())


@cache
def _table(codec: Codec) -> bytes:
    law = _ulaw if codec == "pcmu" else _alaw
    return bytes(law((n if n < 8192 else n - 16_384) << 2) for n in range(16_384))


def _ulaw(sample: int) -> int:
    sign, size = (0x80, -sample) if sample < 0 else (0, sample)
    size = min(size, 32_635) + 132
    exponent = size.bit_length() - 8
    return ~(sign | exponent << 4 | (size >> (exponent + 3)) & 0x0F) & 0xFF


def _alaw(sample: int) -> int:
    sample >>= 3
    sign, size = (0x55, -sample - 1) if sample < 0 else (0xD5, sample)
    exponent = max(0, size.bit_length() - 5)
    mantissa = (size >> max(1, exponent)) & 0x0F
    return (exponent << 4 | mantissa) ^ sign
