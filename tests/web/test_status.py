"""The status page: what it says when all is well, and when it is not."""

import asyncpg
import httpx2
import pytest

from tests import world
from trunkline import health
from trunkline.campaigns import broadcasts
from trunkline.campaigns.broadcasts import NewBroadcast
from trunkline.core.db import Database
from trunkline.core.errors import Unavailable
from trunkline.messaging import channels

pytestmark = pytest.mark.anyio


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch):
    """Sets what the installation's numbers are."""

    def set_to(**values: object) -> None:
        quiet = dict.fromkeys(("events", "jobs", "inbound", "outbound", "webhooks", "dead_letters"), 0)
        numbers = health.Numbers(**{**quiet, "oldest_job": 0.0, "workers": 1, "held": False, **values})

        async def told(database: Database) -> health.Numbers:
            return numbers

        monkeypatch.setattr(health, "numbers", told)

    return set_to


async def test_all_is_well(ana: httpx2.AsyncClient, state) -> None:
    state(outbound=12_345)

    page = await ana.get("/status")

    assert "Everything is running" in page.text
    assert "12,345" in page.text
    assert "banner" not in page.text


async def test_the_real_numbers_can_be_counted(ana: httpx2.AsyncClient) -> None:
    answer = await ana.get("/status.json")

    assert answer.status_code == 200
    assert set(answer.json()["numbers"]) == set(health.Numbers.__struct_fields__)


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [({"workers": 0}, "No worker has been seen for 15 seconds."), ({"held": True}, "Sending is held.")],
)
async def test_what_needs_a_person_stands_on_top(ana: httpx2.AsyncClient, state, numbers, sentence: str) -> None:
    state(**numbers)

    page = await ana.get("/status")

    assert "Something needs you" in page.text
    assert sentence in page.text


async def test_a_channel_tells_its_trouble(ana: httpx2.AsyncClient, database: Database, account: int, state) -> None:
    state()
    channel = await world.simulator(database, account)
    await channels.set_trouble(database, channel, "The server said <no>.")

    page = await ana.get("/status")

    assert f"{channel.name}</bdi> cannot send." in page.text
    assert "The server said &lt;no&gt;." in page.text


async def test_running_broadcasts_show_how_far_they_are(
    ana: httpx2.AsyncClient, database: Database, account: int, connection: asyncpg.Connection
) -> None:
    async with database.tx(account) as tx:
        spring = await broadcasts.create(tx, NewBroadcast(name="Spring", channel="sms", body="Hello"))
        await broadcasts.create(tx, NewBroadcast(name="Draft", channel="sms", body="Hello"))
    await connection.execute("update broadcasts set status = 'sending', total = 10 where id = $1", spring.id)
    await connection.executemany(
        "insert into tallies (account_id, name, value) values ($1, $2, $3)",
        [(account, f"broadcast:{spring.id}:delivered", 6), (account, f"broadcast:{spring.id}:failed", 1)],
    )

    page, answer = await ana.get("/status"), await ana.get("/status.json")

    assert '<progress value="7" max="10"' in page.text
    (sending,) = answer.json()["broadcasts"]
    assert (sending["name"], sending["done"], sending["handed_over"], sending["failed"]) == ("Spring", 7, 6, 1)


async def test_only_the_own_workspace_is_shown(ana: httpx2.AsyncClient, database: Database, other_account: int) -> None:
    channel = await world.simulator(database, other_account)

    page = await ana.get("/status")

    assert channel.name not in page.text


async def test_the_documents_of_all_apis_are_linked(ana: httpx2.AsyncClient) -> None:
    page = await ana.get("/status")

    assert 'href="/openapi/platform.json"' in page.text
    assert 'href="/openapi/portal.json"' in page.text


async def test_the_numbers_are_for_those_signed_in(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/status.json", headers={"Accept": "application/json"})

    assert answer.status_code == 401
    assert answer.json() == {"message": "Unauthenticated.", "code": "unauthenticated"}


async def test_without_the_database_the_page_asks_for_patience(
    ana: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(database: Database) -> health.Numbers:
        raise Unavailable("The database")

    monkeypatch.setattr(health, "numbers", away)

    page = await ana.get("/status")

    assert (page.status_code, page.headers["retry-after"]) == (503, "5")
    assert "Back in a moment" in page.text
