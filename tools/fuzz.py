"""Feeds the readers of flows with what a fuzzer makes of the examples in tests/: `python -m tools.fuzz --seconds 60`.

Each target runs in a process of its own until the time is up, something is raised that should not be, or one input
takes more than ten seconds. The fuzzer is atheris, which is no part of the set-up: `.venv/bin/pip install atheris`.
"""

import argparse
import importlib.util
import json
import random
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tools.source import ROOT

PROGRESS = re.compile(r"#\d+\s|INFO: |WARNING: ")
HANGS_AFTER = 10
LONGEST = {"expressions": 2000, "queries": 1000, "definitions": 64}
"""Bytes of an input. Those of a definition decide what is done to a flow that is sound."""
MUTATIONS = 6
NAMES = ("expressions", "queries", "definitions")


def main() -> int:
    options = _parser().parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("SKIPPED: atheris is not installed (.venv/bin/pip install atheris)", file=sys.stderr)
        return 0
    if options.run:
        return _run(options.run, options.seconds, options.corpus)
    failed = [name for name in options.targets or NAMES if not _apart(name, options.seconds)]
    print("Crashed: " + ", ".join(failed) if failed else "Nothing crashed, nothing hung.")
    return 1 if failed else 0


def _apart(name: str, seconds: int) -> bool:
    """libFuzzer ends its process, so each target gets one. What it crashed on is printed by it."""
    print(f"fuzzing {name} for {seconds} s", flush=True)
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(_seeds(name)):
            (Path(corpus) / f"seed{number}").write_bytes(seed)
        command = [sys.executable, "-m", "tools.fuzz", "--run", name, "--seconds", str(seconds), "--corpus", corpus]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
    told = [line for line in (done.stdout + done.stderr).splitlines() if not PROGRESS.match(line)]
    print("\n".join(told[-60:] if done.returncode else told[-1:]), flush=True)
    return done.returncode == 0


def _run(name: str, seconds: int, corpus: str) -> int:
    import atheris

    watched: Any = atheris  # its own hints leave this one out
    with watched.instrument_imports(include=["trunkline"]):
        from trunkline.contacts import query  # noqa: F401
        from trunkline.flows.cases import evaluating, importing, inspecting, running  # noqa: F401
    target = TARGETS[name]
    arguments = [f"-max_total_time={seconds}", f"-timeout={HANGS_AFTER}", f"-max_len={LONGEST[name]}"]
    atheris.Setup(
        ["fuzz", *arguments, "-rss_limit_mb=2048", f"-artifact_prefix={tempfile.gettempdir()}/", corpus], target
    )
    atheris.Fuzz()
    return 0


def expressions(data: bytes) -> None:
    """As a template and as a typed value: neither may raise, whatever it is."""
    from trunkline.expressions import scope
    from trunkline.flows.cases import evaluating

    scope.WORK = 1_000_000  # a watched interpreter is slow; what is not counted hangs all the same
    source = data.decode("utf-8", "replace")
    for form in ("template", "value", "expression"):
        evaluating.answer({form: source, "context": CONTEXT, "options": {"budget": 20_000}}, None)


def queries(data: bytes) -> None:
    """What is read reads back the same from its normal form, and can be asked of a contact."""
    from trunkline.contacts import query
    from trunkline.contacts.query import subjects

    source = data.decode("utf-8", "replace")
    try:
        read = query.parse(source)
    except query.QueryError:
        return
    again = query.parse(read.text)
    assert again.text == read.text, (read.text, again.text)
    read.matches(subjects.read(PERSON))


def definitions(data: bytes) -> None:
    """A damaged flow is refused, or it runs: migrated, loaded, inspected, imported, talked to."""
    from trunkline.flows.cases import importing, inspecting, running
    from trunkline.flows.cases.errors import CaseError

    flow = damaged(Chance(data))
    told = [{"type": "msg", "event": {"type": "msg_received", "msg": {"text": text}}} for text in ("tea", "42")]
    start = {"type": "manual", "flow": {"uuid": flow.get("uuid"), "name": "Flow"}}
    talk = {"assets": {"flows": [flow]}, "contact": PERSON, "trigger": start, "resumes": told, "http_mocks": MOCKS}
    for ask, case in (
        (inspecting, {"flow": flow}),
        (importing, {"file": {"version": "13", "flows": [flow]}}),
        (running, talk),
    ):
        try:
            json.dumps(ask.answer(case, None), default=str)
        except CaseError:
            continue


class Chance:
    """Choices by the fuzzer's bytes, so that it can learn which of them lead somewhere; zeros when they are used up."""

    def __init__(self, data: bytes):
        self.left = list(data)

    def below(self, limit: int) -> int:
        number = 0
        for _ in range(2 if limit > 256 else 1):
            number = number * 256 + (self.left.pop() if self.left else 0)
        return number % limit

    def of(self, choices: Sequence[Any]) -> Any:
        return choices[self.below(len(choices))]


def damaged(chance: Chance) -> dict[str, Any]:
    """One of the flows that tests use, with a few of its values replaced, moved, doubled or gone."""
    flow = json.loads(chance.of(_flows()))
    for _ in range(1 + chance.below(MUTATIONS)):
        places = list(_places(flow))
        holder, key = chance.of(places)
        other, name = chance.of(places)
        match chance.below(6):
            case 0:
                del holder[key]
            case 1:
                holder[key] = json.loads(json.dumps(other[name]))
            case 2 if isinstance(holder, list):
                holder.insert(key, json.loads(json.dumps(holder[key])))
            case 3 if isinstance(holder[key], str):
                holder[key] = chance.of(TEXTS) + holder[key][: chance.below(len(holder[key]) + 1)]
            case _:
                holder[key] = json.loads(chance.of(VALUES))
    return flow


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each place of a document, as what holds it and its key there."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from _places(inner)


def _seeds(name: str) -> Iterator[bytes]:
    if name == "definitions":
        chance = random.Random(0)
        yield from (chance.randbytes(LONGEST[name]) for _ in range(64))
        return
    folder = ROOT / "tests" / ("expressions" if name == "expressions" else "contacts/query")
    for path in sorted(folder.rglob("*.toml")):
        for text in _texts(tomllib.loads(path.read_text())):
            if len(text) <= LONGEST[name]:
                yield text.encode()
    yield from (text.encode() for text in SEEDS[name])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        return
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)


def _flows() -> list[str]:
    if not FLOWS:
        for path in sorted((ROOT / "tests" / "flows").rglob("*.json")):
            FLOWS.extend(json.dumps(flow) for flow in _definitions(json.loads(path.read_text())))
    return FLOWS


def _definitions(value: Any) -> Iterator[Any]:
    """All flow definitions inside a document, legacy ones too."""
    if isinstance(value, dict) and (("nodes" in value and "spec_version" in value) or "action_sets" in value):
        yield value
        return
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _definitions(inner)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("targets", nargs="*", choices=[[], *NAMES], metavar="TARGET", help=", ".join(NAMES))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--run", choices=NAMES, help=argparse.SUPPRESS)
    parser.add_argument("--corpus", default="", help=argparse.SUPPRESS)
    return parser


FLOWS: list[str] = []
TARGETS: dict[str, Callable[[bytes], None]] = {
    "expressions": expressions,
    "queries": queries,
    "definitions": definitions,
}
CONTEXT = {
    "contact": {"name": "Ann", "groups": [{"uuid": "a", "name": "Testers"}]},
    "fields": {"age": {"$number": "42"}, "joined": {"$datetime": "2018-04-11T13:24:30.123456-05:00"}},
    "results": {"n": {"$number": "1.50"}, "list": [1, "two", None, {"three": 3}]},
    "input": {"text": "Tea, please. +250788123123"},
}
PERSON = {
    "uuid": "5d76d86b-3bb9-4d5a-b822-c9d86f5d8e4f",
    "id": 7,
    "name": "Ann Example",
    "status": "active",
    "created_on": "2018-04-11T13:24:30.123456-05:00",
    "urns": ["tel:+250788123123"],
    "fields": {"age": {"text": "42", "number": 42}},
}
MOCKS = {"*": [{"status": 200, "body": "{}"}]}
TEXTS = ("", "@", "@(", "@(1/0)", "@contact.", "\x00", "é", "(a+)+$", "\\", '@(repeat("x", 9999))', "1e999")
VALUES = (
    "null",
    "true",
    "0",
    "-1",
    "1e400",
    "99999999999999999999",
    '""',
    '"x"',
    "[]",
    "{}",
    "[null]",
    '[[""]]',
    "1.5",
)
SEEDS = {
    "expressions": ("@contact.name", '@(foreach(results.list, (x) => x & "!"))', "@(-2^2 + 3 * 4 / 5)", "@@ @(", "@(("),
    "queries": (
        "name ~ ann AND (age > 18 OR tel = +250788)",
        'created_on >= 2018-01-01 joined != ""',
        'group = "Testers" or urns.tel ~ 788',
        "+250788123123",
        '"quo\\"ted" has x',
    ),
}

if __name__ == "__main__":
    sys.exit(main())
