"""The chat window on a web site: what goes out is laid before the visitor by ourselves; nothing leaves us.

The channel's secret is the identity secret: with it a site's server vouches for its own users.
"""

import re
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from trunkline.channels.base import Adapter, Capabilities, Kind, Outbound, Request, Semantics, SendError, Sent, Wire
from trunkline.core.egress import Egress
from trunkline.core.errors import Invalid, NotFound


class WebChatConfig(Struct, frozen=True, kw_only=True):
    """`origins` lists the sites that may show the window, as `https://shop.example https://www.shop.example`; `*` is
    every site. `trust_uploads` says whose files are taken: nobody's, those of users that the site vouched for, or
    everybody's. `assistant` is the id of the assistant that answers, as `trunkline assistant create` prints it, where
    it is not the workspace's default one.
    """

    origins: Annotated[str, Meta(min_length=1, max_length=4096)]
    title: Annotated[str, Meta(max_length=80)] = ""
    greeting: Annotated[str, Meta(max_length=500)] = ""
    colour: Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$")] = "#1f5fbf"
    trust_uploads: Literal["nobody", "identified", "everybody"] = "nobody"
    assistant: Annotated[str, Meta(max_length=64)] = ""

    @property
    def sites(self) -> list[str]:
        return re.split(r"[\s,]+", self.origins.strip().lower())

    def admits(self, origin: str) -> bool:
        """Whether a page of this origin may show the window."""
        return "*" in self.sites or origin.lower() in self.sites

    def trusts(self, *, identified: bool) -> bool:
        """Whether files of such a visitor are taken."""
        return self.trust_uploads == "everybody" or (identified and self.trust_uploads == "identified")


class WebChat(Adapter):
    kind: ClassVar[str] = "webchat"
    sends_as: ClassVar[Kind] = "web_chat"
    schemes: ClassVar[frozenset[str]] = frozenset({"webchat"})
    can: ClassVar[Capabilities] = Capabilities(media=True, quick_replies=True, batch=64)
    semantics: ClassVar[Semantics] = "at_least_once"
    Config: ClassVar[type[Struct]] = WebChatConfig

    @classmethod
    def check(cls, config: WebChatConfig, egress: Egress) -> None:
        for site in config.sites:
            if site != "*" and not _is_origin(site):
                example = "Write each as https://shop.example, without a path."
                raise Invalid({"origins": [f"{site!r} is not an origin. {example}"]})

    async def send(self, wire: Wire, messages: Sequence[Outbound]) -> list[Sent]:
        shown = await wire.carrier.show(self.channel, messages)
        unknown = SendError("invalid", "No visitor of this window has the address.")
        return [
            Sent(id=each.id, external_id=each.uuid) if each.id in shown else Sent(id=each.id, error=unknown)
            for each in messages
        ]

    def verify(self, request: Request) -> None:
        """No provider calls us: visitors have addresses of their own."""
        raise NotFound("address")


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - it is read to be checked
    except ValueError:
        return False
    return (
        parts.scheme in ("https", "http")
        and bool(parts.hostname)
        and text == f"{parts.scheme}://{parts.netloc}"
        and ("@" not in parts.netloc)
    )
