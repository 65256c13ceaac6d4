"""When the loops of a process look for work unasked: never two at the same moment.

Each connection that is used now and then is kept, and its other side holds some 10 MiB. Loops that take turns need one
connection between them while nothing is going on.
"""

from trunkline.core import clock

APART_SECONDS = 0.04
"""A look at an empty queue takes a few milliseconds."""


class Looks:
    """The appointments of one process, by whose they are."""

    def __init__(self) -> None:
        self._moments: dict[str, float] = {}

    def after(self, who: str, seconds: float) -> float:
        """How long `who` shall rest who wants to rest so long: until a moment that is nobody else's."""
        now = clock.monotonic()
        moment = now + seconds
        for other in sorted(moment for name, moment in self._moments.items() if name != who):
            if abs(moment - other) < APART_SECONDS:
                moment = other + APART_SECONDS
        self._moments[who] = moment
        return moment - now
