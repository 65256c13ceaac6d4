"""Results as lines for people, as JSON, and as the table in docs/benchmarks.md."""

import os
import platform
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct

import trunkline
from benchmarks.measuring import Figure, Scale

DOCS = Path(__file__).parents[1] / "docs"
RESULTS = DOCS / "benchmarks.json"
PAGE = DOCS / "benchmarks.md"
BEGIN, END = "<!-- results: written by `python -m benchmarks` -->", "<!-- end of results -->"


class Machine(Struct, frozen=True):
    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    load: float


class Result(Struct, frozen=True):
    """One benchmark; `about` is the first line of its module."""

    name: str
    about: str
    seconds: float
    figures: list[Figure]


class Results(Struct, frozen=True):
    version: str
    day: date
    scale: Scale
    machine: Machine
    results: list[Result]


def results(scale: Scale, machine: Machine, found: list[Result]) -> Results:
    return Results(trunkline.__version__, date.today(), scale, machine, found)


def line(figure: Figure) -> str:
    bound = _bound(figure)
    verdict = {True: "  ok", False: "  MISSED", None: ""}[figure.met]
    return f"  {figure.name:<58} {_number(figure.value):>10} {figure.unit:<4} {bound:<8}{verdict}".rstrip()


def save(found: Results, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")


def kept(path: Path = RESULTS) -> Results:
    return msgspec.json.decode(path.read_bytes(), type=Results)


def fill(page: str, found: Results) -> str:
    """The page with these results between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError("docs/benchmarks.md has lost the marks between which the results stand.")
    return "\n".join([f"{before}{BEGIN}", "", *table(found), "", f"{END}{after}"])


def table(found: Results) -> Iterator[str]:
    machine = found.machine
    yield (
        f"Version {found.version}, {found.day}: {machine.processor}, {machine.cores} cores, "
        f"{machine.memory_gib:.0f} GiB, {machine.system}, Python {machine.python};"
        f" load average at the start {machine.load:.1f}."
    )
    yield from ("", "| | measured | wanted | |", "|---|---:|---:|---|")
    for result in found.results:
        yield f"| **{result.name}** | | | |"
        for figure in result.figures:
            verdict = {True: "yes", False: "no", None: ""}[figure.met]
            yield (
                f"| {figure.name} | {_number(figure.value)} {figure.unit}".rstrip()
                + f" | {_bound(figure)} | {verdict} |"
            )


def _bound(figure: Figure) -> str:
    if figure.least is not None:
        return f"≥ {_number(figure.least)}"
    return f"≤ {_number(figure.most)}" if figure.most is not None else ""


def _number(value: float) -> str:
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def machine() -> Machine:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Machine(
        _processor(),
        len(os.sched_getaffinity(0)),
        round(memory, 1),
        f"{platform.system()} {platform.release()}",
        platform.python_version(),
        os.getloadavg()[0],
    )


def _processor() -> str:
    try:
        named = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        named = None
    return named[1].strip() if named else platform.machine()
