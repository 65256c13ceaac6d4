"""Flights: one channel's messages in this process, from the claim until their outcome is written down.

What a crash leaves open is bounded by a window: the messages handed to the provider whose outcome is not committed.
A channel that may repeat has one by its pace, no wider than a moment, and claims further ahead, so that its hands need
not wait for the database; what was claimed only has not left us and simply goes out later. Whoever pauses or opts out
is heard at once, also by a slow channel. A channel that must not repeat claims no more than it may leave open.
"""

from collections import defaultdict, deque

from msgspec import Struct

from trunkline.channels.base import Adapter, Outbound
from trunkline.messaging.channels import Channel
from trunkline.messaging.lines import Claimed, Line
from trunkline.messaging.sending import BULK

WINDOW = 512
"""The widest window of a channel that may repeat."""
MOST_HELD = 2048
"""How many messages are claimed at most, of one channel and of all."""
MOMENT, AHEAD = 0.2, 0.5
"""Seconds whose sends a channel that may repeat has open, and claimed: a claim takes long on a busy machine."""
PACE_SECONDS = 0.05
"""How often the pace is taken: a broadcast reaches its own within the first few."""
CAREFUL_WINDOW = 64
"""The window of an at-most-once channel: what a crash leaves open there stays open for a person to judge."""
PORTION = 32
"""The least room that bulk claims for while there is something to send: a transaction costs more than a send."""
MOST_AT_ONCE = 384
"""How many one claim takes: a big one is long under way, and meanwhile those before it are all sent."""
BULK_SHARE = 0.75
"""Bulk leaves a part of each window to those who wait for an answer."""


class Sending(Struct, gc=False):
    """A message in flight; `claimed` and `since` change when its lease is renewed."""

    line: Line
    channel: Channel
    claimed: Claimed
    since: float
    began: float


class Batch(Struct):
    """What goes to the adapter in one call."""

    adapter: Adapter
    sendings: list[Sending]
    outbound: list[Outbound]


class Flights:
    """`held` counts what is claimed and not settled, `out` those of them that were handed over."""

    def __init__(self) -> None:
        self.careful = True
        self.most: int | None = None
        """How many messages the adapter takes on together, if it says."""
        self.held = self.out = self.hands = 0
        self.promised = 0
        """What claims that are under way may bring."""
        self._open, self._ahead = CAREFUL_WINDOW, CAREFUL_WINDOW
        """Where it may repeat: how many may be open, and how many claimed."""
        self._settled, self._since = 0, 0.0
        self._urgent: deque[Batch] = deque()
        self._bulk: deque[Batch] = deque()

    def __len__(self) -> int:
        """Batches that wait for a hand."""
        return len(self._urgent) + len(self._bulk)

    def room(self, lane: int) -> int:
        """How many messages of a lane may be claimed now."""
        most = CAREFUL_WINDOW if self.careful else self._ahead
        if self.most is not None:  # who has no hand for it yet must not be marked as being sent
            return self.most - self.held - self.promised
        return min(MOST_AT_ONCE, _share(most, lane) - self.held - self.promised)

    def least(self, lane: int) -> int:
        """How much room a claim waits for. Bulk can wait while there is something to send."""
        if lane != BULK or self.most is not None or not (self.held or self.promised):
            return 1
        return min(MOST_AT_ONCE, max(PORTION, _share(CAREFUL_WINDOW if self.careful else self._ahead, lane) // 4))

    def add(self, batch: Batch) -> None:
        lane = batch.sendings[0].line.lane
        (self._bulk if lane == BULK else self._urgent).append(batch)
        self.held += len(batch.sendings)

    def take(self) -> Batch | None:
        """The next batch to hand over: first who waits for an answer, then bulk; none while too much is open."""
        most = CAREFUL_WINDOW if self.careful else self._open
        if self._urgent and self.out < most:
            batch = self._urgent.popleft()
        elif self._bulk and self.out < _share(most, BULK):
            batch = self._bulk.popleft()
        else:
            return None
        self.out += len(batch.sendings)
        return batch

    def settled(self, messages: int, at: float) -> None:
        """So many outcomes are committed, or nobody's to write any more; `at` is the clock's reading."""
        self.held -= messages
        self.out -= messages
        self._settled += messages
        if at - self._since >= PACE_SECONDS:
            pace = self._settled / (at - self._since)
            self._open = max(CAREFUL_WINDOW, min(int(pace * MOMENT), WINDOW))
            self._ahead = max(CAREFUL_WINDOW, min(int(pace * AHEAD), MOST_HELD))
            self._settled, self._since = 0, at


AllFlights = defaultdict[int, Flights]
"""Those of a process, by channel."""


def _share(window: int, lane: int) -> int:
    return int(window * BULK_SHARE) if lane == BULK else window
