"""Claims that run at once: what each may take, and that lines keep their order."""

import asyncio
from collections import defaultdict

import pytest
from msgspec import structs

from trunkline.core.db import Database
from trunkline.messaging import lines
from trunkline.messaging.feeding import Feeder
from trunkline.messaging.flights import BULK_SHARE, CAREFUL_WINDOW, MOST_AT_ONCE, AllFlights, Flights
from trunkline.messaging.lines import Line, LineKey
from trunkline.messaging.sending import BULK, REPLY

pytestmark = pytest.mark.anyio


class Claims(Feeder):
    """A feeder whose claims bring something when they are told to."""

    def __init__(self, database: Database, flights: AllFlights) -> None:
        super().__init__(database, flights, {}, lambda *_: None)
        self.asked: list[int] = []
        self.dry: set[LineKey] = set()
        self.told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def _feed(self, line: Line, room: int) -> bool:
        self.asked.append(room)
        return await self.told

    async def feed(self, *due: Line) -> bool:
        fed = await self._feed_all(list(due), self.dry, set())
        await asyncio.sleep(0)  # what was begun runs
        return fed

    async def end(self, *, more: bool) -> None:
        self.told.set_result(more)
        while self.busy:
            await asyncio.sleep(0)


@pytest.fixture
async def flights() -> AllFlights:
    flights: AllFlights = defaultdict(Flights)
    for number in (1, 2):
        fast = flights[number]
        fast.careful, fast.held, fast.out = False, 100_000, 100_000
        fast.settled(100_000, 1.0)
    return flights


@pytest.fixture
async def claims(database: Database, flights: AllFlights) -> Claims:
    return Claims(database, flights)


def line(lane: int, channel: int = 1) -> Line:
    return Line(lane=lane, channel_id=channel, account_id=1, broadcast_id=5 if lane == BULK else 0, rate=None)


async def test_bulk_is_claimed_twice_at_once(claims: Claims, flights: AllFlights) -> None:
    fed = [await claims.feed(line(BULK)), await claims.feed(line(BULK))]

    assert fed == [True, True]
    assert claims.asked == [MOST_AT_ONCE, MOST_AT_ONCE]
    assert flights[1].promised == 2 * MOST_AT_ONCE
    await claims.end(more=True)


async def test_who_waits_for_an_answer_is_claimed_in_order(claims: Claims) -> None:
    fed = [await claims.feed(line(REPLY)), await claims.feed(line(REPLY))]

    assert fed == [True, False]
    await claims.end(more=True)


async def test_one_line_waits_for_no_other(claims: Claims) -> None:
    await claims.feed(line(REPLY, channel=1), line(REPLY, channel=2))

    assert len(claims.asked) == 2
    await claims.end(more=True)


async def test_claims_of_a_paced_line_follow_each_other(claims: Claims) -> None:
    paced = structs.replace(line(BULK), rate=50.0)

    fed = [await claims.feed(paced), await claims.feed(paced)]

    assert fed == [True, False]
    await claims.end(more=True)


async def test_news_leaves_bulk_its_turn(claims: Claims, monkeypatch: pytest.MonkeyPatch) -> None:
    async def due(_: Database) -> list[Line]:
        return [line(REPLY, channel=3), line(BULK, channel=3)]

    monkeypatch.setattr(lines, "due", due)
    round = asyncio.create_task(claims._round())
    while not claims.asked:
        await asyncio.sleep(0)
    claims.wake()
    await claims.end(more=False)
    await round

    assert claims.asked == [CAREFUL_WINDOW, int(CAREFUL_WINDOW * BULK_SHARE)]


@pytest.mark.parametrize("more", [True, False])
async def test_what_a_claim_did_not_bring_is_free_again(claims: Claims, flights: AllFlights, more: bool) -> None:
    await claims.feed(line(BULK))

    await claims.end(more=more)

    assert flights[1].promised == 0
    assert claims.dry == (set() if more else {line(BULK).key})
