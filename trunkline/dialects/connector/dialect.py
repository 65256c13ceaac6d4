"""The connector dialect's table: where it is served, who may call, how often, and how it says no."""

from typing import Annotated

from trunkline.core import opaque
from trunkline.core.crypto import Vault
from trunkline.dialects.base import Dialect, HeaderKey, Limits, NotFound, Opaque, QueryKey
from trunkline.dialects.connector import errors

DESCRIPTION = """
Create contacts, put them on lists, and exchange messages with custom channels: whatever can make and take an HTTP call
becomes a channel of your account.

Every request carries the key of your account: as `?apiKey=` at the end of the address, or in the header `x-api-key`,
which keeps it out of other people's logs. Create a key in Settings → Account; a new one ends the old one at once. All
requests must use HTTPS.

Phone numbers include the country code (`+15551234567`); in an address write the plus as `%2B`. Ids are text and mean
nothing by themselves. A key makes up to 120 requests a minute; beyond that the answer is 429, and `Retry-After` says
when to come back.
"""

HEADER = HeaderKey("x-api-key")
"""Where operations that do not want their key in an address look for it: `auth=(HEADER,)`."""

connector = Dialect(
    name="connector",
    title="Connector API",
    description=DESCRIPTION.strip(),
    prefixes=("/v1", "/api/connector/v1"),
    auth=(HEADER, QueryKey("apiKey")),
    limits=Limits("120/min", visitor="60/min"),
    https=True,
    errors=errors.render,
    error_shape=errors.Error,
    statuses=errors.STATUSES,
)

ContactId = Annotated[int, Opaque("contact")]
ListId = Annotated[int, Opaque("list")]


def place(vault: Vault, kind: str, text: str) -> int:
    """The number behind an id in a body; what we never wrote is the same as an unknown one."""
    id = opaque.read(vault, kind, text)
    if id is None:
        raise NotFound(kind, text)
    return id
