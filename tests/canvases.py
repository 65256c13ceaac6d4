"""Workflows for tests: small canvases, and ways to see what came of them."""

from itertools import pairwise
from typing import Any

from tests import world
from trunkline.core.db import Database
from trunkline.workflows import workflows
from trunkline.workflows.steps import CONDITIONS
from trunkline.workflows.workflows import Workflow

Drawn = dict[str, Any]


def canvas(*nodes: Drawn, edges: list[tuple[str, str] | tuple[str, str, str]] | None = None) -> Drawn:
    """Nodes one after the other, unless their edges are given as (source, target, condition)."""
    ways: list[Any] = [(a["id"], b["id"]) for a, b in pairwise(nodes)] if edges is None else edges
    drawn = [{"source": way[0], "target": way[1], "condition": way[2] if len(way) > 2 else None} for way in ways]
    return {"nodes": list(nodes), "edges": drawn}


def trigger(subtype: str = "contact_created", **config: Any) -> Drawn:
    return {"id": "start", "type": "trigger", "subtype": subtype, "config": config}


def step(subtype: str, id: str | None = None, **config: Any) -> Drawn:
    type = "condition" if subtype in CONDITIONS else "action"
    return {"id": id or subtype, "type": type, "subtype": subtype, "config": config}


def fork(start: Drawn, condition: Drawn) -> Drawn:
    """A condition whose answer shows as a tag: yes or no."""
    yes, no = step("add_tag", "yes", tag_name="yes"), step("add_tag", "no", tag_name="no")
    ways = [(start["id"], condition["id"]), (condition["id"], "yes", "true"), (condition["id"], "no", "false")]
    return canvas(start, condition, yes, no, edges=ways)


async def active(database: Database, account: int, drawn: Drawn, name: str = "Flow") -> Workflow:
    """A workflow at work."""
    async with database.tx(account) as tx:
        row = await workflows.create(tx, name, canvas=drawn)
        return await workflows.activate(tx, row.id)


async def executions(database: Database, account: int, workflow: int | None = None) -> list[tuple[str, int | None]]:
    """Status and contact of each, in the order they began."""
    rows = await world.execute(
        database.dsn,
        """select status, contact_id from workflow_executions
            where account_id = $1 and ($2::bigint is null or workflow_id = $2) order by id""",
        account,
        workflow,
    )
    return [(row[0], row[1]) for row in rows]


async def log(database: Database, account: int) -> list[tuple[str, str]]:
    """Node and status of each step, in order."""
    rows = await world.execute(
        database.dsn,
        "select node, status from workflow_steps where account_id = $1 order by execution_id, position",
        account,
    )
    return [(row[0], row[1]) for row in rows]


async def notes(database: Database, account: int) -> list[str | None]:
    """What the log says of each step: its error, else its note."""
    rows = await world.execute(
        database.dsn,
        """select coalesce(error, note) from workflow_steps where account_id = $1
            order by execution_id, position""",
        account,
    )
    return [row[0] for row in rows]


async def worn(database: Database, account: int, contact: int) -> set[str]:
    """The tags of a contact."""
    rows = await world.execute(
        database.dsn,
        """select t.name from contact_tags c join tags t on t.account_id = c.account_id and t.id = c.tag_id
            where c.account_id = $1 and c.contact_id = $2""",
        account,
        contact,
    )
    return {row[0] for row in rows}


async def pass_time(database: Database, account: int) -> None:
    """Let all waiting of the account's executions be over."""
    await world.execute(
        database.dsn,
        """update workflow_executions set frontier = (
                select jsonb_agg(turn || '{"at": "2020-01-01T00:00:00Z"}') from jsonb_array_elements(frontier) turn)
            where account_id = $1 and status in ('waiting', 'parked')""",
        account,
    )
    await world.execute(
        database.dsn,
        "update jobs set run_at = now() - interval '1 second' where account_id = $1 and name like 'workflow.%'",
        account,
    )
