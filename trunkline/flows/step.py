"""What an action or router sees and may do while it runs: the contact, the run, and the ways to change them."""

from collections.abc import Generator, Sequence
from datetime import datetime
from typing import Any

from trunkline import expressions
from trunkline.expressions import Evaluated
from trunkline.expressions.convert import to_boolean
from trunkline.expressions.rendering import to_text
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import ErrorValue, ExpressionError
from trunkline.flows import context, inputs, modifiers
from trunkline.flows.events import Failed, ResultBefore, RunEnded, RunResultChanged
from trunkline.flows.inputs import Call, Resume, Trigger
from trunkline.flows.modifiers import Modifier
from trunkline.flows.requests import Answer, Request
from trunkline.flows.scene import Scene
from trunkline.flows.sessions import FlowRef, Result, Run, Segment, Session, Webhook, snakify


class Step(Scene):
    """One for a whole sprint; `run`, `flow` (a definition.Flow) and `node` are those of the moment.

    Also from `Scene`: assets, environment, contact, events, options, clock, ids, random, log, error, warn, missing.
    """

    session: Session
    run: Run
    flow: Any
    node: Any
    resume: Resume | None = None
    call: Call | None = None
    is_batch = False  # the first sprint of a start for many contacts
    entering: tuple[Any, bool] | None = None  # the flow that runs once the actions of this node are done, terminal
    steps = 0
    operand = ""  # of the router that was left last
    _trigger: Trigger | None = None
    _scope: Scope | None = None
    _root: context.Root | None = None

    def __init__(self, *args: Any, session: Session, **options: Any):
        super().__init__(*args, **options)
        self.session = session
        self.segments: list[Segment] = []

    @property
    def trigger(self) -> Trigger:
        if self._trigger is None:
            self._trigger = inputs.read_trigger(self.session.trigger)
        return self._trigger

    def evaluate(self, template: str, *, escape: Any = None, limit: int | None = 10_000) -> Evaluated:
        """`.text` and `.ok`; failed pieces are dropped and logged as error events."""
        scope = self.scope
        found = expressions.template(template, self.root, scope, escape=escape, limit=limit)
        if scope.problems or scope.warnings:
            self._tell(scope)
        return found

    def value(self, template: str) -> Any:
        """Typed, for operands and arguments. It may be an ErrorValue, which is logged all the same."""
        if "@" not in template:
            return template.strip()
        scope = self.scope
        found = expressions.value(template, self.root, scope)
        if scope.problems or scope.warnings:
            self._tell(scope)
        return found

    def test(self, name: str, *arguments: Any) -> Any:
        """What a router's test says, None for no. A test that fails says no, with an error."""
        scope = self.scope
        result = expressions.call(name, arguments, scope)
        if scope.problems or scope.warnings:
            self._tell(scope)
        return result if type(result) is not ErrorValue and to_boolean(scope, result) else None

    def as_text(self, value: Any) -> str:
        """An error in it makes it empty."""
        try:
            return to_text(self.scope, value)
        except ExpressionError:
            return ""

    @property
    def expires_on(self) -> datetime | None:
        """When a wait that begins now is over; None for flows without an end to their patience."""
        try:
            lasting = self.flow.expires_after
            return self.clock() + lasting if lasting else None
        except OverflowError:
            return None

    def localized(self, item_uuid: str, name: str, base: str) -> str:
        """A property in the contact's language, not evaluated."""
        return self.flow.translated(self.languages, item_uuid, name, (base,))[0][0]

    def localized_many(self, item_uuid: str, name: str, base: Sequence[str]) -> tuple[Sequence[str], str]:
        """A property that is a list, and the language it is in."""
        return self.flow.translated(self.languages, item_uuid, name, tuple(base))

    @property
    def languages(self) -> tuple[str, ...]:
        """The contact's if it is allowed, then the account's. The flow's own comes last by itself."""
        return (self.environment.default_language, self.account_environment.default_language)

    def change(self, modifier: Modifier) -> Generator[Request, Answer, bool]:
        """`yield from step.change(Name("Ann"))`: whether anything changed."""
        return modifiers.apply(self, modifier)

    def save(
        self, name: str, value: str, category: str = "", *, localized: str = "", input: str = "", extra: Any = None
    ) -> None:
        """Keep a result of the run; the event is for those whose value or category differ from before."""
        key, value = snakify(name), value[: self.options.max_result_chars]
        now = self.clock()
        before = self.run.results.get(key)
        if not self.run.results:
            self.run.results = {}
        self.run.results[key] = Result(
            name, value, self.node.uuid, now, category, localized if localized != category else "", input, extra
        )
        self.run.modified_on = now
        self._root = None
        if before and (before.value, before.category) == (value, category):
            return
        previous = ResultBefore(before.value, before.category) if before else None
        self.log(RunResultChanged(name=name, value=value, category=category, extra=extra, previous=previous))

    def set_local(self, name: str, value: str | None) -> None:
        """None removes it."""
        kept = {key: text for key, text in self.run.locals.items() if key != name}
        self.run.locals = kept if value is None else kept | {name: value}
        self._root = None

    def hear(self, webhook: Webhook | None) -> None:
        """The answer of a webhook that expressions see from now on."""
        self.run.webhook = webhook
        self._root = None

    def enter(self, flow: Any, *, terminal: bool = False) -> None:
        """Run another flow once the actions of this node are done; the last one asked for wins."""
        self.entering = (flow, terminal)

    def fail(self, text: str) -> None:
        """The run is over, and with it the runs that wait for it."""
        self.log(Failed(text=text))
        self.end(self.run, "failed")

    def end(self, run: Run, status: str) -> None:
        run.status = status
        run.exited_on = run.modified_on = self.clock()
        self.log(RunEnded(run_uuid=run.uuid, flow=FlowRef(run.flow.uuid, run.flow.name), status=status))
        self._root = None

    def move(self, run: Run, flow: Any, node: Any = None) -> None:
        """Go on in this run, at this node."""
        self.run, self.flow, self.node = run, flow, node
        self._root = None

    def touched(self) -> None:
        self._root = None

    def moved(self) -> None:
        super().moved()
        self._scope = None

    @property
    def root(self) -> context.Root:
        """What expressions see; made anew after each change."""
        if self._root is None:
            self._root = context.Root(self)
        return self._root

    @property
    def scope(self) -> Scope:
        if self._scope is None:
            self._scope = Scope(
                self.environment,
                now=self.clock,
                random=self.random,
                locations=self.assets.locations,
                prompts=self.options.prompts,
            )
        return self._scope

    def _tell(self, scope: Scope) -> None:
        for text in scope.warnings:
            self.warn(text, "context:deprecated")
        for problem in scope.problems:
            self.error(f"An expression failed: {problem.text}", problem.code, source=problem.source)
        scope.warnings.clear()
        scope.problems.clear()
