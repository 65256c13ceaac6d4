"""The platform dialect's table: where it is served, who may call, how often, and how it says no."""

from trunkline.dialects.base import BearerKey, Dialect, Limits, PageNumbers, SessionBearer
from trunkline.dialects.platform import errors

DESCRIPTION = """
Manage the contacts, conversations, campaigns, tags and canned responses of your workspace.

Every request carries `Authorization: Bearer <token>`. Create a personal token in Settings → Account and choose its
scopes; a request outside of them is answered with 403. What a token may do is further limited by its owner's role in
the workspace. Users of the dashboard may call with the token of `POST /auth/login` instead; `X-Tenant-Id` then names
the workspace.

A single thing is `{"data": {…}}`, a list `{"data": […], "links": {…}, "meta": {…}}`, chosen by `page` and `per_page`
(25, at most 100). A filtered list is counted up to 10,000 matches; `meta.total_capped` tells that there are more.

`X-RateLimit-Limit` and `X-RateLimit-Remaining` tell what is left of this minute, `Retry-After` on 429 how many seconds
to wait. Import and export share a limit of 5 requests a minute, as do sending campaigns and their tests; 3 pages a
minute may be scraped, 10 replies drafted and 20 texts judged.

Times are ISO 8601 in UTC. A POST may carry an `Idempotency-Key`: for 24 hours, the same request with the same key has
one effect and gets the same answer. When a key is given twice in a JSON object, the last one counts.
"""

platform = Dialect(
    name="platform",
    title="Platform API",
    description=DESCRIPTION.strip(),
    prefixes=("/api/inbox/v1",),
    shared=("/api/v1",),
    auth=(BearerKey(), SessionBearer()),
    scopes={
        "contacts": "Contacts, their import and export",
        "conversations": "Conversations and replies",
        "campaigns": "Campaigns",
        "workflows": "Workflows",
        "knowledge-base": "Documents of the knowledge base",
        "ai": "Drafted replies and sentiment",
        "analytics": "Reports",
        "tags": "Tags",
        "canned-responses": "Canned responses",
    },
    limits=Limits(
        "60/min",
        strict={
            "import_export": "5/min",
            "campaign_send": "5/min",
            "kb_scrape": "3/min",
            "ai_reply": "10/min",
            "ai_sentiment": "20/min",
        },
    ),
    page=PageNumbers(default=25, most=100),
    errors=errors.render,
    error_shape={403: errors.Refused, 422: errors.Unprocessable, None: errors.Error},
)
