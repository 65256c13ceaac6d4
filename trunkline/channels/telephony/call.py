"""One outgoing call, from INVITE to BYE, as a machine without sockets: datagrams, commands and the time go in, what is
to be sent and what happened come out."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from trunkline.channels.telephony import dialog, digest, messages, sdp
from trunkline.channels.telephony.dialog import Dialog, Line, Token
from trunkline.channels.telephony.digest import Login
from trunkline.channels.telephony.messages import Message
from trunkline.channels.telephony.sdp import Codec, Media
from trunkline.channels.telephony.transactions import PATIENCE, Answering, Asking

Hop = tuple[str, int] | None
"""Where a message goes next; None is the proxy."""
Outcome = Literal["completed", "busy", "no_answer", "failed", "canceled"]

MOST_LOGINS = 3


class Ending(Struct, frozen=True):
    """`code` is the SIP status that decided, `by_peer` whether the other side hung up."""

    outcome: Outcome
    code: int | None = None
    detail: str = ""
    by_peer: bool = False
    refused_login: bool = False


class Call:
    """`tell` hears of `ringing` and `answered`; `ending` is set when it is over, with nothing left but repeats."""

    def __init__(
        self, line: Line, offer: bytes, codec: Codec, login: Login | None, token: Token, tell: Callable[[str], None]
    ):
        self.line = line
        self.ending: Ending | None = None
        self.media: Media | None = None
        self.outbox: list[tuple[Message, Hop]] = []
        self._offer, self._login = offer, login
        self._codec: Codec = codec
        self._token, self._tell = token, tell
        self._sequence, self._logins = 0, 0
        self._proof: tuple[tuple[str, str], ...] = ()
        self._asking: dict[tuple[str, str], tuple[Asking, Hop]] = {}
        self._answering: dict[tuple[str, str], tuple[Answering, Hop]] = {}
        self._dialog: Dialog | None = None
        self._acks: dict[str, tuple[Message, Hop]] = {}
        self._invite: Message | None = None
        self._rings = self._leaving = False
        self._heard = False
        self._give_up_at: float | None = None

    def dial(self, now: float) -> None:
        self._sequence += 1
        branch = self._token()
        self._invite = dialog.invite(self.line, branch, self._sequence, self._offer, self._proof)
        self._ask(self._invite, None, now)

    def hang_up(self, now: float, outcome: Outcome = "completed") -> None:
        """BYE when somebody answered, else CANCEL, which must wait until the other side has said anything."""
        if self.ending is not None or self._leaving:
            return
        if self._dialog is not None:
            self._say_bye(self._dialog, now)
            self.ending = Ending(outcome)
            return
        self._leaving = True
        self._give_up_at = now + PATIENCE
        if self._heard:
            self._cancel(now)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing more is expected, not even repeats."""
        return self.ending is not None and not self._asking and not self._answering

    @property
    def wakes_at(self) -> float | None:
        moments = [one.wakes_at for one, _ in (*self._asking.values(), *self._answering.values())]
        return min((at for at in (*moments, self._give_up_at) if at is not None), default=None)

    def tick(self, now: float) -> None:
        for key, (asking, hop) in list(self._asking.items()):
            due = asking.tick(now)
            if due == "again":
                self.outbox.append((asking.request, hop))
            elif due:
                del self._asking[key]
                if due == "lost" and asking.is_invite:
                    self._end(Ending("failed", 408, "The exchange does not answer."))
        for key, (answering, hop) in list(self._answering.items()):
            due = answering.tick(now)
            if due == "again":
                self.outbox.append((answering.response, hop))
            elif due:
                del self._answering[key]
        if self._give_up_at is not None and now >= self._give_up_at:
            self._give_up_at = None
            self._asking = {key: one for key, one in self._asking.items() if not one[0].is_invite}
            self._end(Ending("canceled"))

    def hear(self, message: Message, source: tuple[str, int], now: float) -> None:
        """A message with our Call-ID. Whoever does not know the tags of the call is not heard."""
        if message.is_request:
            self._hear_request(message, source, now)
            return
        if messages.parameter(message.first("from"), "tag") != self.line.local_tag:
            return
        number, method = message.sequence
        asking, _ = self._asking.get((message.branch, method), (None, None))
        if method == "INVITE":
            self._hear_invited(message, asking, number, now)
        elif asking is not None and asking.hear(message, now) and method == "BYE" and message.status in CHALLENGES:
            self._say_bye_again(message, asking.request, now)

    def _hear_invited(self, message: Message, asking: Asking | None, number: int, now: float) -> None:
        if 200 <= message.status < 300:
            if asking is not None and asking.hear(message, now):
                del self._asking[message.branch, "INVITE"]
            self._hear_answer(message, number, now)
            return
        if asking is None:
            return
        news = asking.hear(message, now)
        if message.status >= 300:
            self.outbox.append((dialog.echo("ACK", asking.request, message.first("to")), None))
        if not news:
            return
        if message.status >= 300:
            self._hear_refusal(message, asking.request, now)
        else:
            self._hear_progress(message, now)

    def _hear_progress(self, message: Message, now: float) -> None:
        if not self._heard:
            self._heard = True
            if self._leaving:
                self._cancel(now)
        if message.status in (180, 183) and not self._rings and not self._leaving:
            self._rings = True
            self._tell("ringing")

    def _hear_answer(self, message: Message, number: int, now: float) -> None:
        """Somebody picked up. Every 2xx wants its ACK, also a repeated one, and one of a second phone that rang."""
        tag = messages.parameter(message.first("to"), "tag") or ""
        if tag in self._acks:
            self.outbox.append(self._acks[tag])
            return
        begun = dialog.begun(self.line, message, number)
        self._acks[tag] = (begun.ack(number, self._token(), self._proof), begun.hop)
        self.outbox.append(self._acks[tag])
        if self._dialog is not None or self.ending is not None:
            self._say_bye(begun, now)
            return
        self._give_up_at = None
        media = sdp.answer(message.body, self._codec)
        if self._leaving or media is None:
            self._say_bye(begun, now)
            self._end(Ending("canceled") if self._leaving else Ending("failed", 488, "No codec is common to both."))
            return
        self._dialog, self.media = begun, media
        self._tell("answered")

    def _hear_refusal(self, message: Message, asked: Message, now: float) -> None:
        if message.status in CHALLENGES and not self._leaving and self._log_in(message, asked):
            self._heard = False
            self.dial(now)
            return
        self._give_up_at = None
        detail = message.reason.strip()[:200]
        if self._leaving and message.status == 487:
            self._end(Ending("canceled", message.status, detail))
            return
        outcome = OUTCOMES.get(message.status, "failed")
        refused = message.status in (401, 403, 407)
        self._end(Ending(outcome, message.status, detail, by_peer=True, refused_login=refused))

    def _log_in(self, message: Message, asked: Message) -> bool:
        """Proves who we are; False when we cannot, or did already and were not believed."""
        theirs, ours = CHALLENGES[message.status]
        challenge = digest.strongest([value for name, value in message.headers if name == theirs])
        if self._login is None or challenge is None or self._logins >= MOST_LOGINS:
            return False
        if asked.first(ours) and not challenge.stale:
            return False
        self._logins += 1
        told = digest.credentials(challenge, self._login, asked.method, asked.uri, cnonce=self._token())
        self._proof = (*(pair for pair in self._proof if pair[0] != ours), (ours, told))
        return True

    def _hear_request(self, message: Message, source: tuple[str, int], now: float) -> None:
        known = self._answering.get((message.branch, "INVITE" if message.method == "ACK" else message.method))
        if message.method == "ACK":
            if known:
                known[0].acknowledge(now)
            return
        if known:
            self.outbox.append((known[0].response, known[1]))
            return
        ours = messages.parameter(message.first("to"), "tag") == self.line.local_tag
        theirs = messages.parameter(message.first("from"), "tag")
        dialog_tag = self._dialog.remote_tag if self._dialog else None
        if not ours or theirs is None or theirs != dialog_tag:
            self._answer(message, 481, "Call/Transaction Does Not Exist", source, now)
        elif message.method == "BYE":
            self._answer(message, 200, "OK", source, now)
            self._end(Ending("completed", by_peer=True))
        elif message.method == "INVITE":  # hold, another codec, a refreshed session: the call stays as it is
            self._answer(message, 488, "Not Acceptable Here", source, now)
        elif message.method == "OPTIONS":
            self._answer(message, 200, "OK", source, now)
        else:
            self._answer(message, 405, "Method Not Allowed", source, now)

    def _answer(self, request: Message, status: int, reason: str, source: tuple[str, int], now: float) -> None:
        more = (("allow", dialog.ALLOW),) if status in (200, 405) and request.method != "BYE" else ()
        response = messages.respond(request, status, reason, tag=self.line.local_tag, more=more)
        self._answering[request.branch, request.method] = (Answering(request, response, now), source)
        self.outbox.append((response, source))

    def _cancel(self, now: float) -> None:
        assert self._invite is not None
        self._ask(dialog.echo("CANCEL", self._invite, self._invite.first("to")), None, now)

    def _say_bye(self, talk: Dialog, now: float) -> None:
        self._ask(talk.bye(self._token()), talk.hop, now)

    def _say_bye_again(self, message: Message, asked: Message, now: float) -> None:
        """With proof this time: that of the INVITE is for the INVITE alone."""
        self._proof = ()
        if self._dialog is not None and self._log_in(message, asked):
            self._ask(self._dialog.bye(self._token(), self._proof), self._dialog.hop, now)

    def _ask(self, request: Message, hop: Hop, now: float) -> None:
        self._asking[request.branch, request.method] = (Asking(request, now), hop)
        self.outbox.append((request, hop))

    def _end(self, ending: Ending) -> None:
        if self.ending is None:
            self.ending = ending


# What a refusal means for the caller. Everything else is a failure.
OUTCOMES: dict[int, Outcome] = {486: "busy", 600: "busy", 408: "no_answer", 480: "no_answer", 487: "no_answer"}
CHALLENGES = {401: ("www-authenticate", "authorization"), 407: ("proxy-authenticate", "proxy-authorization")}
