"""A query as a condition of SQL on the contact `c`: values travel as parameters, `$1` is the account.

Each property is one probe of a key by a scalar subquery, whatever the planner believes about the sizes of tables.
"""

import re
from decimal import Decimal

from trunkline.contacts import refs
from trunkline.contacts.query import words
from trunkline.contacts.query.conditions import LOCATIONS, Combination, Condition, Day, Node, Ref
from trunkline.expressions.environment import Environment

LONGEST_INDEXED = 250


class Parameters:
    """The parameters of a statement, numbered in the order in which they are met; from None as slots for `format`."""

    def __init__(self, first: int | None):
        self._first = first
        self.values: list[object] = []

    def add(self, value: object, type: str) -> str:
        self.values.append(value)
        number = len(self.values) - 1
        return f"${self._first + number}::{type}" if self._first else f"{{{number}}}::{type}"


def where(node: Node, environment: Environment, first: int | None = 2) -> tuple[str, list[object]]:
    """The condition and its parameters. It is never null where that would count."""
    parameters = Parameters(first)
    return _written(node, environment, parameters), parameters.values


def _written(node: Node, environment: Environment, to: Parameters) -> str:
    if isinstance(node, Combination):
        return "(" + f" {node.joint} ".join(_written(part, environment, to) for part in node.parts) + ")"
    if node.kind == "field":
        return _on_field(node, to)
    if node.about_urns:
        return _on_urns(node, to)
    match node.key:
        case "name" | "language":
            return _on_text(node, to)
        case "created_on" | "last_seen_on":
            return _on_moment(node, "c.created_at" if node.key == "created_on" else "c.last_seen_at", to)
        case "status":
            # One of four words; written out, it lets a partial index be used.
            return f"c.status {'<>' if node.operator == '!=' else '='} '{node.reading}'"
        case "tickets":
            return f"{TICKETS} {SYMBOLS[node.operator]} {to.add(node.reading, 'numeric')}"
        case "flow":
            return _on_flow(node, to)
        case "group" | "history":
            return _on_many(node, to)
    return _on_identity(node, environment, to)


def _on_field(node: Condition, to: Parameters) -> str:
    """True or false by the one row of the field, `otherwise` when it has none that can be read."""
    reading = node.reading
    key = to.add(node.key, "text")
    otherwise = "true" if node.operator == "!=" and not node.asks_presence else "false"
    column = {"number": "v.number", "datetime": "v.moment"}.get(node.type, "v.value")
    if node.asks_presence:
        test = "coalesce(v.place, v.value) <> ''" if node.type in LOCATIONS else f"{column} is not null"
    elif isinstance(reading, Decimal):
        test = f"{column} {SYMBOLS[node.operator]} {to.add(reading, 'numeric')}"
    elif isinstance(reading, Day):
        test = _within(node, reading, column, to)
    else:
        test = _text_test(node, str(reading), key, to)
        test = f"not ({test})" if node.operator == "!=" else test
    found = f"coalesce((select {test} from contact_values v where {OF_CONTACT} and v.key = {key}), {otherwise})"
    return f"not {found}" if node.asks_presence and node.operator == "=" else found


def _text_test(node: Condition, wanted: str, key: str, to: Parameters) -> str:
    short = to.add(wanted[:LONGEST_INDEXED], "text")
    stored = f"coalesce(v.place, v.value) = {short}" if node.type in LOCATIONS else f"v.value = {short}"
    if len(wanted) < LONGEST_INDEXED:
        return stored
    whole = "regexp_replace(c.fields ->> {0}, '^.*>', '')" if node.type in LOCATIONS else "c.fields ->> {0}"
    return f"{stored} and folded({whole.format(key)}) = {to.add(wanted, 'text')}"


def _on_urns(node: Condition, to: Parameters) -> str:
    scheme = f" and u.scheme = {to.add(node.key, 'text')}" if node.kind == "scheme" else ""
    source = f"from urns u where u.account_id = $1 and u.contact_id = c.id{scheme}"
    if node.asks_presence:
        return f"(select true {source} limit 1) is {'null' if node.operator == '=' else 'not null'}"
    wanted = to.add(node.reading, "text")
    test = f"position({wanted} in folded(u.path)) > 0" if node.operator == "~" else f"folded(u.path) = {wanted}"
    found = f"coalesce((select bool_or({test}) {source}), false)"
    return f"not {found}" if node.operator == "!=" else found


def _on_text(node: Condition, to: Parameters) -> str:
    folded = f"coalesce(folded(c.{node.key}), '')"
    if isinstance(node.reading, list):
        return f"{folded} ~ {to.add(words.beginning(node.reading), 'text')}"
    return f"{folded} {SYMBOLS[node.operator]} {to.add(node.reading, 'text')}"


def _on_moment(node: Condition, column: str, to: Parameters) -> str:
    if isinstance(node.reading, Day):
        test = _within(node, node.reading, column, to)
        return f"coalesce({test}, true)" if node.operator == "!=" else test
    return f"{column} is {'null' if node.operator == '=' else 'not null'}"


def _within(node: Condition, day: Day, column: str, to: Parameters) -> str:
    match node.operator:
        case ">":
            return f"{column} >= {to.add(day.end, 'timestamptz')}"
        case ">=":
            return f"{column} >= {to.add(day.start, 'timestamptz')}"
        case "<":
            return f"{column} < {to.add(day.start, 'timestamptz')}"
        case "<=":
            return f"{column} < {to.add(day.end, 'timestamptz')}"
    start, end = to.add(day.start, "timestamptz"), to.add(day.end, "timestamptz")
    inside = f"({column} >= {start} and {column} < {end})"
    return f"not {inside}" if node.operator == "!=" else inside


def _on_flow(node: Condition, to: Parameters) -> str:
    if isinstance(node.reading, Ref):
        same = "is distinct from" if node.operator == "!=" else "="
        return f"c.current_flow_id {same} {to.add(node.reading.id, 'bigint')}"
    return f"c.current_flow_id is {'null' if node.operator == '=' else 'not null'}"


def _on_many(node: Condition, to: Parameters) -> str:
    """On groups, or flows ever run."""
    table, column = SETS[node.key]
    which = f" and v.{column} = {to.add(node.reading.id, 'bigint')}" if isinstance(node.reading, Ref) else ""
    is_absent = (node.operator == "!=") if which else (node.operator == "=")
    found = f"(select true from {table} v where {OF_CONTACT}{which} limit 1)"
    return f"{found} is {'null' if is_absent else 'not null'}"


def _on_identity(node: Condition, environment: Environment, to: Parameters) -> str:
    """On uuid, id or ref. What cannot be one is nobody's."""
    found = identity(node, environment)
    if found is None:
        return "true" if node.operator == "!=" else "false"
    column, value, type = found
    return f"{column} {SYMBOLS[node.operator]} {to.add(value, type)}"


def identity(node: Condition, environment: Environment) -> tuple[str, object, str] | None:
    """Column, value and type of what names one contact; None when it can be nobody's name."""
    wanted = str(node.reading)
    if node.key == "uuid":
        return ("c.uuid", wanted, "uuid") if UUID.fullmatch(wanted) else None
    if node.key == "ref":
        id = refs.id_of(wanted, environment.obfuscation_key)
    else:
        id = int(wanted) if ID.fullmatch(wanted) else None
    return ("c.id", id, "bigint") if id is not None and id < 2**63 else None


UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ID = re.compile("[1-9][0-9]{0,18}")
SYMBOLS = {"=": "=", "!=": "<>", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
OF_CONTACT = "v.account_id = $1 and v.contact_id = c.id"
SETS = {"group": ("group_members", "group_id"), "history": ("contact_flows", "flow_id")}
TICKETS = "(select count(*) from tickets v where v.account_id = $1 and v.contact_id = c.id and v.status = 'open')"
