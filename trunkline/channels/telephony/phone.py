"""The phone of one channel: a socket for SIP, one for the sound of each call, and the clock for both."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from typing import Any, Literal

from msgspec import Struct

from trunkline.channels.telephony import messages, sdp
from trunkline.channels.telephony.call import Call, Ending, Hop
from trunkline.channels.telephony.dialog import Line
from trunkline.channels.telephony.digest import Login
from trunkline.channels.telephony.messages import BadMessage, Message
from trunkline.channels.telephony.sdp import Codec
from trunkline.channels.telephony.session import Address, Session, Sound
from trunkline.core import clock, ids
from trunkline.core.egress import Egress, Refused

SIP_PORTS = frozenset({5060, 5061, 5080})
PRIVILEGED = 1024
MOST_TRACED = 40

Step = Literal["ringing", "answered"]


class Unreached(Exception):
    """Nothing has left us: the exchange has no address, or we have no way there."""


class Trunk(Struct, frozen=True, kw_only=True):
    """Whom we call through. `public_address` is what others reach us by, where that is not what our socket says."""

    host: str
    port: int
    login: Login | None
    codec: Codec
    public_address: str = ""


class Talk:
    """A call as its owner has it."""

    def __init__(self, call: Call, sound: Sound, proxy: Address):
        self.proxy, self.trace = proxy, list[str]()
        self.session: Session | None = None
        self._call, self._sound = call, sound
        self._turned = asyncio.Event()
        self._over = asyncio.Event()
        self.timer: asyncio.TimerHandle | None = None
        self.player: asyncio.Task[None] | None = None

    @property
    def call(self) -> Call:
        return self._call

    @property
    def ending(self) -> Ending | None:
        return self._call.ending

    async def answer(self, seconds: float) -> Session | None:
        """The session once somebody picks up; None when it ended before, or rang for too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._turned.wait()
        return self.session

    async def end(self) -> Ending:
        await self._over.wait()
        assert self._call.ending is not None
        return self._call.ending

    def settle(self) -> None:
        """Brings the sound in step with the call."""
        media = self._call.media
        if media is not None and self.session is None and self._call.ending is None:
            self.session = self._sound.session = Session(media, self._sound)
            self._sound.turn_to((media.host, media.port))
            self.player = asyncio.get_running_loop().create_task(self.session.play())
            self._turned.set()
        if self._call.ending is not None and not self._over.is_set():
            if self.session is not None:
                self.session.end()
            self._sound.close()
            self._turned.set()
            self._over.set()

    def note(self, message: Message, *, out: bool) -> None:
        """The first lines of what was said, for the channel log; they hold no secret."""
        if len(self.trace) < MOST_TRACED:
            line = f"{message.method} {message.uri}" if message.is_request else f"{message.status} {message.reason}"
            self.trace.append(("> " if out else "< ") + line[:200])


class Phone(asyncio.DatagramProtocol):
    """Opens with its first call. `close` lets calls that are going on come to their end."""

    def __init__(self, trunk: Trunk, egress: Egress):
        self._trunk, self._egress = trunk, egress
        self._transport: Any = None
        self._talks: dict[str, Talk] = {}
        self._proxies: set[str] = set()
        self._opening = asyncio.Lock()
        self._closing = False

    @contextlib.asynccontextmanager
    async def dial(self, caller: str, callee: str, tell: Callable[[Step], None]) -> AsyncIterator[Talk]:
        """Call a number; `tell` hears of `ringing` and `answered` at once. Whatever happens inside, the call is over
        afterwards. Raises `Refused` for an address that we may not talk to, and `Unreached`."""
        sound = Sound(self._may_hear)
        try:
            proxy, local = await self._route()
            await _open(sound, proxy)
        except OSError as error:
            raise Unreached(f"{self._trunk.host} cannot be reached: {error}") from None
        call = self._call(caller, callee, local, sound.port, tell)
        talk = self._talks[call.line.call_id] = Talk(call, sound, proxy)
        try:
            call.dial(clock.monotonic())
            self._stir(talk)
            yield talk
        finally:
            call.hang_up(clock.monotonic())
            self._stir(talk)

    def hang_up(self, talk: Talk) -> None:
        talk.call.hang_up(clock.monotonic())
        self._stir(talk)

    def close(self) -> None:
        self._closing = True
        if all(talk.ending for talk in self._talks.values()) and self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        source: Address = (addr[0], addr[1])
        try:
            message = messages.read(data)
        except BadMessage:
            return
        talk = self._talks.get(message.call_id)
        if talk is not None:
            talk.note(message, out=False)
            talk.call.hear(message, source, clock.monotonic())
            self._stir(talk)
        elif message.is_request and message.method != "ACK" and source[0] in self._proxies:
            self._answer_stranger(message, source)

    def error_received(self, exc: Exception) -> None:
        """An ICMP word that nobody listens there. It is not proof of anything; the timers decide."""

    async def _route(self) -> tuple[Address, str]:
        """Where the exchange is now, and which of our addresses leads there."""
        found = await self._egress.resolve(self._trunk.host, self._trunk.port, ports=SIP_PORTS)
        async with self._opening:
            if self._transport is None:
                await _open(self, (found[0], self._trunk.port))
        assert self._transport is not None
        family = self._transport.get_extra_info("socket").family
        host = next((one for one in found if _family((one, 0)) == family), None)
        if host is None:
            raise OSError(f"{self._trunk.host} has changed its kind of address.")
        self._proxies.add(host)
        return (host, self._trunk.port), _local((host, self._trunk.port))

    def _call(self, caller: str, callee: str, local: str, port: int, tell: Callable[[Step], None]) -> Call:
        trunk, shown = self._trunk, self._trunk.public_address or local
        own_port = self._transport.get_extra_info("sockname")[1]
        domain = f"[{trunk.host}]" if ":" in trunk.host else trunk.host
        place = domain if trunk.port == 5060 else f"{domain}:{trunk.port}"
        line = Line(
            caller=f"sip:{caller}@{domain}", callee=f"sip:{callee}@{place}", host=shown, port=own_port,
            local_tag=ids.token(12), call_id=f"{ids.token(24)}@{shown}",
        )  # fmt: skip
        offer = sdp.offer(shown, port, trunk.codec, ids.number(31))
        return Call(line, offer, trunk.codec, trunk.login, lambda: ids.token(20), tell)  # pyright: ignore[reportArgumentType]

    def _stir(self, talk: Talk) -> None:
        """After anything happened: send what is to be sent, set the clock, forget what is over."""
        for message, hop in talk.call.outbox:
            talk.note(message, out=True)
            self._send(message, self._reach(hop, talk.proxy))
        talk.call.outbox.clear()
        talk.settle()
        if talk.timer is not None:
            talk.timer.cancel()
            talk.timer = None
        if talk.call.is_quiet:
            self._talks.pop(talk.call.line.call_id, None)
            if self._closing and not self._talks:
                self._transport.close()
        elif (at := talk.call.wakes_at) is not None:
            delay = max(0.0, at - clock.monotonic())
            talk.timer = asyncio.get_running_loop().call_later(delay, self._ring_in, talk)

    def _ring_in(self, talk: Talk) -> None:
        talk.call.tick(clock.monotonic())
        self._stir(talk)

    def _send(self, message: Message, to: Address) -> None:
        """An answer repeats what was asked; what would break out of its line is not repeated."""
        with contextlib.suppress(BadMessage):
            if not self._transport.is_closing():
                self._transport.sendto(messages.write(message), to)

    def _reach(self, hop: Hop, proxy: Address) -> Address:
        """The exchange itself unless a message names another address that we may talk to; names are not looked up."""
        return hop if hop is not None and self._may(hop) else proxy

    def _answer_stranger(self, request: Message, source: Address) -> None:
        """What the exchange asks outside of any call: whether we are there. Nobody can call us."""
        status, reason = {"OPTIONS": (200, "OK"), "INVITE": (480, "Temporarily Unavailable")}.get(
            request.method, (481, "Call/Transaction Does Not Exist")
        )
        self._send(messages.respond(request, status, reason, tag="stranger"), source)

    def _may_hear(self, address: Address) -> bool:
        return address[1] >= PRIVILEGED and self._may(address)

    def _may(self, address: Address) -> bool:
        try:
            ip_address(address[0])
            self._egress.judge(address[0], address[1], ports=frozenset({address[1]}))
        except (ValueError, Refused):
            return False
        return True


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


async def _open(end: asyncio.DatagramProtocol, peer: Address) -> None:
    """A socket on the way to a peer, at whatever address we have when it sends."""
    everywhere = "::" if ":" in peer[0] else "0.0.0.0"  # noqa: S104
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: end, local_addr=(everywhere, 0))


def _local(peer: Address) -> str:
    """Our address on the way to a peer; nothing is sent."""
    with socket.socket(_family(peer), socket.SOCK_DGRAM) as probe:
        probe.connect(peer)
        return probe.getsockname()[0]
