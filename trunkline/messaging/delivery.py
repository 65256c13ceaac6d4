"""Delivery: the sending half that a worker runs. Claim from due lines, send outside any transaction, write down.

What a crash can leave open is bounded by the window of each channel (see flights.py). Those messages are resent (at
least once, same id) or become `unknown` (at most once), as the channel says.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

import structlog

from trunkline.channels.base import SEND_SECONDS, Adapter, Outbound, SendError, Sent, Wire
from trunkline.core import clock
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Unavailable
from trunkline.core.tools import Tools
from trunkline.messaging import channels, lines, measures, preparing, settling
from trunkline.messaging.channels import Channel
from trunkline.messaging.flights import BULK_SHARE, MOST_HELD, Batch, Flights, Sending
from trunkline.messaging.lines import Claimed, Line
from trunkline.messaging.sending import BULK

log = structlog.get_logger("delivery")

HANDS = 32
"""How many calls to one channel's provider run at once."""
GATHER_SECONDS, ENOUGH = 0.024, 64
"""How long outcomes wait for others, and how many of them wait no longer."""
LOOK_SECONDS = 0.1
LONGEST_REST = 0.5
WRITERS = 3
"""How many transactions write outcomes at once: while one waits for the disk, the other's messages are gathered."""
BROKEN_SECONDS = 30.0
"""How long a line rests that could not be fed."""
FRESH_SECONDS = 2.0
"""How old a channel's settings may be while it sends."""


class Sender:
    """All the sending of one process."""

    def __init__(self, database: Database, wire: Wire):
        self.database = database
        self.tools: Tools = database.tools
        self.wire = wire
        self.flying: dict[int, Sending] = {}
        self._flights: defaultdict[int, Flights] = defaultdict(Flights)
        self._tasks: set[asyncio.Task[None]] = set()
        self._adapters: dict[int, tuple[float, Channel, Adapter]] = {}
        self._texts = preparing.Texts()
        self._broken: dict[tuple[int, int, int, int], float] = {}
        self._results: list[tuple[Sending, Sent]] = []
        self._landed = asyncio.Event()
        self._news = asyncio.Event()
        """There is something new to send."""
        self._room = asyncio.Event()
        """Outcomes are written, and others may be claimed."""
        self._beat = LONGEST_REST
        """Seconds until a paced channel may go on."""
        self._writers = asyncio.Semaphore(WRITERS)
        self._stopping = False

    def wake(self) -> None:
        """There is something new to send."""
        self._news.set()
        self._room.set()

    async def run(self) -> None:
        """Send until `stop`; then finish what is in flight."""
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self._write())
            keeper = group.create_task(self._keep_leases())
            while not self._stopping:
                try:
                    busy = await self._round()
                except Unavailable:
                    busy = False
                    await asyncio.sleep(0.5)
                if not busy:
                    await self._rest()
            while self.flying:
                await asyncio.sleep(0.02)
            writer.cancel()
            keeper.cancel()
        for _, _, adapter in self._adapters.values():
            await adapter.close()

    def stop(self) -> None:
        self._stopping = True
        self.wake()

    async def _rest(self) -> None:
        """Until there is something new, or time to look."""
        seconds = min(self._beat, LOOK_SECONDS if self.flying else LONGEST_REST)
        if seconds == LONGEST_REST:
            seconds = self.database.looks.after("outbound", seconds)
        await _heard(self._news, seconds)

    async def _round(self) -> bool:
        """Feed all due lines for a while, as long as they give something. False when nothing was due."""
        self._news.clear()
        due = await lines.due(self.database)
        self._beat = min((line.ready_in for line in due if line.ready_in), default=LONGEST_REST)
        due = [line for line in due if not line.ready_in]
        began = clock.monotonic()
        while due and not self._news.is_set():
            left = began + min(LOOK_SECONDS, self._beat) - clock.monotonic()
            if left <= 0:
                break
            self._room.clear()
            due, fed = await self._feed_all(due)
            if due and not fed:
                await _heard(self._room, left)
        return bool(due)

    async def _feed_all(self, due: list[Line]) -> tuple[list[Line], bool]:
        """The lines that may have more to give, for those without room are asked again, and whether any gave."""
        more, fed = [], False
        for line in due:
            if self._broken.get(line.key, 0.0) > clock.monotonic():
                continue
            room = self._room_for(line, len(due))
            if room < min(self._flights[line.channel_id].least(line.lane), _fair(len(due)) // 2):
                more.append(line)
            elif claimed := await self._try_feed(line, room):
                fed = True
                if claimed == room:
                    more.append(line)
        return more, fed

    def _room_for(self, line: Line, sharers: int) -> int:
        left = int(MOST_HELD * (BULK_SHARE if line.lane == BULK else 1.0)) - len(self.flying)
        return min(self._flights[line.channel_id].room(line.lane), left, _fair(sharers))

    async def _try_feed(self, line: Line, room: int) -> int:
        """Feed a line. One that cannot be fed, say because its channel's settings cannot be opened, rests alone."""
        try:
            return await self._feed(line, room)
        except Unavailable:
            raise
        except Exception:
            log.exception("line_failed", channel=line.channel_id, account=line.account_id, broadcast=line.broadcast_id)
            self._broken[line.key] = clock.monotonic() + BROKEN_SECONDS
            return 0

    async def _feed(self, line: Line, room: int) -> int:
        """Claim from one line and start sending. Returns how many were claimed."""
        known = self._adapters.get(line.channel_id)
        # A lease lost in a crash only means what a crash means anyway where messages may be sent again.
        relaxed = known is not None and known[1].semantics == "at_least_once"
        cause = f"broadcast:{line.broadcast_id}" if line.broadcast_id else ""
        async with self.database.tx(line.account_id, cause=cause, relaxed=relaxed) as tx:
            channel, adapter = await self._adapter(tx, line)
            flights = self._flights[channel.id]
            flights.most = adapter.at_once
            room = min(room, flights.room(line.lane))
            if room <= 0:
                return 0
            claimed = await lines.claim(tx, line, room, channel.sends_as)
            if not claimed:
                return 0
            if line.rate is not None:
                self._beat = min(self._beat, lines.interval(line.rate))
            ready = await preparing.prepare(tx, line, channel, claimed, self._texts)
        measures.claimed(message.waited for message in claimed if message.attempts == 1)
        self._launch(line, channel, adapter, ready)
        return len(claimed)

    async def _adapter(self, tx: Tx, line: Line) -> tuple[Channel, Adapter]:
        """The channel as it is now, and its adapter: the same one, with its connections, until settings change."""
        seen, channel, adapter = self._adapters.get(line.channel_id, (0.0, None, None))
        if channel is not None and adapter is not None and clock.monotonic() - seen < FRESH_SECONDS:
            return channel, adapter
        current = await channels.with_deleted(tx, line.channel_id)
        if adapter is None or channel is None or current.config != channel.config:
            if adapter is not None:
                self._start(_close_later(adapter))
            adapter = channels.adapter(self.tools, current)
        self._adapters[line.channel_id] = clock.monotonic(), current, adapter
        return current, adapter

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
        groups: defaultdict[tuple[int, int, int, int], list[tuple[Sending, Sent]]] = defaultdict(list)
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
        self._room.set()

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
            groups: dict[tuple[int, int, int, int], list[Sending]] = {}
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


async def _heard(event: asyncio.Event, seconds: float) -> None:
    """Wait for it, but no longer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _fair(sharers: int) -> int:
    """How many messages each of so many lines may claim."""
    return max(4, MOST_HELD // sharers)


def _age(flight: Sending) -> float:
    """Seconds since the message was due."""
    return flight.claimed.waited + clock.monotonic() - flight.began


async def _close_later(adapter: Adapter) -> None:
    """The adapter of settings that changed: its last sends end, then its connections."""
    await asyncio.sleep(adapter.patience or SEND_SECONDS)
    await adapter.close()


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
