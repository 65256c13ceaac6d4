"""Outcomes: what a provider's answer means for a message. Pure, so that a table of answers tests it.

| answer | at most once | at least once |
|---|---|---|
| taken | sent | sent |
| never left us, throttled, provider's fault | tried again | tried again |
| refused for good | failed | failed |
| the answer was lost after the request left | unknown, never repeated | tried again with the same id |
"""

import random
from collections.abc import Sequence

from msgspec import Struct

from trunkline.channels.base import RETRY_SECONDS, SendError, Sent

REST_SECONDS = 300
"""How long a channel rests after the provider refused the channel itself."""


class Outcome(Struct, frozen=True, gc=False):
    """`status` is the message's new one; `again_in` seconds when it waits for another try; `rest` for the channel."""

    status: str
    again_in: float | None = None
    rest: float | None = None
    reason: str | None = None
    error: str | None = None
    provider_code: str | None = None
    external_id: str | None = None
    trouble: str | None = None
    opted_out: bool = False


def decide(sent: Sent, attempts: int, *, at_most_once: bool, waits: Sequence[float] = RETRY_SECONDS) -> Outcome:
    """`waits` are the seconds before each further try; `attempts` counts the one that `sent` tells of."""
    error = sent.error
    if error is None:
        return Outcome("delivered" if sent.arrived else "sent", external_id=sent.external_id)
    if error.code == "ambiguous" and at_most_once:
        return Outcome("unknown", reason="ambiguous", error=error.detail, provider_code=error.provider_code)
    if (error.retry or error.code in PASSING) and attempts <= len(waits):
        return _again(error, waits[attempts - 1] * random.uniform(0.8, 1.2))
    return Outcome(
        "failed",
        reason=error.reason or REASONS.get(error.code, error.code),
        error=error.detail,
        provider_code=error.provider_code,
        trouble=error.detail if error.stop_channel else None,
        opted_out=error.code == "contact_stopped",
    )


def _again(error: SendError, seconds: float) -> Outcome:
    rest = None
    if error.code == "throttled":
        rest = error.retry_after or 1.0
    elif error.stop_channel or error.code == "config":
        rest = REST_SECONDS
    return Outcome(
        "errored",
        again_in=max(seconds, rest or 0.0, error.retry_after or 0.0),
        rest=rest,
        reason=error.code,
        error=error.detail,
        provider_code=error.provider_code,
        trouble=error.detail if error.code == "config" else None,
    )


PASSING = frozenset({"ambiguous", "throttled", "unreachable", "config"})
REASONS = {"contact_stopped": "suppressed", "ambiguous": "unreachable", "config": "channel"}
