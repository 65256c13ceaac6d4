"""Settings: where each is found, and the tabs that all of them share."""

from typing import Any

from msgspec import Struct
from starlette.responses import Response

from trunkline.accounts.roles import Level
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("settings")


class Entry(Struct, frozen=True):
    path: str
    title: str
    hint: str
    level: Level = "admin"


ENTRIES = [
    Entry("/settings/account", "Account", "Workspace, personal API tokens, connector key.", "view"),
    Entry("/settings/developer", "Developer", "Keys of the Developer API."),
    Entry("/settings/api-keys", "API Keys", "Keys of the Portal API, with read, write and send."),
    Entry("/settings/tokens", "Workspace tokens", "Tokens of the RapidPro-compatible API v2."),
    Entry("/settings/channels", "Channels", "Connect SMS, email, calls, chat and your own programs."),
    Entry("/settings/team", "Team", "Members, roles, invitations.", "view"),
    Entry("/settings/webhooks", "Webhooks", "Who is told what, and how each try went."),
    Entry("/settings/credits", "Credits", "Balance, statements, automatic recharge."),
    Entry("/settings/audit", "Audit log", "Who did what, and when."),
    Entry("/settings/health", "Health", "Queues, workers, work that failed for good."),
]


def page(visit: Visit, template: str, /, *, block: str = "", **values: Any) -> Response:
    """A page with the tabs of the settings that this visitor may open."""
    return visit.page(template, block=block, places=[one for one in ENTRIES if visit.may(one.level)], **values)


@pages.get("/settings")
async def index(visit: Visit) -> Response:
    return page(visit, "settings/index.html")
