"""Each public API, as its document tells it, called with what a fuzzer makes of it: it keeps its word and its temper.

The app listens on the loopback and holds the demo world, so that small ids name something. The calls are always the
same ones; `TRUNKLINE_FUZZ_EXAMPLES` makes more of them, and `TRUNKLINE_FUZZ_SEED` others (`make chaos`).
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests import world
from trunkline import dialects
from trunkline.app import App
from trunkline.core.db import Database
from trunkline.server import Edge, serve
from trunkline.storage.seeds import demo

pytestmark = pytest.mark.anyio

EXAMPLES = os.environ.get("TRUNKLINE_FUZZ_EXAMPLES", "40")
SEED = os.environ.get("TRUNKLINE_FUZZ_SEED")
DEADLINE_SECONDS = 300 + 10 * int(EXAMPLES)
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


class Site(Struct):
    url: str
    keys: dict[str, str]


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Site]:
    """The whole app on a port, and a key without rate limits for each of its APIs."""
    acme = await demo.once(database)
    await world.execute(database.dsn, "update api_keys set rate_limit = 'off'")
    app, stop = App(database), asyncio.Event()
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    await app.open()
    serving = asyncio.create_task(
        serve(
            Edge(app, access_log=False),
            host="127.0.0.1",
            port=0,
            stop=stop,
            body_cap=app.body_cap,
            wording=app.wording,
            drain_seconds=1,
            on_listen=lambda host, port: listening.set_result(port),
        )
    )
    yield Site(f"http://127.0.0.1:{await listening}", acme.keys or {})
    stop.set()
    await serving
    await app.close()


@pytest.mark.parametrize("name", dialects.DIALECTS)
async def test_an_api_keeps_to_its_document(site: Site, name: str, tmp_path: Path) -> None:
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{site.url}/openapi/{name}.json"),
        *("--header", credential(dialects.load(name), site.keys[name])),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"),
        *(("--seed", SEED) if SEED else ("--generation-deterministic",)),
        *("--max-examples", EXAMPLES, "--suppress-health-check", "all"),
        *("--workers", "1", "--request-timeout", "30", "--warnings", "off", "--no-color"),
    ]

    fuzzer = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        told, _ = await fuzzer.communicate()

    assert fuzzer.returncode == 0, told.decode()


def credential(dialect: Any, key: str) -> str:
    """The header by which the first kind of credential of an API carries a key."""
    security = dialect.auth[0].security
    if security["type"] == "http":
        return f"Authorization: {security['scheme'].capitalize()} {key}"
    value = f"Token {key}" if security["name"].lower() == "authorization" else key
    return f"{security['name']}: {value}"
