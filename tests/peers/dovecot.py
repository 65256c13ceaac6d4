"""A Dovecot of its own: mail comes in by LMTP for any mailbox and is read by IMAP."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers import free_port, wait_for_port

PROGRAM = shutil.which("dovecot") or "/usr/sbin/dovecot"
LMTP = Path("/usr/lib/dovecot/lmtp")
IMAP = Path("/usr/lib/dovecot/imap")
PASSWORD = "correct-horse"


@dataclass(frozen=True)
class Dovecot:
    lmtp_port: int
    imap_port: int
    folder: Path

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""


def available() -> str | None:
    """Why there is no Dovecot here, or None."""
    if not (os.access(PROGRAM, os.X_OK) and LMTP.exists() and IMAP.exists()):
        return "Dovecot is not installed (apt-get install dovecot-imapd dovecot-lmtpd)"
    return None if os.geteuid() == 0 else "Dovecot with its login users starts only as root"


@contextmanager
def running() -> Iterator[Dovecot]:
    """Every user exists, with `PASSWORD`; mail for a+b@c lands in the mailbox of a+b@c."""
    folder = Path(tempfile.mkdtemp(prefix="trunkline-dovecot-"))
    folder.chmod(0o755)
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", "nobody", "nogroup")
    dovecot = Dovecot(free_port(), free_port(), folder)
    config = folder / "dovecot.conf"
    config.write_text(CONFIG.format(folder=folder, lmtp=dovecot.lmtp_port, imap=dovecot.imap_port, password=PASSWORD))
    process = subprocess.Popen(
        [PROGRAM, "-F", "-c", str(config)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(dovecot.lmtp_port, lambda: dovecot.log)
        wait_for_port(dovecot.imap_port, lambda: dovecot.log)
        yield dovecot
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
first_valid_gid = 1
recipient_delimiter =
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u allow_all_users=yes
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""
