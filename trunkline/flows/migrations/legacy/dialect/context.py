"""What the names of the old context are called now."""

import re
from collections.abc import Callable

from trunkline.core.urns import SCHEMES
from trunkline.flows.migrations.legacy.dialect.printing import Known, New

# `*` stands for one name and `…` for all that follow; {0} and {rest} put them, with their dots, where they go in the
# new expression. The first pattern that fits decides. {contact}, {fields}, {urns} and {results} are those of the run
# that is spoken of.
CONTACT = {
    "": "{contact}",
    "uuid": "{contact}.uuid",
    "id": "{contact}.id",
    "name": "{contact}.name",
    "first_name": "{contact}.first_name",
    "language": "{contact}.language",
    "created_on": "{contact}.created_on",
    "groups": 'join(foreach({contact}.groups, extract, "name"), ",")',
    "tel_e164": 'default(urn_parts({urns}.tel).path, "")',
    "tel": "format_urn({urns}.tel)",
    "SCHEME": 'default(urn_parts({urns}{0}).path, "")',
    "SCHEME display": "format_urn({urns}{0})",
    "SCHEME path": "urn_parts({urns}{0}).path",
    "SCHEME scheme": "urn_parts({urns}{0}).scheme",
    "SCHEME urn": "{urns}{0}",
    "…": "{fields}{rest}",
}

RESULTS = {
    "": "{results}",
    "* value": "{results}{0}.value",
    "* category": "{results}{0}.category_localized",
    "* text": "{results}{0}.input",
    "* time": "{results}{0}.created_on",
    "* label": "{results}{0}.name",
    "…": "{results}{rest}",
}

STEP = {
    "": "input",
    "value": "input",
    "text": "input.text",
    "time": "input.created_on",
    "attachments": 'foreach(foreach(input.attachments, attachment_parts), extract, "url")',
    "attachments NUMBER": "attachment_parts(input.attachments{0}).url",
    "…": "input{rest}",
}

CHANNEL = {
    "": "contact.channel.address",
    "name": "contact.channel.name",
    "tel": "contact.channel.address",
    "tel_e164": "contact.channel.address",
    "…": "contact.channel{rest}",
}

EXTRA = {"": "legacy_extra", "…": "legacy_extra{rest}"}

DATE = {
    "": "now()",
    "now": "now()",
    "today": "format_date(today())",
    "tomorrow": 'format_date(datetime_add(now(), 1, "D"))',
    "yesterday": 'format_date(datetime_add(now(), -1, "D"))',
}

# The longest beginning that fits decides: what is said of whom.
OWN = {"contact": "contact", "fields": "fields", "urns": "urns", "results": "results"}
PARENT = {"contact": "parent.contact", "fields": "parent.fields", "urns": "parent.urns", "results": "parent.results"}
CHILD = {"contact": "child.contact", "fields": "child.fields", "urns": "child.urns", "results": "child.results"}
ROOTS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "flow.contact": (CONTACT, OWN),
    "step.contact": (CONTACT, OWN),
    "parent.contact": (CONTACT, PARENT),
    "child.contact": (CONTACT, CHILD),
    "contact": (CONTACT, OWN),
    "flow": (RESULTS, OWN),
    "parent": ({**RESULTS, "": "parent"}, OWN | PARENT),
    "child": ({**RESULTS, "": "child"}, OWN | CHILD),
    "step": (STEP, OWN),
    "channel": (CHANNEL, OWN),
    "extra": (EXTRA, OWN),
    "date": (DATE, OWN),
}
TOP_LEVELS = frozenset(root for root in ROOTS if "." not in root)


def reference(name: str) -> New:
    """A dotted name of the old context; one that it did not have stays."""
    parts = name.split(".")
    for length in (2, 1):
        found = ROOTS.get(".".join(parts[:length]).lower())
        if found and len(parts) >= length:
            patterns, roots = found
            return _filled(patterns, roots, parts[length:]) or New(name)
    return New(name)


def _filled(patterns: dict[str, str], roots: dict[str, str], parts: list[str]) -> New | None:
    known: Known = "date" if patterns is DATE else "unknown"
    for pattern, new in patterns.items():
        names = pattern.split()
        if _fits(names, parts):
            named = [path([part]) for name, part in zip(names, parts, strict=False) if name in PLACES]
            rest = path(parts[len(names) - 1 :]) if names[-1:] == ["…"] else ""
            return New(new.format(*named, rest=rest, **roots), known=known)
    return None


def _fits(names: list[str], parts: list[str]) -> bool:
    if names[-1:] == ["…"]:
        names, parts = names[:-1], parts[: len(names) - 1]
    return len(names) == len(parts) and all(map(_agrees, names, parts))


def _agrees(name: str, part: str) -> bool:
    fits = PLACES.get(name)
    return bool(fits(part)) if fits else part.lower() == name


def path(parts: list[str]) -> str:
    """The parts as lookups. Names that begin with a digit, and numbers with a number behind, cannot follow a dot."""
    source = ""
    for part, next_part in zip(parts, [*parts[1:], ""], strict=False):
        is_index = DIGITS.fullmatch(part) and not DIGITS.fullmatch(next_part)
        source += f".{part}" if is_index or NAME.fullmatch(part) else f'["{part}"]'
    return source


NAME = re.compile(r"[^\W0-9]\w*")
DIGITS = re.compile(r"[0-9]+", re.ASCII)
PLACES: dict[str, Callable[[str], object]] = {
    "*": lambda part: True,
    "SCHEME": lambda part: part.lower() in SCHEMES,
    "NUMBER": DIGITS.fullmatch,
}
