"""Calls through a SIP trunk: the message is spoken to whoever picks up."""

import asyncio
import re
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct, field

from trunkline.channels.base import (
    Adapter,
    CallBook,
    CallNote,
    CallStatus,
    Capabilities,
    Exchange,
    Identity,
    Kind,
    Outbound,
    Semantics,
    SendError,
    Sent,
    Wire,
)
from trunkline.channels.talking import Said, converse
from trunkline.channels.telephony import handset, speech
from trunkline.channels.telephony.call import Ending
from trunkline.channels.telephony.digest import Login
from trunkline.channels.telephony.phone import SIP_PORTS, Phone, Step, Talk, Trunk, Unreached
from trunkline.channels.telephony.session import Session
from trunkline.channels.telephony.speech import Unspeakable
from trunkline.core import clock
from trunkline.core.egress import BadUrl, Egress, Refused
from trunkline.core.errors import Invalid, Unavailable

BREATH_SECONDS = 0.4
"""Silence before the first word, while the phone is on its way to the ear, and after the last."""
MOST_SECONDS = 900.0
"""No call lasts longer, whatever is said in it."""
MOST_LED_SECONDS = 4 * 3600.0
"""Nor one that somebody leads, who may let people talk to each other."""


class SipConfig(Struct, frozen=True, kw_only=True):
    """Settings of a SIP channel. `from` may be left out when the channel's address is a number.

    `proxy` is host or host:port. `calls` may go on at once in each worker, `rate` a second may begin.
    """

    proxy: str
    username: str = ""
    password: str = ""
    from_: str = field(name="from", default="")
    codec: Literal["pcmu", "pcma"] = "pcmu"
    language: str = "en"
    calls: Annotated[int, Meta(ge=1, le=100)] = 10
    rate: Annotated[float, Meta(ge=0, le=100)] = 0.0
    ring_seconds: Annotated[int, Meta(ge=5, le=180)] = 45
    public_address: str = ""


class Sip(Adapter):
    """One trunk. A call that went out is never repeated by itself: whoever asked for it is told how it went.

    Only what failed before anything left us is tried again.
    """

    kind: ClassVar[str] = "sip"
    sends_as: ClassVar[Kind] = "voice"
    schemes: ClassVar[frozenset[str]] = frozenset({"tel"})
    can: ClassVar[Capabilities] = Capabilities(length=4000)
    semantics: ClassVar[Semantics] = "at_most_once"
    retry_seconds: ClassVar[Sequence[float]] = (5, 30)
    send_seconds: ClassVar[float | None] = None
    Config: ClassVar[type[Struct]] = SipConfig

    def __init__(self, config: SipConfig, *, channel: Identity, secret: str):
        super().__init__(config, channel=channel, secret=secret)
        self.trunk = trunk(config)
        self.caller = UNDIALABLE.sub("", config.from_ or channel.address or config.username) or "anonymous"
        self.phone: Phone | None = None
        self._speaking = asyncio.Lock()

    @property
    def at_once(self) -> int | None:
        return self.config.calls

    @classmethod
    def check(cls, config: SipConfig, egress: Egress) -> None:
        problems: dict[str, list[str]] = {}
        if told := speech.missing():
            problems["kind"] = [told]
        try:
            egress.check_host(*place(config.proxy), ports=SIP_PORTS)
        except (BadUrl, ValueError) as error:
            problems["proxy"] = [str(error)]
        if UNDIALABLE.search(config.from_):
            problems["from"] = ["The caller's number may hold letters, digits and + . _ - only."]
        if not speech.VOICE.fullmatch(config.language):
            problems["language"] = ["The language is a code like en or pt-br."]
        if config.public_address and not ADDRESS.fullmatch(config.public_address):
            problems["public_address"] = ["The public address is an IP address."]
        if UNSAFE.search(config.username + config.password):
            problems["username"] = ["User name and password must not contain control characters."]
        if problems:
            raise Invalid(problems)

    async def send(self, wire: Wire, messages: Sequence[Outbound]) -> list[Sent]:
        return list(await asyncio.gather(*(self.speak_to(wire, message) for message in messages)))

    async def speak_to(self, wire: Wire, message: Outbound) -> Sent:
        """One call, from the first word that is made to the last that is heard."""
        try:
            sound = await self._speech(message.text, message.extra.get("voice") or "") if not message.led else b""
        except Unspeakable as error:
            return Sent(id=message.id, error=SendError("rejected", str(error), reason="unspeakable"))
        story = Story(wire.calls, message)
        phone = self.phone = self.phone or Phone(self.trunk, wire.egress)
        started = clock.monotonic()
        try:
            await story.begin()
            async with phone.dial(self.caller, dialled(message.to.path), story.hear) as talk:
                ending, seconds = await self._converse(wire, message, phone, talk, sound)
        except Refused as error:
            refused = SendError("rejected", str(error), reason="channel", stop_channel=True)
            return Sent(id=message.id, error=refused)
        except (Unreached, Unavailable) as error:
            return Sent(id=message.id, error=SendError("unreachable", str(error), retry=True))
        error = await story.end(ending, seconds)
        exchange = told(talk, ending, clock.monotonic() - started)
        call_id = talk.call.line.call_id
        return Sent(id=message.id, external_id=call_id, error=error, exchange=exchange, arrived=error is None)

    async def _speech(self, text: str, voice: str) -> bytes:
        async with self._speaking:  # making speech is work for our own processor, sending it must not wait
            return await speech.speak(text, voice or self.config.language)

    async def _converse(
        self, wire: Wire, message: Outbound, phone: Phone, talk: Talk, sound: bytes
    ) -> tuple[Ending, float | None]:
        """Waits for somebody, speaks, hangs up. How it ended, and how long they listened."""
        session = await talk.answer(self.config.ring_seconds)
        if session is None:
            phone.hang_up(talk)
            return await talk.end(), None
        answered = clock.monotonic()
        try:
            async with asyncio.timeout(MOST_LED_SECONDS if message.led else MOST_SECONDS):
                await (self._be_led(wire, message, phone, session) if message.led else monologue(session, sound))
        except TimeoutError:
            pass
        phone.hang_up(talk)
        return await talk.end(), clock.monotonic() - answered

    async def _be_led(self, wire: Wire, message: Outbound, phone: Phone, session: Session) -> None:
        """Somebody else knows what is said."""
        board = wire.talks
        if board is None:
            return

        async def speak(said: Said) -> bytes:
            voice = speech.voice_of(said.language)
            try:
                return await self._speech(said.text, "" if self.config.language.startswith(voice) else voice)
            except Unspeakable:
                return await self._speech(said.text, "")

        async def trouble(text: str) -> None:
            await board.trouble(message.account_id, message.id, text)

        ear = handset.Handset(phone, session, self.caller, speak, trouble)
        await session.say(silence(BREATH_SECONDS))
        await converse(board, message.account_id, message.id, ear)
        await session.say(silence(BREATH_SECONDS))

    async def close(self) -> None:
        if self.phone:
            self.phone.close()
            self.phone = None


class Story:
    """How one call goes, written down step by step; no step waits for the one before to be written."""

    def __init__(self, book: CallBook | None, message: Outbound):
        self._book, self._message = book, message
        self._last: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Before anything leaves us it is written down that we call. Raises `Unavailable` when that fails."""
        if self._book is not None:
            await self._book.note([self._note("initiated")])

    def hear(self, step: Step) -> None:
        self._then(self._note("in_progress" if step == "answered" else "ringing"))

    async def end(self, ending: Ending, seconds: float | None) -> SendError | None:
        """The last step, and what it means for the message: nothing went wrong when somebody listened."""
        outcome: CallStatus = "no_answer" if ending.outcome == "canceled" else ending.outcome
        error = None if outcome == "completed" else failure(outcome, ending)
        self._then(
            self._note(
                outcome,
                reason=(error and (error.reason or error.code)) or ("hung_up" if ending.by_peer else None),
                error=error and error.detail,
                code=str(ending.code) if ending.code else None,
                seconds=None if seconds is None else round(seconds),
            )
        )
        if self._last is not None:
            await self._last
        return error

    def _note(self, status: CallStatus, **more: object) -> CallNote:
        whose = {"account_id": self._message.account_id, "message_id": self._message.id}
        return CallNote(status=status, at=clock.now(), **whose, **more)  # pyright: ignore[reportArgumentType]

    def _then(self, note: CallNote) -> None:
        if self._book is not None:
            self._last = asyncio.get_running_loop().create_task(self._write(self._book, self._last, note))

    async def _write(self, book: CallBook, before: asyncio.Task[None] | None, note: CallNote) -> None:
        if before is not None:
            await before
        await book.note([note])


async def monologue(session: Session, sound: bytes) -> None:
    """Say it, between two breaths; ends early with the call."""
    await session.say(silence(BREATH_SECONDS) + sound)
    await session.say(silence(BREATH_SECONDS))


def silence(seconds: float) -> bytes:
    return bytes(2 * int(seconds * speech.RATE))


def failure(outcome: CallStatus, ending: Ending) -> SendError:
    code = str(ending.code) if ending.code else None
    if outcome == "busy":
        return SendError("rejected", "The line was busy.", reason="busy", provider_code=code)
    if outcome == "no_answer":
        return SendError("rejected", "Nobody picked up.", reason="no_answer", provider_code=code)
    if ending.refused_login:
        detail = f"The exchange does not let us call: {ending.code} {ending.detail}".strip()
        return SendError("rejected", detail, reason="channel", provider_code=code, stop_channel=ending.code != 403)
    if ending.code in UNKNOWN_NUMBER:
        detail = f"The exchange knows no such number: {ending.code} {ending.detail}".strip()
        return SendError("rejected", detail, reason="unknown_number", provider_code=code)
    if ending.code is None or (ending.code == 408 and not ending.by_peer):
        return SendError("rejected", ending.detail, reason="unreachable", provider_code=code)
    return SendError("rejected", f"{ending.code} {ending.detail}".strip(), provider_code=code)


def told(talk: Talk, ending: Ending, seconds: float) -> Exchange:
    """The first lines of all messages, for the channel log."""
    request = talk.trace[0].removeprefix("> ") if talk.trace else ""
    return Exchange(request=request, response="\n".join(talk.trace[1:]), status=ending.code, elapsed_ms=seconds * 1000)


def trunk(config: SipConfig) -> Trunk:
    host, port = place(config.proxy)
    login = Login(config.username, config.password) if config.username else None
    return Trunk(host=host, port=port, login=login, codec=config.codec, public_address=config.public_address)


def place(proxy: str) -> tuple[str, int]:
    """Host and port of a proxy as people write it; raises ValueError with a sentence."""
    found = PROXY.fullmatch(proxy.strip())
    if found is None:
        raise ValueError("The proxy is a host name or address, with :port unless it is 5060.")
    return (found["six"] or found["host"]).lower(), int(found["port"] or 5060)


def dialled(number: str) -> str:
    return UNDIALABLE.sub("", number)


PROXY = re.compile(r"(?:sip:)?(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[A-Za-z0-9_.-]+))(?::(?P<port>[0-9]{1,5}))?")
UNDIALABLE = re.compile(r"[^A-Za-z0-9+._-]", re.ASCII)
ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")
UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
UNKNOWN_NUMBER = frozenset({404, 410, 484, 485, 604})
