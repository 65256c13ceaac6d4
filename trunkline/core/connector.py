"""The connections of the HTTP client: each address is judged at the moment its socket is made."""

import asyncio
import socket
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection
from yarl import URL

from trunkline.core import talks
from trunkline.core.egress import Egress, Refused
from trunkline.core.talks import Phase, Talk


class Call:
    """How far one request has come. `sent` never turns back, so a second attempt cannot hide the first."""

    __slots__ = ("connecting", "host", "sent")

    def __init__(self) -> None:
        self.host, self.connecting, self.sent = "", False, False

    @property
    def phase(self) -> Phase:
        if self.sent:
            return "after_sent"
        return "connect" if self.connecting else "before_sent"


class Connector(aiohttp.TCPConnector):
    """Judges twice: all addresses of a name when it is looked up, and each address when its socket is made.

    aiohttp asks the resolver for names only; the socket factory sees literal addresses too.
    """

    def __init__(self, egress: Egress, limit: int) -> None:
        self._egress = egress
        super().__init__(
            limit=limit,
            resolver=_Resolver(egress),
            socket_factory=self._judged_socket,
            # Common servers drop idle connections after five seconds. A request that meets such a close
            # may or may not have been read, so it is better never to reuse a connection that old.
            keepalive_timeout=4,
        )
        self._ways = lru_cache(1024)(self._way)

    async def reach(self, url: URL) -> tuple[Connection, Talk]:
        """A connection to where `url` leads, fresh or at rest, and the talk over it."""
        way = self._ways(url.origin())
        for stale in range(MOST_STALE + 1):
            connection = await self.connect(way, [], ENDLESS)
            talk = talks.over(connection)
            if talk is not None and (talk.usable or stale == MOST_STALE):
                return connection, talk
            connection.close()  # somebody spoke unasked: those words must not pass for the next answer
        raise aiohttp.ServerDisconnectedError

    def _way(self, origin: URL) -> aiohttp.ClientRequest:
        """The connector asks a request where its connection shall lead. One for each origin serves them all."""
        return aiohttp.ClientRequest("GET", origin, loop=asyncio.get_running_loop())

    def _judged_socket(self, address: Any) -> socket.socket:
        family, kind, protocol, _, (ip, port, *_) = address
        call = CALL.get()
        call.connecting = True
        try:
            self._egress.judge(ip, port, call.host)
        except Refused as error:
            # The only kind of error that passes through the race between several addresses.
            raise SocketRefused(error.message) from None
        return socket.socket(family, kind, protocol)


class _Resolver(AbstractResolver):
    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        CALL.get().connecting = True
        return [
            ResolveResult(hostname=host, host=ip, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
            for ip in await self._egress.resolve(host, port)
        ]

    async def close(self) -> None:
        """Nothing is held open."""


class SocketRefused(PermissionError):
    """`Refused`, in the form that the connector passes on."""


CALL: ContextVar[Call] = ContextVar("call")
MOST_STALE = 3
"""Beyond so many it is the peer's way to speak first, which no HTTP server does: reading it will tell."""
ENDLESS = aiohttp.ClientTimeout(total=None, sock_connect=None)
"""Whoever asks keeps the time."""
