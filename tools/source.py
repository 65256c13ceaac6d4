"""The files that the rules read: Python as text and tree, everything else as text."""

import ast
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parent.parent

SKIPPED = {".git", "__pycache__", "node_modules", "data", "dist", "build"}
"""Folders that hold nothing of ours; neither do hidden ones but `.ci`."""


class Source:
    """One Python file. `path` is relative to the checkout, with forward slashes."""

    def __init__(self, path: str, text: str):
        self.path, self.text = path, text

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def is_product(self) -> bool:
        return self.path.startswith("trunkline/")


def python(root: Path = ROOT) -> Iterator[Source]:
    """Every Python file of the product, its tests, tools and benchmarks."""
    for path in files(root):
        if path.endswith(".py"):
            yield Source(path, (root / path).read_text())


def files(root: Path = ROOT) -> Iterator[str]:
    """Everything that would be committed, without asking git: a copy of the checkout is no repository."""
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if name == ".ci" or not (name in SKIPPED or name.startswith(".")))
        for name in sorted(names):
            if not name.endswith(".pyc"):
                yield (Path(folder) / name).relative_to(root).as_posix()


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a chain of attributes, "" for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr) if before := dotted(value):
            return f"{before}.{attr}"
    return ""
