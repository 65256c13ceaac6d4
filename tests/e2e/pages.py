"""Every page of the dashboard, each with the data that it needs: what tests walk through and pictures are taken of.

The list is held against the routes of the app: a page without a line here fails a test.
"""

from msgspec import Struct

from tests.e2e.acme import Acme


class Shown(Struct, frozen=True):
    """A page. `route` is the route that answers, `path` its address where that says more than the route does: words
    in braces are places of the workspace. Nobody in particular may be the one who looks (`who` is empty). A frame
    stands inside another page and lets no script run.
    """

    name: str
    route: str
    path: str = ""
    who: str = "owner"
    status: int = 200
    is_frame: bool = False

    def picture(self, colours: str) -> str:
        """The name of its picture in docs/screenshots."""
        return f"{self.name}{'-dark' if colours == 'dark' else ''}.png"

    def address(self, acme: Acme) -> str:
        return (self.path or self.route).format_map(acme.places)


PAGES = [
    Shown("login", "/login", who=""),
    Shown("reset", "/reset", who=""),
    Shown("reset-form", "/reset/form", "{reset}", who=""),
    Shown("invitation", "/invitation", "{invitation}", who=""),
    Shown("link-over", "/invitation", "/invitation?token=used", who="", status=404),
    Shown("unsubscribe", "/u/{token}", "{unsubscribe}", who=""),
    Shown("chat", "/chat/{window}", "{chat}", who=""),
    Shown("docs", "/docs", who=""),
    Shown("docs-platform", "/docs/{name}", "/docs/platform", who=""),
    Shown("docs-portal", "/docs/{name}", "/docs/portal", who=""),
    Shown("docs-developer", "/docs/{name}", "/docs/developer", who=""),
    Shown("docs-connector", "/docs/{name}", "/docs/connector", who=""),
    Shown("docs-rapidpro", "/docs/{name}", "/docs/rapidpro", who=""),
    Shown("explorer", "/api/v2/explorer/"),
    Shown("rapidpro", "", "/api/v2/", who=""),
    Shown("rapidpro-contacts", "", "/api/v2/contacts", who=""),
    Shown("not-found", "", "/nothing-here", status=404),
    Shown("not-allowed", "/settings/audit", who="agent", status=403),
    Shown("no-such-contact", "/contacts/{id:int}", "/contacts/999999", status=404),
    Shown("inbox", "/inbox"),
    Shown("inbox-conversation", "/inbox/{id:int}", "{conversation}"),
    Shown("inbox-letter", "/inbox/messages/{id:int}/original", "{letter}", is_frame=True),
    Shown("contacts", "/contacts"),
    Shown("contacts-none", "/contacts", "/contacts?search=nobody+at+all"),
    Shown("contact-new", "/contacts/new"),
    Shown("contact", "/contacts/{id:int}", "{contact}"),
    Shown("contact-form", "/contacts/{id:int}/form", "{contact}/form"),
    Shown("groups", "/contacts/groups"),
    Shown("bulk-actions", "/contacts/actions"),
    Shown("import", "/contacts/import"),
    Shown("import-columns", "/contacts/import/{id:int}", "{import}"),
    Shown("companies", "/companies"),
    Shown("pipeline", "/companies/pipeline"),
    Shown("company", "/companies/{id:int}", "{company}"),
    Shown("campaigns", "/campaigns"),
    Shown("campaign-new", "/campaigns/new"),
    Shown("campaign-audience", "/campaigns/{id:int}/audience", "{draft}/audience"),
    Shown("campaign-content", "/campaigns/{id:int}/content", "{draft}/content"),
    Shown("campaign-schedule", "/campaigns/{id:int}/schedule", "{draft}/schedule"),
    Shown("campaign-review", "/campaigns/{id:int}/review", "{draft}/review"),
    Shown("campaign-letter", "/campaigns/{id:int}/letter", "{sent}/letter", is_frame=True),
    Shown("campaign-report", "/campaigns/{id:int}", "{sent}"),
    Shown("campaign-recipients", "/campaigns/{id:int}/recipients", "{sent}/recipients"),
    Shown("flows", "/flows"),
    Shown("flow-import", "/flows/import"),
    Shown("flow", "/flows/{uuid:uuid}", "{flow}"),
    Shown("flow-start", "/flows/{uuid:uuid}/starts", "{flow}/starts"),
    Shown("flow-play", "/flows/{uuid:uuid}/play", "{flow}/play"),
    Shown("triggers", "/flows/triggers"),
    Shown("sequences", "/flows/sequences"),
    Shown("sequence", "/flows/sequences/{id:int}", "{sequence}"),
    Shown("sequence-event", "/flows/sequences/{id:int}/events/{point:int}", "{event}"),
    Shown("runs", "/flows/runs"),
    Shown("run", "/flows/runs/{run:uuid}", "{run}"),
    Shown("flow-log", "/flows/log"),
    Shown("phones", "/phones"),
    Shown("phone-mail", "/phones/{id:int}/mails/{seq:int}", "{mail}", is_frame=True),
    Shown("analytics", "/analytics"),
    Shown("knowledge", "/content/knowledge"),
    Shown("templates", "/content/templates"),
    Shown("template", "/content/templates/{key}", "{templates}"),
    Shown("canned", "/content/canned"),
    Shown("canned-response", "/content/canned/{key}", "{canned}"),
    Shown("tags", "/content/tags"),
    Shown("tag", "/content/tags/{key}", "{tags}"),
    Shown("labels", "/content/labels"),
    Shown("label", "/content/labels/{key}", "{labels}"),
    Shown("fields", "/content/fields"),
    Shown("field", "/content/fields/{key}", "{fields}"),
    Shown("globals", "/content/globals"),
    Shown("global", "/content/globals/{key}", "{globals}"),
    Shown("topics", "/content/topics"),
    Shown("topic", "/content/topics/{key}", "{topics}"),
    Shown("agency", "/agency", who="agency"),
    Shown("agency-new", "/agency/new", who="agency"),
    Shown("agency-sub-account", "/agency/{id:int}", "{sub}", who="agency"),
    Shown("settings", "/settings"),
    Shown("account", "/settings/account"),
    Shown("workspace-tokens", "/settings/tokens"),
    Shown("api-keys", "/settings/api-keys"),
    Shown("developer", "/settings/developer"),
    Shown("channels", "/settings/channels"),
    Shown("channel-kinds", "/settings/channels/new"),
    Shown("channel-new", "/settings/channels/new/{kind}", "/settings/channels/new/smtp"),
    Shown("channel", "/settings/channels/{id:int}", "{channel}"),
    Shown("channel-form", "/settings/channels/{id:int}/form", "{channel}/form"),
    Shown("team", "/settings/team"),
    Shown("webhooks", "/settings/webhooks"),
    Shown("webhook-new", "/settings/webhooks/new"),
    Shown("webhook", "/settings/webhooks/{id:int}", "{webhook}"),
    Shown("webhook-form", "/settings/webhooks/{id:int}/form", "{webhook}/form"),
    Shown("webhook-log", "/settings/webhooks/log"),
    Shown("webhook-delivery", "/settings/webhooks/deliveries/{id:int}", "{failure}"),
    Shown("credits", "/settings/credits"),
    Shown("audit", "/settings/audit"),
    Shown("health", "/settings/health"),
    Shown("status", "/status"),
    Shown("me", "/me"),
    Shown("second-factor", "/me/second-factor"),
]

SAME = {
    "/me/password": "/me",
    "/me/second-factor/removal": "/me",
    "/me/second-factor/codes": "/me",
    "/settings/account/key": "/settings/account",
    "/settings/account/tokens": "/settings/account",
    "/settings/channels/{id:int}/test": "/settings/channels/{id:int}",
    "/settings/webhooks/account": "/settings/webhooks",
    "/settings/webhooks/replays": "/settings/webhooks/log",
    "/settings/webhooks/{id:int}/test": "/settings/webhooks/{id:int}",
    "/agency/{id:int}/allowance": "/agency/{id:int}",
    "/agency/{id:int}/credits": "/agency/{id:int}",
}
"""Routes at which a refused form is shown again: the page of the other route."""

LEADING_ON = {"/", "/content", "/campaigns/{id:int}/next", "/api/", "/l/{token}"}
"""They answer with another address."""

PARTS = {
    "/palette",
    "/campaigns/{id:int}/audience/size",
    "/campaigns/{id:int}/numbers",
    "/campaigns/{id:int}/course",
    "/campaigns/{id:int}/answers",
}
"""Pieces that a script puts into a page of the list."""

DATA = {
    "/chat/widget.js",
    "/chat/{window}/config",
    "/chat/{window}/messages",
    "/chat/{window}/events",
    "/c/{kind}/{channel}/{action}",
    "/m/{token}",
    "/m/{token}/{uuid}/{name}",
    "/a/{token}",
    "/o/{token}",
    "/hooks/mail/{token}",
    "/healthz",
    "/readyz",
    "/session",
    "/metrics",
    "/openapi",
    "/openapi/{name}.json",
    "/inbox/api/views",
    "/inbox/api/list",
    "/inbox/api/conversations/{id:int}",
    "/inbox/api/conversations/{id:int}/messages",
    "/inbox/api/conversations/{id:int}/panel",
    "/inbox/api/conversations/{id:int}/canned",
    "/inbox/api/conversations/{id:int}/presence",
    "/inbox/api/conversations/{id:int}/templates",
    "/inbox/api/conversations/{id:int}/macros",
    "/inbox/api/contacts",
    "/flows/{uuid:uuid}/export",
    "/contacts/export",
    "/campaigns/{id:int}/recipients.csv",
    "/settings/credits.csv",
    "/status.json",
    "/live",
    "/static/{digest}/{name:path}",
    "/favicon.svg",
    "/favicon.ico",
}
"""For programs: no HTML."""
