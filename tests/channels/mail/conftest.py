"""A shop that writes to its customers."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from trunkline.channels.base import Mail, Outbound
from trunkline.channels.mail import tokens
from trunkline.channels.mail.compose import Letterhead
from trunkline.core.urns import Urn


@pytest.fixture
def key() -> bytes:
    return tokens.signing_key("channel secret")


@pytest.fixture
def head(key: bytes) -> Letterhead:
    return Letterhead(
        from_="shop@in.test", from_name="Shop", key=key, inbound_domain="in.test", bounce_domain="bounce.test"
    )


@pytest.fixture
def at() -> datetime:
    return datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


@pytest.fixture
def outbound() -> Callable[..., Outbound]:
    """A message to Ana; what concerns mail goes into `mail` by name."""

    def make(text: str = "Hello Ana", *, to: str = "ana@x.test", **others: Any) -> Outbound:
        plain = {name: others.pop(name) for name in ("attachments", "extra", "id", "uuid") if name in others}
        settings = {"id": 7, "uuid": "01930000-0000-7000-8000-000000000007"} | plain
        return Outbound(to=Urn("mailto", to), text=text, mail=Mail(**({"subject": "News"} | others)), **settings)

    return make
