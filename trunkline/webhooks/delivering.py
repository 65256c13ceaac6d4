"""Delivering: the half of webhooks that a worker runs. Claim, post outside any transaction, write down.

A crash repeats what was not written down, with the same id. What an endpoint does to itself stays its own: it has few
connections at a time, a single one before its first success, none while it rests after failures.
"""

import asyncio
import contextlib
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import structlog

from trunkline.core import clock
from trunkline.core.crypto import BadSeal, Vault
from trunkline.core.db import Database
from trunkline.core.errors import Unavailable
from trunkline.core.http import Http, HttpFailure
from trunkline.core.metrics import LONG_SECONDS, Counter, Histogram
from trunkline.webhooks import queue, signing, verdicts
from trunkline.webhooks.hands import FIRST_PORTION, Line
from trunkline.webhooks.queue import BREAK_AFTER, Claimed, Outcome

log = structlog.get_logger("webhooks")

TIMEOUT_SECONDS = 15.0
ANSWER_CAP = 262_144

MOST_HELD = 2_000
MOST_FLYING, MOST_UNPROVEN = 500, 400
"""Connections at a time, and how many of them to endpoints that have not answered well yet."""
GATHER_SECONDS = 0.003
POLL_SECONDS = 0.5


class Deliverer:
    """All the deliveries of one process."""

    def __init__(self, database: Database):
        self.database = database
        self.vault: Vault = database.tools.vault
        self._lines: dict[int, Line] = {}
        self._held: dict[tuple[int, int], Claimed] = {}
        self._flying = self._unproven = 0
        self._results: list[Outcome] = []
        self._unsent: list[Claimed] = []
        self._landed, self._wake = asyncio.Event(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._secrets: dict[tuple[int, bytes], str] = {}
        self._stopping = False

    def wake(self) -> None:
        """There is something to deliver, or room."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Deliver until `stop`; then finish what is on its way."""
        http = Http(self.database.tools.egress, limit=MOST_FLYING, timeout=TIMEOUT_SECONDS)
        async with http as self._http:
            try:
                async with asyncio.TaskGroup() as group:
                    keepers = [group.create_task(self._write()), group.create_task(self._keep_leases())]
                    await self._feed()
                    for keeper in keepers:
                        keeper.cancel()
            finally:
                for task in self._tasks:
                    task.cancel()

    async def _feed(self) -> None:
        while not self._stopping:
            self._wake.clear()
            if not await self._round():
                await self._rest()
        for line in self._lines.values():
            self._give_up(line)
        while self._held:
            await asyncio.sleep(0.02)

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.database.looks.after("webhooks", POLL_SECONDS)):
                await self._wake.wait()

    async def _round(self) -> bool:
        """Claim what there is room for. False when it is time to rest: nothing more is due, or there is no room."""
        left = MOST_HELD - len(self._held)
        if left < FIRST_PORTION:
            return False
        rooms = {id: line.room for id, line in self._lines.items()}
        try:
            claimed = await queue.claim(self.database, left, FIRST_PORTION, rooms)
        except Unavailable:
            await asyncio.sleep(POLL_SECONDS)
            return True
        except Exception:
            log.exception("claim_failed")
            return False
        self._lay_out(claimed)
        taken = Tally(one.endpoint for one in claimed)
        for id, line in self._lines.items():
            room = rooms.get(id, FIRST_PORTION)
            if room:
                line.more = taken[id] >= (1 if line.careful else room) or len(claimed) == left
            self._take_on(line)
        return self._is_more_due()

    def _lay_out(self, claimed: list[Claimed]) -> None:
        for one in claimed:
            line = self._lines.setdefault(one.endpoint, Line())
            line.careful = one.failures > 0
            line.waiting.append(one)
            self._held[one.account, one.id] = one
            if one.attempts == 1:
                WAIT.observe(one.waited)

    def _is_more_due(self) -> bool:
        return any(line.more and line.room for line in self._lines.values())

    def _take_on(self, line: Line) -> None:
        """As many hands as there is work for, and room."""
        if line.failures >= BREAK_AFTER and line.waiting:  # it came to grief while more was being claimed
            self._give_up(line)
        while line.lacks_hands and self._may_fly(line):
            line.hands += 1
            self._flying += 1
            self._unproven += not line.proven
            self._start(self._send_next(line, line.waiting.popleft(), line.proven))

    def _may_fly(self, line: Line) -> bool:
        return self._flying < MOST_FLYING and (line.proven or self._unproven < MOST_UNPROVEN)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """A task of its own, held until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_next(self, line: Line, claimed: Claimed, proven: bool) -> None:
        """One hand: posts a delivery, then the next that waits, as long as the endpoint answers well."""
        going: Claimed | None = claimed
        while going is not None:
            outcome = await self._attempt(going)
            self._results.append(outcome)
            self._landed.set()
            line.learn(outcome)
            if outcome.gone or outcome.rest or line.failures >= BREAK_AFTER or self._stopping:
                self._give_up(line)
            going = line.waiting.popleft() if line.waiting and line.proven == proven else None
        line.hands -= 1
        self._flying -= 1
        self._unproven -= not proven
        self._take_on(line)

    async def _attempt(self, claimed: Claimed) -> Outcome:
        """One try; whatever goes wrong becomes an outcome."""
        began = clock.monotonic()
        try:
            secrets = self._opened(claimed)
            body = claimed.body.encode()
            headers = signing.headers(secrets, claimed.uuid, body, digest=claimed.kind != "endpoint")
            answer = await self._http.request("POST", claimed.url, headers=headers, body=body, cap=ANSWER_CAP)
        except HttpFailure as failure:
            return verdicts.failed(claimed, failure.exchange.elapsed_ms, failure.message)
        except BadSeal as error:
            return verdicts.failed(claimed, 0, str(error))
        except Exception as error:  # a bug of ours must not stop the other endpoints
            log.exception("delivery_failed", account=claimed.account, id=claimed.id)
            return verdicts.failed(
                claimed, round((clock.monotonic() - began) * 1000), f"{type(error).__name__} on our side."
            )
        return verdicts.judged(claimed, answer, secrets)

    def _opened(self, claimed: Claimed) -> list[str]:
        """The secrets that sign: the one of now, and for a day the one before it."""
        opened: list[str] = []
        for sealed in (claimed.secret, claimed.old_secret):
            if sealed:
                key = claimed.account, sealed
                if key not in self._secrets:
                    if len(self._secrets) >= MOST_HELD:
                        self._secrets.clear()
                    self._secrets[key] = signing.opened(self.vault, *key, own=claimed.kind == "endpoint")
                opened.append(self._secrets[key])
        return opened

    def _give_up(self, line: Line) -> None:
        """What waits for an endpoint that is in trouble goes back into the queue, untried."""
        self._unsent += line.waiting
        line.waiting.clear()
        self._landed.set()

    async def _write(self) -> None:
        """Write outcomes down, all that are there at once; the database being away only delays it."""
        while True:
            await self._landed.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._landed.clear()
            results, self._results = self._results, []
            unsent, self._unsent = self._unsent, []
            if results:
                await self._persist(partial(queue.settle, self.database, results))
            if unsent:
                await self._persist(partial(queue.put_back, self.database, unsent))
            for one in (*unsent, *(result.claimed for result in results)):
                self._held.pop((one.account, one.id), None)
            for result in results:
                DELIVERIES.of(result.status).add()
            for line in self._lines.values():
                self._take_on(line)
            if self._is_more_due() or self._stopping:
                self._wake.set()
            self._forget()

    async def _persist(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await work()
            except Unavailable:
                await asyncio.sleep(POLL_SECONDS)
            except Exception:  # the leases end, and it is tried again
                return log.exception("outcome_not_written")

    def _forget(self) -> None:
        """Lines that are empty, written down and have proven nothing are not kept; of proven ones not too many."""
        open = {one.endpoint for one in self._held.values()}
        idle = [id for id, line in self._lines.items() if not (line.hands or line.waiting or id in open)]
        crowded = len(idle) > MOST_HELD
        for id in idle:
            if crowded or not self._lines[id].proven:
                del self._lines[id]

    async def _keep_leases(self) -> None:
        """Renew what is held for long, so that nobody takes it for lost."""
        while True:
            await asyncio.sleep(queue.LEASE_SECONDS / 4)
            if self._held:
                with contextlib.suppress(Unavailable):
                    await queue.renew(self.database, list(self._held.values()))


DELIVERIES = Counter(
    "trunkline_webhook_attempts",
    "Tries to deliver webhooks: delivered, pending (tried again later) or failed.",
    ["outcome"],
)
WAIT = Histogram(
    "trunkline_webhook_wait_seconds",
    "Time from the moment when a webhook was due to its first claim.",
    bounds=LONG_SECONDS,
).of()
