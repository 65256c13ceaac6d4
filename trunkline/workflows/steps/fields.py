"""Conditions on values: of the contact, or of what set the workflow going."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from msgspec import Meta, Struct

from trunkline.contacts import names
from trunkline.core.db import Tx
from trunkline.workflows import context
from trunkline.workflows.definition import Problems
from trunkline.workflows.steps.base import Outcome, Scene, Step

Value = str | int | float | bool | None


class Config(Struct, frozen=True):
    """`field` is one of the contact's (email, lead_score, custom_fields.plan …), or reaches into trigger, payload,
    webhook and what else earlier steps kept: payload.amount.
    """

    field: Annotated[str, Meta(min_length=1, max_length=255)]
    operator: Annotated[str, Meta(max_length=50)] = "equals"
    value: Value = None


async def check(tx: Tx, config: Config) -> Problems:
    if _operator(config.operator) not in OPERATORS:
        return {"operator": [f"The operator must be one of: {', '.join(OPERATORS)}."]}
    return {}


async def run(tx: Tx, scene: Scene, config: Config) -> Outcome:
    wanted = scene.text(config.value) if isinstance(config.value, str) else config.value
    found = await _found(tx, scene, config.field.strip())
    return Outcome(branch=OPERATORS[_operator(config.operator)](found, wanted))


async def _found(tx: Tx, scene: Scene, field: str) -> Any:
    root, _, rest = field.partition(".")
    if rest and root in scene.execution.context:
        return _reach(scene.execution.context[root], rest)
    contact = await context.contact(tx, scene.contact_id)
    name = field.removeprefix("contact.")
    for prefix in ("custom_fields.", "custom.", "fields."):
        if name.startswith(prefix):
            return contact["custom_fields"].get(name.removeprefix(prefix))
    return contact[name] if name in contact else contact["custom_fields"].get(name)


def _reach(value: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value


def _operator(written: str) -> str:
    word = written.strip().lower()
    return SIGNS.get(word, word)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else names.key(str(value))


def _empty(found: Any, wanted: Any) -> bool:
    return found is None or found == [] or found == {} or (isinstance(found, str) and not found.strip())


def _equal(found: Any, wanted: Any) -> bool:
    if isinstance(found, list):
        return any(_equal(one, wanted) for one in found)
    left, right = _measure(found), _measure(wanted)
    if left is not None and right is not None and type(left) is type(right):
        return left == right
    return _text(found) == _text(wanted)


def _contains(found: Any, wanted: Any) -> bool:
    if isinstance(found, list):
        return any(_equal(one, wanted) for one in found)
    return _text(wanted) in _text(found) if _text(wanted) else False


def _compared(judge: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Numbers and moments have an order; what is neither, or of two kinds, is not before or after anything."""

    def compare(found: Any, wanted: Any) -> bool:
        left, right = _measure(found), _measure(wanted)
        if left is None or right is None or type(left) is not type(right):
            return False
        return judge(left, right)

    return compare


def _measure(value: Any) -> Decimal | datetime | None:
    if value is None or isinstance(value, bool | list | dict):
        return None
    text = str(value).strip()
    try:
        number = Decimal(text)
        return number if number.is_finite() else None
    except InvalidOperation:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _inverse(judge: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, wanted: not judge(found, wanted)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": _equal,
    "not_equals": _inverse(_equal),
    "contains": _contains,
    "not_contains": _inverse(_contains),
    "starts_with": lambda found, wanted: _text(found).startswith(_text(wanted)),
    "ends_with": lambda found, wanted: _text(found).endswith(_text(wanted)),
    "greater_than": _compared(lambda left, right: left > right),
    "less_than": _compared(lambda left, right: left < right),
    "greater_or_equal": _compared(lambda left, right: left >= right),
    "less_or_equal": _compared(lambda left, right: left <= right),
    "is_empty": _empty,
    "is_not_empty": _inverse(_empty),
}
SIGNS = {
    "=": "equals", "==": "equals", "eq": "equals", "is": "equals",
    "!=": "not_equals", "<>": "not_equals", "neq": "not_equals", "is_not": "not_equals",
    "does_not_contain": "not_contains",
    ">": "greater_than", "gt": "greater_than", "<": "less_than", "lt": "less_than",
    ">=": "greater_or_equal", "gte": "greater_or_equal", "greater_than_or_equal": "greater_or_equal",
    "<=": "less_or_equal", "lte": "less_or_equal", "less_than_or_equal": "less_or_equal",
    "empty": "is_empty", "is_not_set": "is_empty", "not_empty": "is_not_empty", "is_set": "is_not_empty",
    "exists": "is_not_empty",
}  # fmt: skip

STEP = Step(config=Config, run=run, check=check)
