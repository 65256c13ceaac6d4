"""What people expect: each line is proven by a test that exists, or stands among the gaps in the same words."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs/expectations").glob("*.md"))
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
GAP = re.compile(r'gap: "([^"]+)"')


def rows(page: Path) -> list[tuple[str, str]]:
    """Expectation and proof of each line of its tables."""
    cells = [line.strip("| ").split(" | ") for line in page.read_text().splitlines() if line.startswith("| ")]
    return [(each[0], each[1]) for each in cells if each[0] not in ("Expectation", "---")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_expectation_is_proven_or_a_gap(page: Path) -> None:
    assert [name for name, proof in rows(page) if not (TEST.search(proof) or GAP.search(proof))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_test_that_is_named_exists(page: Path) -> None:
    named = {each for _, proof in rows(page) for each in TEST.findall(proof)}

    missing = [
        f"{path}::{name}"
        for path, name in sorted(named)
        if not (ROOT / path).exists() or f"def {name}(" not in (ROOT / path).read_text()
    ]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_gap_stands_among_the_gaps(page: Path) -> None:
    gaps = " ".join((ROOT / "docs/gaps.md").read_text().split())

    assert [words for _, proof in rows(page) for words in GAP.findall(proof) if words not in gaps] == []
