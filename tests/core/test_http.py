"""The HTTP client against servers that behave, lie, stall and break off."""

import asyncio
import gzip
import zlib

import pytest
from aiohttp import web

from tests.core import loops
from trunkline.core.egress import Egress
from trunkline.core.http import Http, HttpFailure, redact

pytestmark = pytest.mark.anyio
anyio_backend = loops.both


@pytest.fixture
async def http():
    async with Http(Egress(["127.0.0.1", "localhost"]), timeout=5) as client:
        yield client


@pytest.fixture
async def serve():
    runners = []

    async def start(answer):
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def raw():
    """A server that says its bytes once the request is in, and hangs up."""
    servers = []

    async def start(reply: bytes, hang: bool = False):
        async def speak(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)
            await writer.drain()
            if hang:
                await reader.read()
            writer.close()

        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    yield start
    for server in servers:
        server.close()


async def echo(request):
    body = (await request.read()).decode()
    return web.json_response({"method": request.method, "headers": dict(request.headers), "body": body})


async def failure(request) -> HttpFailure:
    with pytest.raises(HttpFailure) as caught:
        await request
    return caught.value


async def test_json_goes_out_and_comes_back(http, serve):
    url = await serve(echo)

    answer = await http.request("POST", f"{url}/x", json={"a": 1}, headers={"X-Api-Key": "k"})

    assert (answer.status, answer.ok, answer.json()["body"]) == (200, True, '{"a":1}')
    assert answer.json()["headers"]["Content-Type"] == "application/json"
    assert (answer.exchange.request_excerpt, answer.exchange.method) == ('{"a":1}', "POST")


async def test_forms_and_bytes_go_out(http, serve):
    url = await serve(echo)

    form = await http.request("POST", url, form={"to": "+1 555", "text": "é"})
    big = await http.request("POST", url, body=b"x" * 2**20 * 2, cap=2**22)

    assert form.json()["body"] == "to=%2B1+555&text=%C3%A9"
    assert len(big.json()["body"]) == 2**21


async def test_an_answer_of_any_status_is_an_answer(http, serve):
    async def broken(_):
        return web.Response(status=503, text="later")

    answer = await http.request("GET", await serve(broken))

    assert (answer.status, answer.ok, answer.text) == (503, False, "later")
    assert (await http.request("HEAD", await serve(echo))).body == b""


async def test_an_answer_that_is_no_json_is_bad(http, serve):
    async def page(_):
        return web.Response(text="<html>")

    answer = await http.request("GET", await serve(page))

    with pytest.raises(HttpFailure) as caught:
        answer.json()
    assert (caught.value.phase, caught.value.maybe_sent) == ("bad", True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"])
async def test_private_targets_are_refused_before_any_socket(host):
    hits = []
    server = await asyncio.start_server(lambda *_: hits.append(1), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async with Http(Egress()) as http:
        caught = await failure(http.request("GET", f"http://{host}:{port}/"))
    server.close()

    assert (caught.phase, caught.maybe_sent, hits) == ("refused", False, [])


async def test_a_literal_address_is_refused_by_name():
    async with Http(Egress()) as http:
        literal = await failure(http.request("GET", "http://127.0.0.1:8080/"))
        named = await failure(http.request("GET", "http://localhost:8080/"))

    assert (literal.phase, literal.code) == (named.phase, named.code) == ("refused", "address_refused")
    assert "TRUNKLINE_EGRESS_ALLOW" in literal.message


async def test_ports_are_judged_too(http):
    async with Http(Egress(["127.0.0.1:1"])) as narrow:
        caught = await failure(narrow.request("GET", "http://127.0.0.1:2/"))

    assert caught.phase == "refused"


@pytest.mark.parametrize(
    "url", ["ftp://x/", "http://u:p@example.com/", "http://", "http:///x", "nonsense", "http://a b/"]
)
async def test_what_is_no_web_address_is_refused(http, url):
    caught = await failure(http.request("GET", url))

    assert (caught.phase, caught.maybe_sent) == ("refused", False)


async def test_a_closed_port_is_a_connect_failure(http):
    caught = await failure(http.request("POST", "http://127.0.0.1:1/", json={}))

    assert (caught.phase, caught.maybe_sent) == ("connect", False)


async def test_a_name_that_does_not_exist_is_a_connect_failure(http):
    caught = await failure(http.request("GET", "http://nowhere.invalid/"))

    assert (caught.phase, caught.maybe_sent) == ("connect", False)


async def test_a_peer_that_hangs_up_may_have_read_the_request(http, raw):
    caught = await failure(http.request("POST", await raw(b""), json={}))

    assert (caught.phase, caught.maybe_sent) == ("after_sent", True)


async def test_silence_after_the_request_ends_in_time(http, raw):
    caught = await failure(http.request("POST", await raw(b"", hang=True), json={}, timeout=0.2))

    assert (caught.phase, caught.maybe_sent) == ("after_sent", True)


async def test_a_drip_ends_in_time(http, raw):
    url = await raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", hang=True)

    caught = await failure(http.request("GET", url, timeout=0.2))

    assert (caught.phase, caught.exchange.status) == ("after_sent", 200)


async def test_waiting_for_a_free_connection_leaves_nothing_sent(raw):
    url = await raw(b"", hang=True)
    async with Http(Egress(["127.0.0.1"]), limit=1) as http:
        first = asyncio.create_task(failure(http.request("POST", url, json={}, timeout=0.6)))
        await asyncio.sleep(0)
        second = await failure(http.request("POST", url, json={}, timeout=0.2))
        await first

    assert (second.phase, second.maybe_sent) == ("before_sent", False)


async def test_a_post_over_a_dropped_connection_is_not_repeated(http):
    requests = []

    async def speak(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        requests.append(1)
        if len(requests) == 1:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            requests.append(2)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    await http.request("POST", url)

    caught = await failure(http.request("POST", url))
    server.close()

    assert (caught.phase, caught.maybe_sent, requests) == ("after_sent", True, [1, 2])


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n"
        + gzip.compress(b"abcdef", mtime=0)[:12],
    ],
)
async def test_an_answer_that_cannot_be_read_is_bad(http, raw, reply):
    caught = await failure(http.request("POST", await raw(reply), json={}))

    assert (caught.phase, caught.maybe_sent) == ("bad", True)


async def test_bodies_and_headers_have_a_cap(http, serve):
    async def endless(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"0" * 65536)

    async def headers(_):
        return web.Response(headers={f"X-{n}": "v" * 4000 for n in range(10)})

    assert (await failure(http.request("GET", await serve(endless)))).phase == "too_big"
    assert (await failure(http.request("GET", await serve(headers)))).phase == "too_big"


@pytest.mark.parametrize(
    ("encoding", "squeezed"),
    [
        ("gzip", gzip.compress(b"a" * 1000, mtime=0)),
        ("gzip", gzip.compress(b"a" * 500, mtime=0) + gzip.compress(b"a" * 500, mtime=0)),
        ("deflate", zlib.compress(b"a" * 1000)),
        ("deflate", zlib.compress(b"a" * 1000)[2:-4]),
    ],
)
async def test_the_cap_counts_what_comes_out_of_compression(http, serve, encoding, squeezed):
    async def small(_):
        return web.Response(body=squeezed, headers={"Content-Encoding": encoding})

    url = await serve(small)

    assert (await http.request("GET", url, cap=1000)).body == b"a" * 1000
    assert (await failure(http.request("GET", url, cap=999))).phase == "too_big"


async def test_a_bomb_is_too_big(http, serve):
    bomb = gzip.compress(bytes(50 * 2**20), mtime=0)

    async def explode(_):
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    assert (await failure(http.request("GET", await serve(explode)))).phase == "too_big"


async def test_redirects_are_answers_unless_asked_for(http, serve):
    async def hop(request):
        if request.path == "/end":
            return web.Response(text=f"{request.method} {request.headers.get('Authorization')}")
        return web.Response(status=302, headers={"Location": "/end"})

    url = await serve(hop)

    assert (await http.request("POST", url)).status == 302
    followed = await http.request("POST", url, redirects=3, headers={"Authorization": "k"})
    assert (followed.text, followed.exchange.url) == ("GET k", f"{url}/end")


async def test_secrets_stay_behind_when_a_redirect_leaves_the_host(http, serve):
    other = await serve(echo)

    async def away(_):
        return web.Response(status=307, headers={"Location": f"{other}/there"})

    answer = await http.request(
        "POST",
        await serve(away),
        body=b"kept",
        redirects=1,
        headers={"Authorization": "k", "X-Api-Key": "k", "Cookie": "k", "Content-Type": "text/plain"},
    )

    received = answer.json()
    assert (received["body"], received["headers"]["Content-Type"]) == ("kept", "text/plain")
    assert {"Authorization", "X-Api-Key", "Cookie"}.isdisjoint(received["headers"])


@pytest.mark.parametrize(
    "target", ["http://127.0.0.2:{port}/", "http://10.0.0.1/", "file:///etc/passwd", "http://u:p@x/"]
)
async def test_each_hop_is_judged_anew(http, serve, target):
    async def away(request):
        return web.Response(status=302, headers={"Location": target.format(port=request.url.port)})

    caught = await failure(http.request("GET", await serve(away), redirects=3))

    assert caught.phase == "refused"


async def test_hops_are_counted(http, serve):
    async def loop(_):
        return web.Response(status=302, headers={"Location": "/again"})

    assert (await http.request("GET", await serve(loop), redirects=3)).status == 302


async def test_no_cookie_is_kept(http, serve):
    async def cookie(request):
        response = web.Response(text=request.headers.get("Cookie", "none"))
        response.set_cookie("a", "b")
        return response

    url = await serve(cookie)
    await http.request("GET", url)

    assert (await http.request("GET", url)).text == "none"


async def test_proxies_of_the_environment_are_ignored(http, serve, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    assert (await http.request("GET", await serve(echo))).status == 200


def test_redaction_knows_the_usual_spellings():
    text = 'key=s3cr%2Ft&k=s3cr/t {"k":"s3cr/t"} Basic czNjci90 and abc'

    assert redact(text, ["s3cr/t", "abc"]) == 'key=***&k=*** {"k":"***"} Basic *** and abc'


async def test_a_body_is_heard_as_it_comes(http, serve):
    heard: list[bytes] = []
    first = asyncio.Event()

    def hear(piece: bytes) -> None:
        heard.append(piece)
        first.set()

    async def drip(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one ")
        await first.wait()
        await response.write(b"two")
        return response

    answer = await http.request("GET", await serve(drip), heard=hear)

    assert (heard, answer.body) == ([b"one ", b"two"], b"one two")


async def test_refusals_and_compressed_bodies_are_not_heard(http, serve):
    heard: list[bytes] = []

    async def refuse(request):
        return web.Response(status=500, body=b"no")

    async def press(request):
        return web.Response(body=gzip.compress(b"yes"), headers={"Content-Encoding": "gzip"})

    answers = [await http.request("GET", await serve(answer), heard=heard.append) for answer in (refuse, press)]

    assert ([answer.body for answer in answers], heard) == ([b"no", b"yes"], [])
