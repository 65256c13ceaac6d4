"""All that a browser asks for: put together here, a folder or a file for each subject."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trunkline.core.db import Database
from trunkline.health import Pulse
from trunkline.web import analytics, assets, errors, live, me, menu, palette, phones, status, visitors
from trunkline.web.campaigns import editor, report, review
from trunkline.web.campaigns import table as campaigns
from trunkline.web.contacts import actions, companies, contact, groups, importing
from trunkline.web.contacts import table as contacts
from trunkline.web.content import knowledge
from trunkline.web.content import lists as content
from trunkline.web.flows import flow, player, runs, sequences, triggers
from trunkline.web.flows import table as flows
from trunkline.web.hub import Hub
from trunkline.web.inbox import changing, reading, wishes, writing
from trunkline.web.inbox import page as inbox
from trunkline.web.login import joining, second_step, signing
from trunkline.web.sections import Section
from trunkline.web.settings import account, agency, audit, channels, credits, keys, queues, team, webhook_log, webhooks
from trunkline.web.settings import tabs as settings
from trunkline.web.visitors import Visitor
from trunkline.web.visits import Site

SECTIONS: list[Section] = [
    inbox.pages,
    reading.pages,
    writing.pages,
    wishes.pages,
    changing.pages,
    flows.pages,
    triggers.pages,
    sequences.pages,
    runs.pages,
    flow.pages,
    player.pages,
    analytics.pages,
    knowledge.pages,
    content.pages,
    contacts.pages,
    actions.pages,
    groups.pages,
    importing.pages,
    contact.pages,
    companies.pages,
    campaigns.pages,
    editor.pages,
    review.pages,
    report.pages,
    phones.pages,
    agency.pages,
    settings.pages,
    account.pages,
    keys.pages,
    channels.pages,
    team.pages,
    webhook_log.pages,
    webhooks.pages,
    credits.pages,
    audit.pages,
    queues.pages,
    status.pages,
    me.pages,
    palette.pages,
]


class Pages:
    """The web pages of one process. `dialects` tells which APIs are `served`."""

    def __init__(self, database: Database, dialects: Any):
        self.hub = Hub(database)
        sections = frozenset(section.name for section in SECTIONS)
        self.site = Site(database, self.hub, dialects, sections, Pulse(database))

    def routes(self) -> list[Route]:
        return [
            Route("/", visitors.signed_in(self.site.database, self._start)),
            *(route for section in SECTIONS for route in section.routes(self.site)),
            *status.routes(self.site),
            *signing.routes(self.site.database),
            *second_step.routes(self.site.database),
            *joining.routes(self.site.database),
            *live.routes(self.site.database, self.hub),
            *assets.routes(),
        ]

    def error_pages(self) -> dict[Any, Any]:
        """What Starlette shows when something is wrong, by status or class of the exception."""
        return errors.pages()

    async def open(self) -> None:
        """Nothing is opened before the first browser comes: the hub listens from then on."""

    async def close(self) -> None:
        """End all streams; browsers come back by themselves and resume."""
        await self.hub.close()

    async def _start(self, request: Request, visitor: Visitor) -> Response:
        """The first page of the menu."""
        first = next(entry.path for entry in menu.ENTRIES if entry.section in self.site.sections)
        return RedirectResponse(first, 303, {"Cache-Control": "no-store"})
