"""How the embedded server is set: for one machine, one product and an operator who will not tune it."""

import os
from contextlib import suppress
from pathlib import Path

from trunkline.storage.binaries import Binaries
from trunkline.storage.cluster import Cluster

GIB = 1024**3


def options(cluster: Cluster, binaries: Binaries) -> list[str]:
    """Arguments of `postgres`; whatever is not named here may be set in the folder's postgresql.conf."""
    settings = {
        "cluster_name": cluster.name,
        # The way in is a socket in a folder of mode 0700, and that mode is the lock. Nothing listens on TCP.
        "listen_addresses": "",
        "unix_socket_directories": ".",
        "unix_socket_permissions": "0700",
        "port": "5432",
        "max_connections": "100",
        **_memory(),
        # Bursts (a broadcast, an import) write much; few, slow checkpoints keep them off the disk.
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "on",
        # Queue tables turn over completely within minutes and must be swept as often.
        "autovacuum_naptime": "15s",
        # Our statements are short: compiling them costs more than it saves.
        "jit": "off",
        # Solid-state disks, where an index is worth its jumps.
        "random_page_cost": "1.1",
        # Nobody replicates from this server; one process less.
        "max_logical_replication_workers": "0",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Reads are small and mostly cached; three more processes for them would only take memory.
        **({"io_method": "sync"} if binaries.version_major >= 18 else {}),
        "lc_messages": "C",
        "logging_collector": "off",
        "log_destination": "stderr",
        "log_checkpoints": "off",
        # Statements and their values are people's data; the program that sent them has the whole error.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _memory() -> dict[str, str]:
    memory = _machine_memory()
    buffers = 64 if memory < 4 * GIB else 128
    return {
        # The pages are taken when first used, but their headers at once: larger ones cost an idle machine.
        "shared_buffers": f"{buffers}MB",
        "effective_cache_size": f"{memory // 2 // 1024**2}MB",
        "dynamic_shared_memory_type": _parallel_memory(),
    }


def _machine_memory() -> int:
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):
        # A container's own limit, when it has one ("max" otherwise).
        return min(physical, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return physical


def _parallel_memory() -> str:
    """Containers come with 64 MB of /dev/shm, which a parallel query overflows; a file then serves."""
    with suppress(OSError):
        state = os.statvfs("/dev/shm")  # noqa: S108
        return "posix" if state.f_frsize * state.f_blocks >= GIB // 4 else "mmap"
    return "mmap"
