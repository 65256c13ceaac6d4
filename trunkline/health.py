"""Is it alive, is it ready, how busy is it: for load balancers, people and Prometheus."""

import asyncio
from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trunkline import __version__
from trunkline.core import clock, metrics, vitals
from trunkline.core.db import Database, sql
from trunkline.core.errors import Unavailable
from trunkline.core.metrics import Family

TEXT = "text/plain; version=1.0.0; charset=utf-8"


class Numbers(msgspec.Struct, frozen=True):
    """The state of the installation at one moment; ages in seconds."""

    events: int
    jobs: int
    inbound: int
    outbound: int
    webhooks: int
    oldest_job: float
    dead_letters: int
    workers: int
    held: bool


class Worker(msgspec.Struct, frozen=True):
    """A worker as it was last seen; it looks in every few seconds as long as it lives."""

    queues: list[str]
    version: str
    started_at: datetime
    seen_at: datetime
    is_alive: bool


class Pulse:
    """The installation's numbers, counted once a second at most, however many look."""

    def __init__(self, database: Database):
        self._database = database
        self._lock = asyncio.Lock()
        self._counted: tuple[float, Numbers] | None = None

    async def numbers(self) -> Numbers:
        async with self._lock:
            if self._counted is None or self._counted[0] <= clock.monotonic():
                self._counted = (clock.monotonic() + 1, await numbers(self._database))
            return self._counted[1]


def routes(database: Database) -> list[Route]:
    """`/healthz` answers while the process lives; `/readyz` while the database does; `/metrics` for Prometheus."""

    async def alive(request: Request) -> Response:
        return _json({"status": "ok", "version": __version__})

    async def ready(request: Request) -> Response:
        try:
            state = await numbers(database)
        except Unavailable as error:
            return _json({"status": "unavailable", "message": error.message}, 503)
        return _json({"status": "ok", "workers": state.workers, "held": state.held})

    async def scrape(request: Request) -> Response:
        return Response(await exposition(database), media_type=TEXT)

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", scrape)]


async def exposition(database: Database) -> bytes:
    """What this process and the workers counted, and the state of the installation while the database answers."""
    processes: dict[str, list[Family]] = {vitals.process(): vitals.told(database)}
    try:
        state = await numbers(database)
        async with database.system() as tx:
            processes |= {name: msgspec.convert(told, list[Family]) for name, told in await tx.rows(WORKERS)}
    except Unavailable:
        state = None
    processes[""] = _families(state)
    return metrics.exposition(processes)


async def numbers(database: Database) -> Numbers:
    """Queues are counted up to 100,000: enough to see, never slow."""
    async with database.system() as tx:
        return await tx.one(Numbers, NUMBERS)


async def workers(database: Database) -> list[Worker]:
    """The workers seen within an hour, the latest first."""
    async with database.system() as tx:
        return await tx.fetch(Worker, SEEN)


def _families(state: Numbers | None) -> list[Family]:
    up = Family(
        "trunkline_database_up", "gauge", "Whether the database answers.", [], samples=[([], float(bool(state)))]
    )
    if state is None:
        return [up]
    waiting = [
        ([queue], float(getattr(state, queue))) for queue in ("events", "jobs", "inbound", "outbound", "webhooks")
    ]
    alone = {
        "trunkline_oldest_job_seconds": ("Age of the oldest due job.", state.oldest_job),
        "trunkline_dead_letters": ("Calls that failed for good.", state.dead_letters),
        "trunkline_workers": ("Workers seen in the last 15 seconds.", state.workers),
        "trunkline_held": ("Whether sending is held.", state.held),
    }
    return [
        up,
        Family("trunkline_queue_waiting", "gauge", "Rows that wait in a queue.", ["queue"], samples=waiting),
        *(Family(name, "gauge", says, [], samples=[([], float(value))]) for name, (says, value) in alone.items()),
    ]


def _json(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, {"Cache-Control": "no-store"}, "application/json")


NUMBERS = sql(
    """
    select (select count(*) from (select from events limit 100000) e)::int as events,
        (select count(*) from (select from jobs limit 100000) j)::int as jobs,
        (select count(*) from (select from inbound limit 100000) i)::int as inbound,
        (select count(*) from (select from outbound limit 100000) o)::int as outbound,
        (select count(*) from (select from webhooks limit 100000) w)::int as webhooks,
        (select coalesce(extract(epoch from now() - min(run_at)), 0) from jobs where run_at < now())::float8
            as oldest_job,
        (select count(*) from dead_letters)::int as dead_letters,
        (select count(*) from workers where seen_at > now() - interval '15 seconds')::int as workers,
        exists (select from installation where name = 'held' and value = 'true') as held
    """,
    system=True,
)

WORKERS = sql(
    "select host || ':' || pid, metrics from workers where seen_at > now() - interval '15 seconds'",
    system=True,
)

SEEN = sql(
    """
    select queues, version, started_at, seen_at, seen_at > now() - interval '15 seconds' as is_alive
    from workers where seen_at > now() - interval '1 hour' order by seen_at desc limit 50
    """,
    system=True,
)
