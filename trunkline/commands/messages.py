"""`trunkline message …`: what became of messages."""

from trunkline.commands.answers import Answer, pairs
from trunkline.commands.opening import workspace
from trunkline.commands.user import AccountId
from trunkline.core.config import Settings
from trunkline.messaging import statuses


async def stats(settings: Settings, *, account: AccountId) -> Answer:
    """Count the messages of an account by state."""
    async with workspace(settings, account) as (tx, _):
        counted = await statuses.stats(tx)
    return Answer(counted, pairs(counted))
