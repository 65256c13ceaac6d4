"""Our own rules, all at once: `python -m tools.lint`. Each `tools/lint_*.py` is one rule."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tools import (
    lint_clients,
    lint_clock,
    lint_events,
    lint_exceptions,
    lint_names,
    lint_sizes,
    lint_statements,
    lint_type_checking,
    lint_words,
)
from tools.source import ROOT, Source, files, python

Finding = tuple[int, str]
Rule = Callable[[Source], Iterator[Finding]]

RULES: list[Rule] = [
    lint_clients.find,
    lint_clock.find,
    lint_statements.find,
    lint_events.find,
    lint_type_checking.find,
    lint_exceptions.find,
    lint_sizes.find,
    lint_names.find,
]


def main() -> int:
    found = list(findings(ROOT))
    for line in found:
        print(line)
    if long := lint_sizes.long(python(ROOT)):
        print(f"({long.files} files over {lint_sizes.FILE_GOAL} lines, {long.functions} functions over "
              f"{lint_sizes.FUNCTION_GOAL}: allowed, not loved)")  # fmt: skip
    return 1 if found else 0


def findings(root: Path) -> Iterator[str]:
    """What breaks a rule, as `path:line: what`."""
    for source in python(root):
        for rule in RULES:
            yield from (f"{source.path}:{line}: {what}" for line, what in rule(source))
    for path in files(root):
        yield from (f"{path}:{line}: {what}" for line, what in lint_words.find(root, path))


if __name__ == "__main__":
    sys.exit(main())
