"""The worker: claims events, jobs and messages, runs them, ticks schedules. It knows no domain rule."""

import asyncio
import contextlib
import os
import platform
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
import structlog

from trunkline import __version__, reactions
from trunkline.accounts import resets as resets  # forms name its job
from trunkline.ai import summaries as summaries  # requests name its job
from trunkline.campaigns import expanding, points
from trunkline.campaigns import recipients as recipients  # pages name its job
from trunkline.channels.base import Wire
from trunkline.contacts import importing as importing  # pages name its job
from trunkline.core import clock, events, ids, jobs, schedules, vitals
from trunkline.core.db import CONNECTION_ERRORS, Database, sql
from trunkline.core.errors import Unavailable
from trunkline.core.jobs import JOBS, Call, Claims, Desk, Job
from trunkline.core.metrics import Histogram
from trunkline.flows import starting, waking
from trunkline.flows.phoning import Operator
from trunkline.housekeeping import install_schedules
from trunkline.messaging import channels, tracking
from trunkline.messaging import shelving as shelving  # deletions name its job
from trunkline.messaging.callbook import Book
from trunkline.messaging.carrier import Carrier
from trunkline.messaging.delivery import Sender
from trunkline.messaging.measures import WAITS
from trunkline.webhooks import callbacks, deliveries
from trunkline.webhooks.delivering import Deliverer
from trunkline.workflows import runs as runs  # executions name its job

log = structlog.get_logger("worker")

QUEUES = ("inbound", "outbound", "webhooks", "jobs")
CONCURRENCY = 16
TOGETHER = 64
BATCH = 500
POLL_SECONDS = 1.0
TICK_SECONDS = 0.5
DOOR_SECONDS = 3.0
BEAT_SECONDS = 5.0
DRAIN_SECONDS = 20


class Worker:
    """All background work of one process, for the queues it was given. Events go with the jobs queue."""

    def __init__(self, database: Database, queues: Sequence[str] = QUEUES):
        self.database, self.queues = database, tuple(queues)
        self.id = ids.new_uuid()
        self.sender: Sender | None = None
        self.deliverer: Deliverer | None = None
        self._wakes: dict[str, asyncio.Event] = {name: asyncio.Event() for name in (*QUEUES, "events")}
        self._stopping = asyncio.Event()
        self._room: dict[str, asyncio.Semaphore] = {}

    async def run(self) -> None:
        """Work until `stop`, then finish what is running."""
        loops = [self._listen(), self._beat(), vitals.watch_loop(self._stopping)]
        if "outbound" in self.queues:
            http = await self.database.tools.http()
            self.sender = Sender(
                self.database,
                Wire(
                    http,
                    self.database.tools.egress,
                    Carrier(self.database),
                    Book(self.database),
                    Operator(self.database),
                ),
            )
            loops += [self.sender.run()]
        if "webhooks" in self.queues:
            self.deliverer = Deliverer(self.database)
            loops += [self.deliverer.run()]
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
        if self.deliverer is not None:
            self.deliverer.stop()

    async def _run_queue(self, queue: jobs.QueueName) -> None:
        """Claim and run calls, at most `CONCURRENCY` at a time; of a queue whose calls run together more."""
        claims = Claims(self.database, queue)
        running: dict[asyncio.Task[None], list[Call]] = {}
        most, at_once = (TOGETHER * 2, TOGETHER) if queue == "inbound" else (CONCURRENCY, jobs.PER_ACCOUNT)
        keeper = asyncio.create_task(self._keep_leases(claims, running))
        while not self._stopping.is_set():
            room = min(most - sum(map(len, running.values())), max(at_once, CONCURRENCY))
            calls = await self._persist(claims.take, room, at_once) if room > 0 else []
            for bundle in _bundled(calls or ()):
                for call in bundle:
                    WAITS.of(queue).observe(call.waited)
                task = asyncio.create_task(self._run_calls(claims, bundle))
                running[task] = bundle
                task.add_done_callback(lambda done: (running.pop(done, None), self._wakes[queue].set()))
            if not calls:
                await self._wait(queue)
        if running:
            await asyncio.wait(running, timeout=DRAIN_SECONDS)
        keeper.cancel()

    async def _run_calls(self, claims: Claims, calls: list[Call]) -> None:
        """Run calls together; when that fails one by one, so that the trouble of one is not the others'."""
        if len(calls) > 1:
            began = clock.monotonic()
            try:
                await JOBS[calls[0].name].run(Desk(self.database, calls, self.database.tools))
            except Exception as error:
                log.warning("jobs_failed_together", job=calls[0].name, number=len(calls), error=repr(error))
            else:
                JOB_SECONDS.of(calls[0].name, "done").observe(clock.monotonic() - began)
                return
        for call in calls:
            await self._run_call(claims, call)

    async def _run_call(self, claims: Claims, call: Call) -> None:
        """Run one call; a failure is retried later and buried after the last try."""
        began, outcome = clock.monotonic(), "done"
        try:
            await self._perform(claims, call)
        except Unavailable as error:
            outcome = "unavailable"
            with contextlib.suppress(Unavailable):  # or the lease ends and somebody tries again
                await claims.retry(call, error.message)
        except Exception as error:
            outcome = "failed"
            log.exception("job_failed", job=call.name, account=call.account, attempt=call.attempts)
            with contextlib.suppress(Unavailable):
                if not await claims.retry(call, f"{type(error).__name__}: {error}"):
                    outcome = "buried"
                    log.error("job_buried", job=call.name, account=call.account, id=call.id)
        JOB_SECONDS.of(call.name, outcome).observe(clock.monotonic() - began)

    async def _perform(self, claims: Claims, call: Call) -> None:
        job = JOBS[call.name]
        if call.lost >= jobs.MOST_LOST:
            await claims.bury(call, "It stopped the worker each time.")
            log.error("job_buried", job=call.name, account=call.account, id=call.id)
            return
        if job.apart:
            async with self._room_for(job):
                await self._perform_apart(claims, call, job)
            return
        async with self.database.tx(call.account, call.actor, call.cause, call.depth) as tx:
            if await claims.finish(tx, call):
                await job.run(tx, *call.args)

    async def _perform_apart(self, claims: Claims, call: Call, job: Job) -> None:
        desk = Desk(self.database, call, self.database.tools)
        await (job.run(desk) if job.together else job.run(desk, *call.args))
        if not desk.finished:
            async with self.database.system(call.account) as tx:
                await claims.finish(tx, call)

    def _room_for(self, job: Job) -> AbstractAsyncContextManager[Any]:
        """What a call waits for where only so many of its kind run side by side."""
        if job.at_once is None:
            return contextlib.nullcontext()
        return self._room.setdefault(job.name, asyncio.Semaphore(job.at_once))

    async def _keep_leases(self, claims: Claims, running: dict[asyncio.Task[None], list[Call]]) -> None:
        while True:
            await asyncio.sleep(jobs.HEARTBEAT_SECONDS)
            calls = [call for bundle in running.values() for call in bundle]
            held = [call for call in calls if call.name in JOBS and JOBS[call.name].apart]
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
        """Schedules, the end of broadcasts and starts, waits that took too long: twice a second."""
        installed = False
        while not self._stopping.is_set():
            installed = installed or bool(await self._persist(install_schedules, self.database))
            await self._persist(schedules.fire, self.database)
            await self._persist(expanding.finish, self.database)
            await self._persist(tracking.judge, self.database)
            await self._persist(starting.finish, self.database)
            await self._persist(waking.look, self.database)
            await self._persist(points.look, self.database)
            await self._pause("schedules", TICK_SECONDS)

    async def _keep_doors(self) -> None:
        """Listen for mail where channels ask for it; the mail machinery is loaded when the first one does."""
        doors = None
        while not self._stopping.is_set():
            if doors is None and await self._persist(channels.of_kind, self.database, "smtp"):
                from trunkline.messaging.doors import Doors

                doors = Doors(self.database)
            if doors is not None:
                await self._persist(doors.look)
            await self._pause("doors", DOOR_SECONDS)
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
        if "webhooks" in payload and self.deliverer is not None:
            self.deliverer.wake()

    async def _wait(self, queue: str) -> None:
        wake = self._wakes[queue]
        if not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.database.looks.after(queue, POLL_SECONDS)):
                    await wake.wait()
            wake.clear()

    async def _pause(self, what: str, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.database.looks.after(what, seconds)):
                await self._stopping.wait()

    async def _beat(self) -> None:
        """Say that this worker lives, for the status page; forget those that have been silent."""
        while not self._stopping.is_set():
            await self._persist(self._say_alive)
            await self._pause("beat", BEAT_SECONDS)
        with contextlib.suppress(Unavailable):
            async with self.database.system() as tx:
                await tx.run(GONE, self.id)

    async def _say_alive(self) -> None:
        async with self.database.system() as tx:
            await tx.run(BEAT, self.id, platform.node(), os.getpid(), list(self.queues), __version__, self._told())

    def _told(self) -> list[dict[str, Any]]:
        """What this process counted, for whoever scrapes a web process."""
        return msgspec.to_builtins(vitals.told(self.database))

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


def _portal_words() -> deliveries.Wording:
    """Loaded when the first endpoint listens."""
    from trunkline.dialects.portal.telling import tell

    return tell


def _portal_answers() -> callbacks.Answering:
    from trunkline.dialects.portal.calling_back import call_back

    return call_back


def _connector_words() -> deliveries.Wording:
    from trunkline.dialects.connector.telling import tell

    return tell


deliveries.WORDINGS |= {"portal": _portal_words, "connector": _connector_words}
callbacks.WORDING[:] = [_portal_answers]


def _bundled(calls: Sequence[Call]) -> list[list[Call]]:
    """Calls that a job takes together in one list, others alone; what failed before is run alone."""
    bundles: dict[tuple[Any, ...], list[Call]] = {}
    for call in calls:
        job = JOBS.get(call.name)
        alone = job is None or not job.together or call.attempts > 1
        key = (call.id,) if alone else (call.account, call.name, call.actor, call.cause, call.depth)
        bundles.setdefault(key, []).append(call)
    return list(bundles.values())


BEAT = sql(
    """
    with silent as (delete from workers where seen_at < now() - interval '1 minute')
    insert into workers (id, host, pid, queues, version, metrics) values ($1, $2, $3, $4, $5, $6)
    on conflict (id) do update set seen_at = now(), metrics = excluded.metrics
    """,
    system=True,
)

JOB_SECONDS = Histogram(
    "trunkline_job_seconds",
    "Time that background calls ran: done, failed (tried again later), buried (failed for good) or unavailable.",
    ["job", "outcome"],
)

GONE = sql("delete from workers where id = $1", system=True)
