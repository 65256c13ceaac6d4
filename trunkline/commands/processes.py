"""`trunkline web` and `trunkline worker`: single processes, beside `up` or on other machines."""

import asyncio
import sys
from typing import Annotated

from trunkline import logs, processes
from trunkline.core.config import Settings
from trunkline.core.errors import Refusal
from trunkline.processes import Orders, Report

QUEUES = ("inbound", "outbound", "webhooks", "jobs")


def web(
    settings: Settings,
    /,
    *,
    host: Annotated[str, "The address to listen on; 0.0.0.0 for all."] = "127.0.0.1",
    port: Annotated[int, "The port; 0 takes any free one."] = 8080,
    json: bool = False,
) -> None:
    """Run one more web process."""
    logs.set_up(settings)
    if processes.is_child():
        _web_child(settings)
        return

    async def work(stop: asyncio.Event) -> None:
        async def listening(url: str) -> None:
            sys.stdout.write(f'{{"url": "{url}"}}\n' if json else f"Serving {url}\n")
            sys.stdout.flush()

        async with _database(settings) as dsn:
            await processes.web(settings, Orders(dsn, host, port), stop, listening)

    processes.run(work)


def worker(
    settings: Settings,
    /,
    *,
    queues: Annotated[str, "Which queues, with commas between."] = ",".join(QUEUES),
) -> None:
    """Run one more worker process."""
    wanted = tuple(dict.fromkeys(name.strip() for name in queues.split(",") if name.strip()))
    if not wanted or not set(wanted) <= set(QUEUES):
        raise Refusal(f"--queues takes some of {', '.join(QUEUES)}, with commas between.")
    logs.set_up(settings)
    if processes.is_child():
        _worker_child(settings, wanted)
        return

    async def work(stop: asyncio.Event) -> None:
        async with _database(settings) as dsn:
            await processes.worker(settings, dsn, wanted, stop)

    processes.run(work)


def _web_child(settings: Settings) -> None:
    processes.follow_parent()
    # Loaded while the database starts: all that the first request needs.
    import trunkline.app
    import trunkline.core.tools
    import trunkline.server  # noqa: F401

    orders = processes.hear()

    async def work(stop: asyncio.Event) -> None:
        empty = await _prepared(orders.dsn) if orders.first else False

        async def listening(url: str) -> None:
            processes.tell(Report(url=url, empty=empty))

        await processes.web(settings, orders, stop, listening)

    processes.run(work)


async def _prepared(dsn: str) -> bool:
    """Bring the database to this version; whether nobody lives in it yet."""
    from trunkline.accounts import accounts
    from trunkline.commands.opening import open_database
    from trunkline.storage import schema

    await schema.migrate(dsn)
    processes.tell(Report(prepared=True))
    database = await open_database(dsn)
    try:
        async with database.system() as tx:
            return not await accounts.listed(tx, limit=1)
    finally:
        await database.close()


def _worker_child(settings: Settings, queues: tuple[str, ...]) -> None:
    processes.follow_parent()
    import trunkline.core.tools
    import trunkline.worker  # noqa: F401

    orders = processes.hear()
    processes.run(lambda stop: processes.worker(settings, orders.dsn, queues, stop))


def _database(settings: Settings):
    from contextlib import asynccontextmanager

    from trunkline.commands.opening import prepare, refuse_missing
    from trunkline.storage import postgres

    @asynccontextmanager
    async def opened():
        refuse_missing(settings)
        url, programs = settings.database_url or None, settings.postgres_bin or None
        async with postgres.database(settings.data, url, programs) as dsn:
            await prepare(dsn)
            yield dsn

    return opened()
