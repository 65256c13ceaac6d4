"""Rule: things are named in the field's words; some words say nothing about what a thing is."""

import ast
import re
from collections.abc import Iterator

from tools.source import Source

EMPTY = {"service", "manager", "repository", "helper", "util", "handler", "builder", "dto", "entity", "listener"}
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def find(source: Source) -> Iterator[tuple[int, str]]:
    if not source.is_product:
        return
    for line, name in [(1, source.path.rsplit("/", 1)[-1]), *_declared(source)]:
        for word in words(name) & EMPTY:
            yield line, f"the name {name} holds the word {word!r}; say what it is in the field's words"


def words(name: str) -> set[str]:
    """`ContactGroupHelpers` and `contact_group_helpers` alike hold contact, group and helper."""
    found = {word.lower() for word in WORD.findall(name)}
    plurals = {"ies": "y", "s": ""}
    return found | {
        word.removesuffix(end) + one for word in found for end, one in plurals.items() if word.endswith(end)
    }


def _declared(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.lineno, node.name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield node.lineno, name
