"""A stand-in for a model's endpoint on the loopback, and places where AI work is done."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from msgspec import Struct

from trunkline.ai import models
from trunkline.core.config import Settings
from trunkline.core.db import Database
from trunkline.core.http import Http
from trunkline.core.tools import Tools
from trunkline.knowledge import documents, processing
from trunkline.knowledge.documents import Document, NewDocument

Answer = Callable[[web.Request, dict[str, Any]], Any]


class Standin:
    """Answers in turn what it was told to; the last answer stays. `seen` are the bodies of the requests."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.url = ""
        self.stalled, self.over = asyncio.Event(), asyncio.Event()
        self._answers: list[Any] = []

    def say(self, *answers: Any) -> None:
        """A text to answer with, a web response, or a function of the request."""
        self._answers = list(answers)

    @property
    def rules(self) -> str:
        return self.seen[-1]["messages"][0]["content"]

    @property
    def given(self) -> dict[str, Any]:
        return json.loads(self.seen[-1]["messages"][1]["content"])

    async def stall(self, request: web.Request) -> web.Response:
        """An answer that does not come."""
        self.stalled.set()
        await self.over.wait()
        return web.Response()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.headers.append(dict(request.headers))
        if request.can_read_body:
            self.seen.append(await request.json())
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if callable(answer):
            answer = await answer(request)
        return web.json_response(said(answer)) if isinstance(answer, str) else answer


def said(text: str | None, **more: Any) -> dict[str, Any]:
    """A whole answer, as endpoints of this kind give it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "small-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 200, "completion_tokens": 45, "total_tokens": 245},
        **more,
    }


@pytest.fixture
def whole() -> Callable[..., dict[str, Any]]:
    return said


@pytest.fixture
async def standin() -> AsyncIterator[Standin]:
    stand = Standin()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", stand.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stand.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield stand
    stand.over.set()
    await runner.cleanup()


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, noted instead of waited for."""
    taken: list[float] = []

    async def note(seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr(models, "rest", note)
    return taken


@pytest.fixture
def configured(standin: Standin) -> Settings:
    """Settings with the stand-in as the model; a token read costs 2, one written 8 millionths."""
    return Settings(
        ai_base_url=standin.url,
        ai_api_key="sk-the-operators-secret",
        ai_model="small",
        ai_embedding_model="vectors",
        ai_timeout=5.0,
        ai_price_in=2.0,
        ai_price_out=8.0,
    )


@pytest.fixture
async def http(tools: Tools) -> Http:
    return await tools.operators_http()


@pytest.fixture
async def tools(configured: Settings, tmp_path) -> AsyncIterator[Tools]:
    """Tools of an operator who allows no private targets at all."""
    made = Tools(Settings(**{name: getattr(configured, name) for name in AI}, data=tmp_path))
    yield made
    await made.close()


class Place(Struct, frozen=True):
    """A place of an account, as calls and jobs are."""

    database: Database
    account: int

    def tx(self) -> Any:
        return self.database.tx(self.account, "user:1")


@pytest.fixture
def place(database: Database, account: int) -> Place:
    """Without a model."""
    return Place(database, account)


@pytest.fixture
def modelled(database: Database, account: int, tools: Tools, monkeypatch: pytest.MonkeyPatch) -> Place:
    """With the stand-in as the model."""
    tools.media = database.tools.media
    monkeypatch.setattr(database, "tools", tools)
    return Place(database, account)


@pytest.fixture
def know(database: Database, account: int) -> Callable[..., Any]:
    """Put a text into the knowledge base, ready to be found."""

    async def bring(title: str, content: str, *, account: int = account) -> Document:
        async with database.tx(account) as tx:
            document = await documents.create(tx, NewDocument(kind="document", title=title, content=content))
        await _process(database, account, document)
        return document

    return bring


async def _process(database: Database, account: int, document: Document) -> None:
    from trunkline.core.jobs import Call, Desk

    embedder, database.tools.embedder = database.tools.embedder, None
    call = Call(account, 0, None, "documents.process", [document.id, document.revision], "test", "", 0, 1)
    await processing.process(Desk(database, call, database.tools), document.id, document.revision)
    database.tools.embedder = embedder


AI = [name for name in Settings.__struct_fields__ if name.startswith("ai_")]
