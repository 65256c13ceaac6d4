"""Each rule finds what it is about, and leaves good code alone."""

from pathlib import Path

import pytest

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
from tools.lint import findings
from tools.source import Source

BROKEN = [
    (lint_clients.find, "trunkline/inbox/x.py", "import aiohttp"),
    (lint_clients.find, "trunkline/inbox/x.py", "from urllib.request import urlopen"),
    (lint_clients.find, "trunkline/inbox/x.py", "from urllib import request"),
    (lint_clients.find, "trunkline/inbox/x.py", "def f():\n    import httpx"),
    (lint_clock.find, "trunkline/inbox/x.py", "datetime.now(UTC)"),
    (lint_clock.find, "trunkline/inbox/x.py", "field(default_factory=datetime.utcnow)"),
    (lint_clock.find, "trunkline/inbox/x.py", "time.time()"),
    (lint_clock.find, "trunkline/inbox/x.py", "from time import monotonic"),
    (lint_statements.find, "trunkline/web/x.py", "FIND = sql('select 1')"),
    (lint_statements.find, "trunkline/dialects/x.py", "FIND = 'select id from contacts where id = $1'"),
    (lint_statements.find, "trunkline/dialects/x.py", "'''\n    delete from contacts'''"),
    (lint_events.find, "trunkline/inbox/notes.py", "class NoteAdded(Event):\n    type = 'note.added'"),
    (lint_events.find, "trunkline/inbox/events.py", "class NoteAdded(Event):\n    type = 'noteadded'"),
    (lint_events.find, "trunkline/inbox/events.py", "class NoteAdded(events.Event):\n    id: int"),
    (lint_events.find, "trunkline/inbox/notes.py", "@job('tidy')\nasync def tidy(tx): ..."),
    (lint_type_checking.find, "trunkline/x.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING: ..."),
    (lint_exceptions.find, "trunkline/inbox/x.py", "try: f()\nexcept Exception: pass"),
    (lint_exceptions.find, "trunkline/inbox/x.py", "try: f()\nexcept (OSError, Exception) as e: g(e)"),
    (lint_exceptions.find, "trunkline/inbox/x.py", "try: f()\nexcept: pass"),
    (lint_sizes.find, "trunkline/x.py", "def f():\n" + "    x\n" * 60),
    (lint_sizes.find, "trunkline/x.py", "x\n" * 501),
    (lint_names.find, "trunkline/contacts/group_service.py", ""),
    (lint_names.find, "trunkline/x.py", "class ContactManager: ..."),
    (lint_names.find, "trunkline/x.py", "def date_helpers(): ..."),
    (lint_names.find, "trunkline/x.py", "class ContactDTO: ..."),
    (lint_names.find, "trunkline/x.py", "class DTOShape: ..."),
]

GOOD = [
    (lint_clients.find, "trunkline/core/http.py", "import aiohttp"),
    (lint_clients.find, "trunkline/inbox/x.py", "from urllib.parse import urlsplit\nimport aiosmtplib"),
    (lint_clients.find, "tests/x.py", "import aiohttp"),
    (lint_clock.find, "trunkline/core/clock.py", "datetime.now(UTC)"),
    (lint_clock.find, "trunkline/inbox/x.py", "clock.now() + timedelta(days=1)"),
    (lint_statements.find, "trunkline/web/x.py", "'Select contacts for the list.'"),
    (lint_statements.find, "trunkline/inbox/x.py", "FIND = sql('select 1')"),
    (lint_events.find, "trunkline/inbox/events.py", "class NoteAdded(Event):\n    type = 'note.added'"),
    (lint_events.find, "trunkline/inbox/notes.py", "@job('notes.tidy')\nasync def tidy(tx): ..."),
    (lint_exceptions.find, "trunkline/worker.py", "try: f()\nexcept Exception: pass"),
    (lint_exceptions.find, "trunkline/inbox/x.py", "try: f()\nexcept OSError: pass"),
    (lint_exceptions.find, "trunkline/inbox/x.py", "try: f()\nexcept BaseException:\n    tidy()\n    raise"),
    (lint_sizes.find, "trunkline/x.py", "def f():\n" + "    x\n" * 59),
    (lint_sizes.find, "tests/x.py", "x\n" * 501),
    (lint_names.find, "trunkline/x.py", "class Utilisation: ...\ndef serviced(): ..."),
    (lint_names.find, "trunkline/x.py", "exception_handlers()\nf(handler=1)"),
]


@pytest.mark.parametrize(("rule", "path", "code"), BROKEN)
def test_a_breach_is_found(rule, path: str, code: str) -> None:
    assert list(rule(Source(path, code)))


@pytest.mark.parametrize(("rule", "path", "code"), GOOD)
def test_good_code_is_left_alone(rule, path: str, code: str) -> None:
    assert list(rule(Source(path, code))) == []


@pytest.mark.parametrize(
    "line", ["see /" + "root/notes", "get it from py" + "pi.org", "as sha" + "red/design/x.md says"]
)
def test_words_of_one_machine_are_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "README.md").write_text(f"# Title\n\n{line}\n")

    assert [number for number, _ in lint_words.find(tmp_path, "README.md")] == [3]


@pytest.mark.parametrize("line", ["GET /work-items/1", "the $HOME/work folder", "a/home/page", "~/work/x"])
def test_ordinary_words_are_left_alone(tmp_path: Path, line: str) -> None:
    (tmp_path / "README.md").write_text(line)

    assert list(lint_words.find(tmp_path, "README.md")) == []


def test_findings_name_the_place(tmp_path: Path) -> None:
    (tmp_path / "trunkline").mkdir()
    (tmp_path / "trunkline/x.py").write_text('"""X."""\n\nimport requests\n')

    found = list(findings(tmp_path))

    assert found == ["trunkline/x.py:3: imports requests; outgoing HTTP is core/http.py's alone"]


def test_folders_of_the_machine_are_not_read(tmp_path: Path) -> None:
    for folder in (".venv", "node_modules", "data"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.py").write_text("import requests\n")

    assert list(findings(tmp_path)) == []


def test_long_files_are_counted() -> None:
    sources = [
        Source("trunkline/a.py", "x\n" * 301),
        Source("trunkline/b.py", "x\n"),
        Source("tests/c.py", "x\n" * 400),
    ]

    assert lint_sizes.long(sources) == (1, 0)
