"""Who may import whom: the contracts of pyproject.toml hold, and name everything that they are about."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from trunkline.channels import KINDS
from trunkline.dialects import DIALECTS

ROOT = Path(__file__).parent.parent
OUTSIDE = {"core", "storage", "server", "logs", "__main__"}


@pytest.fixture
def contracts() -> dict[str, dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {contract["id"]: contract for contract in settings["tool"]["importlinter"]["contracts"]}


def test_all_contracts_hold() -> None:
    # In a process of its own: the library turns off every logger that it finds.
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stdout


def test_every_adapter_is_kept_from_the_others(contracts: dict[str, dict[str, Any]]) -> None:
    modules = {place.partition(":")[0] for place in KINDS.values()}

    assert modules == set(contracts["adapters"]["modules"])


def test_every_dialect_is_kept_from_the_others(contracts: dict[str, dict[str, Any]]) -> None:
    assert set(DIALECTS.values()) == set(contracts["dialects"]["modules"])


def test_what_runs_beside_the_product_is_kept_from_all_of_it(contracts: dict[str, dict[str, Any]]) -> None:
    places = [
        path for path in (ROOT / "trunkline").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    ]
    names = {path.stem for path in places} - {"__init__", *OUTSIDE}

    assert {f"trunkline.{name}" for name in names} == set(contracts["beside"]["forbidden_modules"])
