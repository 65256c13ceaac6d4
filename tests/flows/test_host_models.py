"""Flows that ask a model: the operator's, within the caps of the workspace, and never without an answer."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from tests import talks, world
from trunkline.accounts import settings
from trunkline.core.db import Database
from trunkline.core.tools import Tools
from trunkline.flows import logs, shelves, triggers
from trunkline.flows.triggers import NewTrigger
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


class Model:
    """An endpoint that says the same to everybody."""

    def __init__(self) -> None:
        self.status = 200
        self.asked: list[dict[str, Any]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        choice = {"index": 0, "message": {"role": "assistant", "content": "Bonjour"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 11, "completion_tokens": 3}
        return web.json_response({"model": "small-1", "choices": [choice], "usage": usage}, status=self.status)


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    model, app = Model(), web.Application()
    app.router.add_route("POST", "/v1/chat/completions", model.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    model.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield model
    await runner.cleanup()


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


@pytest.fixture
async def modelled(database: Database, model: Model, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """The database of an installation that has a model."""
    given = {"ai_base_url": model.url, "ai_model": "small", "ai_price_in": 2.0, "ai_price_out": 8.0}
    tools = Tools(msgspec.structs.replace(database.tools.settings, **given))
    monkeypatch.setattr(database, "tools", tools)
    yield database
    await tools.close()


async def translating(database: Database, account: int) -> None:
    """A flow that has any message translated and says what came of it."""
    reference = {"uuid": shelves.MODEL, "name": "small"}
    ask = talks.act(
        "call_llm", llm=reference, instructions="Translate to French", input="@input.text", output_local="word"
    )
    kept = await talks.save(database, account, talks.definition(talks.node(ask, talks.say("@locals.word"))))
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="catch_all", flow_id=kept.id))


async def hear(database: Database, channel: Channel) -> int:
    contact = (await world.say(database, channel, PHONE, "Hello")).contact_id
    await world.react(database)
    return contact


async def logged(database: Database, account: int, contact: int) -> list[tuple[str, bool, str]]:
    async with database.tx(account) as tx:
        return [(entry.kind, entry.ok, entry.text) for entry in await logs.page(tx, contact=contact)]


async def test_what_the_model_says_comes_back_into_the_flow(
    modelled: Database, account: int, channel: Channel, model: Model
) -> None:
    await translating(modelled, account)

    contact = await hear(modelled, channel)

    assert await talks.said(modelled, account) == ["Bonjour"]
    assert [message["content"] for message in model.asked[0]["messages"]] == ["Translate to French", "Hello"]
    assert model.asked[0]["max_tokens"] == 2500
    assert await logged(modelled, account, contact) == [("llm", True, "small")]


async def test_its_tokens_are_counted(modelled: Database, account: int, channel: Channel, model: Model) -> None:
    await translating(modelled, account)

    await hear(modelled, channel)

    rows = await world.execute(
        modelled.dsn,
        "select name, sum(value)::int from daily where account_id = $1 and name like 'ai.%' group by 1",
        account,
    )
    counted = dict(rows)
    assert (counted["ai.requests"], counted["ai.tokens_in"], counted["ai.tokens_out"]) == (1, 11, 3)


async def test_a_model_that_fails_is_told_and_the_flow_goes_on(
    modelled: Database, account: int, channel: Channel, model: Model
) -> None:
    model.status = 401
    await translating(modelled, account)

    contact = await hear(modelled, channel)

    assert await talks.said(modelled, account) == ["<ERROR>"]
    [(kind, ok, text)] = await logged(modelled, account, contact)
    assert (kind, ok) == ("error", False)
    assert "refuses our key" in text


async def test_no_call_passes_the_caps_of_the_workspace(
    modelled: Database, account: int, channel: Channel, model: Model
) -> None:
    await translating(modelled, account)
    async with modelled.tx(account) as tx:
        await settings.put(tx, {"ai_monthly_tokens": 100}, operator=True)

    contact = await hear(modelled, channel)

    assert (await talks.said(modelled, account), model.asked) == (["<ERROR>"], [])
    assert "limit of AI use" in (await logged(modelled, account, contact))[0][2]


async def test_without_a_model_the_flow_says_so_and_goes_on(database: Database, account: int, channel: Channel) -> None:
    await translating(database, account)

    contact = await hear(database, channel)

    assert await talks.said(database, account) == ["<ERROR>"]
    assert [kind for kind, _, _ in await logged(database, account, contact)] == ["error"]
