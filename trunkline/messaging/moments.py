"""Moments: when something is to be sent, as callers ask for it."""

from datetime import datetime, timedelta

from trunkline.core import clock
from trunkline.core.errors import Invalid

MOST_AHEAD = timedelta(days=366)


def later(at: datetime | None) -> datetime | None:
    """The moment, or None for now: what has passed is now. Raises `Invalid` when it is more than a year ahead."""
    now = clock.now()
    if at is not None and at > now + MOST_AHEAD:
        problem = f"The scheduled at field must not be more than {MOST_AHEAD.days} days ahead."
        raise Invalid({"scheduled_at": [problem]})
    return at if at is not None and at > now else None
