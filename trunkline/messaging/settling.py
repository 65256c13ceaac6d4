"""Settling: outcomes of sent messages, written down in one transaction per line."""

from collections.abc import Sequence

import msgspec

from trunkline import channels as adapters
from trunkline.channels.base import Sent
from trunkline.contacts import people
from trunkline.core import clock
from trunkline.core.db import Database, Tx
from trunkline.core.text import clean
from trunkline.messaging import bouncing, channels, consenting, lines, logs, statuses
from trunkline.messaging.channels import Channel
from trunkline.messaging.lines import Claimed, Line
from trunkline.messaging.outcomes import Outcome, decide
from trunkline.messaging.sending import BULK
from trunkline.messaging.statuses import Change

Result = tuple[Claimed, Sent]


async def settle(database: Database, line: Line, channel: Channel, results: Sequence[Result]) -> list[Outcome]:
    """Statuses, credits, counts, queue rows and the channel log of one batch: all or nothing. An outcome for each."""
    once, waits = channel.semantics == "at_most_once", adapters.get(channel.kind).retry_seconds
    decided = [(c, sent, decide(sent, c.attempts, at_most_once=once, waits=waits)) for c, sent in results]
    async with database.tx(line.account_id, cause=f"broadcast:{line.broadcast_id}" if line.broadcast_id else "") as tx:
        await statuses.apply_many(tx, [_change(claimed, outcome) for claimed, _, outcome in decided])
        await lines.release(tx, line, [claimed for claimed, _, outcome in decided if outcome.again_in is None])
        again = [(claimed, outcome.again_in) for claimed, _, outcome in decided if outcome.again_in is not None]
        if again:
            await lines.postpone(tx, line, again)
            tx.wake("outbound")
        if line.lane != BULK:  # whom a broadcast reached is noted when it is over
            reached = [claimed.contact_id for claimed, _, outcome in decided if outcome.status in GONE]
            await people.touch(tx, reached, outbound=clock.now())
        await logs.add(tx, [_entry(channel, *row) for row in decided if _worth_logging(line, *row)])
        for claimed, _, outcome in decided:
            if outcome.opted_out:
                await _stop(tx, channel, claimed)
            elif outcome.reason == "invalid":
                told = clean(outcome.error or "")
                await bouncing.refused(tx, channel, claimed.contact_id, claimed.address, outcome.provider_code, told)
        await _rest(tx, channel, [outcome for _, _, outcome in decided])
    trouble = next((outcome.trouble for _, _, outcome in decided if outcome.trouble), None)
    if trouble or channel.trouble:
        await channels.set_trouble(database, channel, trouble)
    return [outcome for _, _, outcome in decided]


def _change(claimed: Claimed, outcome: Outcome) -> Change:
    """What the provider said is text from outside: it may hold what the database does not take."""
    told = (outcome.external_id, outcome.reason, outcome.error, outcome.provider_code)
    return Change(claimed.id, outcome.status, *(clean(text) if text else None for text in told))


def _worth_logging(line: Line, claimed: Claimed, sent: Sent, outcome: Outcome) -> bool:
    """A broadcast logs what went wrong; everything else is logged whole."""
    return sent.exchange is not None and (line.lane != BULK or outcome.status not in GONE)


def _entry(channel: Channel, claimed: Claimed, sent: Sent, outcome: Outcome) -> logs.Entry:
    exchange = sent.exchange
    assert exchange is not None
    return logs.Entry(
        channel_id=channel.id,
        kind="send",
        message_id=claimed.id,
        request=clean(exchange.request),
        response=clean(exchange.response),
        code=exchange.status,
        error=clean(outcome.error) if outcome.error else None,
        elapsed_ms=exchange.elapsed_ms,
    )


async def _stop(tx: Tx, channel: Channel, claimed: Claimed) -> None:
    evidence = {"channel": channel.id, "message": claimed.id, "at": clock.iso(clock.now())}
    await consenting.stop(
        tx, claimed.contact_id, channel.sends_as, claimed.address, source="provider", evidence=evidence
    )


async def _rest(tx: Tx, channel: Channel, outcomes: Sequence[Outcome]) -> None:
    if rest := max((outcome.rest or 0.0 for outcome in outcomes), default=0.0):
        await lines.pause(tx, channel.id, rest)


GONE = ("sent", "delivered")


def with_lease(claimed: Claimed, fence: object) -> Claimed:
    """The same message under its renewed lease."""
    return msgspec.structs.replace(claimed, leased_until=fence)
