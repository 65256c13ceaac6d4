"""Talking: a call that somebody leads. The switchboard says what is spoken next and hears what came of it; how sound
and keys travel is the handset's matter."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from trunkline.core.errors import Unavailable
from trunkline.core.urns import Urn

BETWEEN_SECONDS = 5.0
"""How long we wait for another key after one was pressed."""
MOST_KEYS = 64

DialStatus = Literal["answered", "no_answer", "busy", "failed"]


class Said(Struct, frozen=True, kw_only=True):
    """What is to be heard: `sound`, 16-bit samples at 8,000 a second, or else `text`, in a language of ISO 639-3."""

    text: str = ""
    language: str = ""
    url: str = ""
    sound: bytes | None = None


class Keys(Struct, frozen=True, kw_only=True):
    """Wait for up to `most` keys, or for one of `finish`, which is left out. `seconds` is for the first key."""

    most: int | None = None
    finish: str = ""
    seconds: float


class Ring(Struct, frozen=True, kw_only=True):
    """Call somebody else and let both talk for at most `seconds`. Without a number nobody can be called."""

    number: str
    ring_seconds: float
    seconds: float


class Turn(Struct, frozen=True):
    """What is said, and what we do then; without that we hang up."""

    says: Sequence[Said] = ()
    then: Keys | Ring | None = None


class Answered(Struct, frozen=True):
    """Somebody picked up."""


class Pressed(Struct, frozen=True):
    keys: str


class Waited(Struct, frozen=True):
    """Nobody pressed anything."""


class Dialled(Struct, frozen=True):
    """How it went with somebody else; `seconds` is how long both talked."""

    status: DialStatus
    seconds: int = 0


Heard = Answered | Pressed | Waited | Dialled


class Keypress(Struct, frozen=True, kw_only=True):
    """Keys that somebody presses in a call that goes on, and whether they hang up then."""

    urn: Urn
    keys: str = ""
    hangs_up: bool = False


class Strokes(Struct, frozen=True):
    """What somebody did since we asked last."""

    keys: str
    hung_up: bool


class Switchboard(Protocol):
    """Who leads calls."""

    async def hear(self, account_id: int, call: int, heard: Heard) -> Turn:
        """What comes next. Raises `Unavailable` when nobody can say; the call had better end then."""
        ...

    async def trouble(self, account_id: int, call: int, text: str) -> None:
        """Something could not be said or done; the call goes on."""
        ...


class Handset(Protocol):
    """The ear and the mouth of whoever was called."""

    @property
    def hung_up(self) -> bool: ...

    async def say(self, said: Said, *, cut: bool) -> None:
        """Until all is said, or, with `cut`, a key is pressed, or they hang up."""
        ...

    async def key(self, seconds: float) -> str | None:
        """The next key; None after so long without one, "" when they hung up."""
        ...

    async def ring(self, ring: Ring) -> Dialled:
        """Returns when the other one is gone again, or never came."""
        ...


async def converse(switchboard: Switchboard, account_id: int, call: int, handset: Handset) -> None:
    """Lead a call that was answered until there is nothing more to say, or they hang up."""
    heard: Heard = Answered()
    while not handset.hung_up:
        try:
            turn = await switchboard.hear(account_id, call, heard)
        except Unavailable:
            return
        for said in turn.says:
            if not handset.hung_up:
                await handset.say(said, cut=isinstance(turn.then, Keys))
        if turn.then is None or handset.hung_up:
            return
        heard = await _do(turn.then, handset)


async def _do(what: Keys | Ring, handset: Handset) -> Heard:
    if isinstance(what, Keys):
        return await collect(what, handset.key)
    return await handset.ring(what) if what.number else Dialled("failed")


async def collect(keys: Keys, next_key: Callable[[float], Awaitable[str | None]]) -> Pressed | Waited:
    """The keys that somebody presses, until there are enough, a finishing one, or none for too long."""
    pressed, seconds = "", keys.seconds
    while len(pressed) < (keys.most or MOST_KEYS):
        key = await next_key(seconds)
        if key is None and not pressed:
            return Waited()
        if not key or key in keys.finish:
            break
        pressed, seconds = pressed + key, BETWEEN_SECONDS
    return Pressed(pressed)
