"""Commands called as people call them: arguments in, output and exit status out."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from trunkline import cli


class Outcome(Struct):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def refusal(self) -> Any:
        assert self.code == 1, self.out
        return json.loads(self.err)["error"]


Trunkline = Callable[..., Outcome]


@pytest.fixture
def trunkline(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Trunkline:
    """The command line on this test run's database."""
    monkeypatch.setenv("TRUNKLINE_DATABASE_URL", dsn)
    monkeypatch.setenv("TRUNKLINE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TRUNKLINE_SECRET", "the one secret of a test run's database")

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return call


@pytest.fixture
def acme(trunkline: Trunkline) -> str:
    """UUID of a new account."""
    return trunkline("account", "create", "Acme", "--json").json["uuid"]


@pytest.fixture
def ana(trunkline: Trunkline, acme: str, unique: str) -> str:
    """Email of the owner of `acme`."""
    made = trunkline("user", "create", f"ana-{unique}@example.com", "--account", acme, "--role", "owner", "--json")
    return made.json["email"]


@pytest.fixture
def unique(tmp_path: Path) -> str:
    """A word that no other test uses: people are one for the whole installation."""
    return secrets.token_hex(6)
