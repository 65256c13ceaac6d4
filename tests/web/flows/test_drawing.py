"""Drawings of flows: nobody lies upon anybody, what a file says cannot send a box miles away, texts fit."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import talks
from trunkline.flows import loading
from trunkline.flows.definition import Flow
from trunkline.web import words
from trunkline.web.flows import drawing
from trunkline.web.flows.drawing import Box

ENGLISH = words.of("en")


def flow(places: dict[int, Any] | None = None, number: int = 6, **more: Any) -> Flow:
    """A chain of questions; the last one asks the first again."""
    ids = [talks.uuid() for _ in range(number)]
    following = itertools.cycle(ids)
    next(following)
    nodes = [talks.question({"yes": to, "no": None}, id, id=id) for id, to in zip(ids, following, strict=False)]
    if places is not None:
        more["_ui"] = {"nodes": {ids[index]: {"position": place} for index, place in places.items()}}
    return loading.load(talks.definition(*nodes, **more))


def drawn(flow: Flow, counts: Any = None) -> list[Box]:
    return drawing.draw(flow, counts or {}, ENGLISH).boxes


def overlapping(boxes: list[Box]) -> list[tuple[str, str]]:
    return [
        (one.uuid, other.uuid)
        for one, other in itertools.combinations(boxes, 2)
        if one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    ]


@given(st.lists(st.tuples(st.integers(-900, 900), st.integers(-900, 900)), min_size=6, max_size=6))
def test_boxes_never_lie_upon_each_other(places: list[tuple[int, int]]) -> None:
    boxes = drawn(flow({index: {"left": x, "top": y} for index, (x, y) in enumerate(places)}))

    assert overlapping(boxes) == []
    assert all(box.x >= 0 and box.y >= 0 for box in boxes)


@pytest.mark.parametrize(
    "place", [None, "here", {"left": "far"}, {"left": 1e300, "top": 0}, {"left": [], "top": 0}, {"top": float("inf")}]
)
def test_without_places_that_can_be_used_the_flow_is_laid_out_in_layers(place: Any) -> None:
    given_places = dict.fromkeys(range(6), place)

    boxes = drawn(flow(given_places if place is not None else None))

    assert overlapping(boxes) == []
    assert [box.y for box in boxes] == sorted(box.y for box in boxes)


def test_the_author_s_places_are_kept() -> None:
    boxes = drawn(flow({index: {"left": 100 + 400 * index, "top": 50} for index in range(6)}))

    assert [box.x - boxes[0].x for box in boxes] == [400 * index for index in range(6)]


def test_counts_stand_at_their_nodes_and_exits() -> None:
    asked = flow(number=2)
    first = asked.nodes[0]
    way = first.exits[0]
    counts = {
        "node": {first.uuid: 7},
        "waiting": {first.uuid: 2},
        "exit": {f"{way.uuid}:{way.destination_uuid}": 5},
    }

    box = drawn(asked, counts)[0]

    assert (box.entered, box.waiting) == (7, 2)
    assert [chip.passed for chip in box.chips] == [5, 0, 0]


def test_exits_are_called_by_their_categories_and_lead_where_they_go() -> None:
    chips = drawn(flow())[0].chips

    assert [chip.name for chip in chips] == ["Yes", "No", "Other"]
    assert [bool(chip.path) for chip in chips] == [True, False, True]


@given(st.text(max_size=400), st.integers(40, 300), st.integers(1, 4))
def test_wrapped_texts_fit(text: str, width: int, most: int) -> None:
    lines = drawing.wrapped(text, width, most)

    assert len(lines) <= most
    assert all(drawing.measure(line) <= width for line in lines)


def test_a_thousand_steps_are_drawn() -> None:
    boxes = drawn(flow(number=1000))

    assert len(boxes) == 1000
