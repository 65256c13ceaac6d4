"""`trunkline seed …`: worlds to look around in."""

import asyncio

import msgspec

from trunkline import logs, processes
from trunkline.commands.answers import Answer, told_of_demo
from trunkline.commands.opening import installation, open_database
from trunkline.core.config import Settings
from trunkline.processes import Report

CONNECTIONS = 6


def demo(settings: Settings) -> Answer | None:
    """Fill in the demo world, once."""
    logs.set_up(settings)
    if processes.is_child():
        _child(settings)
        return None
    return asyncio.run(_filled(settings))


async def _filled(settings: Settings) -> Answer:
    from trunkline.storage.seeds import demo as seed

    async with installation(settings, make=True, tools=True) as database:
        document = msgspec.to_builtins(await seed.once(database))
    return Answer(document, told_of_demo(document))


def _child(settings: Settings) -> None:
    processes.follow_parent()
    from trunkline.core.tools import Tools
    from trunkline.storage.seeds import demo as seed

    orders = processes.hear()

    async def work(stop: asyncio.Event) -> None:
        database = await open_database(orders.dsn, CONNECTIONS)
        database.tools = Tools(settings)
        try:
            document = msgspec.to_builtins(await seed.once(database))
            processes.tell(Report(demo=document))
        finally:
            await database.tools.close()
            await database.close()

    processes.run(work)
