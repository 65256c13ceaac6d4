"""The audit log, page by page."""

from starlette.responses import Response

from trunkline.accounts import audit, users, visits
from trunkline.web.sections import Section
from trunkline.web.settings import tabs
from trunkline.web.visits import Visit

pages = Section("settings")

SHOWN = 50

# What can be chosen without knowing the words of the log: the nouns that actions begin with.
NOUNS = (
    "login", "key.", "member.", "invitation.", "password.", "second_factor.", "sessions.", "account.", "channel.",
    "webhook", "credits.", "sub_account.", "visit.", "allowance.", "contact", "campaign", "flow",
)  # fmt: skip


@pages.get("/settings/audit", level="admin")
async def table(visit: Visit) -> Response:
    query = visit.query
    action, actor = query.text("action", most=64), query.text("actor", most=64)
    async with visit.tx() as tx:
        rows = await audit.entries(tx, query.number("before"), SHOWN + 1, action=action or None, actor=actor or None)
        people = await visits.guests(tx)
        people |= {f"user:{one.id}": one.name or one.email for one in await users.members(tx)}
    return tabs.page(
        visit,
        "settings/audit.html",
        block="found",
        rows=rows[:SHOWN],
        people=people,
        nouns=NOUNS,
        action=action,
        actor=actor,
        next=visit.here(before=rows[SHOWN - 1].id) if len(rows) > SHOWN else "",
    )
