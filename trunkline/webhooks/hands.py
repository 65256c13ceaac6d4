"""Hands: how many calls one process makes to one endpoint at a time, and how much it takes on for it."""

from collections import deque

from trunkline.webhooks.queue import BREAK_AFTER, Claimed, Outcome

HANDS = 5
"""Calls to one endpoint at a time."""
PORTION, FIRST_PORTION = 100, 5


class Line:
    """What this process holds for one endpoint. `proven` after a success, until it fails several times in a row.

    `more` when the last claim may not have taken all that was due. `careful` after a failure, until a success.
    """

    __slots__ = ("careful", "failures", "hands", "more", "proven", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Claimed] = deque()
        self.hands, self.failures = 0, 0
        self.proven = self.more = self.careful = False

    @property
    def lacks_hands(self) -> bool:
        """Whether there is work for one more."""
        return bool(self.waiting) and self.hands < (HANDS if self.proven else 1)

    @property
    def room(self) -> int:
        """None before half of a portion is used up: a claim for each delivery would cost more than the call."""
        if self.failures >= BREAK_AFTER or (self.careful and (self.waiting or self.hands)):
            return 0
        most = PORTION if self.proven else FIRST_PORTION
        left = most - len(self.waiting) - self.hands
        return left if left >= most // 2 else 0

    def learn(self, outcome: Outcome) -> None:
        """What a try says about the endpoint."""
        if outcome.is_answered:
            self.proven, self.failures = True, 0
        else:
            self.failures += 1
            self.proven = self.proven and self.failures < BREAK_AFTER
