"""`trunkline flow run-case`: a contact taken through flows, from a trigger through all resumes."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from trunkline.flows import contact as contacts
from trunkline.flows import engine, inputs, modifiers, sessions
from trunkline.flows.assets import Assets
from trunkline.flows.cases import reading
from trunkline.flows.cases.doubles import Doubles
from trunkline.flows.cases.errors import CaseError
from trunkline.flows.engine import NotResumed, Sprint, Unstartable
from trunkline.flows.scene import Options, Scene
from trunkline.flows.sessions import Segment
from trunkline.flows.step import Step

Limit = Annotated[int, Meta(ge=0, le=10**9)]


class Limits(Struct):
    max_steps: Limit = 100
    max_sprints: Limit = 500
    max_runs: Limit = 500
    max_field_chars: Limit = 640
    max_request_bytes: Limit = 262_144
    max_response_bytes: Limit = 262_144
    compact: bool = True


class Output(Struct):
    """Session and contact are what would be stored, so later sprints cannot change them."""

    session: msgspec.Raw | None
    contact: msgspec.Raw
    events: list[Any]
    segments: list[Segment]


def answer(case: dict[str, Any], assets: dict[str, Any] | None) -> dict[str, Any]:
    """An error leaves the outputs made before it."""
    outputs: list[Output] = []
    try:
        play(case, assets, outputs)
    except CaseError as error:
        return {"outputs": outputs, "error": error.document()}
    return {"outputs": outputs}


def live(case: dict[str, Any], assets: dict[str, Any] | None, run: int = 0) -> Step:
    """The session after its last sprint, not compacted, in `session.runs[run]`. Raises CaseError."""
    sprint = play(case, assets, [])
    if sprint is None or not 0 <= run < len(sprint.session.runs):
        raise CaseError("input", f"The session has no run {run}.")
    chosen, step = sprint.session.runs[run], sprint.step
    flow = step.assets.flows.by_uuid(chosen.flow.uuid)
    step.move(chosen, flow, flow.node(chosen.path[-1].node_uuid) if flow and chosen.path else None)
    return step


def play(case: dict[str, Any], assets: dict[str, Any] | None, outputs: list[Output]) -> Sprint | None:
    """The last sprint; None for a case of modifiers. Raises CaseError."""
    known = _assets(case, assets)
    doubles, limits = Doubles(case), _limits(case)
    if case.get("modifiers") is not None:
        outputs.append(_modify(case, known, doubles, limits))
        doubles.check_used()
        return None
    resumes = [] if case.get("resumes") is None else case["resumes"]
    if not isinstance(case.get("trigger"), dict) or not isinstance(resumes, list):
        raise CaseError("input", "The case needs a trigger and a list of resumes.")
    setting = _setting(case, doubles, limits)
    environment, contact = reading.environment(case.get("environment")), reading.contact(case.get("contact"))
    sprint = _sprint(lambda: doubles.run(engine.start(known, environment, contact, case["trigger"], **setting)))
    for resume in resumes:
        session, contact = _stored(sprint, limits, outputs)
        sprint = _sprint(
            lambda session=session, contact=contact, resume=resume: doubles.run(
                engine.resume(known, session, environment, contact, resume, **setting)
            )
        )
    _show(sprint, limits, outputs)
    doubles.check_used()
    return sprint


def _sprint(run: Any) -> Sprint:
    """What the engine refuses, as the case's error."""
    try:
        return run()
    except NotResumed as error:
        raise CaseError(f"resume:{error.code}", str(error)) from None
    except (inputs.Unreadable, Unstartable) as error:
        raise CaseError("assets", str(error)) from None


def _stored(sprint: Sprint, limits: Limits, outputs: list[Output]) -> tuple[sessions.Session, contacts.Contact]:
    """Session and contact written and read again, as between any two sprints."""
    shown = sessions.dump(sprint.session)
    kept = sessions.dump(sessions.compact(sprint.session))
    outputs.append(_output(sprint, kept if limits.compact else shown))
    return sessions.load(kept), contacts.load(contacts.dump(sprint.contact))


def _show(sprint: Sprint, limits: Limits, outputs: list[Output]) -> None:
    """The last output; the live session stays as it is."""
    shown = sessions.dump(sprint.session)
    if limits.compact:
        shown = sessions.dump(sessions.compact(sessions.load(shown)))
    outputs.append(_output(sprint, shown))


def _output(sprint: Sprint, session: bytes) -> Output:
    shown = msgspec.Raw(contacts.dump(sprint.contact))
    return Output(msgspec.Raw(session), shown, sprint.events, sprint.segments)


def _modify(case: dict[str, Any], known: Assets, doubles: Doubles, limits: Limits) -> Output:
    if case.get("trigger") is not None or case.get("resumes"):
        raise CaseError("input", "A case has either modifiers or a trigger.")
    if not isinstance(case["modifiers"], list):
        raise CaseError("input", "Modifiers are a list.")
    wanted = [reading.modifier(document, known) for document in case["modifiers"]]
    environment, contact = reading.environment(case.get("environment")), reading.contact(case.get("contact"))
    setting = _setting(case, doubles, limits)
    setting.pop("call")
    scene = Scene(known, environment, contact, **setting)
    doubles.run(modifiers.apply_all(scene, wanted))
    return Output(None, msgspec.Raw(contacts.dump(contact)), scene.events, [])


def _setting(case: dict[str, Any], doubles: Doubles, limits: Limits) -> dict[str, Any]:
    options = Options(
        prompts=doubles.prompts,
        **{name: getattr(limits, name) for name in Limits.__struct_fields__ if name != "compact"},
    )
    return {
        "clock": doubles.clock,
        "ids": doubles.ids,
        "random": doubles.random,
        "call": reading.call(case.get("call")),
        "options": options,
    }


def _limits(case: dict[str, Any]) -> Limits:
    try:
        return msgspec.convert(inputs.without_nulls(case.get("options") or {}), Limits)
    except msgspec.ValidationError as error:
        raise CaseError("input", f"The options cannot be read: {error}") from None


def _assets(case: dict[str, Any], shared: dict[str, Any] | None) -> Assets:
    """The case's own, else those that all cases share, which are read once."""
    if case.get("assets") is not None:
        return reading.assets(case["assets"])
    if shared is None:
        return reading.assets({})
    if not SHARED or SHARED[0][0] is not shared:
        SHARED[:] = [(shared, reading.assets(shared))]
    return SHARED[0][1]


SHARED: list[tuple[dict[str, Any], Assets]] = []
