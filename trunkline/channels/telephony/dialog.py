"""A dialog (RFC 3261, section 12): what two phones know of each other during a call. Pure."""

from collections.abc import Callable

from msgspec import Struct

from trunkline.channels.telephony import messages
from trunkline.channels.telephony.messages import Message

Token = Callable[[], str]
"""Gives a new random word."""

AGENT = "Trunkline"
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS"
COOKIE = "z9hG4bK"


class Line(Struct, frozen=True):
    """One end and the other: who calls whom, and under which address we hear answers."""

    caller: str
    callee: str
    host: str
    port: int
    local_tag: str
    call_id: str

    @property
    def contact(self) -> str:
        return f"<sip:{self.local}>"

    @property
    def local(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def via(self, branch: str) -> str:
        return f"SIP/2.0/UDP {self.local};branch={COOKIE}{branch};rport"


class Dialog(Struct):
    """Made from a response that names the other side; requests within it go `hop`."""

    line: Line
    remote: str
    target: str
    routes: list[str]
    sequence: int

    @property
    def remote_tag(self) -> str:
        return messages.parameter(self.remote, "tag") or ""

    @property
    def hop(self) -> tuple[str, int] | None:
        return messages.place(messages.address(self.routes[0]) if self.routes else self.target)

    def request(self, method: str, branch: str, sequence: int, more: tuple[tuple[str, str], ...] = ()) -> Message:
        headers = [
            ("via", self.line.via(branch)),
            ("max-forwards", "70"),
            *(("route", route) for route in self.routes),
            ("from", f"<{self.line.caller}>;tag={self.line.local_tag}"),
            ("to", self.remote),
            ("call-id", self.line.call_id),
            ("cseq", f"{sequence} {method}"),
            ("user-agent", AGENT),
            *more,
        ]
        return Message(method=method, uri=self.target, headers=tuple(headers))

    def ack(self, sequence: int, branch: str, more: tuple[tuple[str, str], ...] = ()) -> Message:
        """Confirms an answered call; `more` repeats what proved who we are."""
        return self.request("ACK", branch, sequence, more)

    def bye(self, branch: str, more: tuple[tuple[str, str], ...] = ()) -> Message:
        self.sequence += 1
        return self.request("BYE", branch, self.sequence, more)


def begun(line: Line, response: Message, sequence: int) -> Dialog:
    """The dialog that an answer to our INVITE begins; proxies that want to stay in it are passed in reverse."""
    target = messages.address(next(iter(response.every("contact")), "")) or line.callee
    routes = list(reversed(response.every("record-route")))
    return Dialog(line, response.first("to"), target, routes, sequence)


def invite(line: Line, branch: str, sequence: int, body: bytes, more: tuple[tuple[str, str], ...] = ()) -> Message:
    headers = [
        ("via", line.via(branch)),
        ("max-forwards", "70"),
        ("from", f"<{line.caller}>;tag={line.local_tag}"),
        ("to", f"<{line.callee}>"),
        ("call-id", line.call_id),
        ("cseq", f"{sequence} INVITE"),
        ("contact", line.contact),
        ("allow", ALLOW),
        ("user-agent", AGENT),
        *more,
        ("content-type", "application/sdp"),
    ]
    return Message(method="INVITE", uri=line.callee, headers=tuple(headers), body=body)


def echo(method: str, request: Message, to: str) -> Message:
    """CANCEL, or ACK of a refusal: a request of the same transaction, told by the same Via."""
    kept = ("max-forwards", "route", "from", "call-id", "proxy-authorization", "authorization")
    headers = [("via", request.every("via")[0])]
    headers += [pair for pair in request.headers if pair[0] in kept]
    headers += [("to", to), ("cseq", f"{request.sequence[0]} {method}")]
    return Message(method=method, uri=request.uri, headers=tuple(headers))
