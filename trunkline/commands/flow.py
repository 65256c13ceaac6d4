"""`trunkline flow …`: flows without a server. Cases come in as JSON, results go out; nothing else is touched."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from trunkline.commands.parsing import Usage
from trunkline.core.errors import Refusal
from trunkline.flows.cases import documents
from trunkline.flows.cases.errors import CaseError

Lines = Annotated[bool, "One case per line in, one result per line out."]
Assets = Annotated[Path | None, "A JSON file of assets for every case that has none of its own."]
Stored = Annotated[str | None, "UUID of a stored account to work on."]
Answering = Callable[[dict[str, Any], dict[str, Any] | None], dict[str, Any]]
LONGEST_CASE = 30


def run_case(*, lines: Lines = False, assets: Assets = None) -> int:
    """Run contacts through flows: a case in, its sprints out."""
    return _answer("running", lines, assets)


def eval_(*, lines: Lines = False, assets: Assets = None) -> int:
    """Evaluate templates and expressions."""
    return _answer("evaluating", lines, assets)


def query(*, lines: Lines = False, assets: Assets = None) -> int:
    """Read contact queries, and say whether a contact matches."""
    return _answer("querying", lines, assets)


def migrate(*, lines: Lines = False, assets: Assets = None) -> int:
    """Bring flow definitions to a newer version."""
    return _answer("migrating", lines, assets)


def inspect(*, lines: Lines = False, assets: Assets = None) -> int:
    """Check flow definitions and list what they use and make."""
    return _answer("inspecting", lines, assets)


def import_(
    file: Annotated[Path | None, "With --account: the file of an export; otherwise it is read from the input."] = None,
    /,
    *,
    lines: Lines = False,
    assets: Assets = None,
    account: Stored = None,
    dry_run: Annotated[bool, "With --account: say what would happen, and change nothing."] = False,
) -> Any:
    """Import export files into a workspace given as JSON, or into a stored account."""
    if account is not None:
        return import_module("trunkline.commands.stored_flows").import_file(file, account, dry_run=dry_run)
    return _answer("importing", lines, assets)


def export(
    file: Annotated[Path | None, "With --account: where to write the export; otherwise it is printed."] = None,
    /,
    *,
    lines: Lines = False,
    assets: Assets = None,
    account: Stored = None,
    flow: Annotated[tuple[str, ...] | None, "With --account: the UUID of a flow; may be repeated."] = None,
) -> Any:
    """Export flows of a workspace given as JSON, or of a stored account."""
    if account is not None:
        return import_module("trunkline.commands.stored_flows").export_file(file, account, flow)
    return _answer("exporting", lines, assets)


def play(
    file: Annotated[Path, "A flow definition, an export, or assets, as JSON."],
    /,
    *,
    flow: Annotated[str, "Name or uuid of the flow; the first one of the file without it."] = "",
    events: Annotated[bool, "Show what happens besides messages."] = False,
) -> int:
    """Talk to a flow in the terminal."""
    from trunkline.core import clock
    from trunkline.flows.cases import playing

    document = _read(file)
    try:
        going = playing.Play(document, clock.now, flow=flow, events=events)
        print(*going.start(), sep="\n", flush=True)
    except (CaseError, ValueError) as error:
        raise Refusal(f"The flow in {file} cannot be played: {error}", code="flow") from None
    while not going.is_over:
        if sys.stdin.isatty():
            print("> ", end="", flush=True)
        line = sys.stdin.readline()
        if not line or line.strip() == "/quit":
            break
        print(*going.hear(line.rstrip("\n")), sep="\n", flush=True)
    return 0


def _answer(name: str, lines: bool, assets: Path | None) -> int:
    answering: Answering = import_module(f"trunkline.flows.cases.{name}").answer
    shared = _shared(assets)
    if lines:
        while line := _from_input(lambda source: source.readline()):
            if line.strip():
                _write(_result(line, answering, shared))
        return 0
    result = _result(_from_input(lambda source: source.read()), answering, shared)
    _write(result)
    return 1 if "error" in result else 0


def _from_input(read: Callable[[BinaryIO], bytes]) -> bytes:
    try:
        return read(sys.stdin.buffer)
    except (OSError, AttributeError) as error:  # a directory, or no input at all
        raise Usage(f"The standard input cannot be read: {error}.") from None


def _result(source: bytes, answering: Answering, shared: dict[str, Any] | None) -> dict[str, Any]:
    """A case's result; whatever goes wrong is part of it."""
    echoed: dict[str, Any] = {}
    try:
        case = documents.read(source)
        if not isinstance(case, dict):
            raise CaseError("input", "A case is an object.")
        if case.get("id") is not None:
            echoed = {"id": case["id"]}
        with _in_time():
            return echoed | answering(case, shared)
    except CaseError as error:
        return echoed | {"error": error.document()}
    except RecursionError:
        return echoed | {"error": CaseError("input", "The case is nested too deep.").document()}
    except Exception as error:  # a fault of ours in one case is no reason to give up on the next
        return echoed | {"error": CaseError("internal", f"{type(error).__name__}: {error}").document()}


def _write(result: dict[str, Any]) -> None:
    try:
        written = documents.write(result)
    except (UnicodeEncodeError, RecursionError) as error:
        lost = CaseError("internal", f"The result cannot be written: {error}").document()
        written = documents.write({name: result[name] for name in ("id",) if name in result} | {"error": lost})
    sys.stdout.buffer.write(written + b"\n")
    sys.stdout.buffer.flush()


def _shared(place: Path | None) -> dict[str, Any] | None:
    return None if place is None else _read(place)


def _read(place: Path) -> dict[str, Any]:
    try:
        read = documents.read(place.read_bytes())
    except (OSError, CaseError) as error:
        raise Usage(f"{place} cannot be read: {error}") from None
    if not isinstance(read, dict):
        raise Usage(f"{place} holds no JSON object.")
    return read


class TooLong(Exception):
    pass


@contextmanager
def _in_time() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLong(f"the case took more than {LONGEST_CASE} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_CASE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
