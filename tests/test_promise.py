"""Everything is free: nothing in the product asks for a licence, an edition or a number of seats."""

import ast
import re
from pathlib import Path

PRODUCT = Path(__file__).parent.parent / "trunkline"
LOCKS = re.compile(r"licen[cs]e|enterprise|paywall|(?<![a-z])seats?(?![a-z])|premium|feature_?flag", re.IGNORECASE)


def test_no_name_in_the_code_speaks_of_a_licence() -> None:
    found = []

    for path in PRODUCT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [getattr(node, field, None) for field in ("id", "attr", "name", "arg")]
            found += [f"{path.name}: {name}" for name in names if isinstance(name, str) and LOCKS.search(name)]

    assert found == []


def test_no_table_keeps_a_licence() -> None:
    tables = "".join(path.read_text() for path in (PRODUCT / "storage/migrations").glob("*.sql"))

    assert not LOCKS.search(tables)
