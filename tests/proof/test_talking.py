"""Contacts talk to a flow while workers are killed: the short form of `trunkline prove --flows`."""

from collections.abc import AsyncIterator

import pytest

from tests import world
from trunkline.core.db import Database
from trunkline.proof import talking
from trunkline.proof.crew import Crew

pytestmark = pytest.mark.anyio

CONTACTS = 300
KILLS = 5


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


async def test_every_talk_ends_as_if_no_worker_had_been_killed(database: Database) -> None:
    async def end_leases() -> None:
        """Those of the living end as well, and must do no harm."""
        for queue in ("jobs", "inbound"):
            await world.execute(database.dsn, f"update {queue} set run_at = now() where attempts > 0")

    async with Crew(database.dsn, database.tools.settings.data, 2) as crew:
        talks = await talking.run(database, crew, CONTACTS, KILLS, lambda count: None, end_leases)

    assert (talks.kills, talks.wrong, talks.doubled, talks.buried) == (KILLS, 0, 0, 0)


async def test_what_went_wrong_is_seen(database: Database) -> None:
    async with Crew(database.dsn, database.tools.settings.data, 1) as crew:
        calm = await talking.gather(database, 4)
        await talking.talk(database, calm, lambda count: None)
    expected = await talking.endings(database, calm)
    await world.execute(
        database.dsn,
        """insert into messages (account_id, uuid, direction, contact_id, channel_id, scheme, address, body, status)
           select account_id, gen_random_uuid(), direction, contact_id, channel_id, scheme, address, body, status
           from messages where account_id = $1 and direction = 'out' order by id limit 1""",
        calm.account,
    )

    talks = await talking.judge(database, crew, calm, expected, 0)

    assert (talks.wrong, talks.doubled) == (1, 1)
