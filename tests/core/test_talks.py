"""The talk over one connection: which words belong to which reply, and when there is nothing more to say."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ServerDisconnectedError
from aiohttp.client_proto import ResponseHandler

from tests.core import loops
from tests.peers import certificates
from tests.peers.wires import Wire
from trunkline.core.egress import Egress
from trunkline.core.http import Http
from trunkline.core.talks import HEAD_CAP, HELD, Talk, Unusable

pytestmark = pytest.mark.anyio
anyio_backend = loops.both

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
async def wire() -> Wire:
    return Wire()


@pytest.fixture
async def talk(wire: Wire) -> Talk:
    return Talk(ResponseHandler(asyncio.get_running_loop()), wire)


async def whole(talk: Talk) -> tuple[int, bytes]:
    """The reply, once it is there."""
    async with asyncio.timeout(2):
        await talk.head()
        pieces = [piece async for piece in reading(talk)]
    return talk.status, b"".join(pieces)


async def reading(talk: Talk) -> AsyncIterator[bytes]:
    while piece := await talk.read():
        yield piece


async def test_a_reply_may_come_octet_by_octet(talk: Talk) -> None:
    talk.ask(b"GET / HTTP/1.1\r\n\r\n")
    for octet in FINE:
        talk.data_received(bytes([octet]))

    reply = await whole(talk)

    assert (reply, talk.fields, talk.usable) == ((200, b"ok"), [(b"Content-Length", b"2")], True)


async def test_replies_follow_each_other(talk: Talk, wire: Wire) -> None:
    replies = []
    for body in (b"one", b"two"):
        talk.ask(b"ask for " + body)
        talk.data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n" + body + b"\r\n0\r\n\r\n")
        replies.append(await whole(talk))

    assert (replies, wire.said) == ([(200, b"one"), (200, b"two")], b"ask for oneask for two")


async def test_a_body_without_a_length_ends_with_the_connection(talk: Talk) -> None:
    talk.ask(b"GET")
    talk.data_received(b"HTTP/1.0 200 OK\r\n\r\nall of it")
    talk.connection_lost(None)

    assert (await whole(talk), talk.usable) == ((200, b"all of it"), False)


@pytest.mark.parametrize("length", [b"Content-Length: 9", b"Transfer-Encoding: chunked"])
async def test_a_body_with_a_length_must_be_whole(talk: Talk, length: bytes) -> None:
    talk.ask(b"GET")
    talk.data_received(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n4\r\nhalf")
    talk.connection_lost(None)

    with pytest.raises(Unusable, match="too early"):
        await whole(talk)


async def test_the_reply_to_head_has_no_body(talk: Talk) -> None:
    talk.ask(b"HEAD", bodiless=True)
    talk.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")

    assert (await whole(talk), talk.usable) == ((200, b""), False)


@pytest.mark.parametrize("status", [204, 304])
async def test_some_replies_never_have_a_body(talk: Talk, status: int) -> None:
    talk.ask(b"GET")
    talk.data_received(b"HTTP/1.1 %d X\r\n\r\n" % status)

    assert (await whole(talk), talk.usable) == ((status, b""), True)


async def test_other_protocols_end_the_talk(talk: Talk) -> None:
    talk.ask(b"GET")
    talk.data_received(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nother words")

    assert ((await whole(talk))[0], talk.usable) == (101, False)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nConnection: close", b"HTTP/1.0 200 OK"])
async def test_who_wants_to_hang_up_is_not_asked_again(talk: Talk, head: bytes) -> None:
    talk.ask(b"GET")
    talk.data_received(head + b"\r\nContent-Length: 2\r\n\r\nok")

    assert (await whole(talk), talk.usable) == ((200, b"ok"), False)


@pytest.mark.parametrize("more", [FINE, b"nonsense", FINE[:10]])
async def test_words_behind_a_reply_belong_to_nobody(talk: Talk, more: bytes) -> None:
    talk.ask(b"GET")
    talk.data_received(FINE + more)

    assert (await whole(talk), talk.usable) == ((200, b"ok"), False)


async def test_words_before_the_talk_began_end_it_with_the_first_reply(wire: Wire) -> None:
    opener = ResponseHandler(asyncio.get_running_loop())
    opener.data_received(b"unasked")
    talk = Talk(opener, wire)

    talk.ask(b"GET")
    talk.data_received(FINE)

    assert (await whole(talk), talk.usable) == ((200, b"ok"), False)


async def test_words_before_a_request_belong_to_nobody(talk: Talk, wire: Wire) -> None:
    talk.data_received(FINE)

    assert (talk.usable, wire.closed) == (False, True)


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_CAP,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (HEAD_CAP // 2) + b"\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * (HEAD_CAP // 20),
    ],
)
async def test_heads_have_a_cap(talk: Talk, wire: Wire, endless: bytes) -> None:
    talk.ask(b"GET")
    talk.data_received(endless)

    with pytest.raises(Unusable, match="too large") as caught:
        await whole(talk)
    assert (caught.value.phase, wire.closed) == ("too_big", True)


@pytest.mark.parametrize(
    "sloppy",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 2\nX: a b\n\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: a\r\n b\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: \ta b \t\r\n\r\n2  \r\nok\r\n0\r\n\r\n",
    ],
)
async def test_what_old_servers_say_is_understood(talk: Talk, sloppy: bytes) -> None:
    talk.ask(b"GET")
    talk.data_received(sloppy)

    assert (await whole(talk), talk.fields[1]) == ((200, b"ok"), (b"X", b"a b"))


async def test_nothing_has_a_nul_in_it(talk: Talk) -> None:
    talk.ask(b"GET")
    talk.data_received(b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n")

    with pytest.raises(Unusable, match="NUL"):
        await whole(talk)


async def test_the_body_of_a_provisional_reply_is_not_that_of_the_final_one(talk: Talk) -> None:
    talk.ask(b"GET")
    talk.data_received(b"HTTP/1.1 199 Wait\r\nContent-Length: 4\r\n\r\nevil" + FINE)

    assert await whole(talk) == (200, b"ok")


async def test_a_connection_that_does_not_read_is_not_used_again(talk: Talk, wire: Wire) -> None:
    """Nobody would notice what comes over it at rest, and it would pass for the next reply."""
    talk.ask(b"GET")
    talk.data_received(b"HTTP/1.1 302 Found\r\nContent-Length: %d\r\n\r\n" % (HELD + 1) + b"x" * (HELD + 1))

    assert (talk.complete, wire.paused, talk.usable) == (True, True, False)


async def test_trailers_have_a_cap(talk: Talk, wire: Wire) -> None:
    talk.ask(b"GET")
    talk.data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n")
    for _ in range(9):
        talk.data_received(b"X: y\r\n" * (HEAD_CAP // 48))

    with pytest.raises(Unusable, match="too large"):
        await whole(talk)
    assert wire.closed


async def test_both_lengths_at_once_are_refused(talk: Talk) -> None:
    """Two readers of such a reply may disagree where it ends."""
    talk.ask(b"GET")
    talk.data_received(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    )

    with pytest.raises(Unusable):
        await whole(talk)


async def test_a_slow_reader_makes_the_peer_wait(talk: Talk, wire: Wire) -> None:
    talk.ask(b"GET")
    talk.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + b"x" * (HELD + 1))
    waited = wire.paused

    await talk.read()

    assert (waited, wire.paused) == (True, False)


async def test_a_large_body_waits_for_the_peer(talk: Talk) -> None:
    talk.ask(b"POST")
    talk.pause_writing()
    piece = asyncio.create_task(talk.say(b"piece"))
    await asyncio.sleep(0)
    waiting = not piece.done()

    talk.resume_writing()
    await piece

    assert waiting


async def test_the_end_of_the_connection_is_told(talk: Talk) -> None:
    talk.ask(b"GET")
    asyncio.get_running_loop().call_soon(talk.connection_lost, None)

    with pytest.raises(ServerDisconnectedError):
        await whole(talk)
    with pytest.raises(ServerDisconnectedError):
        talk.ask(b"GET")
    with pytest.raises(ServerDisconnectedError):
        await talk.say(b"more")


async def test_a_talk_over_tls_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two requests and one connection; what is large goes through as well, and closing ends."""
    certificate, key = certificates.issue(tmp_path, "127.0.0.1")
    came = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(1)
        for _ in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + body)
            await writer.drain()

    server = await asyncio.start_server(speak, "127.0.0.1", 0, ssl=certificates.server_context(certificate, key))
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", certificates.client_context(certificate))
    large = b"x" * 3_000_000

    async with Http(Egress(["127.0.0.1"]), timeout=10) as http:
        answers = [await http.request("POST", url, body=body, cap=len(large)) for body in (b"small", large)]
    server.close()

    assert ([answer.body for answer in answers], len(came)) == ([b"small", large], 1)
