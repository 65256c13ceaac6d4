"""Transactions over UDP (RFC 3261, section 17): what is sent again, until when. Pure; the time is given."""

from typing import Literal

from trunkline.channels.telephony.messages import Message

T1 = 0.5
"""How long a round trip may take."""
T2 = 4.0
T4 = 5.0
PATIENCE = 64 * T1
"""Timers B, D, F, H and J: how long one side is tried, and how long its repeats are known as such."""

Due = Literal["again", "lost", "over"]


class Asking:
    """A request of ours. INVITE is repeated until anything is heard, others until they are answered."""

    def __init__(self, request: Message, now: float):
        self.request = request
        self.is_invite = request.method == "INVITE"
        self.state: Literal["trying", "proceeding", "completed", "over"] = "trying"
        self._interval = T1
        self._again_at: float | None = now + T1  # timer A or E
        self._ends_at: float | None = now + PATIENCE  # timer B or F

    @property
    def wakes_at(self) -> float | None:
        moments = [moment for moment in (self._again_at, self._ends_at) if moment is not None]
        return min(moments, default=None)

    def hear(self, response: Message, now: float) -> bool:
        """Whether this response is news; repeats of a final one are not."""
        if self.state in ("completed", "over"):
            return False
        if response.status < 200:
            self.state = "proceeding"
            if self.is_invite:
                self._again_at = self._ends_at = None
            else:
                self._interval = T2
            return True
        self._again_at = None
        if self.is_invite and response.status < 300:
            self._stop()  # each further 2xx belongs to the dialog, which acknowledges it
        else:
            self.state = "completed"
            self._ends_at = now + (PATIENCE if self.is_invite else T4)  # timer D or K
        return True

    def tick(self, now: float) -> Due | None:
        """What is due: send it `again`, it is `lost` without an answer, or all is `over`."""
        if self._ends_at is not None and now >= self._ends_at:
            lost = self.state != "completed"
            self._stop()
            return "lost" if lost else "over"
        if self._again_at is not None and now >= self._again_at:
            self._interval = self._interval * 2 if self.is_invite else min(self._interval * 2, T2)
            self._again_at = now + self._interval
            return "again"
        return None

    def _stop(self) -> None:
        self.state, self._again_at, self._ends_at = "over", None, None


class Answering:
    """A request of theirs and our final answer. Repeats get it again; an INVITE's is repeated until the ACK."""

    def __init__(self, request: Message, response: Message, now: float):
        self.request, self.response = request, response
        self.is_acknowledged = request.method != "INVITE"
        self._interval = T1
        self._again_at = None if self.is_acknowledged else now + T1  # timer G
        self._ends_at: float | None = now + PATIENCE  # timer H or J

    @property
    def wakes_at(self) -> float | None:
        moments = [moment for moment in (self._again_at, self._ends_at) if moment is not None]
        return min(moments, default=None)

    def acknowledge(self, now: float) -> None:
        if not self.is_acknowledged:
            self.is_acknowledged, self._again_at, self._ends_at = True, None, now + T4  # timer I

    def tick(self, now: float) -> Due | None:
        if self._ends_at is not None and now >= self._ends_at:
            self._again_at = self._ends_at = None
            return "over"
        if self._again_at is not None and now >= self._again_at:
            self._interval = min(self._interval * 2, T2)
            self._again_at = now + self._interval
            return "again"
        return None
