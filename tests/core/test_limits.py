"""The limiter against the definition: never more than the limit in any window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core import clock, limits
from trunkline.core.limits import Bucket, Limiter


@pytest.fixture
def hands(monkeypatch):
    """The hands of the clock: set `hands[0]`."""
    time = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: time[0])
    return time


@given(
    gaps=st.lists(st.floats(0, 20) | st.just(0.0), max_size=150),
    limit=st.integers(1, 6),
    per=st.sampled_from([1, 7, 60]),
)
def test_no_window_holds_more_than_the_limit(gaps, limit, per):
    limiter, bucket, now, taken = Limiter(), Bucket("b", limit, per), 1000.0, []
    with pytest.MonkeyPatch.context() as patch:
        for gap in gaps:
            now += gap * per / 10
            patch.setattr(clock, "monotonic", lambda moment=now: moment)
            verdict = limiter.hit("key", bucket)
            if verdict.allowed:
                taken.append(now)
            counted = len([moment for moment in taken if moment > now - per])

            assert counted <= limit
            assert verdict.remaining <= limit - counted
            assert verdict.allowed or len([m for m in taken if m > now - per * 66 / 64]) >= limit


def test_the_remainder_counts_down_to_the_refusal(hands):
    limiter, bucket = Limiter(), Bucket("general", 60)

    verdicts = [limiter.hit("key", bucket) for _ in range(61)]

    assert [verdict.remaining for verdict in verdicts] == [*range(59, -1, -1), 0]
    assert [verdict.allowed for verdict in verdicts] == [True] * 60 + [False]
    assert 60 <= verdicts[-1].retry_after <= 61


def test_after_the_wait_there_is_room(hands):
    limiter, bucket = Limiter(), Bucket("general", 2, 10)
    limiter.hit("key", bucket, cost=2)
    refused = limiter.hit("key", bucket)

    hands[0] += refused.retry_after

    assert limiter.hit("key", bucket, cost=2).allowed


def test_a_refusal_costs_nothing_and_neither_does_a_look(hands):
    limiter, bucket = Limiter(), Bucket("general", 5)
    limiter.hit("key", bucket, cost=3)

    assert not limiter.hit("key", bucket, cost=3).allowed
    assert limiter.hit("key", bucket, cost=0).remaining == 2


def test_more_than_the_limit_at_once_never_fits(hands):
    verdict = Limiter().hit("key", Bucket("general", 5), cost=6)

    assert (verdict.allowed, verdict.remaining) == (False, 5)
    assert verdict.retry_after > 0


def test_keys_and_buckets_do_not_share(hands):
    limiter = Limiter()
    limiter.hit("a", Bucket("general", 1))

    assert limiter.hit("b", Bucket("general", 1)).allowed
    assert limiter.hit("a", Bucket("send", 1)).allowed


def test_reset_is_a_moment_to_come(hands):
    verdict = Limiter().hit("key", Bucket("general", 1, 60))

    assert 59 <= verdict.reset_unix - clock.now().timestamp() <= 63


def test_idle_keys_are_forgotten_and_busy_ones_kept(hands):
    limiter, bucket = Limiter(), Bucket("general", 1, 10)
    for number in range(1020):
        limiter.hit(number, bucket)
    hands[0] += 20
    limiter.hit("busy", bucket)

    for number in range(2000, 2010):
        limiter.hit(number, bucket)

    assert len(limiter) < 20
    assert not limiter.hit("busy", bucket).allowed


def test_a_flood_of_keys_has_a_ceiling(hands):
    limiter, bucket = Limiter(most_keys=100), Bucket("general", 1)

    for number in range(1000):
        limiter.hit(number, bucket)

    assert len(limiter) <= 100
    assert not limiter.hit(999, bucket).allowed


@pytest.mark.parametrize(
    ("text", "limit", "per"),
    [
        ("60/minute", 60, 60),
        ("2500/hour", 2500, 3600),
        ("5/10s", 5, 10),
        ("1 / sec", 1, 1),
        ("9/2days", 9, 172_800),
    ],
)
def test_rates_are_read(text, limit, per):
    assert limits.parse("general", text) == Bucket("general", limit, per)


def test_off_is_no_bucket():
    assert limits.parse("general", "off") is None


@pytest.mark.parametrize("text", ["", "60", "0/minute", "-1/minute", "60/fortnight", "5/0s", "1e3/minute", "60/"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(ValueError, match="60/minute"):
        limits.parse("general", text)
