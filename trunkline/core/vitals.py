"""Vitals: how this process itself is doing, and what it says of itself to others."""

import asyncio
import os
import platform

from trunkline.core import clock, metrics
from trunkline.core.db import Database
from trunkline.core.metrics import Family, Gauge, Histogram

LOOK_SECONDS = 0.5

CONNECTIONS = Gauge("trunkline_database_connections", "Connections to the database in our pools.", ["role", "state"])
LAG = Histogram("trunkline_loop_lag_seconds", "How late the event loop is, looked at twice a second.")


def process() -> str:
    """This process among all that work for the installation."""
    return f"{platform.node()}:{os.getpid()}"


def told(database: Database) -> list[Family]:
    """All that this process counted, with what is only known by looking."""
    for role, state, count in database.connections():
        CONNECTIONS.of(role, state).set(count)
    return metrics.REGISTER.told()


async def watch_loop(stopping: asyncio.Event | None = None) -> None:
    """How late this process's event loop is: everything else waits as long."""
    lag = LAG.of()
    while stopping is None or not stopping.is_set():
        began = clock.monotonic()
        await asyncio.sleep(LOOK_SECONDS)
        lag.observe(max(0.0, clock.monotonic() - began - LOOK_SECONDS))
