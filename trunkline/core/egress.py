"""Which addresses we may connect to. Everything that leaves for a tenant's target is judged here first."""

import asyncio
import re
import socket
import ssl as tls
import unicodedata
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

from trunkline.core.errors import TrunklineError

HTTP_PORTS = frozenset({80, 443, 8080, 8443})
MAIL_PORTS = frozenset({25, 465, 587, 2525})
EVERYWHERE = ("0.0.0.0/0", "::/0")  # an allow-list for targets that the operator names in the environment
URL_LENGTH = 2048

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Refused(TrunklineError):
    """The target lies in a range or on a port that tenants may not reach."""

    code = "address_refused"


class BadUrl(ValueError):
    """A URL or host that is refused by its form; the text is a sentence for the user."""


class Egress:
    """The judge. `allow` holds what the operator lets through besides the public internet.

    An entry is `host`, `host:port`, `10.0.0.0/8`, `10.0.0.0/8:9000`, `fd00::/8` or `[::1]:9000`. It lifts the
    limits on addresses and ports for that target alone.
    """

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self._entries = [_Entry(text.strip()) for text in allow if text.strip()]

    def allows(self, host: str, port: int, ip: str | None = None) -> bool:
        """Whether the operator's list names this target."""
        address = _address(ip or host)
        return any(entry.covers(host, port, address) for entry in self._entries)

    def judge(self, ip: str, port: int, host: str = "", *, ports: frozenset[int] = HTTP_PORTS) -> None:
        """Raise `Refused` unless a connection to `ip` (found under the name `host`) is fine."""
        if self.allows(host, port, ip):
            return
        shown = host or ip  # what was asked for; what a private name resolves to is nobody's business
        if not _is_public(ip):
            raise Refused(f"{shown} is not a public address. The operator can allow it with {SETTING}.")
        if port not in ports:
            raise Refused(f"Port {port} of {shown} is not open to us. The operator can allow it with {SETTING}.")

    def check_url(self, url: str, *, https_only: bool = True) -> str:
        """The URL, unchanged, if its form is acceptable; asks no name server. Raises `BadUrl`."""
        if len(url) > URL_LENGTH:
            raise BadUrl(f"The URL must not be longer than {URL_LENGTH} characters.")
        if UNSAFE.search(url):
            raise BadUrl("The URL must not contain spaces, backslashes or control characters.")
        parsed = _parsed(url)
        host, port = parsed.raw_host or "", parsed.port or 0
        allowed = self.allows(host, port) or (host == "localhost" and self.allows(host, port, "127.0.0.1"))
        if https_only and parsed.scheme != "https" and not allowed:
            raise BadUrl(
                f"The URL must start with https://. The operator can allow http:// for a target with {SETTING}."
            )
        if not allowed:
            _check_form(host, port, HTTP_PORTS)
        return url

    def check_host(self, host: str, port: int, *, ports: frozenset[int] = MAIL_PORTS) -> str:
        """The host of a channel's settings, lower-cased, if its form is acceptable. Raises `BadUrl`."""
        plain = unicodedata.normalize("NFKC", host).strip().lower().removeprefix("[").removesuffix("]")
        if not HOST.fullmatch(plain):
            raise BadUrl("The host must be a host name or an IP address.")
        if not self.allows(plain, port):
            _check_form(plain, port, ports)
        return plain

    async def resolve(self, host: str, port: int, *, ports: frozenset[int] = HTTP_PORTS) -> list[str]:
        """Look the name up once; every address found must pass, or none is used."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(answer[4][0]).split("%")[0] for answer in found))
        for address in addresses:
            self.judge(address, port, host, ports=ports)
        return addresses

    async def open_socket(
        self, host: str, port: int, *, ports: frozenset[int] = MAIL_PORTS, timeout: float = 15
    ) -> socket.socket:
        """A connected, non-blocking TCP socket to one of the judged addresses."""
        async with asyncio.timeout(timeout):
            failure: OSError = ConnectionError(f"{host} has no address.")
            for address in await self.resolve(host, port, ports=ports):
                try:
                    return await _connected(address, port)
                except OSError as error:
                    failure = error
            raise failure

    async def open_connection(
        self,
        host: str,
        port: int,
        *,
        ssl: tls.SSLContext | None = None,
        ports: frozenset[int] = MAIL_PORTS,
        timeout: float = 15,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Streams over `open_socket`; the certificate is checked against `host`, not the address."""
        sock = await self.open_socket(host, port, ports=ports, timeout=timeout)
        async with asyncio.timeout(timeout):
            return await asyncio.open_connection(sock=sock, ssl=ssl, server_hostname=host if ssl else None)


class _Entry:
    """One line of the allow-list."""

    def __init__(self, text: str) -> None:
        target, port = self._split(text)
        self.port = int(port) if port.isdecimal() else None
        self.host, self.network = target.lower().rstrip("."), _network(target)
        named = self.network is None and HOST.fullmatch(self.host) and ":" not in self.host
        if not (named or self.network) or (port and not 0 < (self.port or 0) < 65536):
            raise ValueError(f"{SETTING}: {text!r} is not a host, host:port, network or network:port.")

    def _split(self, text: str) -> tuple[str, str]:
        if text.startswith("["):
            target, _, port = text[1:].partition("]:") if "]:" in text else text[1:].partition("]")
            return target if "]" in text else text, port
        if text.count(":") > 1:
            return text, ""
        target, _, port = text.partition(":")
        return target, port

    def covers(self, host: str, port: int, address: Address | None) -> bool:
        if self.port not in (None, port):
            return False
        if self.network is None:
            return host.lower().rstrip(".") == self.host
        return address is not None and address.version == self.network.version and address in self.network


def _parsed(url: str) -> URL:
    try:
        parsed = URL(url)
        parsed.port  # noqa: B018  a port out of range shows itself here
    except ValueError:
        raise BadUrl("The URL cannot be read.") from None
    if parsed.scheme not in ("http", "https"):
        raise BadUrl("The URL must start with https:// or http://.")
    if USERINFO.match(url):
        raise BadUrl("The URL must not contain a user name or password.")
    if not HOST.fullmatch(parsed.raw_host or ""):
        raise BadUrl("The URL must name a host.")
    return parsed


def _check_form(host: str, port: int, ports: frozenset[int]) -> None:
    """Refuse what is private by its spelling alone, so that registration needs no network."""
    name = host.lower().rstrip(".")
    if name in PRIVATE_NAMES or name.endswith(PRIVATE_ENDINGS):
        raise BadUrl(f"{host} is a private name. The operator can allow it with {SETTING}.")
    address = _address(name)
    if address is None and NUMERIC.fullmatch(name.rsplit(".", 1)[-1]):
        raise BadUrl(f"{host} is not a proper address: write it as four decimal numbers or use a name.")
    if address is not None and not _is_public(name):
        raise BadUrl(f"{host} is not a public address. The operator can allow it with {SETTING}.")
    if port not in ports:
        listed = ", ".join(map(str, sorted(ports)))
        raise BadUrl(f"Port {port} is not allowed; use one of {listed}.")


async def _connected(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _is_public(ip: str) -> bool:
    address = _address(ip)
    return address is not None and not any(address in network for network in _denied(address.version))


def _address(text: str) -> Address | None:
    """The address, with an IPv4 inside IPv6 taken out of its wrapping."""
    try:
        address = ip_address(text.split("%")[0].strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _denied(version: int) -> Iterator[Network]:
    return (network for network in DENIED if network.version == version)


SETTING = "TRUNKLINE_EGRESS_ALLOW"
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?|[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)
UNSAFE = re.compile(r"[\s\\\x00-\x1f\x7f-\x9f]")
USERINFO = re.compile(r"[^/?#]*//[^/?#]*@")
NUMERIC = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)
PRIVATE_NAMES = ("localhost", "local", "internal", "localdomain")
PRIVATE_ENDINGS = (".localhost", ".local", ".internal", ".localdomain", ".home.arpa")

# Special-purpose ranges of the IANA registries. The wrappers of IPv4 in IPv6 (NAT64, 6to4, Teredo) are
# refused whole; IPv4-mapped addresses are judged by what they carry. `::/3`, `4000::/2` and `8000::/1` are
# all that is not global unicast.
# fmt: off
DENIED = tuple(map(ip_network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "::/3", "4000::/2", "8000::/1", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)))
# fmt: on
