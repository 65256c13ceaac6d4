"""The switch router: the first case whose test passes decides."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from trunkline.expressions.rendering import to_json
from trunkline.expressions.values import ErrorValue, Object
from trunkline.flows.marks import Uuid, template
from trunkline.flows.routers.base import Router
from trunkline.flows.step import Step

TESTS = frozenset(
    (
        "has_text",
        "has_value",
        "has_only_text",
        "has_phrase",
        "has_only_phrase",
        "has_any_word",
        "has_all_words",
        "has_beginning",
        "has_pattern",
        "has_number",
        "has_number_lt",
        "has_number_lte",
        "has_number_eq",
        "has_number_gte",
        "has_number_gt",
        "has_number_between",
        "has_date",
        "has_date_lt",
        "has_date_eq",
        "has_date_gt",
        "has_time",
        "has_phone",
        "has_email",
        "has_group",
        "has_category",
        "has_error",
        "has_state",
        "has_district",
        "has_ward",
        "has_intent",
        "has_top_intent",
    )
)


class Case(Struct, frozen=True, kw_only=True):
    uuid: Uuid
    type: str
    arguments: Annotated[tuple[Annotated[str, template(10_000, localizable=True)], ...], Meta(max_length=10)] = ()
    category_uuid: Uuid


class Switch(Router, frozen=True, kw_only=True):
    type = "switch"

    operand: Annotated[str, template(10_000)]
    cases: Annotated[tuple[Case, ...], Meta(max_length=100)] = ()
    default_category_uuid: Uuid | None = None

    def route(self, step: Step) -> str | None:
        operand = step.value(self.operand)
        said = step.as_text(operand)
        for case in self.cases:
            result = step.test(case.type, operand, *self._arguments(step, case))
            if result is None:
                continue
            if category := self.category(case.category_uuid):
                match, extra = _particulars(step, result)
                return self.leave(step, category, match, operand=said, extra=extra)
        if self.default_category_uuid and (category := self.category(self.default_category_uuid)):
            return self.leave(step, category, said, operand=said)
        step.fail("Router failed to pick a category.")
        return None

    def _arguments(self, step: Step, case: Case) -> list[Any]:
        """A translation with another number of arguments is no translation."""
        if not case.arguments:
            return []
        translated, _ = step.localized_many(case.uuid, "arguments", case.arguments)
        chosen = translated if len(translated) == len(case.arguments) else case.arguments
        return [step.value(argument) for argument in chosen]


def _particulars(step: Step, result: Any) -> tuple[str, Any]:
    """What a test found: the match as text, and its extra as JSON if it is an object."""
    if not isinstance(result, Object):
        return step.as_text(result), None
    match, extra = result.get("match"), result.get("extra")
    found = to_json(step.scope, extra) if isinstance(extra, Object) else None
    return "" if isinstance(match, ErrorValue) else step.as_text(match), found or None
