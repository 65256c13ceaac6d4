"""Runs: the small interpreter. Each step is a transaction of its own; a crash at any moment repeats one step cleanly.

What a step does inside, its line in the log and the turn of the next one are one commit. What it asks the outside is
asked before that, under a key that stays the same, so that the other side can tell a repeat.
"""

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import TrunklineError, Unavailable
from trunkline.core.jobs import Desk, job
from trunkline.workflows import context, definition, executions
from trunkline.workflows.definition import Definition, Node
from trunkline.workflows.executions import Execution, Status, Turn
from trunkline.workflows.steps import STEPS
from trunkline.workflows.steps.base import Outcome, Scene, Step, TryAgain

RETRY = (timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30))
"""How long a step that may yet work waits before each further try."""


GOING = ("running", "waiting")


class Plan(Struct, frozen=True):
    """The version that an execution began with."""

    id: int
    workflow_id: int
    depth: int
    definition: Definition


class Failed(Exception):
    """A step went wrong, and what it did is undone; `why` says it."""

    def __init__(self, turn: Turn, node: Node, why: TrunklineError, began: float) -> None:
        self.turn, self.node, self.why, self.began = turn, node, why, began


@job("workflow.run", apart=True)
async def run(desk: Desk, id: int) -> None:
    """Do the steps of an execution, one after the other, until it ends or has to wait."""
    plan = await _plan(desk, id)
    if plan is None:
        return
    if desk.call.is_last:
        await _give_up(desk, plan)
        return
    going = True
    while going:
        try:
            going = await _step(desk, plan)
        except Failed as failed:
            going = await _after_failure(desk, plan, failed)


async def _plan(desk: Desk, id: int) -> Plan | None:
    async with desk.tx() as tx:
        whose = await executions.whose(tx, id)
        if whose is None:
            return None
        workflow_id, version, depth = whose
        canvas = await tx.value(dict, CANVAS, tx.account, workflow_id, version)
    return Plan(id, workflow_id, depth, definition.read(canvas or {}))


async def _step(desk: Desk, plan: Plan) -> bool:
    """One step. False when there is none to do now."""
    began = clock.monotonic()
    async with _tx(desk, plan) as tx:
        execution = await executions.lock(tx, plan.id)
        turn = await _whose_turn(desk, tx, plan, execution)
        if turn is None:
            return False
        node = plan.definition.nodes[turn.node]
        step = STEPS[node.subtype]
        scene = Scene(execution=execution, node=node.id, known=await context.of(tx, execution))
        if step.ask is None:
            return await _do(desk, tx, plan, turn, node, step, scene, began)
    try:
        answer = await step.ask(desk, scene, _config(step, node))
    except Unavailable:
        raise
    except TrunklineError as why:
        raise Failed(turn, node, why, began) from why
    async with _tx(desk, plan) as tx:
        execution = await executions.lock(tx, plan.id)
        if execution.status not in GOING or turn not in _turns(plan, execution):
            return True
        scene = Scene(execution=execution, node=node.id, known=await context.of(tx, execution), answer=answer)
        return await _do(desk, tx, plan, turn, node, step, scene, began)


async def _do(desk: Desk, tx: Tx, plan: Plan, turn: Turn, node: Node, step: Step, scene: Scene, began: float) -> bool:
    """What a step does, that it is done, and how it goes on, in one transaction. False when nothing is due now."""
    try:
        outcome = await step.run(tx, scene, _config(step, node))
    except Unavailable:
        raise
    except TrunklineError as why:
        raise Failed(turn, node, why, began) from why
    execution = scene.execution
    execution.context |= outcome.keep
    status = "skipped" if outcome.skipped else "completed"
    await executions.note(tx, execution, node.id, node.subtype, status, _elapsed(began), note=outcome.note)
    return await _settle(desk, tx, execution, await _turns_after(tx, plan, execution, turn, outcome)) is not None


async def _whose_turn(desk: Desk, tx: Tx, plan: Plan, execution: Execution) -> Turn | None:
    """The next step that is due. Without one the execution ends, waits or is parked, and so does this call."""
    turns = _turns(plan, execution)
    if execution.status not in GOING:
        await desk.finish(tx)
        return None
    if execution.orphaned:
        await _close(desk, tx, execution, "canceled", [], execution.orphaned)
        return None
    if execution.workflow_status != "active" and await executions.is_paused(tx, plan.workflow_id):
        await _close(desk, tx, execution, "parked", turns)
        return None
    return await _settle(desk, tx, execution, turns)


async def _settle(desk: Desk, tx: Tx, execution: Execution, turns: list[Turn]) -> Turn | None:
    """Write down whose turn it is and return the one that is due. Without one it has ended, or waits for a moment."""
    now = clock.now()
    ready = next((turn for turn in turns if turn.at is None or turn.at <= now), None)
    if ready is not None:
        if execution.turns != turns:
            await executions.keep(tx, execution, "running", turns)
    elif turns:
        await _wait(desk, tx, execution, turns)
    else:
        await _close(desk, tx, execution, "completed", [])
    return ready


async def _wait(desk: Desk, tx: Tx, execution: Execution, turns: list[Turn]) -> None:
    executions.go_on(tx, execution.id, min(turn.at for turn in turns if turn.at))
    await _close(desk, tx, execution, "waiting", turns)


async def _close(
    desk: Desk, tx: Tx, execution: Execution, status: Status, turns: list[Turn], error: str | None = None
) -> None:
    await executions.keep(tx, execution, status, turns, error)
    await desk.finish(tx)


async def _turns_after(tx: Tx, plan: Plan, execution: Execution, turn: Turn, outcome: Outcome) -> list[Turn]:
    """Whose turn it is now. Where ways meet again, a step that was done or waits already is not added."""
    turns = [one for one in _turns(plan, execution) if one.node != turn.node]
    done = set(await tx.column(str, DONE_NODES, tx.account, execution.id))
    waiting = {one.node for one in turns}
    at = _later(outcome.wait)
    for node in plan.definition.after(turn.node, outcome.branch):
        if node not in done and node not in waiting:
            waiting.add(node)
            turns.append(Turn(node, at))
    return turns


async def _after_failure(desk: Desk, plan: Plan, failed: Failed) -> bool:
    """Write down what went wrong: the step is tried again later, or the execution ends here."""
    async with _tx(desk, plan) as tx:
        execution = await executions.lock(tx, plan.id)
        turns = _turns(plan, execution)
        if execution.status not in GOING or failed.turn not in turns:
            return True
        again = isinstance(failed.why, TryAgain) and failed.turn.tries < len(RETRY)
        status = "retrying" if again else "failed"
        error, took = failed.why.message, _elapsed(failed.began)
        await executions.note(tx, execution, failed.node.id, failed.node.subtype, status, took, error=error)
        if again:
            later = Turn(failed.node.id, _later(RETRY[failed.turn.tries]), failed.turn.tries + 1)
            turns = [later if turn == failed.turn else turn for turn in turns]
            await executions.keep(tx, execution, "running", turns)
        else:
            await _close(desk, tx, execution, "failed", [], f"{failed.node.id}: {error}")
    return again


async def _give_up(desk: Desk, plan: Plan) -> None:
    """Something that is no refusal stopped it each time; it must not stand there as running for ever."""
    async with _tx(desk, plan) as tx:
        execution = await executions.lock(tx, plan.id)
        if execution.status in GOING:
            await executions.keep(tx, execution, "failed", [], "A step failed each time it was tried.")
        await desk.finish(tx)


def _tx(desk: Desk, plan: Plan) -> AbstractAsyncContextManager[Tx]:
    """What a workflow does carries its name as the cause, so that it does not hear its own echo."""
    return desk.database.tx(desk.account, "system", f"workflow:{plan.workflow_id}", plan.depth)


def _turns(plan: Plan, execution: Execution) -> list[Turn]:
    """Those that wait; before the first step those after the trigger."""
    if execution.turns is not None:
        return execution.turns
    trigger = plan.definition.trigger
    return [Turn(node) for node in dict.fromkeys(plan.definition.after(trigger.id))] if trigger else []


def _config(step: Step, node: Node) -> Struct:
    return msgspec.convert(node.config, step.config, strict=False)


def _later(wait: timedelta | None) -> datetime | None:
    return clock.now() + wait if wait else None


def _elapsed(began: float) -> int:
    return round((clock.monotonic() - began) * 1000)


CANVAS = sql("""
    select canvas from workflow_versions where account_id = $1 and workflow_id = $2 and version = $3
""")

DONE_NODES = sql("select node from workflow_steps where account_id = $1 and execution_id = $2 and status <> 'retrying'")
