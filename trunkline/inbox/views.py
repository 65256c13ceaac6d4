"""Views: the parts of the inbox that everybody has, and the searches that people keep."""

from msgspec import Struct

from trunkline.contacts import names
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, NotFound
from trunkline.inbox import finding, listing
from trunkline.inbox.finding import Condition, Cursor, Line, Looker

NAMES = ("mine", "unassigned", "all", "mentions", "snoozed", "closed", "spam")
MOST_SAVED = 50

LIVING = Condition("c.status in ('open', 'pending')")


class View(Struct, frozen=True):
    """A search that is kept; shared with all when `is_shared`."""

    id: int
    name: str
    query: str
    is_shared: bool


class Wanted(Struct, frozen=True):
    """A view by its name (`saved:7` for a kept one), and what is searched in it."""

    view: str = "all"
    query: str = ""


async def page(tx: Tx, wanted: Wanted, looker: Looker, *, after: Cursor | None = None, limit: int = 50) -> list[Line]:
    return await finding.page(tx, await _conditions(tx, wanted, looker), after=after, limit=limit)


async def holding(tx: Tx, wanted: Wanted, looker: Looker, ids: list[int]) -> list[Line]:
    """Those of these conversations that are in a view."""
    if not ids:
        return []
    among = Condition("c.id = any({}::bigint[])", (ids,))
    return await finding.page(tx, [*await _conditions(tx, wanted, looker), among], limit=len(ids))


async def counts(tx: Tx, looker: Looker) -> dict[str, int]:
    """How many conversations are in each view, kept ones included; `finding.COUNTED` stands for at least so many.

    What is resting is counted exactly, from the tallies.
    """
    by_status = await listing.by_status(tx)
    found = {name: by_status[name] for name in ("snoozed", "closed", "spam")}
    found["all"] = by_status["open"] + by_status["pending"]
    for name in ("mine", "unassigned", "mentions"):
        found[name] = await finding.count(tx, _standard(name, looker))
    found["unread"] = await finding.count(tx, [*_standard("mine", looker), Condition("not c.is_read")])
    for view in await saved(tx, looker.user_id):
        found[f"saved:{view.id}"] = await finding.count(tx, await _asked(tx, view.query, looker))
    return found


async def saved(tx: Tx, user_id: int) -> list[View]:
    """Somebody's own and the shared ones, by name."""
    return await tx.fetch(View, SAVED, tx.account, user_id)


async def save(tx: Tx, name: str, query: str, looker: Looker, *, shared: bool = False) -> View:
    """Keep a search. It must be readable."""
    name = names.required(name)
    await finding.read(tx, query, looker)
    if len(await saved(tx, looker.user_id)) >= MOST_SAVED:
        raise Conflict("too_many_views", f"At most {MOST_SAVED} views can be kept. Remove one first.")
    return await tx.one(View, INSERT, tx.account, None if shared else looker.user_id, name, query)


async def remove(tx: Tx, id: int, user_id: int) -> None:
    """Forget one of one's own, or a shared one."""
    if not await tx.run(DELETE, tx.account, id, user_id):
        raise NotFound("view", id)


async def _conditions(tx: Tx, wanted: Wanted, looker: Looker) -> list[Condition]:
    """A search with a status of its own looks beyond the view's."""
    asked = await finding.read(tx, wanted.query, looker)
    if wanted.view.startswith("saved:"):
        return [*await _asked(tx, await _query(tx, wanted.view, looker.user_id), looker), *asked]
    standard = _standard(wanted.view, looker)
    if wanted.view == "all" and finding.names_status(wanted.query):
        standard = []
    return [*standard, *asked]


async def _asked(tx: Tx, query: str, looker: Looker) -> list[Condition]:
    """A kept search shows what is open unless it names a status."""
    asked = await finding.read(tx, query, looker)
    return asked if finding.names_status(query) else [LIVING, *asked]


async def _query(tx: Tx, view: str, user_id: int) -> str:
    _, _, id = view.partition(":")
    for one in await saved(tx, user_id):
        if str(one.id) == id:
            return one.query
    raise NotFound("view", id)


def _standard(name: str, looker: Looker) -> list[Condition]:
    mine = Condition("c.assignee_id = {}", (looker.user_id,))
    match name:
        case "mine":
            return [mine, LIVING]
        case "unassigned":
            return [Condition("c.assignee_id is null"), LIVING]
        case "mentions":
            return [Condition(MENTIONED, (looker.user_id,))]
        case "snoozed" | "closed" | "spam":
            return [Condition(f"c.status = '{name}'")]
        case "all":
            return [LIVING]
    raise NotFound("view", name)


MENTIONED = """c.id in (select n.conversation_id from note_mentions n
    where n.account_id = $1 and n.user_id = {} and n.seen_at is null)"""

_COLUMNS = "id, name, query, user_id is null as is_shared"

SAVED = sql(f"""
    select {_COLUMNS} from saved_views where account_id = $1 and (user_id = $2 or user_id is null)
    order by lower(name), id
""")

INSERT = sql(f"""
    insert into saved_views (account_id, user_id, name, query) values ($1, $2, $3, $4) returning {_COLUMNS}
""")

DELETE = sql("delete from saved_views where account_id = $1 and id = $2 and (user_id = $3 or user_id is null)")
