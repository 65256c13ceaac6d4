"""Sessions: starting, waiting, waking up, children and parents, and how they end."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests import flow_cases
from trunkline.core.ids import new_uuid
from trunkline.expressions.environment import Environment
from trunkline.flows import engine, loading, sessions
from trunkline.flows.assets import Assets
from trunkline.flows.contact import Contact
from trunkline.flows.definition import Flow
from trunkline.flows.engine import NotResumed, Sprint
from trunkline.flows.requests import ClaimUrn
from trunkline.flows.sessions import Session

CASES = flow_cases.read("engine")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_case(case: dict[str, Any]) -> None:
    result = flow_cases.run(case)

    assert flow_cases.mismatches(case, result) == []


START = datetime(2026, 3, 1, 10, tzinfo=UTC)
WAITING = {"nodes": [{"id": "b", "switch": {"wait": True, "categories": {"Other": None}}}]}
HELLO = {"type": "msg", "event": {"type": "msg_received", "msg": {"text": "hello"}}}


class Flows:
    """Definitions that can change while sessions wait."""

    def __init__(self, short: dict[str, Any], *, strict: bool = True) -> None:
        self.strict = strict
        self.replace(short)

    def replace(self, short: dict[str, Any] | None) -> None:
        long = flow_cases.long(flow_cases.flow(short)) if short else None
        self.flow = loading.load(long, strict=self.strict) if long else None

    def by_uuid(self, uuid: str) -> Flow | None:
        return self.flow

    def by_name(self, name: str) -> Flow | None:
        return None


@pytest.mark.parametrize(
    "change",
    [
        None,
        {"nodes": []},
        {"nodes": [{"id": "b"}]},
        {"nodes": [{"id": "b", "switch": {"operand": "x", "categories": {"Other": None}}}]},
    ],
    ids=["the flow is gone", "the node is gone", "the router is gone", "the wait is gone"],
)
def test_a_session_fails_when_it_cannot_wake_where_it_waits(change: dict[str, Any] | None) -> None:
    flows = Flows(WAITING)
    begun = started(flows)
    flows.replace(change)

    sprint = resumed(flows, begun)

    assert sprint.session.status == "failed"
    assert [event.type for event in sprint.events] == ["failure", "run_ended"]


def test_a_timeout_category_that_went_away_fails_the_run() -> None:
    timed = {"wait": True, "timeout": [9, "Late"], "categories": {"Other": None, "Late": None}}
    flows = Flows({"nodes": [{"id": "b", "switch": timed}]})
    begun = started(flows)
    flows.replace(WAITING)

    with pytest.raises(NotResumed) as refused:
        resumed(flows, begun, {"type": "wait_timeout"})

    assert refused.value.code == 103


def test_a_session_whose_runs_do_not_wait_is_refused() -> None:
    flows = Flows(WAITING)
    begun = started(flows)
    begun.session.runs[0].status = "active"

    with pytest.raises(NotResumed) as refused:
        resumed(flows, begun)

    assert refused.value.code == 102


def test_a_refused_resume_changes_nothing() -> None:
    flows = Flows(WAITING)
    begun = started(flows)
    before = sessions.dump(begun.session)

    with pytest.raises(NotResumed):
        drive(
            engine.resume(Assets(flows), begun.session, Environment(), begun.contact, {"type": "wait_timeout"}, **WORLD)
        )

    assert sessions.dump(begun.session) == before


def test_an_action_of_unknown_type_is_told_and_passed_over() -> None:
    actions = [{"type": "send_hologram", "depth": 3}, {"type": "send_msg", "text": "flat"}]
    flows = Flows({"nodes": [{"id": "a", "do": actions}]}, strict=False)

    sprint = started(flows)

    assert [event.type for event in sprint.events] == ["run_started", "error", "msg_created", "run_ended"]
    assert sprint.events[1].code == "action:unsupported"  # type: ignore[attr-defined]


def test_a_session_reads_back_as_it_was_written() -> None:
    params = {"n": Decimal("0.10000000000000000000000001"), "list": [1, None, {"x": "é"}]}
    session = started(Flows(WAITING), params=params).session

    again = sessions.load(sessions.dump(session))

    assert sessions.dump(again) == sessions.dump(session)
    assert again.trigger["params"] == params


def test_a_contact_in_a_zone_that_was_abolished_goes_by_the_accounts() -> None:
    contact = Contact(uuid=flow_cases.uuid("ann"), timezone="Mars/Base")

    sprint = started(Flows(WAITING), contact=contact)

    assert sprint.session.status == "waiting"
    assert sprint.step.environment.timezone == "UTC"


def started(flows: Flows, *, contact: Contact | None = None, **trigger: Any) -> Sprint:
    whole = {"type": "manual", "flow": {"uuid": flow_cases.uuid("Main"), "name": "Main"}, **trigger}
    person = contact or Contact(uuid=flow_cases.uuid("ann"))
    return drive(engine.start(Assets(flows), Environment(), person, whole, **WORLD))


def resumed(flows: Flows, begun: Sprint, resume: dict[str, Any] = HELLO) -> Sprint:
    stored = sessions.load(sessions.dump(begun.session))
    return wake(flows, stored, begun.contact, resume)


def wake(flows: Flows, session: Session, contact: Contact, resume: dict[str, Any]) -> Sprint:
    return drive(engine.resume(Assets(flows), session, Environment(), contact, resume, **WORLD))


def drive(steps: Any) -> Sprint:
    """A world in which everything may be sent and every URN is free."""
    answer: Any = None
    while True:
        try:
            answer = isinstance(steps.send(answer), ClaimUrn) or ""
        except StopIteration as done:
            return done.value


WORLD: dict[str, Any] = {"clock": lambda: START, "ids": lambda: str(new_uuid()), "random": lambda: 0.5}
