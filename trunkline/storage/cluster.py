"""The folder of the embedded database: made whole or not at all, checked, and looked at from outside."""

import asyncio
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trunkline.core import clock
from trunkline.core.errors import Refusal
from trunkline.storage.binaries import Binaries
from trunkline.storage.owner import Owner, give, privileges

ROLE = DATABASE = "trunkline"
SOCKET = ".s.PGSQL.5432"

LOG_PREFIX = re.compile(r"^\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] ")

# Nothing of our own environment (secrets, PGDATA, PGOPTIONS) reaches PostgreSQL.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class Cluster:
    """`<data>/postgres`, whether it exists or not."""

    def __init__(self, data: Path):
        self.data = data.absolute()
        self.folder = self.data / "postgres"
        # Every process of the server shows this name in its title, so that we know our own among many.
        self.name = "trunkline-" + hashlib.sha256(os.fsencode(os.path.realpath(self.folder))).hexdigest()[:16]

    def major(self) -> int | None:
        """The major version that made the folder; None when there is no database yet."""
        if not self.folder.exists() or not any(self.folder.iterdir()):
            return None
        needed = ("PG_VERSION", "postgresql.conf", "pg_hba.conf", "global/pg_control", "base", "pg_wal")
        missing = [name for name in needed if not (self.folder / name).exists()]
        version = "" if missing else (self.folder / "PG_VERSION").read_text(errors="replace").strip()
        if not version.isdecimal():
            what = ", ".join(missing) or "PG_VERSION"
            raise Refusal(
                f"{self.folder} is not a whole database (missing or damaged: {what}). Put it back from a "
                "backup, or move it away to begin with an empty database."
            )
        return int(version)

    async def create(self, binaries: Binaries, owner: Owner | None) -> None:
        """Make the database beside its place and rename it there, so that half of one is never seen."""
        fresh = self.data / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        try:
            give(fresh, owner)
            with door(fresh, owner) as (place, options):
                options |= {"cwd": "/", "env": ENVIRONMENT, **privileges(owner)}
                await self._run([binaries.program("initdb"), "-D", place, *_initdb_options(binaries)], b"", options)
                single = [
                    binaries.program("postgres"),
                    "--single",
                    "-D",
                    place,
                    "-c",
                    "exit_on_error=on",
                    "postgres",
                ]
                await self._run(single, f"create database {DATABASE};\n".encode(), options)
            fresh.rename(self.folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    async def _run(self, command: list[str], script: bytes, options: dict[str, Any]) -> None:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **options,
        )
        try:
            output, _ = await process.communicate(script)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise Refusal(
                f"The database could not be made in {self.data}. PostgreSQL says: {last_words(output)}. "
                "Mend that (is the disk full?) and start again; nothing was kept."
            )

    def postmaster(self) -> int | None:
        """The process id of the living server of this folder, whoever started it."""
        with suppress(FileNotFoundError):
            first, *_ = (self.folder / "postmaster.pid").read_text().splitlines() or [""]
            if first.isdecimal() and self.name in _title(int(first)):
                return int(first)
        return None

    def is_ready(self, pid: int) -> bool:
        """Whether that postmaster takes connections; the eighth line of its file says so."""
        with suppress(FileNotFoundError):
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"
        return False

    async def end_strays(self) -> None:
        """End the backends a dead postmaster left behind; none may write while a new one recovers."""
        for sign, patience in ((signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            deadline = clock.monotonic() + patience
            for pid in self._processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, sign)
            while self._processes() and clock.monotonic() < deadline:
                await asyncio.sleep(0.02)
        self._forget_reused_pids()

    def _processes(self) -> list[int]:
        return [pid for pid, title in _titles() if self.name in title]

    def _forget_reused_pids(self) -> None:
        # The dead postmaster's number may be an innocent process's by now (after a reboot, in a container), or
        # that of a corpse nobody has collected; PostgreSQL would take either for a living server.
        for note in (self.folder / "postmaster.pid", self.folder / f"{SOCKET}.lock"):
            with suppress(FileNotFoundError):
                first = note.read_text().partition("\n")[0]
                if first.isdecimal() and _exists(int(first)) and not self._processes():
                    note.unlink()


@contextmanager
def door(folder: Path, owner: Owner | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """How the owner names a folder of its own: by path, or by an open descriptor when a parent is closed.

    Root's data folder often lies under a home of mode 0700. The descriptor lets PostgreSQL in without
    opening that home to anybody.
    """
    if owner is None or owner.may_enter(folder):
        yield str(folder), {}
        return
    if not Path("/proc/self/fd").exists():
        raise Refusal(
            f"The system user {owner.name!r} cannot reach {folder}. Choose a data folder whose parents "
            "everybody may enter (chmod o+x), or start Trunkline as another user than root."
        )
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", {"pass_fds": (descriptor,)}
    finally:
        os.close(descriptor)


def last_words(output: bytes, lines: int = 4) -> str:
    """What PostgreSQL complained of last, without dates; or simply what it said last."""
    words = [LOG_PREFIX.sub("", line.strip()) for line in output.decode(errors="replace").splitlines()]
    complaints = [line for line in words if re.search(r"\b(FATAL|PANIC|ERROR|error):", line)]
    return " / ".join((complaints or [line for line in words if line])[-lines:]) or "(nothing)"


def _initdb_options(binaries: Binaries) -> list[str]:
    options = [f"--username={ROLE}", "--auth=trust", "--encoding=UTF8", "--data-checksums"]
    if binaries.version_major >= 17:
        # The builtin provider sorts the same on every machine, forever; a system library's order changes.
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [*options, "--locale=en_US.UTF-8" if sys.platform == "darwin" else "--locale=C.UTF-8"]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _title(pid: int) -> str:
    """The command line of a process; empty when it is gone or a zombie."""
    if not Path("/proc/self/cmdline").exists():
        return next((title for other, title in _titles() if other == pid), "")
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def _titles() -> list[tuple[int, str]]:
    """Every process with its command line, which root in a container may read of others too."""
    if Path("/proc/self/cmdline").exists():
        return [(int(entry), _title(int(entry))) for entry in os.listdir("/proc") if entry.isdecimal()]
    answer = subprocess.run(["ps", "-axo", "pid=,command="], capture_output=True, text=True, check=False)
    rows = (line.split(maxsplit=1) for line in answer.stdout.splitlines())
    return [(int(row[0]), row[1]) for row in rows if len(row) == 2]
