"""What we depend on: permissive, locked, with a stated reason."""

import re
import tomllib
from importlib import metadata

import pytest

from tools.source import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
DEV_LOCK = (ROOT / "requirements-dev.lock").read_text()
LOCKED = re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE)
COPYLEFT = re.compile(r"\b[AL]?GPL|General Public License", re.IGNORECASE)


def _declared() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [re.split(r"[^a-z0-9-]", line)[0] for line in project["dependencies"]]


def test_every_dependency_is_locked() -> None:
    assert set(_declared()) <= set(LOCKED)


def test_both_locks_agree() -> None:
    pinned = set(re.findall(r"^\S+==\S+", LOCK, re.MULTILINE))

    assert pinned <= set(re.findall(r"^\S+==\S+", DEV_LOCK, re.MULTILINE))


@pytest.mark.parametrize("lock", [LOCK, DEV_LOCK])
def test_locks_name_no_host(lock: str) -> None:
    assert "://" not in lock
    assert not re.search(r"^-", lock, re.MULTILINE)


def test_every_dependency_has_a_reason() -> None:
    page = (ROOT / "docs/decisions/0008-dependencies.md").read_text()

    assert [name for name in _declared() if f"\n| {name} |" not in page] == []


@pytest.mark.parametrize("name", LOCKED)
def test_no_licence_asks_for_more_than_naming_us(name: str) -> None:
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        pytest.skip("not for this platform")
    classifiers = [line for line in about.get_all("Classifier") or [] if line.startswith("License")]
    told = " ".join([about.get("License-Expression") or "", (about.get("License") or "")[:200], *classifiers])

    assert told.strip()
    assert not COPYLEFT.search(told)
