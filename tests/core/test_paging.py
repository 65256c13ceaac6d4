"""Cursors that only their own walk can use, and page numbers that cannot run away."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core import paging
from trunkline.core.crypto import Vault
from trunkline.core.paging import BadCursor

VAULT = Vault(b"s" * 32)
Place = tuple[datetime, UUID, int, str | None]


@given(st.tuples(st.datetimes(timezones=st.just(UTC)), st.uuids(), st.integers(-9, 2**63 - 1), st.none() | st.text()))
def test_a_cursor_brings_back_its_place(values):
    cursor = paging.encode(VAULT, "contacts:17", values)

    assert paging.decode(VAULT, "contacts:17", cursor, Place) == values


@pytest.mark.parametrize("walk", ["contacts:18", "messages:17", "contacts:1", ""])
def test_a_cursor_of_another_walk_is_refused(walk):
    cursor = paging.encode(VAULT, "contacts:17", (1,))

    with pytest.raises(BadCursor):
        paging.decode(VAULT, walk, cursor, tuple[int])


@given(st.data())
def test_a_changed_cursor_is_refused(data):
    cursor = paging.encode(VAULT, "contacts:17", (datetime(2026, 1, 1, tzinfo=UTC), 5))
    place = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters().filter(lambda char: char != cursor[place]))

    for bad in (cursor[:place] + other + cursor[place + 1 :], cursor[:place], cursor + other):
        with pytest.raises(BadCursor):
            paging.decode(VAULT, "contacts:17", bad, tuple[datetime, int])


@given(st.text() | st.binary().map(bytes.hex))
def test_any_text_can_be_tried(text):
    with pytest.raises(BadCursor):
        paging.decode(VAULT, "contacts:17", text, tuple[int])


def test_a_cursor_with_other_columns_is_refused():
    with pytest.raises(BadCursor):
        paging.decode(VAULT, "w", paging.encode(VAULT, "w", ("x",)), tuple[int])


@given(st.integers(), st.integers(), st.integers(1, 500))
def test_pages_stay_in_range(number, per_page, most):
    page = paging.page(number, per_page, most=most)

    assert page.number >= 1
    assert 1 <= page.per_page <= most
    assert 0 <= page.offset < 2**53


def test_the_arithmetic_of_pages():
    page = paging.page(3, 20)

    assert (page.offset, page.last(41), page.last(40), page.last(0)) == (40, 3, 2, 1)
    assert (page.span(1), page.span(0)) == ((41, 41), (None, None))
