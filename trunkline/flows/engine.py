"""Runs contacts through flows: a pure function of assets, environment, contact and what happened.

    sprint = engine.start(assets, environment, contact, trigger, clock=…, ids=…, random=…)

is a generator: it yields requests to the outside world (see `requests`), is sent the answers, and returns a Sprint.
`ids` makes version 7 UUIDs as text, `clock` aware datetimes, `random` floats from 0 to below 1.
"""

from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any

from msgspec import Struct

from trunkline.expressions.environment import Environment
from trunkline.flows import inputs, memberships
from trunkline.flows.assets import Assets
from trunkline.flows.contact import Contact
from trunkline.flows.definition import Exit, Flow, Node
from trunkline.flows.events import Event, Failed, RunStarted
from trunkline.flows.inputs import Call, Resume
from trunkline.flows.requests import Answer, Request
from trunkline.flows.scene import Options
from trunkline.flows.sessions import FlowRef, PathStep, Run, Segment, Session
from trunkline.flows.step import Step

Steps = Generator[Request, Answer, None]


class Sprint(Struct):
    """The outcome. `session` and `contact` are the ones given, changed in place; compact the session before storing.

    `step` is what ran it, for whoever wants to evaluate something where it stopped.
    """

    session: Session
    contact: Contact
    events: list[Event]
    segments: list[Segment]
    step: Step


class Unstartable(ValueError):
    """The flow of a trigger does not exist, or lacks what it needs."""


class NotResumed(Exception):
    """The session is left as it was. `code`: 101 not waiting, 102 no waiting run, 103 the wait wants something else."""

    def __init__(self, code: int, text: str):
        super().__init__(text)
        self.code = code


def start(
    assets: Assets,
    environment: Environment,
    contact: Contact,
    trigger: dict[str, Any],
    *,
    clock: Callable[[], datetime],
    ids: Callable[[], str],
    random: Callable[[], float],
    call: Call | None = None,
    options: Options = Options(),
) -> Generator[Request, Answer, Sprint]:
    """Raises inputs.Unreadable for a broken trigger and Unstartable."""
    read = inputs.read_trigger(trigger)
    flow = assets.flows.by_uuid(read.flow.uuid)
    if flow is None:
        raise Unstartable(f"There is no flow {read.flow.name or read.flow.uuid}.")
    if flow.type == "voice" and call is None:
        raise Unstartable("A voice flow needs a call.")
    session = Session(
        uuid=ids(),
        type=flow.type,
        created_on=clock(),
        trigger=inputs.completed(trigger, "triggered_on", clock, ids),
        contact_uuid=contact.uuid,
        runs=[],
        status="active",
        sprints=1,
        call_uuid=call.uuid if call else "",
    )
    step = Step(assets, environment, contact, clock=clock, ids=ids, random=random, options=options, session=session)
    step.call, step.is_batch = call, read.batch
    if read.type == "msg":
        session.input = inputs.heard(step.trigger.event, ids, clock)
        contact.last_seen_on = session.input.created_on
    memberships.reevaluate(step, environment)
    step.enter(flow)
    yield from _advance(step, None)
    return _sprint(step)


def resume(
    assets: Assets,
    session: Session,
    environment: Environment,
    contact: Contact,
    resume: dict[str, Any],
    *,
    clock: Callable[[], datetime],
    ids: Callable[[], str],
    random: Callable[[], float],
    call: Call | None = None,
    options: Options = Options(),
) -> Generator[Request, Answer, Sprint]:
    """Raises NotResumed, and inputs.Unreadable for a broken resume."""
    read = inputs.read_resume(resume)
    if session.status != "waiting":
        raise NotResumed(101, "The session is not waiting.")
    run = session.waiting_run
    if run is None:
        raise NotResumed(102, "No run of the session is waiting.")
    step = Step(assets, environment, contact, clock=clock, ids=ids, random=random, options=options, session=session)
    step.call, step.resume = call, read
    flow = assets.flows.by_uuid(run.flow.uuid)
    node = flow.node(run.path[-1].node_uuid) if flow and run.path else None
    step.move(run, flow, node)
    if reason := _cannot_resume(step):
        return _failed(step, reason)
    if not step.node.router.wait.accepts(read.type):
        raise NotResumed(103, f"The wait does not accept {read.type}.")
    session.sprints += 1
    way = _wake(step, read)
    memberships.reevaluate(step, environment)
    yield from _advance(step, way)
    return _sprint(step)


def _cannot_resume(step: Step) -> str:
    if step.flow is None:
        return f"The flow {step.run.flow.name or step.run.flow.uuid} does not exist any more."
    if step.session.sprints >= step.options.max_sprints:
        return f"The session has had its {step.options.max_sprints} sprints."
    if step.node is None:
        return "The node that the run waits at does not exist any more."
    if step.node.router is None or step.node.router.wait is None:
        return "The node that the run waits at does not wait any more."
    return ""


def _failed(step: Step, reason: str) -> Sprint:
    step.log(Failed(text=reason))
    step.end(step.run, "failed")
    for run in step.session.runs:
        if run.is_open:
            step.end(run, "failed")
    step.session.status = "failed"
    return _sprint(step)


def _wake(step: Step, resume: Resume) -> Exit | None:
    """Take in what happened while the run waited; the way on, unless the run is over."""
    session, run = step.session, step.run
    session.status = run.status = "active"
    session.input = inputs.heard(resume.event, step.ids, step.clock) if resume.type == "msg" else None
    if resume.type == "msg":
        run.had_input = True
    if resume.type == "wait_expiration":
        step.end(run, "expired")
        return None
    return _route(step, timed_out=resume.type == "wait_timeout")


def _advance(step: Step, way: Exit | None) -> Steps:
    """From node to node, into flows and back out of them, until something waits or nothing is left."""
    while True:
        node = None
        if step.entering:
            node = _enter(step)
        elif way:
            node = _follow(step, way)
        way = None
        if node is not None:
            step.steps += 1
            if step.steps > step.options.max_steps:
                step.fail(f"The flow took more than {step.options.max_steps} steps at once.")
                continue
            way = yield from _visit(step, node)
            if step.session.status == "waiting":
                return
        elif parent := _leave(step):
            way = _return(step, parent)
        else:
            return


def _enter(step: Step) -> Node | None:
    """Begin a run of the flow that was asked for; its first node."""
    assert step.entering is not None
    (flow, terminal), step.entering = step.entering, None
    runs, parent = step.session.runs, step.run if step.session.runs else None
    if parent and len(runs) >= step.options.max_runs:
        step.fail(f"The session has had its {step.options.max_runs} runs.")
        return None
    if terminal:
        for run in runs:
            if run.is_open:
                step.end(run, "completed")
    now = step.clock()
    run = Run(
        uuid=step.ids(),
        flow=FlowRef(flow.uuid, flow.name, flow.revision),
        status="active",
        created_on=now,
        modified_on=now,
        exited_on=None,
        path=[],
        parent_uuid=parent.uuid if parent else "",
    )
    runs.append(run)
    step.move(run, flow)
    step.log(
        RunStarted(
            flow=FlowRef(flow.uuid, flow.name), run_uuid=run.uuid, parent_uuid=run.parent_uuid, terminal=terminal
        )
    )
    return flow.entry


def _follow(step: Step, way: Exit) -> Node | None:
    if not way.destination_uuid:
        return None
    segment = Segment(step.flow.uuid, step.node.uuid, way.uuid, way.destination_uuid, step.clock(), step.operand)
    step.segments.append(segment)
    return step.flow.node(way.destination_uuid)


def _visit(step: Step, node: Node) -> Generator[Request, Answer, Exit | None]:
    """Run the actions, then wait or route. None when there is no way on from here, for whatever reason."""
    run, session = step.run, step.session
    now = step.clock()
    run.path.append(PathStep(node.uuid, now))
    run.modified_on = now
    step.move(run, step.flow, node)
    if len(run.path) == 1 and len(session.runs) == 1 and session.trigger["type"] == "msg":
        run.had_input = True
    for action in node.actions:
        pending = action.run(step)
        if pending is not None:
            yield from pending
        if not run.is_open:
            step.entering = None
            return None
    if step.entering:
        return None
    if node.router and node.router.wait and node.router.wait.begin(step):
        session.status = run.status = "waiting"
        return None
    return _route(step)


def _route(step: Step, *, timed_out: bool = False) -> Exit | None:
    """The exit that the router picks; None when the run failed."""
    node: Node = step.node
    step.operand = ""
    if node.router is None:
        return node.exits[0]
    uuid = node.router.time_out(step) if timed_out else node.router.route(step)
    return node.exit(uuid) if uuid else None


def _leave(step: Step) -> Run | None:
    """End the run; the parent that goes on, or None with the session over."""
    run, session = step.run, step.session
    if run.is_open:
        step.end(run, "completed")
    parent = session.run(run.parent_uuid) if run.parent_uuid else None
    if parent and parent.is_open:
        return parent
    session.status = "failed" if run.status == "failed" else "completed"
    return None


def _return(step: Step, parent: Run) -> Exit | None:
    """Back in the parent, its router looks at how the child ended. A child that failed takes its parent along."""
    failed = step.run.status == "failed"
    flow: Flow | None = step.assets.flows.by_uuid(parent.flow.uuid)
    node = flow.node(parent.path[-1].node_uuid) if flow and parent.path else None
    step.move(parent, flow, node)
    if failed:
        step.end(parent, "failed")
    elif flow is None:
        step.fail(f"The flow {parent.flow.name or parent.flow.uuid} does not exist any more.")
    elif node is None:
        step.fail("The node that entered the other flow does not exist any more.")
    else:
        return _route(step)
    return None


def _sprint(step: Step) -> Sprint:
    return Sprint(step.session, step.contact, step.events, step.segments, step)
