"""Alone: one contact's sprint as a job that may ask the outside world and still counts once."""

from collections.abc import Awaitable, Callable

from trunkline.core.db import Tx
from trunkline.core.errors import Unavailable
from trunkline.core.jobs import Desk
from trunkline.flows import effects, running
from trunkline.flows import stock as stocks
from trunkline.flows.effects import Moved
from trunkline.flows.outcomes import Done, Part
from trunkline.flows.stock import Stock

TRIES = 3

Prepare = Callable[[Tx, Stock], Awaitable[Part | None]]
"""Locks the contact and says what is to be run; None when there is nothing to do. May be called several times."""
Close = Callable[[Tx, Done | None], Awaitable[None]]
"""What else belongs into the transaction that writes the outcome."""


async def run(desk: Desk, prepare: Prepare, close: Close) -> None:
    """Either all in one transaction, or a first one, the calls, and a second one that takes the job off its queue."""
    for _ in range(TRIES):
        async with desk.tx() as tx:
            stock = await stocks.of(tx)
            part = await prepare(tx, stock)
            done, pending = await running.run(tx, stock, [part] if part else [])
            if not pending:
                await effects.apply(tx, stock, done)
                await close(tx, done[0] if done else None)
                await desk.finish(tx)
                return
        done = await running.finish(desk, stock, pending)
        try:
            async with desk.tx() as tx:
                await effects.apply_later(tx, stock, done)
                await close(tx, done[0])
                await desk.finish(tx)
                return
        except Moved:
            continue
    raise Unavailable("The contact")
