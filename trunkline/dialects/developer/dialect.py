"""The developer dialect's table: where it is served, who may call, how often, and how it says no."""

from trunkline.dialects.base import BareArray, BearerKey, Dialect, Limits
from trunkline.dialects.developer import errors

DESCRIPTION = """
Read the companies, contacts and chat conversations of your account.

Every request carries `Authorization: Bearer <key>`. Create a key in Settings → Developer; whoever has it reads
everything of the account, so delete a key that leaked and create a new one.

Every list is a bare JSON array, the newest first. Without parameters it is whole, however long. With `limit` (1 to
1000) it comes in pages: the `Link` header of an answer leads to the next one, `X-Total-Count` tells how many there
are. Keys are always there; what is not known is `null`. Times are ISO 8601 in UTC.

There is no strict limit; please stay below 100 requests a minute. Only more than 1,200 a minute are refused, with 429
and `Retry-After`.
"""

developer = Dialect(
    name="developer",
    title="Developer API",
    description=DESCRIPTION.strip(),
    prefixes=("/api/developer/v1",),
    shared=("/api/v1",),
    auth=(BearerKey(),),
    scopes={"read": "Read everything", "visitor-ip": "See the whole address of visitors"},
    limits=Limits("1200/min"),
    page=BareArray(most=1000),
    errors=errors.render,
    error_shape=errors.Error,
)
