"""The price table."""

import pytest

from trunkline.billing import prices


@pytest.mark.parametrize(
    ("kind", "pool", "metered", "segments", "credits"),
    [
        ("simulator", False, True, 3, 3),
        ("simulator", False, True, 0, 1),
        ("simulator", False, False, 3, 0),
        ("smtp", False, True, 1, 0),
        ("custom_http", False, True, 2, 0),
        ("simulator", True, False, 2, 2),
        ("smtp", True, False, 0, 1),
        ("custom_http", True, True, 4, 4),
    ],
)
def test_a_message_costs_by_channel_and_segments(
    kind: str, pool: bool, metered: bool, segments: int, credits: int
) -> None:
    assert prices.price(kind, pool=pool, metered=metered, segments=segments) == credits


def test_an_answer_of_the_assistant_costs_the_metered_one_credit() -> None:
    assert (prices.ai_turn(metered=True), prices.ai_turn(metered=False)) == (1, 0)
