"""How much of one channel may be claimed, and how much of it open, at any moment."""

import pytest

from trunkline.messaging.flights import CAREFUL_WINDOW, MOST_AT_ONCE, MOST_HELD, WINDOW, Batch, Flights, Sending
from trunkline.messaging.lines import Line
from trunkline.messaging.sending import BULK, REPLY


@pytest.fixture
def flights() -> Flights:
    flights = Flights()
    flights.careful = False
    return flights


def batch(lane: int, messages: int = 1) -> Batch:
    line = Line(lane=lane, channel_id=1, account_id=1, broadcast_id=0, rate=None, ready_in=0.0)
    sendings = [Sending(line, None, None, 0.0, 0.0) for _ in range(messages)]  # type: ignore[arg-type]
    return Batch(None, sendings, [])  # type: ignore[arg-type]


def pass_through(flights: Flights, messages: int, at: float) -> None:
    """So many messages were claimed, handed over and written down by then."""
    flights.add(batch(REPLY, messages))
    flights.take()
    flights.settled(messages, at)


def test_a_channel_begins_with_little(flights: Flights):
    assert flights.room(REPLY) == CAREFUL_WINDOW


def test_a_fast_channel_claims_ahead_by_its_pace(flights: Flights):
    pass_through(flights, 500, at=1.0)

    assert flights.room(REPLY) == 250


def test_it_hands_over_less_than_it_has_claimed(flights: Flights):
    pass_through(flights, 500, at=1.0)
    for _ in range(200):
        flights.add(batch(REPLY))

    handed = sum(flights.take() is not None for _ in range(200))

    assert handed == 100


def test_the_fastest_channel_holds_no_more_than_the_most(flights: Flights):
    pass_through(flights, 100_000, at=1.0)
    flights.held = MOST_HELD - 1

    assert flights.room(REPLY) == 1


def test_one_claim_takes_no_more_than_a_portion(flights: Flights):
    pass_through(flights, 100_000, at=1.0)

    assert flights.room(REPLY) == MOST_AT_ONCE


def test_a_channel_that_slows_down_claims_less(flights: Flights):
    pass_through(flights, 1_000, at=1.0)
    pass_through(flights, 10, at=11.0)

    assert flights.room(REPLY) == CAREFUL_WINDOW


def test_bulk_leaves_room_for_those_who_wait_for_an_answer(flights: Flights):
    flights.add(batch(BULK, 10))

    rooms = flights.room(BULK), flights.room(REPLY)

    assert rooms == (int(CAREFUL_WINDOW * 0.75) - 10, CAREFUL_WINDOW - 10)


def test_bulk_waits_for_room_that_is_worth_a_claim(flights: Flights):
    pass_through(flights, 1_000, at=1.0)
    first = flights.least(BULK)
    flights.add(batch(BULK, 10))

    assert (first, flights.least(BULK), flights.least(REPLY)) == (1, 93, 1)


def test_a_careful_channel_claims_no_more_than_it_may_leave_open(flights: Flights):
    flights.careful = True

    assert flights.room(REPLY) == CAREFUL_WINDOW


def test_replies_are_handed_over_before_bulk(flights: Flights):
    flights.add(batch(BULK))
    flights.add(batch(REPLY))

    first = flights.take()

    assert first is not None
    assert first.sendings[0].line.lane == REPLY


@pytest.mark.parametrize(("settled", "window"), [(10, CAREFUL_WINDOW), (500, 100), (100_000, WINDOW)])
def test_no_more_than_a_window_is_open(flights: Flights, settled: int, window: int):
    pass_through(flights, settled, at=1.0)
    for _ in range(WINDOW + 100):
        flights.add(batch(REPLY))

    taken = [flights.take() for _ in range(WINDOW + 100)]

    assert sum(each is not None for each in taken) == window


def test_a_settled_message_makes_room_for_the_next(flights: Flights):
    for _ in range(WINDOW + 1):
        flights.add(batch(REPLY))
    while flights.take():
        pass

    flights.settled(1, 1.0)

    assert flights.take() is not None


def test_bulk_does_not_fill_the_window(flights: Flights):
    for _ in range(WINDOW):
        flights.add(batch(BULK))
    while flights.take():
        pass
    flights.add(batch(REPLY))

    reply = flights.take()

    assert reply is not None
