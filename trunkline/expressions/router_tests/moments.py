"""Tests on the date or time of a text. A date without a time is read with the time it is now."""

from datetime import date, datetime

from trunkline.expressions import dates
from trunkline.expressions.convert import to_date, to_text
from trunkline.expressions.functions import function
from trunkline.expressions.router_tests import FAILED, passed
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import Object, Value


@function("has_date", 1)
def has_date(scope: Scope, operand: Value) -> Object:
    found = _moment(scope, operand)
    return passed(found) if found else FAILED


@function("has_date_lt", 2)
def has_date_lt(scope: Scope, operand: Value, limit: Value) -> Object:
    bound, found = to_date(scope, limit), _moment(scope, operand)
    return passed(found) if found and _day(scope, found) < bound else FAILED


@function("has_date_eq", 2)
def has_date_eq(scope: Scope, operand: Value, wanted: Value) -> Object:
    day, found = to_date(scope, wanted), _moment(scope, operand)
    return passed(found) if found and _day(scope, found) == day else FAILED


@function("has_date_gt", 2)
def has_date_gt(scope: Scope, operand: Value, limit: Value) -> Object:
    bound, found = to_date(scope, limit), _moment(scope, operand)
    return passed(found) if found and _day(scope, found) > bound else FAILED


@function("has_time", 1)
def has_time(scope: Scope, operand: Value) -> Object:
    found = dates.parse_time(to_text(scope, operand))
    return FAILED if found is None else passed(found)


def _moment(scope: Scope, operand: Value) -> datetime | None:
    return dates.parse_datetime(scope.environment, to_text(scope, operand), scope.now(), fill=True)


def _day(scope: Scope, moment: datetime) -> date:
    return moment.astimezone(scope.environment.zone).date()
