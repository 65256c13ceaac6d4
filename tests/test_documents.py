"""The OpenAPI documents: public, and true about where they are served."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from msgspec import Struct
from starlette.applications import Starlette

from trunkline import documents
from trunkline.core.db import Database, Tx
from trunkline.dialects.base import Data, Dialect, HeaderKey, Limits, status_of
from trunkline.dialects.dispatch import Dialects

pytestmark = pytest.mark.anyio


class Wrong(Struct):
    message: str


toy = Dialect(
    "toy",
    title="Toy API",
    prefixes=("/api/toy/v1",),
    auth=(HeaderKey("X-API-Key"),),
    limits=Limits("60/min"),
    errors=lambda error: (status_of(error), Wrong(error.message), {}),
    error_shape=Wrong,
)


@toy.get("/things")
async def list_things(tx: Tx) -> Data[list[int]]:
    """List things."""
    return Data([1])


def served(database: Database, public_url: str = "") -> Starlette:
    dialects = Dialects(database, vault=database.tools.vault, public_url=public_url, served=[toy])
    return Starlette(routes=documents.routes(dialects))


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(served(database))
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver:8080") as client:
        yield client


async def test_a_document_names_the_server_that_was_asked(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/openapi/toy.json")

    document = answer.json()
    assert (answer.status_code, document["openapi"]) == (200, "3.1.0")
    assert document["servers"] == [{"url": "http://testserver:8080/api/toy/v1"}]
    assert "/things" in document["paths"]


async def test_the_public_address_is_the_one_that_was_set(database: Database) -> None:
    transport = httpx2.ASGITransport(served(database, "https://msg.example.com/"))

    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.get("/openapi/toy.json")

    assert answer.json()["servers"] == [{"url": "https://msg.example.com/api/toy/v1"}]


async def test_the_index_leads_to_the_documents(client: httpx2.AsyncClient) -> None:
    (listed,) = (await client.get("/openapi")).json()["dialects"]

    assert (listed["name"], listed["base_url"]) == ("toy", "http://testserver:8080/api/toy/v1")
    assert (await client.get(listed["document_url"])).status_code == 200


async def test_an_unknown_document_is_not_found(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/openapi/nothing.json")

    assert answer.status_code == 404
