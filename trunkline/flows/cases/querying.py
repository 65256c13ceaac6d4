"""`trunkline flow query`: a contact query read, printed, inspected, and asked about a contact."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from trunkline.contacts import query
from trunkline.contacts.query import subjects
from trunkline.expressions import environment
from trunkline.expressions.values import ExpressionError
from trunkline.flows.cases.errors import CaseError

NOW = datetime(2025, 5, 4, 12, 30, 45, 123456, UTC)
"""The moment at which cases happen that name none; it decides the century of years with two digits."""


def answer(case: dict[str, Any], assets: dict[str, Any] | None) -> dict[str, Any]:
    """`assets` serve a case that has none of its own; without any the query is read without a resolver."""
    if not isinstance(case.get("query"), str):
        raise CaseError("input", "The case needs a query.")
    own = case.get("assets")
    try:
        read = query.parse(case["query"], _environment(case), _names(assets if own is None else own), now=NOW)
    except query.QueryError as error:
        raise CaseError(error.code, error.message, dict(error.extra) or None) from None
    answer = {"text": read.text, "root": read.tree, "inspection": read.inspection.document()}
    if case.get("contact") is not None:
        answer["matches"] = read.matches(_person(case["contact"]))
    return answer


def _environment(case: dict[str, Any]) -> environment.Environment:
    try:
        return environment.read(case.get("environment"))
    except ExpressionError as error:
        raise CaseError("assets", str(error)) from None


def _person(document: Any) -> subjects.Person:
    try:
        return subjects.read(document)
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise CaseError("assets", f"The contact cannot be read: {error}") from None


def _names(assets: Any) -> query.Names | None:
    if assets is None:
        return None
    try:
        known = msgspec.convert(assets, _Assets)
    except msgspec.ValidationError as error:
        raise CaseError("assets", f"The assets cannot be read: {error}") from None
    return query.Names(known.fields or [], _refs(known.groups), _refs(known.flows))


def _refs(named: list[subjects.Named] | None) -> list[query.Ref]:
    return [query.Ref(one.uuid, one.name) for one in named or []]


class _Assets(msgspec.Struct):
    fields: list[query.Field] | None = None
    groups: list[subjects.Named] | None = None
    flows: list[subjects.Named] | None = None
