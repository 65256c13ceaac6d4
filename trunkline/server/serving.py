"""Listening, and ending well: bind, serve until told to stop, let the requests in flight finish."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Any

from trunkline.core.clock import monotonic, now
from trunkline.core.errors import Refusal
from trunkline.server.connections import Connection, Hall
from trunkline.server.engine import Config
from trunkline.server.limits import BodyCap, Limits, Wording, one_mebibyte, plain
from trunkline.server.proxies import Proxied

TICK_SECONDS = 0.25
# At a drain, clients in the middle of a conversation get this long to hear "Connection: close" on their next
# request, instead of finding the connection shut under it.
IDLE_GRACE_SECONDS = 0.5
CANCEL_SECONDS = 1


async def serve(
    app: Any,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    on_listen: Callable[[str, int], object],
    trusted_proxies: Sequence[str] = (),
    tls: tuple[str, str] | None = None,
    drain_seconds: float = 15,
    body_cap: BodyCap = one_mebibyte,
    wording: Wording = plain,
    limits: Limits = Limits(),
) -> None:
    """Serve an ASGI app until `stop` is set and its last request answered, at most `drain_seconds` later.

    Port 0 takes any free port; `on_listen` hears the real host and port. `tls` names certificate and key.
    `wording` writes the bodies of our own refusals. Signals stay the caller's. An app that answers lifespan events is
    started before and ended after.
    """
    app = Proxied(app, trusted_proxies) if trusted_proxies else app
    context = _tls_context(*tls) if tls else None
    door = _bind(host, port)
    hall = Hall(limits, body_cap, wording)
    config = _config(app)
    _set_date(hall)
    lifespan = config.lifespan_class(config)
    await lifespan.startup()
    if lifespan.should_exit:
        door.close()
        raise Refusal("The app did not start; the log says why.")
    listening = await asyncio.get_running_loop().create_server(
        lambda: Connection(config, hall, lifespan.state),
        sock=door,
        ssl=context,
        ssl_handshake_timeout=limits.handshake_seconds if context else None,
    )
    try:
        on_listen(*door.getsockname()[:2])
        await _keep_time(hall, stop)
    finally:
        listening.close()
        await _drain(hall, drain_seconds)
        await lifespan.shutdown()


def _config(app: Any) -> Config:
    config = Config(
        app,
        interface="asgi3",
        http=Connection,
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    config.load()
    return config


async def _keep_time(hall: Hall, stop: asyncio.Event) -> None:
    while not stop.is_set():
        _tick(hall)
        try:
            await asyncio.wait_for(stop.wait(), TICK_SECONDS)
        except TimeoutError:
            continue


def _tick(hall: Hall) -> None:
    """One look at all connections is cheaper than a timer for each request."""
    _set_date(hall)
    moment = monotonic()
    for connection in [each for each in hall.connections if each.deadline < moment]:
        connection.expire()


def _set_date(hall: Hall) -> None:
    hall.default_headers = [(b"date", formatdate(now().timestamp(), usegmt=True).encode())]


async def _drain(hall: Hall, seconds: float) -> None:
    hall.draining = True
    for connection in list(hall.connections):
        connection.shutdown()
    began = monotonic()
    while (hall.connections or hall.tasks) and (waited := monotonic() - began) < seconds:
        if waited > IDLE_GRACE_SECONDS:
            for connection in list(hall.connections):
                connection.close_if_idle()
        _tick(hall)
        await asyncio.sleep(0.05)
    await _give_up(hall)


async def _give_up(hall: Hall) -> None:
    for connection in list(hall.connections):
        connection.abort()
    tasks = list(hall.tasks)
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_SECONDS)
    for task in hall.tasks:
        task.cancel()
    if hall.tasks:
        await asyncio.wait(list(hall.tasks), timeout=CANCEL_SECONDS)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, OverflowError) as error:
        raise Refusal(f"Cannot listen on {host}, port {port}: no such address.") from error
    door = socket.socket(family, kind, protocol)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        door.bind(address)
        door.listen(2048)
    except OSError as error:
        door.close()
        raise Refusal(_why_not(error, host, port)) from error
    door.setblocking(False)
    return door


def _why_not(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} is taken by another program on {host}. Use --port 0 (any free port) or another."
        case errno.EACCES:
            return f"Port {port} needs privileges that this user lacks. Use a port above 1023 or --port 0."
        case _:
            return f"Cannot listen on {host}, port {port}: {error.strerror}."


def _tls_context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise Refusal(f"Cannot use TRUNKLINE_TLS_CERT={certificate} with TRUNKLINE_TLS_KEY={key}: {error}.") from error
    return context
