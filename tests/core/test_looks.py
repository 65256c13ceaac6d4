"""Loops that look for work take turns."""

import itertools

import time_machine

from trunkline.core.looks import APART_SECONDS, Looks

WHO = ("jobs", "events", "inbound", "outbound")


def moments(looks: Looks, seconds: float) -> list[float]:
    return sorted(looks.after(who, seconds) for who in WHO)


def test_who_rests_alone_rests_as_long_as_it_wants():
    with time_machine.travel(0, tick=False):
        assert Looks().after("jobs", 1.0) == 1.0


def test_no_two_look_at_the_same_moment():
    with time_machine.travel(0, tick=False):
        rests = moments(Looks(), 1.0)

    assert all(later - sooner > APART_SECONDS * 0.99 for sooner, later in itertools.pairwise(rests))
    assert rests[-1] < 1.0 + len(WHO) * APART_SECONDS


def test_who_was_woken_gives_its_old_moment_up():
    with time_machine.travel(0, tick=False):
        looks = Looks()
        looks.after("jobs", 1.0)
        looks.after("jobs", 3.0)

        assert looks.after("events", 1.0) == 1.0
