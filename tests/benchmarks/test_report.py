"""Results on their way into docs/benchmarks.md."""

from datetime import date

import pytest

from benchmarks import report
from benchmarks.measuring import Figure
from benchmarks.report import BEGIN, END, Machine, Result, Results

MACHINE = Machine("A processor", 2, 16.0, "Linux 6", "3.11.7", 0.1)
FIGURES = [
    Figure(name="rate beside the bare handler", value=0.8123, least=0.75),
    Figure(name="p99", value=130.4, unit="ms", most=100),
    Figure(name="lists", value=2753.4, unit="/s"),
]
RESULTS = Results("1.0", date(2026, 11, 20), "full", MACHINE, [Result("contacts", "Lists.", 12.0, FIGURES)])


def test_the_table_tells_what_was_wanted_and_whether_it_was_reached() -> None:
    lines = list(report.table(RESULTS))

    assert lines[-4:] == [
        "| **contacts** | | | |",
        "| rate beside the bare handler | 0.81 | ≥ 0.75 | yes |",
        "| p99 | 130 ms | ≤ 100 | no |",
        "| lists | 2,753 /s |  |  |",
    ]


def test_filling_the_page_again_changes_nothing() -> None:
    page = f"# Benchmarks\n\n{BEGIN}\nold\n{END}\n\nMore.\n"

    once = report.fill(page, RESULTS)

    assert report.fill(once, RESULTS) == once
    assert once.endswith(f"{END}\n\nMore.\n")


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        report.fill("# Benchmarks\n", RESULTS)


def test_the_page_shows_the_results_that_are_kept() -> None:
    if not report.RESULTS.exists():
        pytest.skip("nothing has been published yet")

    page = report.PAGE.read_text()

    assert report.fill(page, report.kept()) == page
