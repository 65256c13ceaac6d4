"""Who the client is when a proxy stands in front: believed from trusted addresses only."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from trunkline.core.errors import Refusal


class Proxied:
    """Puts client, scheme and host as the nearest trusted proxies saw them into the scope."""

    def __init__(self, app: Any, trusted: Sequence[str]) -> None:
        self.app = app
        networks = [_network(entry) for entry in trusted]

        @lru_cache(maxsize=4096)
        def trusts(address: str) -> bool:
            parsed = _address(address)
            return parsed is not None and any(parsed in network for network in networks)

        self.trusts = trusts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["client"] and self.trusts(scope["client"][0]):
            self._believe(scope)
        await self.app(scope, receive, send)

    def _believe(self, scope: Any) -> None:
        client = self._client(_entries(scope, b"x-forwarded-for"))
        if client is not None:
            scope["client"] = (client, 0)
        schemes = _entries(scope, b"x-forwarded-proto")
        if schemes and schemes[-1].lower() in ("http", "https"):
            scope["scheme"] = schemes[-1].lower()
        hosts = _entries(scope, b"x-forwarded-host")
        if hosts and HOST.fullmatch(hosts[-1]):
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope["headers"] = [(b"host", hosts[-1].encode()), *others]

    def _client(self, hops: Sequence[str]) -> str | None:
        """The rightmost address that is not a proxy of ours; whatever stands left of it may be invented."""
        client = None
        for hop in reversed(hops):
            address = _address(hop)
            if address is None:
                break
            client = str(address)
            if not self.trusts(client):
                break
        return client


def _entries(scope: Any, name: bytes) -> list[str]:
    """All values of a list header, in order, over all its lines."""
    lines: Iterable[bytes] = (value for key, value in scope["headers"] if key == name)
    return [entry.strip() for line in lines for entry in line.decode("latin-1").split(",")]


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """`1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1` or `[2001:db8::1]:5678`."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(entry: str) -> Any:
    try:
        return ip_network(entry, strict=False)
    except ValueError as error:
        raise Refusal(f"'{entry}' in TRUNKLINE_TRUSTED_PROXIES is neither an IP address nor a CIDR block.") from error


HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
