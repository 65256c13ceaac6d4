"""A quiet database for what looks at the queues of all accounts."""

from collections.abc import AsyncIterator

import pytest

from tests import world
from trunkline.core.db import Database


@pytest.fixture(scope="module")
async def quiet(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """Nobody else writes to it."""
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database
