"""What lists show: what comes back from snoozing, who is called in notes, when a snooze ends, searches."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest
import time_machine

from tests import world
from trunkline.contacts import people
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database
from trunkline.core.errors import Invalid
from trunkline.inbox import changes, conversations, finding, mentions, presence, snoozing, views
from trunkline.inbox.changes import Changes
from trunkline.inbox.conversations import Assignee
from trunkline.inbox.finding import Looker
from trunkline.inbox.views import Wanted

pytestmark = pytest.mark.anyio

BUCHAREST = ZoneInfo("Europe/Bucharest")
ANYBODY = Looker(1, BUCHAREST)
WEDNESDAY = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


async def two(database: Database, account: int) -> tuple[int, int]:
    channel = await world.simulator(database, account)
    async with database.tx(account) as tx:
        ids = []
        for name in ("Ana 100%", "Ion"):
            contact = await people.create(tx, NewContact(name=name))
            ids.append((await conversations.start(tx, contact.id, channel)).id)
    return ids[0], ids[1]


@pytest.mark.parametrize(
    ("choice", "moment"),
    [
        ("later", "2026-03-04T18:00:00+02:00"),
        ("tomorrow", "2026-03-05T09:00:00+02:00"),
        ("week", "2026-03-09T09:00:00+02:00"),
        ("2026-03-06T11:30", "2026-03-06T11:30:00+02:00"),
        ("2026-03-06T11:30:00Z", "2026-03-06T11:30:00+00:00"),
    ],
)
def test_a_snooze_ends_on_the_workspaces_clock(choice: str, moment: str) -> None:
    with time_machine.travel(WEDNESDAY, tick=False):
        assert snoozing.moment(choice, BUCHAREST) == datetime.fromisoformat(moment)


def test_a_snooze_until_nonsense_is_refused() -> None:
    with pytest.raises(Invalid):
        snoozing.moment("soon", BUCHAREST)


def test_the_longer_name_is_the_one_who_is_called() -> None:
    colleagues = [Assignee(1, "Ana", "ana@example.com"), Assignee(2, "Ana Maria", "am@example.com")]

    assert mentions.called_in("@ana maria, look", colleagues) == [2]
    assert mentions.called_in("@Ana and @am@example.com", colleagues) == [2, 1]
    assert mentions.called_in("mail@ana.example, @Anabel", colleagues) == []


async def test_what_wakes_comes_to_the_top_and_says_so(
    database: Database, account: int, connection: asyncpg.Connection
) -> None:
    old, new = await two(database, account)
    async with database.tx(account) as tx:
        until = datetime.now(UTC) + timedelta(hours=1)
        await changes.update(tx, old, Changes(status="snoozed", snoozed_until=until))
    await connection.execute("update conversations set snoozed_until = now() - interval '1 s' where id = $1", old)

    await snoozing.wake(database)

    async with database.tx(account) as tx:
        lines = await views.page(tx, Wanted(), ANYBODY)
    assert [(line.id, line.is_woken) for line in lines] == [(old, True), (new, False)]


@pytest.mark.parametrize(("query", "found"), [("100%", 1), ("%", 1), ("_", 0), ("from:ion", 1), ('from:"ana 100%"', 1)])
async def test_a_search_takes_signs_as_they_are(database: Database, account: int, query: str, found: int) -> None:
    await two(database, account)

    async with database.tx(account) as tx:
        lines = await finding.page(tx, await finding.read(tx, query, ANYBODY))

    assert len(lines) == found


async def test_news_of_presence_are_told_once(database: Database, account: int, connection: asyncpg.Connection) -> None:
    id, _ = await two(database, account)

    for typing in (False, False, True, True):
        async with database.tx(account) as tx:
            await presence.seen(tx, id, 7, typing=typing)

    told = await connection.fetchval(
        "select count(*) from events where account_id = $1 and type = 'presence.changed'", account
    )
    assert told == 2
