"""The HTTP server, spoken to over raw sockets: what it refuses, what it serves, how it ends."""

import asyncio
import datetime as dt
import json
import socket
import ssl
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from trunkline.core.errors import Refusal
from trunkline.server import Edge, Limits, heads, serve
from trunkline.server.bodies import Chunked
from trunkline.server.limits import Rejected

pytestmark = pytest.mark.anyio

PATIENCE = 15
QUICK = Limits(head_seconds=1, idle_seconds=1, body_seconds=1, body_stall_seconds=1, write_stall_seconds=1)


@pytest.fixture(params=["uvloop", "asyncio"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


class Recorder:
    """An app that remembers what reached it, and echoes the body."""

    def __init__(self):
        self.seen = []
        self.scopes = []

    async def __call__(self, scope, receive, send):
        self.seen.append(f"{scope['method']} {scope['path']}")
        self.scopes.append(scope)
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        await answer(send, body)


async def answer(send, body, status=200, headers=()):
    headers = [(b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(app, **options):
    """Runs the server; yields a way to talk to it."""

    async def started(scope, receive, send):
        assert scope["type"] == "http" or isinstance(app, Starlette), "the bare apps here know no lifespan"
        await app(scope, receive, send)

    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        serve(
            started,
            host="127.0.0.1",
            port=0,
            stop=stop,
            on_listen=lambda _, number: port.set_result(number),
            **options,
        )
    )
    try:
        await asyncio.wait({running, port}, return_when=asyncio.FIRST_COMPLETED)
        yield Served(await port if port.done() else await running, stop, running)
    finally:
        stop.set()
        await asyncio.wait_for(running, PATIENCE)


class Served:
    def __init__(self, port, stop, running):
        self.port, self.stop, self.running = port, stop, running

    async def connect(self, **options):
        return await asyncio.open_connection("127.0.0.1", self.port, **options)

    async def talk(self, raw):
        """Sends everything, reads until the server closes."""
        reader, writer = await self.connect()
        writer.write(raw)
        heard = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        return heard


async def read_answer(reader):
    """One answer with a Content-Length: (status, headers, body)."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    lines = head.decode().split("\r\n")[:-2]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    body = await asyncio.wait_for(reader.readexactly(int(headers.get("content-length", 0))), PATIENCE)
    return int(lines[0].split()[1]), headers, body


def request(*lines, start=b"GET /x HTTP/1.1", host=True, body=b""):
    return b"\r\n".join([start, *([b"Host: example.org"] if host else []), *lines]) + b"\r\n\r\n" + body


def chunked(body):
    return request(b"Transfer-Encoding: chunked", start=b"POST /x HTTP/1.1", body=body)


REFUSED = {
    "no host": (request(host=False), 400),
    "two hosts": (request(b"Host: example.org"), 400),
    "empty host": (request(b"Host:", host=False), 400),
    "host list": (request(b"Host: a, b", host=False), 400),
    "host with path": (request(b"Host: a/b", host=False), 400),
    "host with user": (request(b"Host: u@a", host=False), 400),
    "host with port too high": (request(b"Host: a:65536", host=False), 400),
    "bad host over 1.0": (request(b"Host: a b", host=False, start=b"GET /x HTTP/1.0"), 400),
    "length and chunks": (request(b"Content-Length: 3", b"Transfer-Encoding: chunked"), 400),
    "chunks and length": (request(b"Transfer-Encoding: chunked", b"Content-Length: 3"), 400),
    "two lengths": (request(b"Content-Length: 3", b"Content-Length: 4"), 400),
    "two equal lengths": (request(b"Content-Length: 3", b"Content-Length: 3"), 400),
    "length list": (request(b"Content-Length: 3, 3"), 400),
    "signed length": (request(b"Content-Length: +3"), 400),
    "negative length": (request(b"Content-Length: -3"), 400),
    "hex length": (request(b"Content-Length: 0x3"), 400),
    "length with underscore": (request(b"Content-Length: 1_0"), 400),
    "empty length": (request(b"Content-Length:"), 400),
    "huge length": (request(b"Content-Length: " + b"9" * 40), 400),
    "identity": (request(b"Transfer-Encoding: identity"), 400),
    "gzip, chunked": (request(b"Transfer-Encoding: gzip, chunked"), 400),
    "chunked, identity": (request(b"Transfer-Encoding: chunked, identity"), 400),
    "chunked twice": (request(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), 400),
    "xchunked": (request(b"Transfer-Encoding: xchunked"), 400),
    "quoted chunked": (request(b'Transfer-Encoding: "chunked"'), 400),
    "vertical tab chunked": (request(b"Transfer-Encoding: \x0bchunked"), 400),
    "chunked over 1.0": (request(b"Transfer-Encoding: chunked", start=b"POST /x HTTP/1.0"), 400),
    "folded line": (request(b"X-A: 1", b" folded"), 400),
    "folded first line": (b"GET /x HTTP/1.1\r\n Host: example.org\r\n\r\n", 400),
    "bare LF": (b"GET /x HTTP/1.1\nHost: example.org\n\n", 400),
    "one bare LF": (b"GET /x HTTP/1.1\r\nHost: example.org\nX-A: 1\r\n\r\n", 400),
    "LF before the empty line": (b"GET /x HTTP/1.1\r\nHost: example.org\n\r\n", 400),
    "bare CR": (b"GET /x HTTP/1.1\r\nHost: example.org\rX-A: 1\r\n\r\n", 400),
    "CR in a value": (request(b"X-A: a\rb"), 400),
    "space before colon": (request(b"X-A : 1"), 400),
    "length with space before colon": (request(b"Content-Length : 3"), 400),
    "tab before colon": (request(b"Transfer-Encoding\t: chunked"), 400),
    "empty name": (request(b": 1"), 400),
    "no colon": (request(b"X-A"), 400),
    "name with umlaut": (request(b"X-\xc3\xa4: 1"), 400),
    "NUL in a value": (request(b"X-A: a\x00b"), 400),
    "NUL in a name": (request(b"X\x00A: b"), 400),
    "control in a value": (request(b"X-A: a\x01b"), 400),
    "DEL in a value": (request(b"X-A: a\x7fb"), 400),
    "NUL in the target": (request(start=b"GET /\x00x HTTP/1.1"), 400),
    "control in the target": (request(start=b"GET /\x1fx HTTP/1.1"), 400),
    "raw UTF-8 in the target": (request(start=b"GET /\xc3\xa4 HTTP/1.1"), 400),
    "space in the target": (request(start=b"GET /a b HTTP/1.1"), 400),
    "two spaces": (request(start=b"GET  /x HTTP/1.1"), 400),
    "tab for a space": (request(start=b"GET\t/x HTTP/1.1"), 400),
    "space after the version": (request(start=b"GET /x HTTP/1.1 "), 400),
    "space before the method": (request(start=b" GET /x HTTP/1.1"), 400),
    "fragment": (request(start=b"GET /x#y HTTP/1.1"), 400),
    "relative target": (request(start=b"GET x HTTP/1.1"), 400),
    "asterisk": (request(start=b"GET * HTTP/1.1"), 400),
    "other authority": (request(start=b"GET http://evil.example/x HTTP/1.1"), 400),
    "authority with user": (request(start=b"GET http://u@example.org/x HTTP/1.1"), 400),
    "ftp": (request(start=b"GET ftp://example.org/x HTTP/1.1"), 400),
    "HTTP/0.9": (b"GET /x\r\n", 400),
    "HTTP/1.2": (request(start=b"GET /x HTTP/1.2"), 400),
    "HTTP/2.0": (request(start=b"GET /x HTTP/2.0"), 400),
    "HTTP/2": (request(start=b"GET /x HTTP/2"), 400),
    "lower-case protocol": (request(start=b"GET /x http/1.1"), 400),
    "long version": (request(start=b"GET /x HTTP/1.10"), 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400),
    "two empty lines first": (b"\r\n\r\n" + request(), 400),
    "TRACE": (request(start=b"TRACE /x HTTP/1.1"), 405),
    "CONNECT": (request(start=b"CONNECT example.org:443 HTTP/1.1"), 405),
    "unknown method": (request(start=b"FOO /x HTTP/1.1"), 501),
    "method of nowhere": (request(start=b"QUERY /x HTTP/1.1"), 405),
    "lower-case method": (request(start=b"get /x HTTP/1.1"), 501),
    "method that is no token": (request(start=b"G@T /x HTTP/1.1"), 400),
    "other expectation": (request(b"Expect: 200-ok"), 417),
    "two expectations": (request(b"Expect: 100-continue", b"Expect: 100-continue"), 400),
    "gzip body": (request(b"Content-Encoding: gzip", b"Content-Length: 3", body=b"abc"), 415),
    "101 lines": (request(*[b"X-A: 1"] * 100), 400),
    "33 KB head": (request(b"X-A: " + b"a" * 33000), 400),
    "33 KB target": (request(start=b"GET /" + b"a" * 33000 + b" HTTP/1.1"), 400),
    "33 KB without end": (b"GET /x HTTP/1.1\r\nX-A: " + b"a" * 33000, 400),
    "long body": (request(b"Content-Length: 1048577", start=b"POST /x HTTP/1.1"), 413),
    "long chunk": (chunked(b"100001\r\nabc"), 413),
    "negative chunk": (chunked(b"-1\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk with 0x": (chunked(b"0x3\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk with plus": (chunked(b"+3\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk with space": (chunked(b"3 \r\nabc\r\n0\r\n\r\n"), 400),
    "chunk without size": (chunked(b"\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size too long": (chunked(b"000000003\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk longer than said": (chunked(b"3\r\nabcd\r\n0\r\n\r\n"), 400),
    "chunk ends with LF": (chunked(b"3\r\nabc\n0\r\n\r\n"), 400),
    "chunk line ends with LF": (chunked(b"3\nabc\r\n0\r\n\r\n"), 400),
    "CR in an extension": (chunked(b"3;a\rb\r\nabc\r\n0\r\n\r\n"), 400),
    "long extension": (chunked(b"3;" + b"a" * 300 + b"\r\nabc\r\n0\r\n\r\n"), 400),
    "endless extension": (chunked(b"3;" + b"a" * 300), 400),
    "many extensions": (chunked(b"".join(b"1;" + b"a" * 200 + b"\r\nx\r\n" for _ in range(30))), 400),
    "many small chunks": (chunked(b"1\r\na\r\n" * 17_000), 400),
    "malformed trailer": (chunked(b"0\r\nX A: 1\r\n\r\n"), 400),
    "long trailer": (chunked(b"0\r\nX-A: " + b"a" * 300 + b"\r\n\r\n"), 400),
    "many trailers": (chunked(b"0\r\n" + b"X-A: 1\r\n" * 40 + b"\r\n"), 400),
}


@pytest.mark.parametrize(("raw", "status"), REFUSED.values(), ids=REFUSED.keys())
async def test_refused_request_never_reaches_the_app_nor_does_what_follows(raw, status, caplog):
    app = Recorder()

    async with serving(app) as served:
        heard = await served.talk(raw + request(start=b"GET /smuggled HTTP/1.1"))

    head, _, body = heard.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in head
    assert json.loads(body).keys() == {"message"}
    assert app.seen == []
    assert caplog.records == []


ACCEPTED = {
    "plain": request(),
    "host with port": request(b"Host: example.org:8080", host=False),
    "IPv6 host": request(b"Host: [2001:db8::1]:80", host=False),
    "HTTP/1.0 without host": request(start=b"GET /x HTTP/1.0", host=False),
    "absolute form": request(start=b"GET http://example.org/x HTTP/1.1"),
    "one empty line first": b"\r\n" + request(),
    "obs-text in a value": request(b"X-A: \xc3\xa4"),
    "tab in a value": request(b"X-A: a\tb"),
    "empty value": request(b"X-A:"),
    "100 lines": request(*[b"X-A: 1"] * 99),
    "31 KB head": request(b"X-A: " + b"a" * 31000),
    "upgrade to h2c": request(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMA"),
    "websocket": request(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"),
    "identity content": request(b"Content-Encoding: identity"),
    "method override": request(b"X-HTTP-Method-Override: DELETE"),
}


@pytest.mark.parametrize("raw", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_sound_request_reaches_the_app(raw):
    app = Recorder()

    async with serving(app) as served:
        reader, writer = await served.connect()
        writer.write(raw)
        status, headers, _ = await read_answer(reader)
        writer.close()

    assert status == 200
    assert app.seen == ["GET /x"]
    assert "date" in headers
    assert "server" not in headers


async def test_asterisk_is_for_options():
    app = Recorder()

    async with serving(app) as served:
        await served.talk(request(b"Connection: close", start=b"OPTIONS * HTTP/1.1"))

    assert app.seen == ["OPTIONS *"]


async def test_scope_holds_decoded_path_and_raw_query():
    app = Recorder()

    async with serving(app) as served:
        await served.talk(request(b"Connection: close", start=b"GET //a%20%C3%A4?b=%20?c HTTP/1.1"))

    scope = app.scopes[0]
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (
        "//a ä",
        b"//a%20%C3%A4",
        b"b=%20?c",
    )


CHUNKS = {
    "simple": (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
    "upper-case hex": (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "leading zeros": (b"0003\r\nabc\r\n000\r\n\r\n", b"abc"),
    "extension": (b"3;a=b\r\nabc\r\n0;c\r\n\r\n", b"abc"),
    "trailer": (b"3\r\nabc\r\n0\r\nX-A: 1\r\n\r\n", b"abc"),
    "empty": (b"0\r\n\r\n", b""),
    "line ends inside": (b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
}


@pytest.mark.parametrize(("raw", "body"), CHUNKS.values(), ids=CHUNKS.keys())
@pytest.mark.parametrize("step", [1, 2, 1000])
async def test_chunks_are_joined_however_they_arrive(raw, body, step):
    async with serving(Recorder()) as served:
        reader, writer = await served.connect()
        whole = chunked(raw) + request(start=b"GET /next HTTP/1.1")
        for at in range(0, len(whole), step):
            writer.write(whole[at : at + step])
            await asyncio.sleep(0)
        first, second = await read_answer(reader), await read_answer(reader)
        writer.close()

    assert (first[0], first[2]) == (200, body)
    assert (second[0], second[2]) == (200, b"")


async def test_pipelined_requests_are_answered_in_order():
    raw = b"".join(
        request(b"Content-Length: 2", start=b"POST /%d HTTP/1.1" % number, body=b"%02d" % number)
        for number in range(50)
    )

    async with serving(Recorder()) as served:
        reader, writer = await served.connect()
        writer.write(raw)
        bodies = [(await read_answer(reader))[2] for _ in range(50)]
        writer.close()

    assert bodies == [b"%02d" % number for number in range(50)]


async def test_a_bad_request_behind_a_good_one_is_answered_in_its_turn():
    app = Recorder()

    async with serving(app) as served:
        heard = await served.talk(request() + request(host=False) + request(start=b"GET /smuggled HTTP/1.1"))

    assert [line[9:12] for line in heard.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")] == [b"200", b"400"]
    assert app.seen == ["GET /x"]


async def test_expect_continue_is_answered_when_the_app_reads():
    async with serving(Recorder()) as served:
        reader, writer = await served.connect()
        writer.write(request(b"Expect: 100-continue", b"Content-Length: 3", start=b"POST /x HTTP/1.1"))
        interim = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        writer.write(b"abc")
        status, _, body = await read_answer(reader)
        writer.close()

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (status, body) == (200, b"abc")


async def test_an_answer_ahead_of_the_body_ends_the_connection():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["path"])
        await answer(send, b"no", status=401)

    hidden = request(start=b"GET /smuggled HTTP/1.1")
    raw = request(b"Expect: 100-continue", b"Content-Length: 500", start=b"POST /x HTTP/1.1")

    async with serving(app) as served:
        reader, writer = await served.connect()
        writer.write(raw)
        status, headers, _ = await read_answer(reader)
        writer.write(hidden)
        rest = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()

    assert (status, headers["connection"], rest) == (401, "close", b"")
    assert seen == ["/x"]


async def test_body_cap_follows_path_and_method():
    def cap(path, method):
        return 3_000_000 if (path, method) == ("/files", "POST") else 10

    raw = request(b"Content-Length: 2500000", b"Connection: close", start=b"POST /files HTTP/1.1", body=b"a" * 2500000)

    async with serving(Recorder(), body_cap=cap) as served:
        large = await served.talk(raw)
        small = await served.talk(raw.replace(b"/files", b"/other"))

    assert large.startswith(b"HTTP/1.1 200 ")
    assert large.endswith(b"a" * 100)
    assert len(large) > 2_500_000
    assert small.startswith(b"HTTP/1.1 413 ")


async def test_a_chunked_body_over_the_cap_is_cut_while_the_app_reads():
    app = Recorder()
    chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"

    async with serving(app) as served:
        heard = await served.talk(chunked(chunk * 20) + request(start=b"GET /smuggled HTTP/1.1"))

    assert heard.startswith(b"HTTP/1.1 413 ")
    assert heard.count(b"HTTP/1.1") == 1
    assert app.seen == ["POST /x"]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (request(start=b"FOO /x?y HTTP/1.1"), "/x 501 Method FOO is not supported."),
        (request(start=b"QUERY /x HTTP/1.1"), "/x 405 Method QUERY is not supported."),
        (request(b"Content-Length: 9999999", start=b"POST /x HTTP/1.1"), "/x 413 The request body is too large."),
        (chunked(b"9999999\r\nabc"), "/x 413 The request body is too large."),
        (request(host=False), "/x 400 The Host header is missing."),
        (b"nonsense\r\n\r\n", " 400 Malformed request line."),
    ],
    ids=["unknown method", "method of nowhere", "long body", "long chunk", "no host", "no request"],
)
async def test_the_app_words_what_the_server_refuses(raw, told):
    def wording(path, status, message):
        return f"{path} {status} {message}".encode()

    async with serving(Recorder(), wording=wording) as served:
        heard = await served.talk(raw)

    assert heard.endswith(b"\r\n\r\n" + told.encode())


@given(junk=st.binary(min_size=1, max_size=200), at=st.integers(0, 200))
def test_a_mangled_head_is_read_or_rejected_but_never_breaks(junk, at):
    sound = request(b"Content-Length: 3", b"Expect: 100-continue", b"Connection: close")
    mangled = sound[:at] + junk + sound[at:]

    with suppress(Rejected):
        heads.check_part(mangled, 0, Limits())
        heads.read(mangled, Limits())


@given(content=st.binary(max_size=300), sizes=st.lists(st.integers(1, 40)), cuts=st.lists(st.integers(1, 50)))
def test_chunked_content_is_the_same_however_it_is_cut(content, sizes, cuts):
    wire, body, read = encode(content, sizes) + b"next", Chunked(1000), b""

    rest, left = wire, b""
    for size in [*cuts, len(wire)]:
        piece, left = body.take(left + rest[:size])
        read, rest = read + piece, rest[size:]
        if body.done:
            break

    assert (read, left + rest) == (content, b"next")


def encode(content, sizes):
    """`content` in chunks of these sizes, the last one of whatever remains."""
    chunks = []
    for size in [*sizes, len(content)]:
        chunk, content = content[:size], content[size:]
        if chunk:
            chunks.append(b"%x\r\n%s\r\n" % (len(chunk), chunk))
    return b"".join(chunks) + b"0\r\n\r\n"


async def test_http_1_0_gets_no_chunks():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one ", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    async with serving(app) as served:
        heard = await served.talk(request(start=b"GET /x HTTP/1.0"))

    assert b"transfer-encoding" not in heard
    assert heard.endswith(b"\r\n\r\none two")


SLOW = {
    "silence": (b"", b""),
    "head": (b"GET /x HTTP/1.1\r\nHost: exa", b"HTTP/1.1 408 "),
    "sized body": (
        request(b"Content-Length: 10", start=b"POST /x HTTP/1.1", body=b"abc"),
        b"HTTP/1.1 408 ",
    ),
    "chunked body": (chunked(b"3\r\nab"), b"HTTP/1.1 408 "),
    "idle after an answer": (request(), b"HTTP/1.1 200 "),
}


@pytest.mark.parametrize(("raw", "answer"), SLOW.values(), ids=SLOW.keys())
async def test_slow_client_is_cut(raw, answer):
    async with serving(Recorder(), limits=QUICK) as served:
        heard = await served.talk(raw)

    assert heard.startswith(answer)
    assert bool(heard) == bool(answer)


async def test_a_trickle_does_not_buy_more_time():
    app = Recorder()

    async with serving(app, limits=QUICK) as served:
        reader, writer = await served.connect()
        ended = asyncio.create_task(reader.read())
        writer.write(b"GET /x HTTP/1.1\r\n")
        while not ended.done():
            writer.write(b"X-A: 1\r\n")
            await asyncio.wait({ended}, timeout=0.2)
        heard = await ended
        writer.close()

    assert heard.startswith(b"HTTP/1.1 408 ")
    assert app.seen == []


async def test_a_client_that_never_reads_is_cut():
    ended = asyncio.Event()

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(100):
            await send({"type": "http.response.body", "body": b"a" * 1_000_000, "more_body": True})
        ended.set()

    async with serving(app, limits=QUICK) as served:
        _, writer = await served.connect(limit=1000)
        writer.transport.pause_reading()
        writer.write(request())
        await asyncio.wait_for(ended.wait(), PATIENCE)
        writer.transport.abort()

    assert ended.is_set()


async def test_a_broken_off_answer_does_not_look_whole():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    async with serving(app) as served:
        reader, writer = await served.connect()
        writer.write(request() + request())
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await read_answer(reader)
        writer.close()


async def test_requests_of_one_connection_do_not_share_context():
    contexts = []

    async def app(scope, receive, send):
        contexts.append(structlog.contextvars.get_contextvars().get("path"))
        structlog.contextvars.bind_contextvars(path=scope["path"])
        await answer(send, b"")

    async with serving(app) as served:
        await served.talk(request() + request() + request(b"Connection: close"))

    assert contexts == [None, None, None]


async def test_lifespan_brackets_the_requests():
    steps = []

    @asynccontextmanager
    async def lifespan(app):
        steps.append("start")
        yield {"greeting": "hello"}
        steps.append("end")

    async def greet(request: Request):
        steps.append("request")
        return PlainTextResponse(request.state.greeting)

    async with serving(Starlette(routes=[Route("/x", greet)], lifespan=lifespan)) as served:
        heard = await served.talk(request(b"Connection: close"))

    assert heard.endswith(b"hello")
    assert steps == ["start", "request", "end"]


async def test_drain_finishes_the_request_in_flight_and_takes_no_new_connection():
    arrived, go = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        arrived.set()
        await go.wait()
        await answer(send, b"done")

    async with serving(app) as served:
        reader, writer = await served.connect()
        writer.write(request())
        await arrived.wait()
        served.stop.set()
        refused = await until_refused(served.port)
        go.set()
        status, headers, body = await read_answer(reader)
        await asyncio.wait_for(served.running, PATIENCE)
        writer.close()

    assert refused
    assert (status, headers["connection"], body) == (200, "close", b"done")


async def until_refused(port):
    """True once nobody accepts connections there any more."""
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return True
        writer.close()
        await asyncio.sleep(0.05)
    return False


async def test_drain_closes_idle_connections():
    async with serving(Recorder()) as served:
        reader, writer = await served.connect()
        writer.write(request())
        await read_answer(reader)
        served.stop.set()
        await asyncio.wait_for(served.running, PATIENCE)
        rest = await reader.read()
        writer.close()

    assert rest == b""


async def test_drain_ends_event_streams_at_once():
    ended = asyncio.Event()

    async def ticks():
        try:
            while True:
                yield b"data: tick\n\n"
                await asyncio.sleep(0.05)
        finally:
            ended.set()

    async def live(request):
        return StreamingResponse(ticks(), media_type="text/event-stream")

    async with serving(Starlette(routes=[Route("/x", live)]), drain_seconds=600) as served:
        reader, writer = await served.connect()
        writer.write(request())
        await reader.readuntil(b"tick")
        served.stop.set()
        await asyncio.wait_for(served.running, PATIENCE)
        writer.close()

    assert ended.is_set()


async def test_drain_is_bounded(caplog):
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with serving(app, drain_seconds=1) as served:
        _, writer = await served.connect()
        writer.write(request())
        await asyncio.wait_for(began.wait(), PATIENCE)
        served.stop.set()
        await asyncio.wait_for(served.running, PATIENCE)
        writer.close()

    assert cancelled.is_set()
    assert caplog.records == []


async def test_busy_port_is_refused_with_a_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(Refusal, match=f"Port {port} is taken.*--port 0"):
            await serve(Recorder(), host="127.0.0.1", port=port, stop=asyncio.Event(), on_listen=print)


async def test_unknown_host_is_refused():
    with pytest.raises(Refusal, match="Cannot listen on"):
        await serve(Recorder(), host="host.invalid", port=0, stop=asyncio.Event(), on_listen=print)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1: paths of certificate and key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    moment = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - dt.timedelta(days=1))
        .not_valid_after(moment + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return str(folder / "cert.pem"), str(folder / "key.pem")


async def test_tls_serves_https_with_hsts(certificate):
    app = Recorder()
    trust = ssl.create_default_context(cafile=certificate[0])
    body = b"a" * 300_000

    async with serving(Edge(app, access_log=False), tls=certificate) as served:
        reader, writer = await served.connect(ssl=trust)
        raw = request(b"Content-Length: 300000", start=b"POST /x HTTP/1.1", body=body)
        writer.write(raw)
        status, headers, echoed = await read_answer(reader)
        version = writer.get_extra_info("ssl_object").version()
        writer.close()

    assert (status, echoed) == (200, body)
    assert version in ("TLSv1.2", "TLSv1.3")
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert app.scopes[0]["scheme"] == "https"


async def test_refusal_over_tls_is_readable(certificate):
    trust = ssl.create_default_context(cafile=certificate[0])

    async with serving(Recorder(), tls=certificate) as served:
        reader, writer = await served.connect(ssl=trust)
        writer.write(request(host=False))
        status, _, _ = await read_answer(reader)
        rest = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()

    assert (status, rest) == (400, b"")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_tls_1_1_is_refused(certificate):
    old = ssl.create_default_context(cafile=certificate[0])
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1

    async with serving(Recorder(), tls=certificate) as served:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await served.connect(ssl=old)


async def test_unreadable_certificate_is_refused(tmp_path):
    tls = (str(tmp_path / "none.pem"), str(tmp_path / "none.key"))

    with pytest.raises(Refusal, match="TRUNKLINE_TLS_CERT"):
        await serve(Recorder(), host="127.0.0.1", port=0, stop=asyncio.Event(), on_listen=print, tls=tls)


DIRECT = ("127.0.0.1", "http")
FORWARDED = {
    "one hop": ([b"X-Forwarded-For: 203.0.113.9", b"X-Forwarded-Proto: https"], ("203.0.113.9", "https")),
    "invented hop on the left": ([b"X-Forwarded-For: 1.1.1.1, 203.0.113.9"], ("203.0.113.9", "http")),
    "trusted hop on the right": ([b"X-Forwarded-For: 203.0.113.9, 10.1.2.3"], ("203.0.113.9", "http")),
    "two lines": ([b"X-Forwarded-For: 1.1.1.1", b"X-Forwarded-For: 203.0.113.9"], ("203.0.113.9", "http")),
    "port": ([b"X-Forwarded-For: 203.0.113.9:4711"], ("203.0.113.9", "http")),
    "IPv6 with port": ([b"X-Forwarded-For: [2001:db8::1]:4711"], ("2001:db8::1", "http")),
    "mapped IPv4": ([b"X-Forwarded-For: ::ffff:203.0.113.9"], ("203.0.113.9", "http")),
    "nonsense": ([b"X-Forwarded-For: unknown"], DIRECT),
    "nonsense left of a proxy": ([b"X-Forwarded-For: unknown, 10.1.2.3"], ("10.1.2.3", "http")),
    "other scheme": ([b"X-Forwarded-Proto: gopher"], DIRECT),
    "host": ([b"X-Forwarded-Host: evil.example", b"Forwarded: for=1.1.1.1;proto=https"], DIRECT),
    "nothing": ([], DIRECT),
}


@pytest.mark.parametrize(("lines", "seen"), FORWARDED.values(), ids=FORWARDED.keys())
async def test_trusted_proxy_is_believed(lines, seen):
    app = Recorder()

    async with serving(app, trusted_proxies=["127.0.0.1", "10.0.0.0/8"]) as served:
        await served.talk(request(b"Connection: close", *lines))

    assert (app.scopes[0]["client"][0], app.scopes[0]["scheme"]) == seen


@pytest.mark.parametrize("trusted", [[], ["10.0.0.0/8"]])
async def test_direct_client_is_not_believed(trusted):
    app = Recorder()
    lines = [
        b"X-Forwarded-For: 203.0.113.9",
        b"X-Forwarded-Proto: https",
        b"Forwarded: for=1.1.1.1;proto=https",
    ]

    async with serving(app, trusted_proxies=trusted) as served:
        await served.talk(request(b"Connection: close", *lines))

    assert (app.scopes[0]["client"][0], app.scopes[0]["scheme"]) == DIRECT


async def test_bad_proxy_setting_is_refused():
    with pytest.raises(Refusal, match="neither an IP address nor a CIDR"):
        await serve(
            Recorder(),
            host="127.0.0.1",
            port=0,
            stop=asyncio.Event(),
            on_listen=print,
            trusted_proxies=["proxy.local"],
        )


async def test_edge_adds_safe_headers_and_an_own_request_id():
    app = Recorder()

    async with serving(Edge(app, access_log=False)) as served:
        reader, writer = await served.connect()
        writer.write(request(b"X-Request-Id: mine"))
        _, headers, _ = await read_answer(reader)
        writer.close()

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-request-id"] == app.scopes[0]["state"]["request_id"] != "mine"
    assert "strict-transport-security" not in headers


async def test_edge_keeps_the_policy_an_app_chose():
    async def app(scope, receive, send):
        await answer(send, b"", headers=[(b"referrer-policy", b"same-origin")])

    async with serving(Edge(app, access_log=False)) as served:
        heard = await served.talk(request(b"Connection: close"))

    assert heard.count(b"referrer-policy") == 1
    assert b"referrer-policy: same-origin" in heard


async def test_edge_turns_a_failure_into_500_and_logs_it_once(caplog):
    async def app(scope, receive, send):
        raise LookupError("a bug")

    with structlog.testing.capture_logs() as logs:
        async with serving(Edge(app)) as served:
            reader, writer = await served.connect()
            writer.write(request())
            status, headers, body = await read_answer(reader)
            writer.close()

    assert (status, body) == (500, b'{"message":"Server Error"}')
    assert [line["event"] for line in logs] == ["request failed", "request"]
    assert {line["request_id"] for line in logs} == {headers["x-request-id"]}
    assert caplog.records == []


async def test_access_line_leaves_the_query_out():
    with structlog.testing.capture_logs() as logs:
        async with serving(Edge(Recorder())) as served:
            await served.talk(request(b"Connection: close", start=b"GET /a%0Ab?apiKey=secret HTTP/1.1"))

    (line,) = logs
    assert (line["method"], line["path"], line["status"]) == ("GET", "/a%0Ab", 200)
    assert line.keys() == {"event", "log_level", "method", "path", "status", "ms", "request_id"}


async def test_a_client_that_leaves_is_no_failure():
    began = asyncio.Event()

    async def app(scope, receive, send):
        began.set()
        await Request(scope, receive).body()

    with structlog.testing.capture_logs() as logs:
        async with serving(Edge(app)) as served:
            _, writer = await served.connect()
            writer.write(request(b"Content-Length: 100000", start=b"POST /x HTTP/1.1", body=b"a" * 70000))
            await asyncio.wait_for(began.wait(), PATIENCE)
            writer.close()

    assert [(line["event"], line["status"]) for line in logs] == [("request", 499)]
