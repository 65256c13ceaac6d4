"""URNs as flows write them: `scheme:path?channel=uuid#display`. The channel is the one that the URN is pinned to."""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from trunkline.core import urns
from trunkline.core.urns import BadUrn

REDACTED = "********"


class Address(NamedTuple):
    scheme: str
    path: str
    channel_uuid: str = ""
    display: str = ""

    @property
    def identity(self) -> str:
        """What makes it the same URN as another."""
        return f"{self.scheme}:{self.path}"

    @property
    def text(self) -> str:
        query = f"?channel={self.channel_uuid}" if self.channel_uuid else ""
        return self.identity + query + (f"#{self.display}" if self.display else "")

    @property
    def without_channel(self) -> str:
        """How expressions see it."""
        return self.identity + (f"#{self.display}" if self.display else "")

    def on(self, channel_uuid: str) -> "Address":
        return self._replace(channel_uuid=channel_uuid)


@lru_cache(maxsize=65_536)
def read(text: str) -> Address:
    """Taken apart, not judged: contacts may hold URNs of schemes that we do not know."""
    rest, _, display = text.partition("#")
    scheme, _, rest = rest.partition(":")
    path, _, query = rest.partition("?")
    channel = dict(parse_qsl(query)).get("channel", "") if query else ""
    return Address(scheme.strip().lower(), path, channel, unquote(display))


def make(scheme: str, path: str, country: str = "") -> Address:
    """Normalised and checked; raises BadUrn."""
    urn = urns.make(scheme.strip().lower(), path.partition("?")[0], country or None)
    return Address(urn.scheme, urn.path)


def parse(text: str, country: str = "") -> Address:
    """Normalised and checked, keeping channel and display; raises BadUrn."""
    found = read(text.strip())
    if not found.path:
        raise BadUrn("A URN is written scheme:path.")
    return make(found.scheme, found.path, country)._replace(channel_uuid=found.channel_uuid, display=found.display)
