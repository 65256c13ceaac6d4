"""`python -m benchmarks [names…] [--quick]`: measure, print, and publish a full run in docs/."""

import argparse
import asyncio
import gc
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import uvloop

import benchmarks
from benchmarks import report
from benchmarks.measuring import Scale
from benchmarks.report import Result
from benchmarks.stage import Stage, server


def main() -> int:
    options = _parser().parse_args()
    if options.list:
        for name in (*benchmarks.NAMES, "proof"):
            print(f"  {name:<12}{_about(name)}")
        return 0
    if options.table:
        report.PAGE.write_text(report.fill(report.PAGE.read_text(), report.kept()))
        return 0
    names = options.names or [*benchmarks.NAMES, *(["proof"] if options.prove else [])]
    scale: Scale = "quick" if options.quick else "full"
    machine = report.machine()
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as folder:
        place = Path(folder)
        with server(place / "server") as clone, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(_run(names, scale, Stage(place, clone)))
    results = report.results(scale, machine, found)
    if options.json:
        report.save(results, options.json)
    if scale == "full" and not options.names and len(found) == len(names):
        report.save(results, report.RESULTS)
        report.PAGE.write_text(report.fill(report.PAGE.read_text(), results))
        print("\nWrote docs/benchmarks.json and the table in docs/benchmarks.md.")
    missed = sum(figure.met is False for result in found for figure in result.figures)
    print(f"\n{missed or 'No'} figure{'' if missed == 1 else 's'} missed.")
    return 0 if len(found) == len(names) else 1


async def _run(names: Sequence[str], scale: Scale, stage: Stage) -> list[Result]:
    """One after the other; one that breaks does not take the others with it."""
    found: list[Result] = []
    for name in names:
        print(f"\n{name}: {_about(name)}", flush=True)
        began = time.perf_counter()
        module = benchmarks.module(name)
        try:
            figures = await module.run(stage, module.SIZES[scale])
        except Exception:
            traceback.print_exc()
            continue
        seconds = time.perf_counter() - began
        found.append(Result(name, _about(name), round(seconds, 1), figures))
        for figure in figures:
            print(report.line(figure))
        print(f"  ({seconds:.0f} s)", flush=True)
        gc.collect()
    return found


def _about(name: str) -> str:
    return (benchmarks.module(name).__doc__ or "").strip().splitlines()[0]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *benchmarks.NAMES, "proof"], metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="a look within a minute; nothing is published")
    parser.add_argument("--prove", action="store_true", help="run `trunkline prove` as well (minutes)")
    parser.add_argument("--list", action="store_true", help="what there is to measure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument(
        "--table", action="store_true", help="fill the table from docs/benchmarks.json, measure nothing"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
