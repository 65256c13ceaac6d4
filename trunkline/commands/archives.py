"""Archives: what is old moves out of the database into files."""

from typing import Annotated

from trunkline.commands.answers import Answer, table
from trunkline.commands.opening import account_named, installation
from trunkline.commands.user import AccountId
from trunkline.core import clock
from trunkline.core.config import Settings


async def build(
    settings: Settings,
    *,
    account: AccountId,
    all: Annotated[bool, "Everything before today, not just what is older than 90 days."] = False,
) -> Answer:
    """Move old messages and runs of an account into files."""
    from trunkline.flows import archives

    async with installation(settings, tools=True) as database:
        async with database.system() as tx:
            found = await account_named(tx, account)
        until = clock.now().date() if all else None
        made = await archives.build(database, found.id, until=until)
    rows = [(one.kind, one.period, one.start_date, one.records, one.size) for one in made]
    document = {
        "archives": [
            {"type": one.kind, "period": one.period, "start_date": one.start_date, "records": one.records}
            for one in made
        ]
    }
    return Answer(
        document, table(("Type", "Period", "Start", "Records", "Bytes"), rows, empty="Nothing is old enough.")
    )
