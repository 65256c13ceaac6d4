"""Feeding: the half of a sender that claims. Lines that are due give portions, as long as there is room for them.

A portion is claimed and made ready in one transaction, outside of which it is sent (see delivery.py).
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence, Sized

import structlog

from trunkline.channels.base import Adapter, Outbound
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.errors import Unavailable
from trunkline.messaging import lines, measures, preparing
from trunkline.messaging.adapters import Adapters
from trunkline.messaging.channels import Channel
from trunkline.messaging.flights import BULK_SHARE, MOST_HELD, AllFlights
from trunkline.messaging.lines import Claimed, Line, LineKey
from trunkline.messaging.sending import BULK

Launch = Callable[[Line, Channel, Adapter, Sequence[tuple[Claimed, Outbound]]], None]

log = structlog.get_logger("delivery")

FEEDERS = 2
"""How many claims run at once: while one waits for the database, the messages of the other are made ready."""
LOOK_SECONDS = 0.1
LONGEST_REST = 0.5
BROKEN_SECONDS = 30.0
"""How long a line rests that could not be fed."""


class Feeder:
    """Gives what it claims to `launch`. `flying` are the messages of the process that are under way."""

    def __init__(self, database: Database, flights: AllFlights, flying: Sized, launch: Launch):
        self.database = database
        self.adapters = Adapters()
        self._flights, self._flying, self._launch = flights, flying, launch
        self._texts = preparing.Texts()
        self._broken: dict[LineKey, float] = {}
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._feeders = asyncio.Semaphore(FEEDERS)
        self._feeding: Counter[LineKey] = Counter()
        """Claims under way, by line."""
        self._promised = 0
        """How many messages those may bring."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._beat = LONGEST_REST
        """Seconds until a paced channel may go on."""
        self._stopping = False

    @property
    def busy(self) -> bool:
        """Whether a claim is under way: what it brings flies before it is over."""
        return bool(self._feeding)

    def wake(self) -> None:
        """There is something new to send."""
        self._news.set()
        self._room.set()

    def make_room(self) -> None:
        """Outcomes are written, and others may be claimed."""
        self._room.set()

    def stop(self) -> None:
        self._stopping = True
        self.wake()

    async def run(self) -> None:
        """Claim until `stop`; then end what is under way."""
        while not self._stopping:
            try:
                busy = await self._round()
            except Unavailable:
                busy = False
                await asyncio.sleep(0.5)
            if not busy:
                await self._rest()
        while self.busy:
            await asyncio.sleep(0.02)

    async def _rest(self) -> None:
        """Until there is something new, or time to look."""
        seconds = min(self._beat, LOOK_SECONDS if self._flying else LONGEST_REST)
        if seconds == LONGEST_REST:
            seconds = self.database.looks.after("outbound", seconds)
        await _heard(self._news, seconds)

    async def _round(self) -> bool:
        """Feed all due lines for a while, as long as they give something. False when nothing was due.

        News ends it, but not before each line had its turn: who is always woken would else never come to the last.
        """
        self._news.clear()
        due = await lines.due(self.database)
        self._beat = min((line.ready_in for line in due if line.ready_in), default=LONGEST_REST)
        due = [line for line in due if not line.ready_in and self._broken.get(line.key, 0.0) < clock.monotonic()]
        dry: set[LineKey] = set()
        turned: set[LineKey] = set()
        began = clock.monotonic()
        while due and not (self._news.is_set() and all(line.key in turned for line in due)):
            left = began + min(LOOK_SECONDS, self._beat) - clock.monotonic()
            if left <= 0:
                break
            self._room.clear()
            if not await self._feed_all(due, dry, turned):
                await _heard(self._room, left)
            due = sorted((line for line in due if line.key not in dry), key=lambda line: line.key in turned)
        return bool(due)

    async def _feed_all(self, due: list[Line], dry: set[LineKey], turned: set[LineKey]) -> bool:
        """Begin to feed each line that there is room for. Returns whether there was one.

        `dry` gets those that give less than they are asked for, `turned` those that had their turn: who only waits for
        room that a claim was promised and may not need had none.
        """
        fed = False
        for line in due:
            await self._feeders.acquire()
            room = self._room_for(line, len(due))
            if room > 0 or not self._flights[line.channel_id].promised:
                turned.add(line.key)
            if line.key in dry or room <= 0:
                self._feeders.release()
                continue
            fed = True
            self._start(line, room, dry)
        return fed

    def _room_for(self, line: Line, sharers: int) -> int:
        """How many to claim from a line now. Only bulk is claimed twice at once: who waits for an answer gets it in
        order, and the claims of a paced line wait for each other anyway."""
        if self._feeding[line.key] >= (FEEDERS if line.lane == BULK and line.rate is None else 1):
            return 0
        flights = self._flights[line.channel_id]
        most = int(MOST_HELD * (BULK_SHARE if line.lane == BULK else 1.0))
        left = most - len(self._flying) - self._promised
        room = min(flights.room(line.lane), left, _fair(sharers))
        return room if room >= min(flights.least(line.lane), _fair(sharers) // 2) else 0

    def _start(self, line: Line, room: int, dry: set[LineKey]) -> None:
        """The room is taken at once, so that the next who asks finds less."""
        self._feeding[line.key] += 1
        self._promised += room
        self._flights[line.channel_id].promised += room
        task = asyncio.get_running_loop().create_task(self._feed_line(line, room, dry))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _feed_line(self, line: Line, room: int, dry: set[LineKey]) -> None:
        """A line that cannot be fed, say because its channel's settings cannot be opened, rests alone."""
        more = False
        try:
            more = await self._feed(line, room)
        except Unavailable:
            await asyncio.sleep(0.5)
        except Exception:
            log.exception("line_failed", channel=line.channel_id, account=line.account_id, broadcast=line.broadcast_id)
            self._broken[line.key] = clock.monotonic() + BROKEN_SECONDS
        finally:
            self._flights[line.channel_id].promised -= room
            self._promised -= room
            self._feeding -= Counter([line.key])
            if not more:
                dry.add(line.key)
            self._feeders.release()
            self._room.set()

    async def _feed(self, line: Line, room: int) -> bool:
        """Claim from one line and launch what came. Returns whether there may be more."""
        known = self.adapters.known(line.channel_id)
        # A lease lost in a crash only means what a crash means anyway where messages may be sent again.
        relaxed = known is not None and known.semantics == "at_least_once"
        cause = f"broadcast:{line.broadcast_id}" if line.broadcast_id else ""
        async with self.database.tx(line.account_id, cause=cause, relaxed=relaxed) as tx:
            channel, adapter = await self.adapters.of(tx, line.channel_id)
            flights = self._flights[channel.id]
            flights.most = adapter.at_once
            room += min(0, flights.room(line.lane))  # what was promised before we knew how little the adapter takes
            if room <= 0:
                return True
            if line.rate is not None:
                self._beat = min(self._beat, lines.interval(line.rate))
            claimed = await lines.claim(tx, line, room, channel.sends_as)
            if not claimed:
                return False
            ready = await preparing.prepare(tx, line, channel, claimed, self._texts)
        measures.claimed(message.waited for message in claimed if message.attempts == 1)
        self._launch(line, channel, adapter, ready)
        return len(claimed) == room


async def _heard(event: asyncio.Event, seconds: float) -> None:
    """Wait for it, but no longer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _fair(sharers: int) -> int:
    """How many messages each of so many lines may claim."""
    return max(4, MOST_HELD // sharers)
