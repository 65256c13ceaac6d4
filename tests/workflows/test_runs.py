"""Runs: each step once, whatever stops the worker; waits, pauses, forks and ends."""

import asyncio
from typing import Any

import pytest

from tests import canvases, world
from tests.canvases import canvas, step, trigger
from trunkline.contacts import people, tags
from trunkline.core import events
from trunkline.core.db import Database
from trunkline.core.errors import Unavailable
from trunkline.core.jobs import Claims, Desk
from trunkline.messaging.channels import Channel
from trunkline.reactions import REACTIONS
from trunkline.workflows import executions, runs, workflows
from trunkline.workflows.steps import STEPS
from trunkline.workflows.steps.base import DONE, Outcome, Scene
from trunkline.workflows.workflows import Changes

pytestmark = pytest.mark.anyio

WAIT = step("wait_delay", duration=2, unit="days")
FIRST, LAST = step("add_tag", "first", tag_name="first"), step("add_tag", "last", tag_name="last")
GO = trigger("tag_added", tag_name="go")


async def start(database: Database, account: int, jane: int) -> None:
    async with database.tx(account) as tx:
        [tag] = await tags.get_or_create(tx, ["go"])
        await tags.remove(tx, [jane], [tag.id])
        await tags.add(tx, [jane], [tag.id])
    await world.react(database)


async def again(database: Database, account: int) -> None:
    """Let whatever failed be tried again."""
    await world.execute(database.dsn, "update jobs set run_at = now() - interval '1 second'")
    await world.react(database)


def stumble(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, times: int) -> None:
    """Let a function break off that often, as if the worker had died in it."""
    real, left = getattr(where, name), [times]

    async def broken(*args: Any, **options: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise RuntimeError("power cut")
        return await real(*args, **options)

    monkeypatch.setattr(where, name, broken)


async def test_a_wait_is_a_wait(database: Database, account: int, jane: int) -> None:
    await canvases.active(database, account, canvas(GO, FIRST, WAIT, LAST))

    await start(database, account, jane)
    before = await canvases.executions(database, account), await canvases.worn(database, account, jane)
    await canvases.pass_time(database, account)
    await world.react(database)

    assert before == ([("waiting", jane)], {"go", "first"})
    assert await canvases.worn(database, account, jane) == {"go", "first", "last"}
    assert await canvases.executions(database, account) == [("completed", jane)]


@pytest.mark.parametrize("name", ["note", "keep", "lock"])
async def test_a_crash_anywhere_in_a_step_repeats_it_cleanly(
    database: Database, account: int, jane: int, email: Channel, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    letter = step("send_email", subject="Hi", body="Hi")
    await canvases.active(database, account, canvas(GO, FIRST, letter, LAST))
    stumble(monkeypatch, executions, name, 2)

    await start(database, account, jane)
    for _ in range(2):
        await again(database, account)

    sent = await world.execute(database.dsn, "select from messages where account_id = $1", account)
    assert len(sent) == 1
    assert await canvases.executions(database, account) == [("completed", jane)]
    assert [node for node, _ in await canvases.log(database, account)] == ["first", "send_email", "last"]


async def test_two_workers_with_one_execution_do_each_step_once(
    database: Database, account: int, jane: int, email: Channel
) -> None:
    letter = step("send_email", subject="Hi", body="Hi")
    await canvases.active(database, account, canvas(GO, letter, LAST))
    async with database.tx(account) as tx:
        [tag] = await tags.get_or_create(tx, ["go"])
        await tags.add(tx, [jane], [tag.id])
    await world.execute(database.dsn, "delete from events where type <> 'contact.tags_changed'")
    [call] = await calls(database)

    desks = [Desk(database, call, database.tools) for _ in range(2)]
    await asyncio.gather(*(runs.run(desk, *call.args) for desk in desks), return_exceptions=True)

    sent = await world.execute(database.dsn, "select from messages where account_id = $1", account)
    assert (len(sent), await canvases.executions(database, account)) == (1, [("completed", jane)])


async def calls(database: Database) -> list[Any]:
    """The calls of executions that events have led to, claimed."""
    await events.handle(database, REACTIONS)
    return [call for call in await Claims(database, "jobs").take(16) if call.name == "workflow.run"]


async def test_what_was_asked_outside_before_a_crash_is_asked_again_under_the_same_key(
    database: Database, account: int, jane: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []

    async def ask(desk: Desk, scene: Scene, config: Any) -> None:
        keys.append(scene.key)

    async def run(tx: Any, scene: Scene, config: Any) -> Outcome:
        if len(keys) == 1:
            raise RuntimeError("power cut")
        return DONE

    outside = runs.Step(config=STEPS["webhook_call"].config, run=run, ask=ask)
    monkeypatch.setitem(STEPS, "webhook_call", outside)
    await canvases.active(database, account, canvas(GO, step("webhook_call", url="https://example.com/"), LAST))

    await start(database, account, jane)
    await again(database, account)

    assert (len(keys), len(set(keys))) == (2, 1)
    assert await canvases.executions(database, account) == [("completed", jane)]


async def test_what_always_breaks_ends_as_failed(
    database: Database, account: int, jane: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(tx: Any, scene: Scene, config: Any) -> Outcome:
        raise RuntimeError("a bug")

    monkeypatch.setitem(STEPS, "remove_tag", runs.Step(config=STEPS["remove_tag"].config, run=run))
    await canvases.active(database, account, canvas(GO, step("remove_tag", tag_name="x")), "Broken")
    await canvases.active(database, account, canvas(GO, FIRST), "Fine")

    await start(database, account, jane)
    for _ in range(6):
        await again(database, account)

    assert await canvases.executions(database, account) == [("failed", jane), ("completed", jane)]
    assert await world.execute(database.dsn, "select from jobs where name = 'workflow.run'") == []


async def test_what_is_away_is_waited_for(
    database: Database, account: int, jane: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [1]

    async def run(tx: Any, scene: Scene, config: Any) -> Outcome:
        if left.pop():
            left.append(0)
            raise Unavailable("A neighbour")
        return DONE

    monkeypatch.setitem(STEPS, "remove_tag", runs.Step(config=STEPS["remove_tag"].config, run=run))
    await canvases.active(database, account, canvas(GO, step("remove_tag", tag_name="x")))

    await start(database, account, jane)
    await again(database, account)

    assert await canvases.executions(database, account) == [("completed", jane)]


async def test_a_step_that_leads_to_two_is_followed_by_both_and_ways_meet_again(
    database: Database, account: int, jane: int
) -> None:
    ways = [("start", "first"), ("start", "wait_delay"), ("first", "last"), ("wait_delay", "last")]
    await canvases.active(database, account, canvas(GO, FIRST, WAIT, LAST, edges=ways))

    await start(database, account, jane)
    await canvases.pass_time(database, account)
    await world.react(database)

    assert await canvases.log(database, account) == [
        ("first", "completed"),
        ("wait_delay", "completed"),
        ("last", "completed"),
    ]
    assert await canvases.executions(database, account) == [("completed", jane)]


async def test_a_pause_parks_and_an_activation_goes_on(database: Database, account: int, jane: int) -> None:
    row = await canvases.active(database, account, canvas(GO, WAIT, LAST))
    await start(database, account, jane)
    async with database.tx(account) as tx:
        await workflows.pause(tx, row.id)
    await canvases.pass_time(database, account)
    await world.react(database)
    parked = await canvases.executions(database, account), await canvases.worn(database, account, jane)

    async with database.tx(account) as tx:
        await workflows.activate(tx, row.id)
    await world.react(database)

    assert parked == ([("parked", jane)], {"go"})
    assert await canvases.executions(database, account) == [("completed", jane)]
    assert await canvases.worn(database, account, jane) == {"go", "last"}


async def test_a_pause_lets_the_current_step_finish(
    database: Database, account: int, jane: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await canvases.active(database, account, canvas(GO, step("webhook_call", url="https://example.com/"), LAST))

    async def ask(desk: Desk, scene: Scene, config: Any) -> None:
        async with database.tx(account) as tx:
            await workflows.pause(tx, row.id)

    async def run(tx: Any, scene: Scene, config: Any) -> Outcome:
        return DONE

    monkeypatch.setitem(STEPS, "webhook_call", runs.Step(config=STEPS["webhook_call"].config, run=run, ask=ask))
    await start(database, account, jane)

    assert await canvases.log(database, account) == [("webhook_call", "completed")]
    assert await canvases.executions(database, account) == [("parked", jane)]


async def test_a_paused_workflow_begins_nothing(database: Database, account: int, jane: int) -> None:
    row = await canvases.active(database, account, canvas(GO, FIRST))
    async with database.tx(account) as tx:
        await workflows.pause(tx, row.id)

    await start(database, account, jane)

    assert await canvases.executions(database, account) == []


async def test_who_began_with_a_version_ends_with_it(database: Database, account: int, jane: int) -> None:
    row = await canvases.active(database, account, canvas(GO, WAIT, LAST))
    await start(database, account, jane)

    other = canvas(GO, step("add_tag", "other", tag_name="other"))
    async with database.tx(account) as tx:
        await workflows.update(tx, row.id, Changes(canvas=other))
    await canvases.pass_time(database, account)
    await world.react(database)
    worn = await canvases.worn(database, account, jane)
    await start(database, account, jane)

    assert worn == {"go", "last"}
    assert await canvases.worn(database, account, jane) == {"go", "last", "other"}


async def test_a_deleted_workflow_ends_what_waits_in_it(database: Database, account: int, jane: int) -> None:
    row = await canvases.active(database, account, canvas(GO, WAIT, LAST))
    await start(database, account, jane)

    async with database.tx(account) as tx:
        await workflows.pause(tx, row.id)
        await workflows.delete(tx, row.id)
    await world.react(database)

    assert await canvases.executions(database, account) == [("canceled", jane)]


async def test_a_deleted_contact_ends_it(database: Database, account: int, jane: int) -> None:
    await canvases.active(database, account, canvas(GO, WAIT, LAST))
    await start(database, account, jane)

    async with database.tx(account) as tx:
        await people.delete(tx, [jane])
    await canvases.pass_time(database, account)
    await world.react(database)

    assert await canvases.executions(database, account) == [("canceled", jane)]


async def test_without_a_contact_a_step_that_needs_one_fails(database: Database, account: int) -> None:
    row = await canvases.active(database, account, canvas(trigger("webhook_received"), FIRST))
    async with database.tx(account) as tx:
        await executions.begin(tx, row.id, [executions.Beginning(None, "x", {})])
    await world.react(database)

    assert await canvases.executions(database, account) == [("failed", None)]


async def test_executions_are_counted(database: Database, account: int, jane: int) -> None:
    row = await canvases.active(database, account, canvas(GO, FIRST))
    for _ in range(2):
        await start(database, account, jane)

    async with database.tx(account) as tx:
        [shown] = (await workflows.page(tx))[0]
        rows, total, capped = await executions.page(tx, row.id, limit=1)
        steps = await executions.steps(tx, [rows[0].id])

    assert (shown.executions_count, total, capped, len(rows)) == (2, 2, False, 1)
    assert [(one.node, one.status, one.attempts) for one in steps[rows[0].id]] == [("first", "completed", 1)]


async def test_executions_of_another_tenant_do_not_exist(
    database: Database, account: int, other_account: int, jane: int
) -> None:
    row = await canvases.active(database, account, canvas(GO, FIRST))
    await start(database, account, jane)

    async with database.tx(other_account) as tx:
        assert (await executions.page(tx, row.id))[0] == []
        assert await executions.begin(tx, row.id, [executions.Beginning(None, "x", {})]) == []
