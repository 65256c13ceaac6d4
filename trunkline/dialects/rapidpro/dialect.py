"""The rapidpro dialect's table: where it is served, who may call, how often, and how it says no."""

from typing import Any

from trunkline.dialects.base import Dialect, Forbidden, Invalid, Limits, Unauthenticated
from trunkline.dialects.rapidpro import errors
from trunkline.dialects.rapidpro.credentials import Basic, Browser, Token
from trunkline.dialects.rapidpro.visits import RapidproVisit
from trunkline.dialects.walking import Walks

PAGE = 250

DESCRIPTION = """
Contacts, messages, flows and all that belongs to them, in the way that RapidPro and TextIt have it. Append `.json` to
the address of an endpoint: without it there is the endpoint's documentation.

Every call carries `Authorization: Token <your API token>` and comes over HTTPS. A `GET` lists; a `POST` creates, or
with `?uuid=…` (`?key=…`, `?urn=…`) changes; a `DELETE` with the same parameter deletes.

Lists come in pages of 250 with the addresses of the pages around them. Times are UTC with six digits of the second:
`2016-10-13T11:54:32.525277Z`. An endpoint answers 2,500 requests an hour for a workspace; then 429 with `Retry-After`.
"""

rapidpro = Dialect(
    name="rapidpro",
    title="RapidPro API v2",
    description=DESCRIPTION.strip(),
    prefixes=("/api/v2",),
    auth=(Token(), Basic(), Browser()),
    limits=Limits("2500/hour"),
    page=Walks(PAGE),
    statuses={Unauthenticated: 403, Forbidden: 403, Invalid: 400},
    https=True,
    errors=errors.render,
    error_shape={400: dict[str, Any], None: errors.Error},
    visits=RapidproVisit,
)
