"""Delivery: the sending half that a worker runs. Claim from due lines (feeding.py), send outside any transaction, write
down.

What a crash can leave open is bounded by the window of each channel (see flights.py). Those messages are resent (at
least once, same id) or become `unknown` (at most once), as the channel says.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

import structlog

from trunkline.channels.base import Adapter, Outbound, SendError, Sent, Wire
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.errors import Unavailable
from trunkline.messaging import lines, measures, settling
from trunkline.messaging.channels import Channel
from trunkline.messaging.feeding import Feeder
from trunkline.messaging.flights import AllFlights, Batch, Flights, Sending
from trunkline.messaging.lines import Claimed, Line, LineKey

log = structlog.get_logger("delivery")

HANDS = 32
"""How many calls to one channel's provider run at once."""
GATHER_SECONDS, ENOUGH = 0.024, 128
"""How long outcomes wait for others, and how many of them wait no longer."""
WRITERS = 3
"""How many transactions write outcomes at once: while one waits for the disk, the other's messages are gathered."""


class Sender:
    """All the sending of one process."""

    def __init__(self, database: Database, wire: Wire):
        self.database = database
        self.wire = wire
        self.flying: dict[int, Sending] = {}
        self._flights: AllFlights = defaultdict(Flights)
        self._feeder = Feeder(database, self._flights, self.flying, self._launch)
        self._tasks: set[asyncio.Task[None]] = set()
        self._results: list[tuple[Sending, Sent]] = []
        self._landed = asyncio.Event()
        self._writers = asyncio.Semaphore(WRITERS)

    @property
    def busy(self) -> bool:
        """Whether anything is being claimed, or under way."""
        return self._feeder.busy or bool(self.flying)

    def wake(self) -> None:
        """There is something new to send."""
        self._feeder.wake()

    async def run(self) -> None:
        """Send until `stop`; then finish what is in flight."""
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self._write())
            keeper = group.create_task(self._keep_leases())
            await self._feeder.run()
            while self.flying:
                await asyncio.sleep(0.02)
            writer.cancel()
            keeper.cancel()
        await self._feeder.adapters.close()

    def stop(self) -> None:
        self._feeder.stop()

    def _launch(
        self, line: Line, channel: Channel, adapter: Adapter, ready: Sequence[tuple[Claimed, Outbound]]
    ) -> None:
        """Lay a portion out for the hands of its channel."""
        flights = self._flights[channel.id]
        flights.careful = channel.semantics == "at_most_once"
        now = clock.monotonic()
        for start in range(0, len(ready), adapter.batch):
            portion = ready[start : start + adapter.batch]
            sendings = [Sending(line, channel, claimed, now, now) for claimed, _ in portion]
            self.flying.update((sending.claimed.id, sending) for sending in sendings)
            flights.add(Batch(adapter, sendings, [outbound for _, outbound in portion]))
        self._take_on(flights)

    def _take_on(self, flights: Flights) -> None:
        """As many hands as there is work for, and room."""
        for _ in range(min(len(flights), (flights.most or HANDS) - flights.hands)):
            flights.hands += 1
            self._start(self._send_all(flights))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """A task of its own, held until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_all(self, flights: Flights) -> None:
        """One hand: takes the channel's next batch until there is none, or too much is open."""
        while batch := flights.take():
            sent = await attempt(batch.adapter, self.wire, batch.outbound)
            self._results += zip(batch.sendings, sent, strict=True)
            self._landed.set()
        flights.hands -= 1

    async def _write(self) -> None:
        """Write outcomes down, all that are there at once; the database being away only delays it."""
        while True:
            await self._landed.wait()
            await self._gather()
            await self._writers.acquire()
            self._landed.clear()
            results, self._results = self._results, []
            self._start(self._write_all(results))

    async def _gather(self) -> None:
        """A transaction for one outcome costs as much as for many: wait a moment for those that are on their way."""
        until = clock.monotonic() + GATHER_SECONDS
        while len(self._results) < min(ENOUGH, len(self.flying)) and clock.monotonic() < until:
            await asyncio.sleep(GATHER_SECONDS / 8)

    async def _write_all(self, results: list[tuple[Sending, Sent]]) -> None:
        groups: defaultdict[LineKey, list[tuple[Sending, Sent]]] = defaultdict(list)
        for sending, sent in results:
            groups[sending.line.key].append((sending, sent))
        try:
            for group in groups.values():
                await self._write_group(group)
        finally:
            self._writers.release()
        for sending, _ in results:
            self.flying.pop(sending.claimed.id, None)  # a lease that ended while the database was away came twice
        for channel_id, settled in Counter(sending.channel.id for sending, _ in results).items():
            self._flights[channel_id].settled(settled, clock.monotonic())
            self._take_on(self._flights[channel_id])
        self._feeder.make_room()

    async def _write_group(self, group: list[tuple[Sending, Sent]]) -> None:
        line, channel = group[0][0].line, group[0][0].channel
        while True:
            try:
                results = [(flight.claimed, sent) for flight, sent in group]
                outcomes = await settling.settle(self.database, line, channel, results)
                measures.sent(channel, line.lane, zip(outcomes, [_age(flight) for flight, _ in group], strict=True))
                return
            except Unavailable:
                await asyncio.sleep(0.5)
            except Exception:  # the leases end, and whoever claims next decides
                log.exception("outcome_not_written", channel=channel.id, messages=len(group))
                return

    async def _keep_leases(self) -> None:
        """Renew leases of slow sends, so that nobody takes them for lost."""
        while True:
            await asyncio.sleep(5)
            old = [flight for flight in self.flying.values() if clock.monotonic() - flight.since > 10]
            groups: dict[LineKey, list[Sending]] = {}
            for flight in old:
                groups.setdefault(flight.line.key, []).append(flight)
            for flights in groups.values():
                with contextlib.suppress(Unavailable):
                    async with self._nobody_writing():
                        await self._renew(flights)

    @contextlib.asynccontextmanager
    async def _nobody_writing(self) -> AsyncIterator[None]:
        """Leases change while no outcome is being written under them."""
        async with contextlib.AsyncExitStack() as held:
            for _ in range(WRITERS):
                await held.enter_async_context(self._writers)
            yield

    async def _renew(self, flights: list[Sending]) -> None:
        line = flights[0].line
        async with self.database.tx(line.account_id) as tx:
            moments = await lines.renew(tx, line, [flight.claimed for flight in flights])
        for flight in flights:
            if flight.claimed.id in moments:
                flight.claimed = settling.with_lease(flight.claimed, moments[flight.claimed.id])
                flight.since = clock.monotonic()


def _age(flight: Sending) -> float:
    """Seconds since the message was due."""
    return flight.claimed.waited + clock.monotonic() - flight.began


async def attempt(adapter: Adapter, wire: Wire, batch: Sequence[Outbound]) -> list[Sent]:
    """Hand a batch to its adapter; whatever goes wrong becomes an answer per message."""
    try:
        if adapter.patience is None:  # its client keeps the time
            answers = await adapter.send(wire, batch)
        else:
            async with asyncio.timeout(adapter.patience):
                answers = await adapter.send(wire, batch)
    except SendError as error:
        return [Sent(id=message.id, error=error) for message in batch]
    except TimeoutError:
        error = SendError("ambiguous", f"No answer within {adapter.patience} seconds.")
        return [Sent(id=message.id, error=error) for message in batch]
    except Exception as error:  # an adapter's bug must not stop the other channels
        log.exception("adapter_failed", kind=adapter.kind, channel=adapter.channel.id)
        lost = SendError("ambiguous", f"{type(error).__name__} in the adapter.")
        return [Sent(id=message.id, error=lost) for message in batch]
    sent = {answer.id: answer for answer in answers}
    return [sent.get(message.id) or _unanswered(message) for message in batch]


def _unanswered(message: Outbound) -> Sent:
    return Sent(id=message.id, error=SendError("ambiguous", "The adapter gave no answer for this message."))
