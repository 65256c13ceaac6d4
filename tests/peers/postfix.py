"""A Postfix of its own: own configuration, queue and log, one free port on loopback."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers import free_port, wait_for_port

PROGRAM = shutil.which("postfix") or "/usr/sbin/postfix"


@dataclass(frozen=True)
class Postfix:
    port: int
    folder: Path

    @property
    def log(self) -> str:
        path = self.folder / "maillog"
        return path.read_text(errors="replace") if path.exists() else ""


def available() -> str | None:
    """Why there is no Postfix here, or None."""
    if not os.access(PROGRAM, os.X_OK):
        return "Postfix is not installed (apt-get install postfix)"
    return None if os.geteuid() == 0 else "Postfix starts only as root"


@contextmanager
def running(
    transports: Mapping[str, str], *, certificate: Path | None = None, key: Path | None = None
) -> Iterator[Postfix]:
    """Maps a recipient or domain to `lmtp:inet:host:port`, `smtp:[host]:port` or `error:5.1.1 …`."""
    folder = Path(tempfile.mkdtemp(prefix="trunkline-postfix-"))
    folder.chmod(0o755)  # its daemons run as several users
    postfix = Postfix(free_port(), folder)
    try:
        configure(postfix, transports, certificate, key)
        control(postfix, "start")
        wait_for_port(postfix.port, lambda: postfix.log)
        yield postfix
    finally:
        control(postfix, "stop")
        shutil.rmtree(folder, ignore_errors=True)


def configure(postfix: Postfix, transports: Mapping[str, str], certificate: Path | None, key: Path | None) -> None:
    owner = pwd.getpwnam("postfix")
    for name in ("etc", "queue", "data"):
        (postfix.folder / name).mkdir(mode=0o755)
    os.chown(postfix.folder / "data", owner.pw_uid, owner.pw_gid)
    entries = ", ".join(f"{{ {pattern} = {transport} }}" for pattern, transport in transports.items())
    domains = " ".join(sorted({pattern.rpartition("@")[2] for pattern in transports}))
    settings = MAIN.format(folder=postfix.folder, entries=entries, domains=domains)
    if certificate and key:
        settings += TLS.format(certificate=certificate, key=key)
    (postfix.folder / "etc/main.cf").write_text(settings)
    (postfix.folder / "etc/master.cf").write_text(MASTER.format(port=postfix.port))


def control(postfix: Postfix, command: str) -> None:
    """All three descriptors go elsewhere: the daemons inherit them and would keep a reader waiting."""
    subprocess.run(
        [PROGRAM, "-c", str(postfix.folder / "etc"), command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


# Without maillog_file_prefixes a log in another place makes the start fail without a word.
MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtp_host_lookup = native
relay_domains = {domains}
transport_maps = inline:{{ {entries} }}
local_recipient_maps =
alias_maps =
biff = no
append_dot_mydomain = no
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
lmtp_destination_recipient_limit = 50
bounce_queue_lifetime = 1h
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
default_destination_concurrency_failed_cohort_limit = 0
"""
TLS = """\
smtpd_tls_security_level = may
smtpd_tls_chain_files = {key}, {certificate}
"""
# Service, type, private, unprivileged, chroot (never), wake-up, processes, command.
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
lmtp      unix - - n - - lmtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
local     unix - n n - - local
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""
