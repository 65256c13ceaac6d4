"""Which conditions of a query an index answers, and the statements that read their contacts' ids from it."""

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import product

from trunkline.contacts.query.compiling import LONGEST_INDEXED, SETS, Parameters, identity
from trunkline.contacts.query.conditions import LOCATIONS, Condition, Day, Node, Ref
from trunkline.expressions.environment import Environment

Cover = list[Condition]
"""Conditions of which every match of the query satisfies one."""

MOST_COVERED = 50


def covers(node: Node) -> list[Cover]:
    """Those that indexes answer, the most promising first."""
    return sorted((cover for cover in _covers(node) if len(cover) <= MOST_COVERED), key=_promise)


def candidates(cover: Cover, environment: Environment) -> tuple[str, list[object]]:
    """The ids of at most `$2` contacts that satisfy one of the conditions; some others may be among them."""
    parameters = Parameters(first=3)
    found = [f"({one} limit $2::int)" for condition in cover for one in _selects(condition, environment, parameters)]
    return f"select id from ({' union '.join(found)}) as found (id) limit $2::int", parameters.values


def _covers(node: Node) -> list[Cover]:
    if isinstance(node, Condition):
        return [[node]] if _promise_of(node) is not None else []
    of_parts = [covers(part) for part in node.parts]
    if node.joint == "and":
        return [cover for found in of_parts for cover in found]
    return [[one for found in of_parts for one in found[0]]] if all(of_parts) else []


def _promise(cover: Cover) -> int:
    return max(_promise_of(condition) or 0 for condition in cover)


def _promise_of(node: Condition) -> int | None:
    """How few contacts it is likely to find, from 0 for one; None where no index helps."""
    if node.kind == "field":
        return _promise_of_field(node)
    if node.operator == "!=" and node.key == "status" and node.reading == "active":
        return 5
    if node.operator == "!=" or node.asks_presence:
        return None
    if node.about_urns and node.operator == "=" and _is_exact(node):
        return 1
    match node.key:
        case "uuid" | "id" | "ref" if node.kind == "attribute":
            return 0
        case "name" if isinstance(node.reading, list):
            return 4 if all(TRIGRAM.search(token) or SHORT.fullmatch(token) for token in node.reading) else None
        case "language":
            return 5
        case "group" | "history":
            return 3
        case "tickets":
            return 4 if _asks_for_tickets(node) else None
        case "status":
            return None if node.reading == "active" else 5
        case "created_on" | "last_seen_on":
            return 6
    return 2 if (node.about_urns or node.key == "name") and TRIGRAM.search(str(node.reading)) else None


def _promise_of_field(node: Condition) -> int | None:
    if node.operator == "!=":
        return 7 if node.asks_presence else None
    if node.operator == "=":
        return None if node.asks_presence else 3
    return 6


def _selects(node: Condition, environment: Environment, to: Parameters) -> Iterator[str]:
    if node.kind == "field":
        yield from _of_field(node, to)
    elif node.about_urns:
        yield _of_urns(node, to)
    elif node.key == "name" and isinstance(node.reading, list):
        yield from _of_words(node.reading, to)
    else:
        yield _of_attribute(node, environment, to)


def _of_field(node: Condition, to: Parameters) -> Iterator[str]:
    start = f"select v.contact_id from contact_values v where v.account_id = $1 and v.key = {to.add(node.key, 'text')}"
    reading = node.reading
    if isinstance(reading, Day):
        yield f"{start} and {_in_range(node, reading, 'v.moment', to)}"
    elif isinstance(reading, Decimal):
        # Rounding keeps the order, so the bound itself belongs to the candidates.
        operator = {">": ">=", "<": "<="}.get(node.operator, node.operator)
        yield f"{start} and v.approx {operator} {to.add(float(reading), 'float8')}"
    elif node.asks_presence:
        column = {"number": "approx", "datetime": "moment"}.get(node.type, "value")
        yield f"{start} and v.{column} is not null"
    else:
        wanted = to.add(str(reading)[:LONGEST_INDEXED], "text")
        yield f"{start} and v.value = {wanted}"
        if node.type in LOCATIONS:
            yield f"{start} and v.place = {wanted}"


def _of_urns(node: Condition, to: Parameters) -> str:
    if node.operator == "=" and _is_exact(node):
        of_scheme = f"u.scheme = {to.add(node.key, 'text')} and u.path = {to.add(node.reading, 'text')}"
        return f"select u.contact_id from urns u where u.account_id = $1 and {of_scheme}"
    schemes = to.add([node.key] if node.kind == "scheme" else None, "text[]")
    pattern = to.add("%" + WILDCARDS.sub(r"\\\g<0>", str(node.reading)) + "%", "text")
    return f"select s.id from search_urns($1, {schemes}, {pattern}, $2::int) as s (id)"


def _of_words(tokens: list[str], to: Parameters) -> Iterator[str]:
    """Any of them where a word begins; the longer ones anywhere."""
    if longer := [token for token in tokens if TRIGRAM.search(token)]:
        yield f"select s.id from search_words($1, {to.add('|'.join(longer), 'text')}, $2::int) as s (id)"
    for token in tokens:
        if not TRIGRAM.search(token):
            yield f"select s.id from search_beginnings($1, {to.add(token, 'text')}, $2::int) as s (id)"


def _of_attribute(node: Condition, environment: Environment, to: Parameters) -> str:
    reading = node.reading
    living = "select c.id from contacts c where c.account_id = $1 and c.deleted_at is null and"
    match node.key:
        case "name":
            pattern = SPECIAL.sub(r"\\\g<0>", str(reading))
            return f"select s.id from search_words($1, {to.add(pattern, 'text')}, $2::int) as s (id)"
        case "group" | "history" if isinstance(reading, Ref):
            table, column = SETS[node.key]
            which = f"v.{column} = {to.add(reading.id, 'bigint')}"
            return f"select v.contact_id from {table} v where v.account_id = $1 and {which}"
        case "tickets":
            return TICKETED
        case "status":
            return f"{living} c.status {'<>' if node.operator == '!=' else '='} '{reading}' and c.status <> 'active'"
        case "language":
            spellings = ["".join(letters) for letters in product(*((one, one.upper()) for one in str(reading)))]
            return f"{living} c.language = any({to.add(spellings, 'text[]')})"
        case "created_on" if isinstance(reading, Day):
            return f"{living} {_in_range(node, reading, 'c.created_at', to)}"
        case "last_seen_on" if isinstance(reading, Day):
            return f"{living} {_in_range(node, reading, 'c.last_seen_at', to)}"
    found = identity(node, environment)
    if found is None:
        return f"{living} false"
    column, value, type = found
    return f"{living} {column} = {to.add(value, type)}"


def _in_range(node: Condition, day: Day, column: str, to: Parameters) -> str:
    tests = []
    if node.operator in ("=", ">", ">="):
        tests.append(f"{column} >= {to.add(day.end if node.operator == '>' else day.start, 'timestamptz')}")
    if node.operator in ("=", "<", "<="):
        tests.append(f"{column} < {to.add(day.start if node.operator == '<' else day.end, 'timestamptz')}")
    return " and ".join(tests)


def _is_exact(node: Condition) -> bool:
    """Whether addresses of this scheme are stored in lower case, so that their key finds them."""
    return node.kind == "scheme" and node.key in LOWER_CASE


def _asks_for_tickets(node: Condition) -> bool:
    """Whether nobody without a ticket can match."""
    wanted = node.reading
    if not isinstance(wanted, Decimal):
        return False
    return wanted >= 0 if node.operator == ">" else wanted > 0 and node.operator in ("=", ">=")


LOWER_CASE = frozenset({"tel", "mailto", "whatsapp", "telegram", "twitter", "twitterid", "instagram", "discord"})
TRIGRAM = re.compile(r"[^\W_]{3}")
SHORT = re.compile("[a-z0-9]{2}")
WILDCARDS = re.compile(r"[%_\\]")
SPECIAL = re.compile(r"[][.*+?(){}|^$\\]")
TICKETED = "select v.contact_id from tickets v where v.account_id = $1 and v.status = 'open'"
