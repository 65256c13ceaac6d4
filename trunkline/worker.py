"""The worker: claims events, jobs and messages, runs them, ticks schedules. It knows no domain rule."""

import asyncio
import contextlib
import os
import platform
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from trunkline import __version__, reactions
from trunkline.campaigns import expanding
from trunkline.channels.base import Wire
from trunkline.core import events, ids, jobs, schedules
from trunkline.core.db import CONNECTION_ERRORS, Database, sql
from trunkline.core.errors import Unavailable
from trunkline.core.jobs import JOBS, Call, Claims, Desk
from trunkline.housekeeping import install_schedules
from trunkline.messaging import channels
from trunkline.messaging.carrier import Carrier
from trunkline.messaging.delivery import Sender

log = structlog.get_logger("worker")

QUEUES = ("inbound", "outbound", "webhooks", "jobs")
CONCURRENCY = 16
BATCH = 500
POLL_SECONDS = 1.0
DOOR_SECONDS = 3.0
DRAIN_SECONDS = 20


class Worker:
    """All background work of one process, for the queues it was given. Events go with the jobs queue."""

    def __init__(self, database: Database, queues: Sequence[str] = QUEUES):
        self.database, self.queues = database, tuple(queues)
        self.id = ids.new_uuid()
        self.sender: Sender | None = None
        self._wakes: dict[str, asyncio.Event] = {name: asyncio.Event() for name in (*QUEUES, "events")}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`, then finish what is running."""
        loops = [self._listen(), self._beat()]
        if "outbound" in self.queues:
            http = await self.database.tools.http()
            self.sender = Sender(self.database, Wire(http, self.database.tools.egress, Carrier(self.database)))
            loops += [self.sender.run()]
        if "inbound" in self.queues:
            loops += [self._run_queue("inbound"), self._keep_doors()]
        if "jobs" in self.queues:
            loops += [self._run_queue("jobs"), self._react(), self._tick()]
        async with asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(loop)
            group.create_task(self._stop_when_told())

    def stop(self) -> None:
        self._stopping.set()

    async def _stop_when_told(self) -> None:
        await self._stopping.wait()
        for wake in self._wakes.values():
            wake.set()
        if self.sender is not None:
            self.sender.stop()

    async def _run_queue(self, queue: jobs.QueueName) -> None:
        """Claim and run calls, at most `CONCURRENCY` at a time."""
        claims = Claims(self.database, queue)
        running: dict[asyncio.Task[None], Call] = {}
        keeper = asyncio.create_task(self._keep_leases(claims, running))
        while not self._stopping.is_set():
            room = CONCURRENCY - len(running)
            calls = await self._persist(claims.take, room) if room else []
            for call in calls or ():
                task = asyncio.create_task(self._run_call(claims, call))
                running[task] = call
                task.add_done_callback(lambda done: (running.pop(done, None), self._wakes[queue].set()))
            if not calls:
                await self._wait(queue)
        if running:
            await asyncio.wait(running, timeout=DRAIN_SECONDS)
        keeper.cancel()

    async def _run_call(self, claims: Claims, call: Call) -> None:
        """Run one call; a failure is retried later and buried after the last try."""
        try:
            await self._perform(claims, call)
        except Unavailable as error:
            with contextlib.suppress(Unavailable):  # or the lease ends and somebody tries again
                await claims.retry(call, error.message)
        except Exception as error:
            log.exception("job_failed", job=call.name, account=call.account, attempt=call.attempts)
            with contextlib.suppress(Unavailable):
                if not await claims.retry(call, f"{type(error).__name__}: {error}"):
                    log.error("job_buried", job=call.name, account=call.account, id=call.id)

    async def _perform(self, claims: Claims, call: Call) -> None:
        job = JOBS[call.name]
        if call.attempts > len(jobs.RETRY_SECONDS) + 1:
            await claims.retry(call, "It stopped the worker each time.")
            return
        if job.apart:
            await job.run(Desk(self.database, call, self.database.tools), *call.args)
            async with self.database.system(call.account) as tx:
                await claims.finish(tx, call)
            return
        async with self.database.tx(call.account, call.actor, call.cause, call.depth) as tx:
            if await claims.finish(tx, call):
                await job.run(tx, *call.args)

    async def _keep_leases(self, claims: Claims, running: dict[asyncio.Task[None], Call]) -> None:
        while True:
            await asyncio.sleep(jobs.HEARTBEAT_SECONDS)
            held = [call for call in running.values() if call.name in JOBS and JOBS[call.name].apart]
            if held:
                await self._persist(claims.renew, held)

    async def _react(self) -> None:
        """Hand events to the reactions; one that always fails is put aside so that it blocks nobody."""
        limit, alone = BATCH, 0
        while not self._stopping.is_set():
            try:
                handled = await events.handle(self.database, reactions.REACTIONS, limit)
            except Unavailable:
                await asyncio.sleep(0.5)
                continue
            except Exception as error:
                log.exception("reaction_failed", batch=limit)
                if limit == 1:
                    await self._persist(events.bury_oldest, self.database, repr(error))
                else:
                    limit, alone = 1, BATCH
                continue
            alone -= handled
            limit = 1 if alone > 0 and handled else BATCH
            if not handled:
                await self._wait("events")

    async def _tick(self) -> None:
        """Schedules and the end of broadcasts, twice a second."""
        installed = False
        while not self._stopping.is_set():
            installed = installed or bool(await self._persist(install_schedules, self.database))
            await self._persist(schedules.fire, self.database)
            await self._persist(expanding.finish, self.database)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._stopping.wait()

    async def _keep_doors(self) -> None:
        """Listen for mail where channels ask for it; the mail machinery is loaded when the first one does."""
        doors = None
        while not self._stopping.is_set():
            if doors is None and await self._persist(channels.of_kind, self.database, "smtp"):
                from trunkline.messaging.doors import Doors

                doors = Doors(self.database)
            if doors is not None:
                await self._persist(doors.look)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DOOR_SECONDS):
                    await self._stopping.wait()
        if doors is not None:
            await doors.close()

    async def _listen(self) -> None:
        """Hear of new work at once; polling covers what a lost connection misses."""
        while not self._stopping.is_set():
            try:
                connection = await self.database.listen("trunkline_work", self._heard)
            except CONNECTION_ERRORS:
                await asyncio.sleep(1)
                continue
            while not connection.is_closed() and not self._stopping.is_set():
                await asyncio.sleep(0.5)
            if not connection.is_closed():
                with contextlib.suppress(*CONNECTION_ERRORS):
                    await connection.close(timeout=2)

    def _heard(self, payload: str) -> None:
        for queue in payload.split(","):
            if queue in self._wakes:
                self._wakes[queue].set()
        if "outbound" in payload and self.sender is not None:
            self.sender.wake()

    async def _wait(self, queue: str) -> None:
        wake = self._wakes[queue]
        if not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await wake.wait()
            wake.clear()

    async def _beat(self) -> None:
        """Say that this worker lives, for the status page; forget those that have been silent."""
        while not self._stopping.is_set():
            await self._persist(self._say_alive)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await self._stopping.wait()
        with contextlib.suppress(Unavailable):
            async with self.database.system() as tx:
                await tx.run(GONE, self.id)

    async def _say_alive(self) -> None:
        async with self.database.system() as tx:
            await tx.run(BEAT, self.id, platform.node(), os.getpid(), list(self.queues), __version__)

    async def _persist(self, work: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """Do it; while the database is away, or when it fails, give None a little later and let the rest go on."""
        try:
            return await work(*args)
        except Unavailable:
            pass
        except Exception:
            log.exception("work_failed", work=getattr(work, "__qualname__", ""))
        await asyncio.sleep(0.5)
        return None


BEAT = sql(
    """
    with silent as (delete from workers where seen_at < now() - interval '1 minute')
    insert into workers (id, host, pid, queues, version) values ($1, $2, $3, $4, $5)
    on conflict (id) do update set seen_at = now()
    """,
    system=True,
)

GONE = sql("delete from workers where id = $1", system=True)
