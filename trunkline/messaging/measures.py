"""What messages take on their way out, and what comes in."""

from collections.abc import Iterable, Sequence

from trunkline.core.metrics import LONG_SECONDS, Counter, Histogram
from trunkline.messaging.channels import Channel
from trunkline.messaging.outcomes import Outcome

WAITS = Histogram(
    "trunkline_queue_wait_seconds",
    "Time from the moment when something was due to its first claim, by queue.",
    ["queue"],
    bounds=LONG_SECONDS,
)
SENDS = Counter("trunkline_sends", "Messages handed to providers, by kind of channel and outcome.", ["kind", "outcome"])
WITHHELD = Counter(
    "trunkline_sends_withheld",
    "Messages that were not sent after all, by kind of channel and reason.",
    ["kind", "reason"],
)
LATENCY = Histogram(
    "trunkline_delivery_seconds",
    "Time from queued, or from its moment when scheduled, to sent.",
    ["kind", "lane"],
    bounds=LONG_SECONDS,
)
RECEIVED = Counter(
    "trunkline_received", "What providers told: messages, repeats, reports, opt-outs, events.", ["kind", "what"]
)

LANES = ("reply", "api", "bulk")


def sent(channel: Channel, lane: int, outcomes: Iterable[tuple[Outcome, float]]) -> None:
    """Outcomes of one line that are written down, each with the seconds since it was due."""
    latency = LATENCY.of(channel.kind, LANES[lane])
    statuses: dict[str, int] = {}
    for outcome, seconds in outcomes:
        statuses[outcome.status] = statuses.get(outcome.status, 0) + 1
        if outcome.status in ("sent", "delivered"):
            latency.observe(seconds)
    for status, messages in statuses.items():
        SENDS.of(channel.kind, status).add(messages)


def claimed(waited: Iterable[float]) -> None:
    """Messages of the queue that were claimed for the first time."""
    waits = WAITS.of("outbound")
    for seconds in waited:
        waits.observe(seconds)


def received(channel: Channel, reports: int, opt_outs: int, repeats: Sequence[bool], events: int = 0) -> None:
    """What one call of a provider brought; `repeats` tells of each message whether it was known already."""
    fresh = repeats.count(False)
    for what, count in (
        ("message", fresh), ("repeat", len(repeats) - fresh), ("report", reports), ("opt_out", opt_outs),
        ("event", events),
    ):  # fmt: skip
        if count:
            RECEIVED.of(channel.kind, what).add(count)
