"""The first process of `trunkline up`: it loads all that the web and the worker share, once, and forks them.

What is loaded before a fork lies in memory a single time, whoever looks at it, and a process that has to be started
anew is there at once. This process runs no loop, no thread and no connection of its own, so there is nothing that a
fork could tear apart. The supervisor is its first child and tells it whom to fork; it ends with the supervisor.
"""

import contextlib
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from trunkline import processes
from trunkline.commands import calling
from trunkline.core import memory
from trunkline.forks import LINE, Born, Died, tell

LOADED = (
    "setproctitle",
    "uvloop",
    "trunkline.app",
    "trunkline.core.tools",
    "trunkline.server",
    "trunkline.worker",
    "trunkline.commands.processes",
)
CHILDREN = {"web": "processes:web", "worker": "processes:worker", "seed demo": "seeds:demo"}


def split(data: Path) -> socket.socket:
    """Become two: the supervisor goes on with its end of a pair, the other one serves it and never returns."""
    ours, theirs = socket.socketpair()
    memory.settle()
    parent, supervisor = os.getpid(), os.fork()
    if supervisor == 0:
        theirs.close()
        os.environ[processes.PARENT] = str(parent)
        processes.follow_parent()
        del os.environ[processes.PARENT]
        os.setsid()  # Ctrl-C is for the first process, which passes it on
        return ours
    ours.close()
    os.environ["TRUNKLINE_DATA"] = str(data)
    _pass_on(supervisor)
    load(supervisor)
    os._exit(serve(theirs, _deaths(), supervisor))


def load(supervisor: int) -> None:
    """What both kinds of process need for their first piece of work; a supervisor that refuses to start ends it."""
    from trunkline import logs

    def hurry(*_: object) -> None:
        for _pid, code in _dead({supervisor}):
            os._exit(_status(code))

    signal.signal(signal.SIGCHLD, hurry)
    hurry()

    logs.load()
    for name in LOADED:
        import_module(name)
    memory.settle()


def serve(door: socket.socket, deaths: int, supervisor: int) -> int:
    """Fork for each name that comes in and tell who died, until the supervisor has ended: its exit status."""
    children = {supervisor}
    while True:
        ready, _, _ = select.select([door, deaths], [], [])
        if deaths in ready:
            os.read(deaths, 4096)
            for pid, code in _dead(children):
                if pid == supervisor:
                    _end(children)
                    return _status(code)
                tell(door, Died(pid, code))
        if door in ready:
            message, descriptors, _, _ = socket.recv_fds(door, LINE, 2)
            if message:
                children.add(_fork(door, deaths, message.decode().strip(), descriptors))
            else:
                os.waitid(os.P_PID, supervisor, os.WEXITED | os.WNOWAIT)


def _pass_on(supervisor: int) -> None:
    """Whoever wants us to end means the supervisor."""

    def passed(sign: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(supervisor, sign)

    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, passed)


def _deaths() -> int:
    """A descriptor that can be read when a child has died."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    os.write(writing, b"?")  # somebody may have died before we could hear of it
    return reading


def _dead(children: set[int]) -> Iterator[tuple[int, int]]:
    for pid in list(children):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            children.discard(pid)
            yield pid, os.waitstatus_to_exitcode(status)


def _end(children: set[int]) -> None:
    """Nobody stays behind: who has no supervisor is told nothing any more."""
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)


def _status(code: int) -> int:
    """As a shell tells it: a signal is 128 and its number."""
    return code if code >= 0 else 128 - code


def _fork(door: socket.socket, deaths: int, name: str, descriptors: list[int]) -> int:
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        door.close()
        _live(parent, name, descriptors, deaths)
    for descriptor in descriptors:
        os.close(descriptor)
    tell(door, Born(pid))
    return pid


def _live(parent: int, name: str, descriptors: list[int], deaths: int) -> None:
    """The new process: a session, a name and streams of its own, then the command as from a shell."""
    from setproctitle import setproctitle

    code = 1
    try:
        os.environ[processes.PARENT] = str(parent)
        os.setsid()
        setproctitle(f"trunkline {name}")
        wake = signal.set_wakeup_fd(-1)
        for sign in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(sign, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for stream, descriptor in enumerate(descriptors):
            os.dup2(descriptor, stream)
        for descriptor in (*descriptors, deaths, wake):
            os.close(descriptor)
        code = calling.call(name, _command(name), [], as_json=False)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _command(name: str) -> Callable[..., Any]:
    module, function = CHILDREN[name].split(":")
    return getattr(import_module(f"trunkline.commands.{module}"), function)
