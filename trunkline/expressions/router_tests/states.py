"""Tests on what is no text: groups, results, errors; on phone numbers; and two that outlived their purpose."""

from trunkline.expressions import phones
from trunkline.expressions.convert import to_array, to_object, to_text
from trunkline.expressions.functions import MANY, function
from trunkline.expressions.router_tests import FAILED, passed
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import ErrorValue, ExpressionError, Object, Value


@function("has_phone", 1, 2, weight=500)
def has_phone(scope: Scope, operand: Value, country: Value = None) -> Object:
    """National numbers are those of `country`, or else of the environment's."""
    home = to_text(scope, country) or scope.environment.default_country
    text = to_text(scope, operand)
    scope.toil(20 * len(text))
    found = phones.find(text, home)
    return passed(found) if found else FAILED


@function("has_group", 2, 3)
def has_group(scope: Scope, operand: Value, uuid: Value, name: Value = None) -> Object:
    """The operand is the array of a contact's groups; `name` is there for the reader."""
    wanted = to_text(scope, uuid)
    for group in to_array(scope, operand):
        found = to_object(scope, group)
        if to_text(scope, found.get("uuid")) == wanted:
            return passed(found)
    return FAILED


@function("has_category", 2, MANY)
def has_category(scope: Scope, operand: Value, *names: Value) -> Object:
    """The operand is a result; any of the names will do."""
    result = to_object(scope, operand)
    if "category" not in result:
        raise ExpressionError("needs a result, which has a category")
    category = to_text(scope, result.get("category"))
    wanted = [to_text(scope, name) for name in names]
    return passed(category) if category in wanted else FAILED


@function("has_error", 1, errors=True)
def has_error(scope: Scope, operand: Value) -> Object:
    return passed(operand.text) if isinstance(operand, ErrorValue) else FAILED


@function("has_intent", 1, MANY, errors=True)
def has_intent(scope: Scope, *arguments: Value) -> Object:
    """Classifiers are no more, so nothing has an intent."""
    return FAILED


@function("has_top_intent", 1, MANY, errors=True)
def has_top_intent(scope: Scope, *arguments: Value) -> Object:
    return FAILED
