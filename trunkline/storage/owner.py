"""The system user PostgreSQL runs as: ourselves, or somebody unprivileged when we are root."""

import os
import pwd
from pathlib import Path
from typing import Any

from msgspec import Struct

from trunkline.core.errors import Refusal


class Owner(Struct, frozen=True):
    name: str
    uid: int
    gid: int

    def may_enter(self, folder: Path) -> bool:
        """Whether the owner can walk down to the folder, by the mode bits of every part of the path."""
        return all(self._may_search(place) for place in (folder, *folder.parents))

    def _may_search(self, place: Path) -> bool:
        state = place.stat()
        if state.st_uid == self.uid:
            return bool(state.st_mode & 0o100)
        return bool(state.st_mode & (0o010 if state.st_gid == self.gid else 0o001))


def owner_for(cluster: Path) -> Owner | None:
    """None means ourselves. For root: who owns the database already, else `postgres` or `nobody`."""
    if os.geteuid() != 0:
        _refuse_nameless()
        return None
    present = _by_uid(cluster.stat().st_uid) if cluster.exists() else None
    owner = present or _by_name("postgres") or _by_name("nobody")
    if owner is None:
        raise Refusal(
            "PostgreSQL does not run as root, and this system has neither a user `postgres` nor `nobody`. "
            "Start Trunkline as another user, or set TRUNKLINE_DATABASE_URL."
        )
    return owner


def give(folder: Path, owner: Owner | None) -> None:
    """Make the owner own the folder and all in it: root may have copied it, or its user may be gone."""
    if owner is None or folder.stat().st_uid == owner.uid:
        return
    for path in folder.rglob("*"):
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
    # Last, so that an interrupted change starts over.
    os.chown(folder, owner.uid, owner.gid)


def privileges(owner: Owner | None) -> dict[str, Any]:
    """Arguments for a subprocess that drops from root to the owner."""
    return {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner else {}


def _refuse_nameless() -> None:
    if _entry(os.geteuid()) is None:
        raise Refusal(
            f"User id {os.geteuid()} has no entry in the system's user list, and PostgreSQL needs one. Run "
            "Trunkline as a named user (the container image has one), or set TRUNKLINE_DATABASE_URL."
        )


def _by_uid(uid: int) -> Owner | None:
    entry = _entry(uid)
    return Owner(entry.pw_name, entry.pw_uid, entry.pw_gid) if entry and uid != 0 else None


def _by_name(name: str) -> Owner | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Owner(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _entry(uid: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None
