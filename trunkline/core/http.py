"""Outgoing HTTP: the only client. Judged targets, bounded answers, and the truth about what was sent."""

import re
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from multidict import CIMultiDict
from yarl import URL

from trunkline.core import clock
from trunkline.core.connector import CALL, Call, Connector, SocketRefused
from trunkline.core.deadlines import Deadlines
from trunkline.core.egress import UNSAFE, USERINFO, Egress, Refused
from trunkline.core.errors import TrunklineError
from trunkline.core.requests import Reply, send
from trunkline.core.talks import Phase, Unusable


class Exchange(msgspec.Struct, kw_only=True):
    """What a log needs to know of one request, answered or not. Excerpts are unredacted: see `redact`."""

    method: str
    url: str
    sent: bytes | None
    started: float
    status: int | None = None
    elapsed_ms: int = 0
    received: bytes = b""

    @property
    def request_excerpt(self) -> str:
        return (self.sent or b"")[:EXCERPT].decode("utf-8", "replace")

    @property
    def response_excerpt(self) -> str:
        return self.received[:EXCERPT].decode("utf-8", "replace")


class Answer(msgspec.Struct):
    """A whole answer, of any status."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    exchange: Exchange

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def elapsed_ms(self) -> int:
        return self.exchange.elapsed_ms

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self, type: Any = Any) -> Any:
        try:
            return msgspec.json.decode(self.body, type=type)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise HttpFailure("bad", "The answer is not the JSON that was expected.", self.exchange) from None


class HttpFailure(TrunklineError):
    """No usable answer. `maybe_sent` says whether the peer may have acted on it, `phase` how far it came.

    `refused`: our own rules forbid the target. `before_sent`: it waited for a free connection. `connect`: the
    name, TCP or TLS failed. `after_sent`: it left, and then silence. `too_big`, `bad`: an answer of no use.
    """

    code = "http_failed"

    def __init__(self, phase: Phase, message: str, exchange: Exchange, *, maybe_sent: bool = True) -> None:
        super().__init__(message, code=Refused.code if phase == "refused" else None)
        self.phase: Phase = phase
        self.exchange = exchange
        self.maybe_sent = maybe_sent


class Http:
    """A pool of connections: `async with Http(egress) as http: await http.request("GET", url)`."""

    def __init__(self, egress: Egress, *, limit: int = 100, timeout: float = 15, user_agent: str = "Trunkline") -> None:
        self._egress, self._limit, self._timeout = egress, limit, timeout
        self._common = {"User-Agent": user_agent, "Accept-Encoding": "gzip, deflate", "Accept": "*/*"}
        self._connector: Connector | None = None

    async def __aenter__(self) -> "Http":
        self._connector, self._deadlines = Connector(self._egress, self._limit), Deadlines()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._connector:
            await self._connector.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        timeout: float | None = None,
        redirects: int = 0,
        cap: int = 262_144,
        heard: Callable[[bytes], None] | None = None,
    ) -> Answer:
        """One request and its whole answer, whatever the status; raises `HttpFailure`.

        `timeout` covers everything from the queue for a connection to the last byte, redirects included.
        `cap` counts the body's bytes after decompression. `heard` gets the pieces of an uncompressed body of a good
        answer as they come in.
        """
        if json is not None or form is not None:
            body, headers = _written(json, form, headers or {})
        exchange = Exchange(method=method, url=url, sent=body, started=clock.monotonic())
        call = Call()
        CALL.set(call)
        try:
            with self._deadlines.within(timeout or self._timeout):
                return await self._follow(exchange, call, headers or {}, redirects, cap, heard)
        except Unusable as error:
            raise _failure(error.phase, str(error), exchange, call) from None
        except TimeoutError:
            raise _failure(call.phase, "No answer in time.", exchange, call) from None
        except aiohttp.InvalidURL as error:
            raise _failure("refused", f"The URL cannot be used: {error}", exchange, call) from None
        except Refused as error:
            raise _failure("refused", error.message, exchange, call) from None
        except (aiohttp.ClientError, OSError) as error:
            refused = isinstance(getattr(error, "os_error", None), SocketRefused)
            raise _failure("refused" if refused else call.phase, _sentence(error), exchange, call) from None

    async def _follow(
        self,
        exchange: Exchange,
        call: Call,
        headers: Mapping[str, str],
        redirects: int,
        cap: int,
        heard: Callable[[bytes], None] | None,
    ) -> Answer:
        method, body, url = exchange.method.upper(), exchange.sent, _target(exchange.url)
        while True:
            call.host = url.raw_host or ""
            reply = await self._ask(method, url, headers, body)
            try:
                exchange.status = reply.status
                location = reply.headers.get("Location") if redirects else None
                if not (location and reply.status in REDIRECTS):
                    return await _answer(reply, exchange, cap, heard)
            finally:
                reply.close()
            redirects -= 1
            target = _target(str(url.join(URL(location))))
            if target.origin() != url.origin():
                headers = {name: value for name, value in headers.items() if name.lower() in HARMLESS}
            if reply.status == 303 or (reply.status in (301, 302) and method == "POST"):
                method, body = "HEAD" if method == "HEAD" else "GET", None
            exchange.url, url = str(target), target

    async def _ask(self, method: str, url: URL, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """A connection at rest may end while it is taken: what does no harm is then asked again."""
        assert self._connector, "Http is used outside `async with`."
        head = self._head(method, url, headers, body)
        try:
            return await send(self._connector, method, url, head, body)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if method not in REPEATABLE:
                raise
        return await send(self._connector, method, url, head, body)

    def _head(self, method: str, url: URL, headers: Mapping[str, str], body: bytes | None) -> CIMultiDict[str]:
        if not METHOD.fullmatch(method):
            raise Unusable("refused", "The method is not a proper one.")
        head = CIMultiDict({"Host": url.host_port_subcomponent or "", **self._common})
        head.update(headers)
        head.popall("Transfer-Encoding", None)
        head.pop("Content-Length", None)
        if body or method not in BODILESS:
            head["Content-Length"] = str(len(body or b""))
        if body and "Content-Type" not in head:
            head["Content-Type"] = "application/octet-stream"
        return head


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` for a log: each secret, and its usual encodings, becomes `***`."""
    spellings = {form for secret in secrets if len(secret) >= 4 for form in _spellings(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, "***")
    return text


@lru_cache(4096)
def _target(url: str) -> URL:
    """Where to go, if it is a web address at all; which host is the connector's question."""
    try:
        target = URL(url)
        port = target.port
    except ValueError:
        raise Unusable("refused", "The URL cannot be read.") from None
    if target.scheme not in ("http", "https") or not target.raw_host or not port or UNSAFE.search(url):
        raise Unusable("refused", "The URL is not a proper http or https address.")
    if USERINFO.match(url):
        raise Unusable("refused", "The URL must not contain a user name or password.")
    return target


def _written(
    json: object, form: Mapping[str, str] | None, headers: Mapping[str, str]
) -> tuple[bytes, Mapping[str, str]]:
    """The body's bytes, and the headers with its type unless the caller named one."""
    if json is not None:
        body, content_type = msgspec.json.encode(json), "application/json"
    else:
        body, content_type = urlencode(form or {}).encode(), "application/x-www-form-urlencoded"
    if not any(name.lower() == "content-type" for name in headers):
        headers = {**headers, "Content-Type": content_type}
    return body, headers


async def _answer(reply: Reply, exchange: Exchange, cap: int, heard: Callable[[bytes], None] | None) -> Answer:
    encoding = reply.headers.get("Content-Encoding", "").strip().lower()
    plain = reply.status < 400 and encoding in ("", "identity")
    body = await _read(reply, exchange, cap, heard if plain else None)
    if body and encoding not in ("", "identity"):
        body = _inflated(body, encoding, cap)
    exchange.received = body[:EXCERPT]
    exchange.elapsed_ms = _elapsed(exchange)
    return Answer(reply.status, reply.headers, body, exchange)


async def _read(reply: Reply, exchange: Exchange, cap: int, heard: Callable[[bytes], None] | None) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := await reply.read():
        size += len(chunk)
        chunks.append(chunk)
        if size > cap:
            exchange.received = chunks[0][:EXCERPT]
            raise Unusable("too_big", f"The answer is larger than {cap} bytes.")
        if heard is not None:
            heard(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _inflated(body: bytes, encoding: str, cap: int) -> bytes:
    """Decompressed, but never past the cap: a few kilobytes may stand for gigabytes."""
    if encoding not in WINDOW:
        raise Unusable("bad", f"The answer is encoded as {encoding[:40]}, which was not asked for.")
    raw_deflate = encoding == "deflate" and body[0] & 0x0F != 8
    plain = b""
    while body:
        stream = zlib.decompressobj(-zlib.MAX_WBITS if raw_deflate else WINDOW[encoding])
        try:
            plain += stream.decompress(body, cap + 1 - len(plain))
        except zlib.error:
            raise Unusable("bad", "The compression of the answer is broken.") from None
        if len(plain) > cap:
            raise Unusable("too_big", f"The answer is larger than {cap} bytes.")
        if not stream.eof:
            raise Unusable("bad", "The compressed answer ends too early.")
        body = stream.unused_data
    return plain


def _failure(phase: Phase, message: str, exchange: Exchange, call: Call) -> HttpFailure:
    exchange.elapsed_ms = _elapsed(exchange)
    return HttpFailure(phase, message, exchange, maybe_sent=call.sent)


def _elapsed(exchange: Exchange) -> int:
    return round((clock.monotonic() - exchange.started) * 1000)


def _sentence(error: Exception) -> str:
    os_error = getattr(error, "os_error", None)
    return str(os_error or error) or type(error).__name__


def _spellings(secret: str) -> set[str]:
    return {
        secret,
        quote(secret, safe=""),
        msgspec.json.encode(secret).decode()[1:-1],
        b64encode(secret.encode()).decode(),
    }


EXCERPT = 1024
METHOD = re.compile("[A-Z]{1,20}")
BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# What may go along to another host; an API key can sit in a header of any name.
HARMLESS = frozenset({"accept", "accept-language", "content-type", "user-agent"})
WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
