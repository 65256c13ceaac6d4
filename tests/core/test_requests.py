"""What goes over a connection, seen from the other end of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.core import loops
from trunkline.core.egress import Egress
from trunkline.core.http import Http, HttpFailure

pytestmark = pytest.mark.anyio
anyio_backend = loops.both

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LARGE = b"x" * 5_000_000


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http(Egress(["127.0.0.1"]), timeout=5) as client:
        yield client


@pytest.fixture
async def peer() -> AsyncIterator[Callable[..., Any]]:
    """A server whose behaviour is a function of reader and writer."""
    servers = []

    async def start(speak: Callable[..., Any]) -> str:
        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()


def answering(heads: list[str], *replies: bytes) -> Callable[..., Any]:
    """Notes each head, and gives the replies one after the other, the last one for ever."""
    left = list(replies)

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            try:
                heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            except asyncio.IncompleteReadError:
                break
            writer.write(left.pop(0) if len(left) > 1 else left[0])
        writer.close()

    return speak


async def test_the_head_is_what_was_asked_for(http, peer):
    heads: list[str] = []
    url = await peer(answering(heads, FINE))

    await http.request("GET", f"{url}/a%20b?c=d#e", headers={"user-agent": "Ours", "X-One": "é"})

    line, *fields = heads[0].strip().split("\r\n")
    assert line == "GET /a%20b?c=d HTTP/1.1"
    expected = [f"Host: {url[7:]}", "user-agent: Ours", "Accept-Encoding: gzip, deflate", "Accept: */*", "X-One: é"]
    assert sorted(fields) == sorted(expected)


@pytest.mark.parametrize(("method", "length"), [("POST", "0"), ("PUT", "0"), ("GET", None), ("DELETE", None)])
async def test_a_method_that_takes_a_body_says_that_there_is_none(http, peer, method, length):
    heads: list[str] = []

    await http.request(method, await peer(answering(heads, FINE)))

    said = [field.partition(": ")[2] for field in heads[0].split("\r\n") if field.startswith("Content-Length")]
    assert said == ([] if length is None else [length])


async def test_lengths_are_ours_to_say(http, peer):
    heads: list[str] = []
    lies = {"content-length": "100", "Transfer-Encoding": "chunked"}

    await http.request("POST", await peer(answering(heads, FINE)), headers=lies)

    assert "Content-Length: 0\r\n" in heads[0]
    assert "chunked" not in heads[0]


@pytest.mark.parametrize("headers", [{"X-One": "a\r\nX-Two: b"}, {"X-One\r\nX-Two": "b"}, {"X-One": "a\0"}])
async def test_a_header_cannot_smuggle_another(http, peer, headers):
    heads: list[str] = []

    with pytest.raises(HttpFailure) as caught:
        await http.request("GET", await peer(answering(heads, FINE)), headers=headers)

    assert (caught.value.phase, caught.value.maybe_sent, heads) == ("refused", False, [])


async def test_half_a_character_is_left_out(http, peer):
    heads: list[str] = []

    await http.request("GET", await peer(answering(heads, FINE)), headers={"X": "a\udce9b"})

    assert "X: ab\r\n" in heads[0]


async def test_a_method_is_one_word(http, peer):
    with pytest.raises(HttpFailure) as caught:
        await http.request("GET / HTTP/1.1\r\nX: y", await peer(answering([], FINE)))

    assert (caught.value.phase, caught.value.maybe_sent) == ("refused", False)


@pytest.mark.parametrize(
    "early", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2]
)
async def test_provisional_replies_are_passed_over(http, peer, early):
    answer = await http.request("GET", await peer(answering([], early + FINE)))

    assert (answer.status, answer.body) == (200, b"ok")


async def test_a_connection_is_used_again(http, peer):
    came = []
    speak = answering([], FINE)

    async def count(reader, writer):
        came.append(1)
        await speak(reader, writer)

    url = await peer(count)
    for _ in range(3):
        await http.request("GET", url)

    assert len(came) == 1


async def test_a_connection_that_spoke_unasked_is_not_used_again(http, peer):
    """Or its words would be taken for the answer to the next request."""

    async def speak(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(FINE)
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await reader.read()

    url = await peer(speak)
    await http.request("GET", url)
    await asyncio.sleep(0.2)

    answer = await http.request("GET", url)

    assert answer.body == b"ok"


async def test_what_does_no_harm_is_asked_again_when_a_kept_connection_ends(http, peer):
    heads: list[str] = []

    async def speak(reader, writer):
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(FINE)
        heads.append((await reader.read(1000)).decode())
        writer.close()

    url = await peer(speak)
    await http.request("GET", f"{url}/one")

    answer = await http.request("GET", f"{url}/two")

    assert (answer.body, [head.split(" ")[1] for head in heads]) == (b"ok", ["/one", "/two", "/two"])


async def test_a_large_body_arrives_whole(http, peer):
    got = []

    async def speak(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        got.append(await reader.readexactly(len(LARGE)))
        writer.write(FINE)

    await http.request("POST", await peer(speak), body=LARGE)

    assert got == [LARGE]


async def test_a_large_body_may_be_refused_before_it_has_come(http, peer):
    async def speak(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(5)

    answer = await http.request("POST", await peer(speak), body=LARGE)

    assert answer.status == 413


async def test_after_an_early_refusal_the_connection_is_not_used_again(http, peer):
    """The rest of the body would be taken for the next request."""
    came = []

    async def speak(reader, writer):
        came.append(1)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    url = await peer(speak)
    await http.request("POST", url, body=LARGE)
    await http.request("POST", url, body=b"x")

    assert len(came) == 2
