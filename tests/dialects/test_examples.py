"""Example files of the dialects: requests and the answers they must get, one step after the other.

`<dialect>/examples/*.http` holds steps parted by `###` lines. A step is a request (request line, headers, blank line,
body), then `HTTP/1.1 <status>`, headers, blank line and the expected body. `@{name}` stands for a value of the
dialect's `examples/world.py` or one that an earlier step caught. In expected bodies `"<int>"`, `"<str>"`, `"<time>"`
and `"<any>"` stand for values of that kind, `"<int:name>"` also catches it; `"...": "..."` admits further members.
"""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from trunkline import dialects as registry
from trunkline.dialects.dispatch import Dialects

pytestmark = pytest.mark.anyio

FILES = sorted(Path(__file__).parent.glob("*/examples/*.http"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parts[-3]}/{file.stem}")
async def test_an_example_gets_its_answer(file, database, new_key, account):
    name = file.parts[-3]
    text = file.read_text()
    known = await _world(file).prepare(database, new_key, account, set(WANTED.findall(text)))
    served = Dialects(database, vault=database.tools.vault, served=[registry.load(name)])

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(served), base_url="https://testserver") as client:
        for step in re.split(r"^###.*\n", text, flags=re.MULTILINE):
            await _walk(client, step, known)


@pytest.mark.parametrize("name", sorted({file.parts[-3] for file in FILES}))
def test_each_operation_has_an_example(name):
    dialect = registry.load(name)
    texts = "\n".join(file.read_text() for file in FILES if file.parts[-3] == name)
    asked = {(method, path.partition("?")[0]) for method, path in REQUEST.findall(texts)}

    missing = [
        f"{operation.method} {operation.path}"
        for operation in dialect.operations
        if not any(method == operation.method and _fits(dialect, operation.path, path) for method, path in asked)
    ]

    assert not missing


async def _walk(client: httpx2.AsyncClient, step: str, known: dict[str, Any]) -> None:
    """Make the step's request and compare the answer with what the file expects."""
    request, _, expected = ANSWER.split(step.strip(), maxsplit=1)
    status = ANSWER.search(step)[1]  # type: ignore[index]
    head, body = _parts(_filled(request.strip(), known))
    method, path = head.pop(0).split(" ", 1)
    headers = dict(line.split(": ", 1) for line in head)
    if headers.get("Content-Type", "").startswith("multipart/"):
        body = body.replace("\n", "\r\n")
    answer = await client.request(method, path, headers=headers, content=body.encode() or None)
    where = f"{method} {path} -> {answer.status_code} {answer.text}"
    assert str(answer.status_code) == status, where
    wanted_head, wanted = _parts(_filled(expected, known))
    for name, value in (line.split(": ", 1) for line in wanted_head):
        _compare(answer.headers.get(name), value, name, known)
    if wanted:
        found = answer.json() if "json" in answer.headers["content-type"] else answer.text
        _compare(found, json.loads(wanted), "body", known)
    else:
        assert answer.content == b"", where


def _compare(found: Any, wanted: Any, where: str, known: dict[str, Any]) -> None:
    if isinstance(wanted, str) and (wildcard := WILDCARD.fullmatch(wanted)):
        kind, name = wildcard.groups()
        assert KINDS[kind](found), f"{where}: {found!r} is not {wanted}"
        known |= {name: found} if name else {}
    elif isinstance(wanted, dict):
        assert isinstance(found, dict), f"{where}: {found!r} is not an object"
        members = {name: value for name, value in wanted.items() if name != "..."}
        assert set(members) <= set(found) if "..." in wanted else set(members) == set(found), f"{where}: {found}"
        for name, value in members.items():
            _compare(found[name], value, f"{where}.{name}", known)
    elif isinstance(wanted, list):
        assert isinstance(found, list), f"{where}: {found!r} is not an array"
        assert len(found) == len(wanted), f"{where}: {found!r}"
        for place, (one, other) in enumerate(zip(found, wanted, strict=True)):
            _compare(one, other, f"{where}.{place}", known)
    else:
        assert found == wanted, f"{where}: {found!r} is not {wanted!r}"


def _parts(text: str) -> tuple[list[str], str]:
    """Head lines without comments, and the body."""
    head, _, body = text.partition("\n\n")
    return [line for line in head.splitlines() if line and not line.startswith("#")], body.strip()


def _filled(text: str, known: dict[str, Any]) -> str:
    return WANTED.sub(lambda name: str(known[name[1]]), text)


def _fits(dialect: Any, path: str, asked: str) -> bool:
    for prefix in (*dialect.prefixes, *dialect.shared):
        if asked.startswith(prefix):
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
            return re.fullmatch(pattern, asked.removeprefix(prefix)) is not None
    return False


def _world(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"{file.parts[-3]}_world", file.parent / "world.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WANTED = re.compile(r"@\{(\w+)\}")
ANSWER = re.compile(r"^HTTP/1\.1 (\d{3})$", re.MULTILINE)
REQUEST = re.compile(r"^([A-Z]+) (/\S+)$", re.MULTILINE)
WILDCARD = re.compile(r"<(int|str|time|any)(?::(\w+))?>")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
KINDS = {
    "int": lambda value: str(value).isdigit(),
    "str": lambda value: isinstance(value, str),
    "time": lambda value: isinstance(value, str) and TIME.fullmatch(value) is not None,
    "any": lambda value: True,
}
