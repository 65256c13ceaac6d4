"""What can be killed: only our own children, found below the supervisor's process."""

import os
import random
import signal
from collections import Counter
from pathlib import Path

WEIGHTS = {"worker": 5, "web": 2, "postmaster": 1, "backend": 2}
"""Workers hold what can be lost, so they die most."""


class Targets:
    """The processes below `trunkline up`, looked up anew for each kill."""

    def __init__(self, supervisor: int, data: Path):
        self.supervisor, self.data = supervisor, data
        self.killed: Counter[str] = Counter()

    def kill(self, kind: str | None = None) -> str | None:
        """SIGKILL one process of a kind, or of a random one. Returns the kind, None when there was nobody to kill."""
        kinds = [kind] if kind else random.choices(list(WEIGHTS), list(WEIGHTS.values()), k=8)
        for chosen in kinds:
            pids = self._pids(chosen)
            if pids and self._kill(random.choice(pids)):
                self.killed[chosen] += 1
                return chosen
        return None

    def _kill(self, pid: int) -> bool:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def _pids(self, kind: str) -> list[int]:
        if kind in ("web", "worker"):
            return [pid for pid in below(self.supervisor) if title(pid) == f"trunkline {kind}"]
        postmaster = self._postmaster()
        if kind == "postmaster" or postmaster is None:
            return [postmaster] if postmaster else []
        return [pid for pid in children(postmaster) if " trunkline" in title(pid)]

    def _postmaster(self) -> int | None:
        try:
            return int((self.data / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def below(pid: int) -> list[int]:
    """The children of a process, and theirs."""
    return [one for child in children(pid) for one in (child, *below(child))]


def title(pid: int) -> str:
    """What `ps` shows; nothing for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").replace("\0", " ")
    except OSError:
        return ""
