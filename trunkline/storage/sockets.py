"""Where clients find the embedded server's socket, also when the data folder's path is too long for one."""

import os
import tempfile
from pathlib import Path
from urllib.parse import quote

from trunkline.storage.cluster import SOCKET, Cluster

# The kernel's limit is 107 bytes on Linux, 103 on macOS.
LONGEST = 103


def socket_folder(cluster: Cluster) -> Path:
    """The database folder itself, or a short private way to it that the data folder remembers."""
    if len(os.fsencode(cluster.folder / SOCKET)) <= LONGEST:
        return cluster.folder
    note = cluster.data / "socket"
    remembered = Path(note.read_text()) if note.exists() else None
    if remembered and _leads_to(remembered, cluster.folder):
        # Cleaners of temporary folders take what nobody touched for days.
        os.utime(remembered, follow_symlinks=False)
        os.utime(remembered.parent)
        return remembered
    link = _link_to(cluster.folder)
    fresh = note.with_name(f"socket.{os.getpid()}")
    fresh.write_text(str(link))
    fresh.replace(note)
    return link


def url_of(folder: Path, role: str, database: str) -> str:
    """A connection URL that libpq and asyncpg read alike; the port is named so that PGPORT does not count."""
    return f"postgresql://{role}@/{database}?host={quote(str(folder), safe='')}&port=5432"


def _leads_to(link: Path, folder: Path) -> bool:
    """Whether it is still our link in a folder that only we can change."""
    try:
        parent = link.parent.lstat()
        mine = parent.st_uid == os.geteuid() and not parent.st_mode & 0o077
        return mine and os.readlink(link) == str(folder)
    except OSError:
        return False


def _link_to(folder: Path) -> Path:
    home = tempfile.mkdtemp(prefix="trunkline-")
    if len(os.fsencode(f"{home}/db/{SOCKET}")) > LONGEST:
        os.rmdir(home)
        home = tempfile.mkdtemp(prefix="trunkline-", dir="/tmp")
    link = Path(home, "db")
    link.symlink_to(folder, target_is_directory=True)
    return link
