"""The supervisor: holds the database, keeps one web and one worker process alive, and ends all of them in order."""

import asyncio
import errno
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import msgspec

from trunkline.core import clock
from trunkline.core.config import Settings
from trunkline.core.errors import Refusal
from trunkline.forks import Fork, Nursery
from trunkline.processes import Orders, Report
from trunkline.storage.postgres import Embedded

T = TypeVar("T")

log = logging.getLogger("up")

DRAIN_SECONDS = {"web": 20.0, "worker": 30.0, "seed demo": 5.0}
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
HEALTHY_SECONDS = 10.0


class Child:
    """One of our processes. Started at once, so that it loads while the database starts; told its orders later."""

    def __init__(self, name: str, nursery: Nursery, heard: Callable[[Report], None], *, once: bool = False):
        self.name, self.once = name, once
        self._nursery, self._heard = nursery, heard
        self._fork: Fork | None = None
        self._orders: Orders | None = None
        self._ending = False

    async def start(self) -> None:
        self._fork = await self._nursery.fork(self.name)

    def order(self, orders: Orders, again: Orders) -> None:
        """Let it work; `again` is what it is told when it has to be started anew."""
        self._orders = again
        self._say(orders)

    async def keep(self) -> None:
        """Pass its reports on, and start it again whenever it dies."""
        pause = FIRST_PAUSE
        while True:
            began = clock.monotonic()
            code = await self._follow()
            if self._ending or (self.once and code == 0):
                return
            if self.once:
                message = f"`trunkline {self.name}` ended ({_ended(code)}); the lines above say why."
                self._heard(Report(code="failed", message=message))
                return
            pause = FIRST_PAUSE if clock.monotonic() - began > HEALTHY_SECONDS else min(pause * 2, LONGEST_PAUSE)
            log.warning("The %s process ended (%s); starting it again.", self.name, _ended(code))
            await asyncio.sleep(pause)
            if self._ending:
                return
            await self.start()
            if self._orders:
                self._say(self._orders)

    async def end(self, patience: float) -> None:
        """Ask it to finish what it does; after a while, do not ask any more."""
        self._ending = True
        if self._fork is None:
            return
        self._fork.kill(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience):
                await asyncio.shield(self._fork.ended)
        except TimeoutError:
            log.warning("The %s process did not end within %d seconds; it is killed.", self.name, patience)
            self._fork.kill(signal.SIGKILL)
            await self._fork.ended

    def hurry(self) -> None:
        self._ending = True
        if self._fork:
            self._fork.kill(signal.SIGKILL)

    def _say(self, orders: Orders) -> None:
        assert self._fork is not None
        self._fork.say(msgspec.json.encode(orders) + b"\n")

    async def _follow(self) -> int:
        assert self._fork is not None
        while line := await self._fork.reports.readline():
            with suppress(msgspec.DecodeError):
                self._heard(msgspec.json.decode(line, type=Report))
        return await self._fork.ended


async def up(
    door: socket.socket,
    settings: Settings,
    host: str,
    port: int,
    *,
    demo: bool,
    with_worker: bool,
    ready: Callable[[Report], None],
    starting: Callable[[str], None],
) -> None:
    """Run until SIGTERM or SIGINT; processes are forked behind `door`.

    `ready` hears when the web listens first, `starting` what is being done.
    """
    port = _port(host, port)
    reports: asyncio.Queue[Report] = asyncio.Queue()
    nursery = Nursery(door)
    web = Child("web", nursery, reports.put_nowait)
    children = [web]
    if with_worker:
        children.append(Child("worker", nursery, reports.put_nowait))
    if demo:
        children.append(Child("seed demo", nursery, reports.put_nowait, once=True))
    embedded = None if settings.database_url else Embedded(settings.data, settings.postgres_bin or None)
    stop = _signals(children)
    tasks: list[asyncio.Task[None]] = []
    try:
        running = asyncio.create_task(_start(children, embedded, settings, starting))
        dsn = await _unless(stop, running)
        if dsn is None:
            return
        if embedded:
            tasks.append(asyncio.create_task(embedded.supervise()))
        again = Orders(dsn, host, port)
        web.order(msgspec.structs.replace(again, first=True), again)
        tasks += [asyncio.create_task(child.keep()) for child in children]
        first = asyncio.create_task(_first_listening(reports, children[1:], again, demo=demo))
        report = await _unless(stop, first)
        if report is None:
            return
        ready(report)
        tasks.append(asyncio.create_task(_watch(reports)))
        await stop.wait()
    finally:
        await _end(children, tasks, embedded)


async def _start(
    children: list[Child], embedded: Embedded | None, settings: Settings, starting: Callable[[str], None]
) -> str:
    loading = [asyncio.create_task(child.start()) for child in children]
    try:
        dsn = await _database(embedded, settings, starting)
        await asyncio.gather(*loading)
        return dsn
    finally:
        for task in loading:
            task.cancel()
        await asyncio.gather(*loading, return_exceptions=True)


async def _database(embedded: Embedded | None, settings: Settings, starting: Callable[[str], None]) -> str:
    if embedded is None:
        starting("Using the database of TRUNKLINE_DATABASE_URL")
        return settings.database_url
    known = (settings.data / "postgres").exists()
    starting(f"{'Starting the' if known else 'Making a'} database in {settings.data}")
    await embedded.start()
    return embedded.dsn


async def _first_listening(
    reports: asyncio.Queue[Report], others: list[Child], orders: Orders, *, demo: bool
) -> Report:
    """Follow the first start: once the database is prepared the others may work; at last the web listens."""
    whole = Report()
    while whole.url is None or (demo and whole.demo is None):
        report = await reports.get()
        if report.message:
            raise Refusal(report.message, code=report.code)
        if report.prepared:
            for child in others:
                child.order(orders, orders)
        whole = msgspec.structs.replace(
            whole, url=report.url or whole.url, demo=report.demo or whole.demo, empty=report.empty or whole.empty
        )
    return whole


async def _watch(reports: asyncio.Queue[Report]) -> None:
    """Later refusals are no reason to end: the process is tried again."""
    while True:
        report = await reports.get()
        if report.message:
            log.error("%s", report.message)


async def _end(children: list[Child], tasks: list[asyncio.Task[None]], embedded: Embedded | None) -> None:
    """The web first, so that nothing new comes in; the worker next; the database last."""
    for child in children:
        await child.end(DRAIN_SECONDS[child.name])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if embedded:
        await embedded.stop()


async def _unless(stop: asyncio.Event, work: asyncio.Task[T]) -> T | None:
    """What the work returns; None when we are told to end meanwhile."""
    ending = asyncio.create_task(stop.wait())
    await asyncio.wait((work, ending), return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if work.done():
        return await work
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    return None


def _signals(children: list[Child]) -> asyncio.Event:
    stop = asyncio.Event()

    def heard() -> None:
        if stop.is_set():
            log.warning("Told to end twice; not waiting any longer.")
            for child in children:
                child.hurry()
        stop.set()

    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, heard)
    return stop


def _port(host: str, port: int) -> int:
    """The port, or with 0 a free one that is kept for good; a port that is taken is told before anything starts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except OSError as error:
            raise Refusal(_why_not(error, host, port), code="port_taken") from None
        except OverflowError:
            raise Refusal("A port is a number from 0 to 65535. Use --port 0 for any free one.") from None
        return door.getsockname()[1]


def _why_not(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"Port {port} on {host} is taken by another program. Choose another with --port, or --port 0 for any "
                "free one."
            )
        case errno.EACCES:
            return f"Port {port} needs privileges that this user lacks. Choose one above 1023 with --port."
    return f"Nothing can listen on {host}, port {port}: {error.strerror}. Choose another --host or --port."


def _ended(code: int) -> str:
    if code < 0:
        with suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"status {code}"
