"""Texts on their way out: parted, and looked at for something that can be seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.inbox import reaching


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One", ["One"]),
        ("One\nstill one", ["One\nstill one"]),
        ("One\n\nTwo", ["One", "Two"]),
        ("One\r\n\r\nTwo", ["One", "Two"]),
        ("\n\nOne\n  \n\n \t\nTwo\n\n", ["One", "Two"]),
        ("One\n\n\u200b\n\nTwo", ["One", "Two"]),
        (" \n\n ", []),
    ],
)
def test_blank_lines_part_a_text(text, pieces):
    assert reaching.pieces(text) == pieces


def test_too_many_parts_are_refused():
    with pytest.raises(Invalid):
        reaching.pieces("x\n\n" * 31)


@given(st.lists(st.text("ab \t", min_size=1).filter(str.strip), max_size=30))
def test_parts_come_out_as_they_went_in(parts):
    assert reaching.pieces("\n\n".join(parts)) == [part.strip() for part in parts]


@pytest.mark.parametrize("text", ["a", "👍", "❤️", ".", "ą", "‏שלום"])
def test_what_can_be_seen_stays(text):
    assert reaching.visible(text)


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b", "\ufeff\u2060", "\u00ad", "\u3164", "\u00a0", "\ufe0f"])
def test_what_nobody_sees_is_nothing(text):
    assert reaching.visible(text) == ""
