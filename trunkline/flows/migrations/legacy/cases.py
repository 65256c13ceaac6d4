"""Tests of legacy rules as cases of a switch."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from trunkline.flows.migrations.legacy.dialect import as_template
from trunkline.flows.migrations.legacy.draft import Draft
from trunkline.flows.migrations.shape import text

Test = dict[str, Any]

# Tests that ask nothing but that the thing is there.
PLAIN = {"not_empty": "has_text", "number": "has_number", "date": "has_date", "phone": "has_phone"}
PLAIN |= {"has_email": "has_email", "state": "has_state"}

# Tests against one text, which may be translated.
COMPARED = {
    "contains": "has_all_words",
    "contains_any": "has_any_word",
    "contains_phrase": "has_phrase",
    "contains_only_phrase": "has_only_phrase",
    "starts": "has_beginning",
    "regex": "has_pattern",
    "eq": "has_number_eq",
    "lt": "has_number_lt",
    "lte": "has_number_lte",
    "gt": "has_number_gt",
    "gte": "has_number_gte",
    "date_before": "has_date_lt",
    "date_equal": "has_date_eq",
    "date_after": "has_date_gt",
}

# Rules that are no cases: the default, the end of waiting, and what the engine no longer knows.
EVERYTHING, TIMEOUT, INTERRUPTED = "true", "timeout", "interrupted_status"

LARGEST = 10**36
OUTCOMES = {"success": "Success", "failed": "Failure", "failure": "Failure"}


def case(test: Test, category: str, draft: Draft) -> dict[str, Any]:
    """One of a type nobody knows keeps it."""
    uuid, kind = draft.uuid(), text(test, "type")
    arguments: list[str] = []
    if kind in PLAIN:
        kind = PLAIN[kind]
    elif kind in COMPARED:
        kind = COMPARED[kind]
        arguments = [draft.template(uuid, "arguments", plain(test.get("test")))]
    elif rule := RULES.get(kind):
        kind, arguments = rule(test)
    return {"uuid": uuid, "type": kind, "arguments": arguments, "category_uuid": category}


def plain(value: Any) -> Any:
    """Numbers as texts."""
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
        return value
    is_sane = abs(value) < LARGEST
    return format(value, "f") if is_sane and isinstance(value, Decimal) else str(value) if is_sane else ""


def _between(test: Test) -> tuple[str, list[str]]:
    return "has_number_between", [_argument(test, "min"), _argument(test, "max")]


def _district(test: Test) -> tuple[str, list[str]]:
    return "has_district", [state] if (state := _argument(test, "test")) else []


def _ward(test: Test) -> tuple[str, list[str]]:
    return "has_ward", [_argument(test, "district"), _argument(test, "state")]


def _in_group(test: Test) -> tuple[str, list[str]]:
    group = test.get("test")
    group = group if isinstance(group, dict) else {}
    return "has_group", [text(group, "uuid"), text(group, "name")]


def _subflow(test: Test) -> tuple[str, list[str]]:
    return "has_only_text", [text(test, "exit_type")]


def _webhook(test: Test) -> tuple[str, list[str]]:
    return "has_only_text", [_outcome(text(test, "status"))]


def _airtime(test: Test) -> tuple[str, list[str]]:
    return "has_only_text", [_outcome(text(test, "exit_status"))]


def _outcome(status: str) -> str:
    return OUTCOMES.get(status, status.capitalize())


def _argument(test: Test, key: str) -> str:
    value = plain(test.get(key))
    return as_template(value) if isinstance(value, str) else ""


RULES: dict[str, Callable[[Test], tuple[str, list[str]]]] = {
    "between": _between,
    "district": _district,
    "ward": _ward,
    "in_group": _in_group,
    "subflow": _subflow,
    "webhook_status": _webhook,
    "airtime_status": _airtime,
}
