"""Receivers of webhooks on loopback, endpoints that point to them, and a deliverer that runs until nothing is due."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest
from aiohttp import web

from tests import world
from trunkline.core import ids
from trunkline.core.db import Database
from trunkline.webhooks import deliveries, endpoints, signing
from trunkline.webhooks.delivering import Deliverer
from trunkline.webhooks.endpoints import Endpoint, NewEndpoint

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    """A program that is told. It keeps what came; `answers` are given in turn, the last one for ever."""

    def __init__(self) -> None:
        self.url = ""
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[web.Response | int] = [200]
        self.open = self.most_open = 0
        self.hanging = asyncio.Event()
        self.hangs = False

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.heard]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append((headers, await request.read()))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(0)
            if self.hangs:
                await self.hanging.wait()
            given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            return web.Response(status=given) if isinstance(given, int) else given
        finally:
            self.open -= 1


@pytest.fixture
async def receiver() -> AsyncIterator[Callable[[], Awaitable[Receiver]]]:
    runners: list[web.AppRunner] = []
    receivers: list[Receiver] = []

    async def start() -> Receiver:
        one = Receiver()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", one.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        receivers.append(one)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        return one

    yield start
    for one in receivers:
        one.hanging.set()
    for runner in runners:
        await runner.cleanup()


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """The queue is claimed for all accounts at once, so nobody else may write to it."""
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


class Post:
    """What a test does with webhooks: makes endpoints, has them told, lets time pass."""

    def __init__(self, database: Database, account: int):
        self.database, self.account = database, account

    async def endpoint(self, url: str, account: int | None = None, **wanted: object) -> tuple[Endpoint, str]:
        async with self.database.tx(account or self.account) as tx:
            return await endpoints.create(tx, NewEndpoint(url=url, **wanted))  # type: ignore[arg-type]

    async def put(self, endpoint: Endpoint, number: int = 1) -> list[int]:
        """Deliveries that wait."""
        rows = []
        for n in range(number):
            body = msgspec.json.encode({"type": "message.sent", "data": {"n": n, "salt": secrets.token_hex(4)}})
            rows.append((endpoint.id, ids.new_uuid(), "message.sent", body.decode(), None))
        async with self.database.tx(self.account) as tx:
            return await deliveries.put(tx, rows)

    async def run(self) -> None:
        """Deliver until nothing is due and nothing is on its way."""
        deliverer = Deliverer(self.database)
        task = asyncio.create_task(deliverer.run())
        async with asyncio.timeout(30):
            while not task.done():
                if not await world.execute(self.database.dsn, OPEN) and not deliverer._held:
                    break
                await asyncio.sleep(0.01)
        deliverer.stop()
        await task

    async def pass_time(self) -> None:
        """All waiting is over: for another try, for a lease, for an endpoint's rest."""
        await world.execute(self.database.dsn, "update webhooks set run_at = now() - interval '1 second'")
        await world.execute(self.database.dsn, "update webhook_endpoints set paused_until = null")

    async def row(self, id: int) -> dict[str, object]:
        [row] = await world.execute(self.database.dsn, "select * from webhook_deliveries where id = $1", id)
        return dict(row)

    async def standing(self, endpoint: Endpoint) -> dict[str, object]:
        [row] = await world.execute(self.database.dsn, "select * from webhook_endpoints where id = $1", endpoint.id)
        return dict(row)

    async def log(self, id: int) -> list[tuple[object, ...]]:
        rows = await world.execute(
            self.database.dsn, "select code, answer, error from webhook_attempts where delivery_id = $1 order by id", id
        )
        return [tuple(row) for row in rows]


# Due, or claimed and not yet written down: the deliverer may hear of its claim after us.
OPEN = """
    select from webhooks q
    join webhook_endpoints e on e.id = q.endpoint_id
    join webhook_deliveries d on d.account_id = q.account_id and d.id = q.id
    where q.attempts > d.attempts
        or (q.run_at <= now() and e.active and (e.paused_until is null or e.paused_until <= now()))
"""


@pytest.fixture
async def post(database: Database, account: int) -> Post:
    await world.execute(database.dsn, "truncate webhooks, webhook_deliveries, webhook_attempts, events")
    return Post(database, account)


@pytest.fixture
def webhook_id() -> Callable[..., str]:
    return signing.webhook_id
