"""The portal dialect's table: where it is served, who may call, how often, and how it says no."""

from trunkline.dialects.base import Dialect, HeaderKey, Limits, PageNumbers
from trunkline.dialects.portal import errors

DESCRIPTION = """
Send SMS, e-mail and WhatsApp messages, one by one or up to 500 at once, have texts spoken on the telephone, follow
their delivery, keep contacts and run campaigns. Start with `GET /onboarding`: it names the integrations, templates
and defaults of your key.

Every request carries the key in `X-API-Key`. A key has scopes: `read` (view data), `write` (create, update, delete),
`send` (send messages); `*` is all of them. Create keys in Settings → API Keys.

Phone numbers are E.164 (`+40740111222`), times ISO 8601 with a zone. A POST may carry an `Idempotency-Key`: for
24 hours, the same request with the same key has one effect and gets the same answer.
"""

portal = Dialect(
    name="portal",
    title="Portal API",
    description=DESCRIPTION.strip(),
    prefixes=("/api/v1/integrations", "/api/portal/v1"),
    auth=(HeaderKey("X-API-Key"),),
    scopes={
        "read": "View data",
        "write": "Create, update and delete",
        "send": "Send messages and campaigns, and call",
    },
    limits=Limits("120/min", send="60/min"),
    page=PageNumbers(default=25, most=100),
    errors=errors.render,
    error_shape=errors.Error,
)
