"""Flows for tests: small definitions, and ways to see what came of them."""

from typing import Any
from uuid import uuid4

from tests import world
from trunkline.core.db import Database
from trunkline.flows import stored
from trunkline.flows.stored import Stored


def uuid() -> str:
    return str(uuid4())


def definition(*nodes: dict[str, Any], name: str = "Talk", **more: Any) -> dict[str, Any]:
    return {
        "uuid": uuid(),
        "name": name,
        "spec_version": "14.4.2",
        "language": "eng",
        "type": "messaging",
        "expire_after_minutes": 60,
        "nodes": list(nodes),
        **more,
    }


def node(*actions: dict[str, Any], to: str | None = None, id: str | None = None) -> dict[str, Any]:
    """Actions, then on to another node or to the end."""
    return {"uuid": id or uuid(), "actions": list(actions), "exits": [{"uuid": uuid(), "destination_uuid": to}]}


def act(type: str, **fields: Any) -> dict[str, Any]:
    return {"type": type, "uuid": uuid(), **fields}


def say(text: str, **more: Any) -> dict[str, Any]:
    return act("send_msg", text=text, **more)


def question(
    cases: dict[str, str | None],
    other: str | None = None,
    *,
    id: str | None = None,
    result: str = "Answer",
    operand: str = "@input.text",
    timeout: tuple[int, str | None] | None = None,
    wait: bool = True,
    actions: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
    """Waits for a word and goes on where it leads; `timeout` is (seconds, where to)."""
    exits, categories, tests = [], [], []
    for word, target in [*cases.items(), ("", other)]:
        way, category = uuid(), uuid()
        exits.append({"uuid": way, "destination_uuid": target})
        categories.append({"uuid": category, "name": word.capitalize() or "Other", "exit_uuid": way})
        tests.append({"uuid": uuid(), "type": "has_any_word", "arguments": [word], "category_uuid": category})
    router: dict[str, Any] = {
        "type": "switch",
        "operand": operand,
        "cases": tests[:-1],
        "default_category_uuid": categories[-1]["uuid"],
        "result_name": result,
    }
    waiting: dict[str, Any] = {"type": "msg"}
    if timeout:
        way, category = uuid(), uuid()
        exits.append({"uuid": way, "destination_uuid": timeout[1]})
        categories.append({"uuid": category, "name": "No Response", "exit_uuid": way})
        waiting["timeout"] = {"seconds": timeout[0], "category_uuid": category}
    router["categories"] = categories
    if wait:
        router["wait"] = waiting
    return {"uuid": id or uuid(), "actions": list(actions), "router": router, "exits": exits}


def drinks(**more: Any) -> dict[str, Any]:
    """Tea or coffee? The answer is kept in a field; anything else asks again."""
    ask, hear, late = uuid(), uuid(), uuid()
    thanks = uuid()
    return definition(
        node(say("Tea or coffee?"), to=hear, id=ask),
        question({"tea": thanks, "coffee": thanks}, ask, id=hear, result="Drink", timeout=(300, late)),
        node(
            act("set_contact_field", field={"key": "drink", "name": "Drink"}, value="@results.drink.category"),
            say("Enjoy your @(lower(results.drink))"),
            id=thanks,
        ),
        node(say("Too late"), id=late),
        name="Drinks",
        **more,
    )


async def save(database: Database, account: int, flow: dict[str, Any]) -> Stored:
    async with database.tx(account) as tx:
        return await stored.save(tx, flow)


async def said(database: Database, account: int, address: str | None = None) -> list[str]:
    """What the workspace wrote, in order."""
    rows = await world.execute(
        database.dsn,
        """select body from messages where account_id = $1 and direction = 'out'
            and ($2::text is null or address = $2) order by id""",
        account,
        address,
    )
    return [row[0] for row in rows]


async def runs(database: Database, account: int) -> list[tuple[str, int]]:
    """Status and length of the path of each run."""
    rows = await world.execute(
        database.dsn, "select status, cardinality(nodes) from flow_runs where account_id = $1 order by id", account
    )
    return [(row[0], row[1]) for row in rows]


async def pass_time(database: Database, account: int, seconds: int) -> None:
    """Let waits of an account be so much older."""
    await world.execute(
        database.dsn,
        """update flow_sessions set timeout_at = timeout_at - make_interval(secs => $2),
            expires_at = expires_at - make_interval(secs => $2), due_at = due_at - make_interval(secs => $2)
            where account_id = $1""",
        account,
        float(seconds),
    )
