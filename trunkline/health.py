"""Is it alive, is it ready, how busy is it: for load balancers, people and Prometheus."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trunkline import __version__
from trunkline.core.db import Database, sql
from trunkline.core.errors import Unavailable


class Numbers(msgspec.Struct, frozen=True):
    """The state of the installation at one moment; ages in seconds."""

    events: int
    jobs: int
    inbound: int
    outbound: int
    oldest_job: float
    dead_letters: int
    workers: int
    held: bool


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

    async def metrics(request: Request) -> Response:
        try:
            state = await numbers(database)
        except Unavailable:
            return Response("", 503)
        body, media_type = _exposition(state)
        return Response(body, media_type=media_type)

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


async def numbers(database: Database) -> Numbers:
    """Queues are counted up to 100,000: enough to see, never slow."""
    async with database.system() as tx:
        return await tx.one(Numbers, NUMBERS)


def _exposition(state: Numbers) -> tuple[bytes, str]:
    """The numbers in Prometheus' text format; its library is loaded by the first scrape."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    waiting = Gauge("trunkline_queue_waiting", "Rows that wait in a queue.", ["queue"], registry=registry)
    for queue in ("events", "jobs", "inbound", "outbound"):
        waiting.labels(queue).set(getattr(state, queue))
    oldest = Gauge("trunkline_oldest_job_seconds", "Age of the oldest due job.", registry=registry)
    oldest.set(state.oldest_job)
    Gauge("trunkline_dead_letters", "Calls that failed for good.", registry=registry).set(state.dead_letters)
    Gauge("trunkline_workers", "Workers seen in the last 15 seconds.", registry=registry).set(state.workers)
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _json(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, {"Cache-Control": "no-store"}, "application/json")


NUMBERS = sql(
    """
    select (select count(*) from (select from events limit 100000) e)::int as events,
        (select count(*) from (select from jobs limit 100000) j)::int as jobs,
        (select count(*) from (select from inbound limit 100000) i)::int as inbound,
        (select count(*) from (select from outbound limit 100000) o)::int as outbound,
        (select coalesce(extract(epoch from now() - min(run_at)), 0) from jobs where run_at < now())::float8
            as oldest_job,
        (select count(*) from dead_letters)::int as dead_letters,
        (select count(*) from workers where seen_at > now() - interval '15 seconds')::int as workers,
        exists (select from installation where name = 'held' and value = 'true') as held
    """,
    system=True,
)
