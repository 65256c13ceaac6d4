"""`trunkline dead …`: background work that failed for good, to be tried again or thrown away."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from trunkline.commands.answers import Answer, table
from trunkline.commands.opening import installation
from trunkline.core import jobs
from trunkline.core.config import Settings
from trunkline.core.db import Tx
from trunkline.core.errors import NotFound, Refusal

Id = Annotated[int, "Number of the dead letter."]


async def list_all(settings: Settings) -> Answer:
    """List the background work that failed for good."""
    async with installation(settings) as database, database.system() as tx:
        letters = await jobs.dead_letters(tx, 1000)
    rows = [(one.id, one.queue, one.name, one.account, f"{one.failed_at:%Y-%m-%d %H:%M}", one.error) for one in letters]
    text = table(("ID", "Queue", "Work", "Account", "Failed (UTC)", "Why"), rows, empty="Nothing failed for good.")
    return Answer(letters, text)


async def replay(settings: Settings, id: Id, /) -> Answer:
    """Try a dead letter again."""
    await _each(settings, id, jobs.replay)
    return Answer({"id": id, "replayed": True}, f"Dead letter {id} waits for a worker again.")


async def discard(settings: Settings, id: Id, /) -> Answer:
    """Delete a dead letter."""
    await _each(settings, id, jobs.discard)
    return Answer({"id": id, "discarded": True}, f"Dead letter {id} is gone.")


async def _each(settings: Settings, id: int, act: Callable[[Tx, int], Awaitable[None]]) -> None:
    async with installation(settings) as database, database.system() as tx:
        try:
            await act(tx, id)
        except NotFound:
            message = f"There is no dead letter {id}. `trunkline dead list` shows them."
            raise Refusal(message, code="not_found") from None
