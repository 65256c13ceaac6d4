"""Speech: a text becomes sound by espeak-ng, a program of the host, and the sound becomes what telephones carry."""

import asyncio
import re
import shutil
import sys
from array import array
from collections.abc import Sequence
from functools import cache
from math import cos, gcd, pi, sin
from operator import mul

RATE = 8_000
"""Samples a second on the telephone."""
SPOKEN_RATE = 22_050
PROGRAM = "espeak-ng"
SECONDS = 30.0
MOST_SECONDS = 900
"""The longest speech; 4,000 characters take about five minutes."""
VOICE = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{1,19}(\+[a-zA-Z0-9]{1,20})?")


class Unspeakable(Exception):
    """Why a text could not be spoken, for the owner of the channel."""


def missing() -> str | None:
    """What to install before anything can be said, or None."""
    if shutil.which(PROGRAM):
        return None
    return f"Calls need the program {PROGRAM}, which is not on this machine. Install the package {PROGRAM}."


async def speak(text: str, voice: str) -> bytes:
    """16-bit samples at 8,000 a second, one channel. Raises `Unspeakable`."""
    if not VOICE.fullmatch(voice):
        raise Unspeakable(f"{voice!r} is not the name of a voice.")
    sound = await _spoken(text, voice)
    if sound is None and "-" in voice:
        sound = await _spoken(text, voice.partition("-")[0])
    if sound is None:
        raise Unspeakable(f"{PROGRAM} has no voice {voice}.")
    if not sound:
        raise Unspeakable("Nothing in the text can be spoken.")
    return await asyncio.to_thread(to_telephone, sound)


def plain(text: str) -> str:
    """Without what the program would take for phonemes or markup instead of words."""
    return CONTROL.sub(" ", text).replace("[[", "[ [").replace("]]", "] ]")


def voice_of(language: str) -> str:
    """The voice for `ron` or `ron-RO`, languages of ISO 639-3; "" where we know none."""
    return VOICES.get(language[:3].lower(), "")


def to_telephone(sound: bytes, rate: int = SPOKEN_RATE) -> bytes:
    """From so many samples a second to 8,000: each new sample is drawn through its old neighbours, and what lies above
    the telephone's band is left out, as it would come back as a rattle."""
    old = array("h", sound[: len(sound) & ~1])
    if sys.byteorder == "big":
        old.byteswap()
    up, down, reach = _ratio(rate)
    silence = array("h", bytes(2 * reach))
    padded = silence + old + silence
    new = array("h", bytes(2 * (len(old) * up // down)))
    phases = _phases(rate)
    for n in range(len(new)):
        start, phase = divmod(n * down, up)
        sample = sum(map(mul, phases[phase], padded[start : start + 2 * reach]))
        new[n] = max(-32_768, min(32_767, int(sample)))
    if sys.byteorder == "big":
        new.byteswap()
    return new.tobytes()


async def _spoken(text: str, voice: str) -> bytes | None:
    """The samples as the program makes them; None when it has no such voice."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "--stdin", "--stdout", "-b", "1", "-v", voice,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            sound, told = await _talk(process, plain(text).encode())
    except TimeoutError:
        raise Unspeakable(f"{PROGRAM} took longer than {SECONDS:.0f} seconds.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        if b"voice" in told:
            return None
        raise Unspeakable(f"{PROGRAM} failed: {told.decode(errors='replace').strip()[:200]}")
    return _samples(sound)


async def _talk(process: asyncio.subprocess.Process, text: bytes) -> tuple[bytes, bytes]:
    sound, told = await process.communicate(text)
    if len(sound) > MOST_SECONDS * SPOKEN_RATE * 2:
        raise Unspeakable(f"The speech is longer than {MOST_SECONDS // 60} minutes.")
    return sound, told


def _samples(wave: bytes) -> bytes:
    """What follows the header of a WAV that was written to a pipe: its lengths are made up."""
    if wave[:4] != b"RIFF" or wave[8:12] != b"WAVE":
        return b""
    at = 12
    while at + 8 <= len(wave):
        name, size = wave[at : at + 4], int.from_bytes(wave[at + 4 : at + 8], "little")
        if name == b"fmt " and wave[at + 10 : at + 16] != HEADER:
            raise Unspeakable(f"This {PROGRAM} makes another kind of sound than 16 bits at {SPOKEN_RATE} a second.")
        if name == b"data":
            return wave[at + 8 :]
        at += 8 + size
    return b""


def _ratio(rate: int) -> tuple[int, int, int]:
    """How many new samples for how many old ones, and over how many old ones to each side a new one is drawn."""
    shared = gcd(RATE, rate)
    return RATE // shared, rate // shared, REACH * rate // SPOKEN_RATE


@cache
def _phases(rate: int) -> list[Sequence[float]]:
    """For each place between two old samples the weights of its neighbours: a windowed sinc, low-pass at 3.6 kHz."""
    up, _, reach = _ratio(rate)
    cutoff, middle = 2 * 3_600 / rate, reach - 1
    phases: list[Sequence[float]] = []
    for phase in range(up):
        weights = []
        for tap in range(2 * reach):
            x = tap - middle - phase / up
            window = 0.5 + 0.5 * cos(pi * x / reach) if abs(x) < reach else 0.0
            weights.append(window * (sin(pi * cutoff * x) / (pi * x) if x else cutoff))
        total = sum(weights)
        phases.append(array("d", [weight / total for weight in weights]))
    return phases


REACH = 16
LANGUAGES = """
    afr:af amh:am ara:ar asm:as aze:az bel:be ben:bn bos:bs bul:bg cat:ca ces:cs cym:cy dan:da deu:de ell:el eng:en
    est:et eus:eu fas:fa fin:fi fra:fr-fr gle:ga glg:gl guj:gu hat:ht hau:ha heb:he hin:hi hrv:hr hun:hu hye:hy
    ind:id isl:is ita:it jpn:ja kan:kn kat:ka kaz:kk kir:ky kor:ko lav:lv lit:lt mal:ml mar:mr mkd:mk mlt:mt msa:ms
    mya:my nep:ne nld:nl nor:nb orm:om ori:or pan:pa pol:pl por:pt ron:ro rus:ru sin:si slk:sk slv:sl spa:es sqi:sq
    srp:sr swa:sw swe:sv tam:ta tat:tt tel:te tha:th tur:tr uig:ug ukr:uk urd:ur uzb:uz vie:vi yue:yue zho:cmn
"""
VOICES = {pair[:3]: pair[4:] for pair in LANGUAGES.split()}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
HEADER = (1).to_bytes(2, "little") + SPOKEN_RATE.to_bytes(4, "little")
