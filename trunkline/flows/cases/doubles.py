"""The outside world of a case: queues of prepared answers instead of HTTP, models, mail and airtime."""

import random
from collections import deque
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct, field

from trunkline.flows.cases.errors import CaseError
from trunkline.flows.inputs import without_nulls
from trunkline.flows.requests import (
    AirtimeAnswer,
    AirtimeTransfer,
    Answer,
    ClaimUrn,
    EmailAnswer,
    EmailSend,
    HttpAnswer,
    HttpCall,
    IsSendable,
    LlmAnswer,
    LlmCall,
    Request,
)

Result = TypeVar("Result")
Aware = Annotated[datetime, Meta(tz=True)]
START = datetime(2025, 5, 4, 12, 30, 45, 123456, UTC)
LATEST = datetime(9900, 1, 1, tzinfo=UTC)
ANY = "*"


class Mock(Struct, frozen=True):
    """`status` 0 is a connection that fails; `body_repeat` makes large bodies."""

    status: Annotated[int, Meta(ge=0, le=999)]
    headers: dict[str, str] = {}
    body: Any = ""
    body_repeat: Annotated[int, Meta(ge=0, le=10_000_000)] = 1

    @property
    def bytes(self) -> bytes:
        written = self.body if isinstance(self.body, str) else msgspec.json.encode(self.body).decode()
        return written.encode("utf-8", "replace") * self.body_repeat


class Usage(Struct, frozen=True):
    input: int = 0
    output: int = 0


class LlmDouble(Struct, frozen=True):
    output: str = ""
    tokens: Usage = Usage()
    error: str = ""


class AirtimeDouble(Struct, frozen=True):
    currency: str = ""
    external_id: str = ""
    error: str = ""


class EmailDouble(Struct, frozen=True):
    error: str = ""


class Unsendable(Struct, frozen=True):
    contains: str
    reason: str


class Peers(Struct):
    llm: list[LlmDouble] = []
    airtime: list[AirtimeDouble] = []
    email: EmailDouble = EmailDouble()
    sendable: list[Unsendable] = []
    taken_urns: list[str] = []
    blocked_domains: list[str] = []
    prompts: dict[str, str] = {}


class Clock(Struct):
    start: Aware = START
    step_ms: Annotated[int, Meta(ge=0, le=10**12)] = 0


class World(Struct):
    """Clock, chance and the doubles, as a case gives them."""

    http_mocks: dict[str, list[Mock]] = field(default_factory=dict)
    peers: Peers = field(name="services", default_factory=Peers)
    clock: Clock = field(default_factory=Clock)
    seed: int = 0


class Doubles:
    def __init__(self, case: dict[str, Any]):
        """Raises CaseError `input`."""
        given = {
            name: without_nulls(case[name]) for name in World.__struct_encode_fields__ if case.get(name) is not None
        }
        try:
            world = msgspec.convert(given, World)
        except msgspec.ValidationError as error:
            raise CaseError("input", f"The case cannot be read: {error}") from None
        self.prompts = world.peers.prompts
        self._peers = world.peers
        self._mocks = {url: deque(replies) for url, replies in world.http_mocks.items()}
        self._llm, self._airtime = deque(world.peers.llm), deque(world.peers.airtime)
        self._now, self._pace = world.clock.start, timedelta(milliseconds=world.clock.step_ms)
        self._chance = random.Random(world.seed)
        self._made = 0

    def clock(self) -> datetime:
        now = self._now
        if now > LATEST:
            raise CaseError("input", f"The clock of a case goes until {LATEST.year}.")
        self._now += self._pace
        return now

    def ids(self) -> str:
        """Version 7: the time, a count, and chance."""
        self._made += 1
        moment = int(self._now.timestamp() * 1000) + (self._made >> 12)
        count, rest = self._made & 0xFFF, self._chance.getrandbits(62)
        digits = f"{(moment & (1 << 48) - 1) << 80 | 7 << 76 | count << 64 | 2 << 62 | rest:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def random(self) -> float:
        return self._chance.random()

    def run(self, sprint: Generator[Request, Answer, Result]) -> Result:
        """Answer every request of a sprint until it is done."""
        answer = None
        while True:
            try:
                request = sprint.send(answer)
            except StopIteration as done:
                return done.value
            answer = self.answer(request)

    def answer(self, request: Request) -> Answer:
        match request:
            case IsSendable():
                texts = (each.reason for each in self._peers.sendable if each.contains in request.text)
                return next(texts, "")
            case ClaimUrn():
                path = request.urn.partition(":")[2]
                return not any(text in path for text in self._peers.taken_urns)
            case HttpCall():
                return self._http(request)
            case LlmCall():
                return self._ask(request)
            case EmailSend():
                return EmailAnswer(self._peers.email.error)
            case AirtimeTransfer():
                return self._transfer(request)

    def check_used(self) -> None:
        """Raises CaseError `mocks` for answers that nobody asked for."""
        left: dict[str, Any] = {}
        if urls := [url for url, replies in self._mocks.items() if replies and url != ANY]:
            left["http_mocks"] = urls
        for name, queue in (("llm", self._llm), ("airtime", self._airtime)):
            if queue:
                left[name] = len(queue)
        if left:
            raise CaseError("mocks", f"Prepared answers were not asked for: {', '.join(left)}.", {"left": left})

    def _http(self, request: HttpCall) -> HttpAnswer:
        host = (urlsplit(request.url).hostname or "").lower()
        blocked = (domain.lower() for domain in self._peers.blocked_domains)
        if any(host == domain or host.endswith(f".{domain}") for domain in blocked):
            return HttpAnswer(0, blocked=True)
        if replies := self._mocks.get(request.url):
            reply = replies.popleft()
        elif replies := self._mocks.get(ANY):
            reply = replies.popleft() if len(replies) > 1 else replies[0]
        else:
            raise _missing("http_mocks", request.url)
        return HttpAnswer(reply.status, reply.headers, reply.bytes)

    def _ask(self, request: LlmCall) -> LlmAnswer:
        if not self._llm:
            raise _missing("llm", request.input[:200])
        said = self._llm.popleft()
        return LlmAnswer(said.output, said.tokens.input, said.tokens.output, error=said.error)

    def _transfer(self, request: AirtimeTransfer) -> AirtimeAnswer:
        if not self._airtime:
            raise _missing("airtime", request.recipient)
        said = self._airtime.popleft()
        if said.error:
            return AirtimeAnswer(error=said.error)
        return transferred(request, said.currency, said.external_id)


def transferred(request: AirtimeTransfer, currency: str, external_id: str) -> AirtimeAnswer:
    amount: int | Decimal | None = request.amounts.get(currency)
    if amount is None:
        return AirtimeAnswer(error=f"there is no amount in {currency!r}")
    return AirtimeAnswer(external_id, currency, amount)


def _missing(what: str, asked: str) -> CaseError:
    return CaseError("mocks", f"There is no answer for {what}: {asked}", {"missing": {what: asked}})
