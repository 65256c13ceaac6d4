"""The demo world: whole, always the same, and made once."""

from collections.abc import AsyncIterator

import pytest

from trunkline.campaigns import broadcasts
from trunkline.core.config import Settings
from trunkline.core.db import Database
from trunkline.core.tools import Tools
from trunkline.inbox import listing
from trunkline.messaging import channels, statuses
from trunkline.storage.seeds import demo, people

pytestmark = pytest.mark.anyio


@pytest.fixture
async def acme(database: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[demo.Demo]:
    """The demo world of this test run's database; its login is only known to the first who asks."""
    settings = Settings(data=tmp_path_factory.mktemp("demo"), secret="the one secret of a test run's database")
    tools, database.tools = database.tools, Tools(settings)
    yield await demo.once(database)
    database.tools = tools


async def test_it_is_made_once(database: Database, acme: demo.Demo) -> None:
    again = await demo.once(database)

    assert again == demo.Demo(demo.EMAIL, acme.account)


async def test_people_talk_on_three_channels(database: Database, acme: demo.Demo) -> None:
    async with database.tx(acme.account["id"]) as tx:
        counted = await listing.by_status(tx)
        latest = await listing.latest(tx)

    assert counted == {"open": 4, "snoozed": 1, "closed": 1} | {
        name: 0 for name in counted if name in ("pending", "spam")
    }
    assert {conversation.channel for conversation in latest} == {"sms", "whatsapp", "email"}


async def test_one_broadcast_is_finished_and_one_is_running(database: Database, acme: demo.Demo) -> None:
    async with database.tx(acme.account["id"]) as tx:
        found, _ = await broadcasts.page(tx)

    assert {one.name: one.status for one in found} == {"New opening hours": "sent", "Summer catalogue": "sending"}


async def test_agents_have_answered(database: Database, acme: demo.Demo) -> None:
    async with database.tx(acme.account["id"]) as tx:
        counted = await statuses.stats(tx)
        latest = await listing.latest(tx)

    assert counted["handled"] == len(people.TALKS)
    assert [one.assignee_name for one in latest if one.first_response_at] == ["Mira Agent"] * 3


async def test_every_channel_is_the_simulator(database: Database, acme: demo.Demo) -> None:
    async with database.tx(acme.account["id"]) as tx:
        found = await channels.all_of(tx)

    assert {channel.kind for channel in found} == {"simulator"}
