"""Cutting texts: everything is kept, pieces are small, an edit moves little."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from trunkline.knowledge import chunks
from trunkline.knowledge.chunks import MOST

MARKDOWN = """Before everything.

# Returns

Goods may be returned within 30 days.

## Costs

We pay for the parcel. You pay for the paper.

# Shipping

Two days.
"""


def test_headings_part_a_text_and_are_told_as_a_path() -> None:
    found = chunks.split(MARKDOWN)

    assert [(piece.heading, piece.text) for piece in found] == [
        ("", "Before everything."),
        ("Returns", "Goods may be returned within 30 days."),
        ("Returns > Costs", "We pay for the parcel. You pay for the paper."),
        ("Shipping", "Two days."),
    ]


def test_a_heading_above_nothing_stands_for_itself() -> None:
    found = chunks.split("# One\n\n## Two\n")

    assert [(piece.heading, piece.text) for piece in found] == [("One", "Two")]


def test_quotation_marks_stay_with_their_sentence() -> None:
    text = 'He said: "It is done." ' + "She nodded and said nothing at all. " * 40

    found = chunks.split(text)

    assert all(piece.text.startswith(("He", "She")) for piece in found)


def test_what_has_no_letters_has_no_pieces() -> None:
    assert chunks.split(" \n\n ... --- \n") == []


def test_a_long_text_is_cut_at_sentences_and_sentences_overlap() -> None:
    text = " ".join(f"This is the sentence number {n} of a long paragraph." for n in range(200))

    found = chunks.split(text)

    assert len(found) > 5
    assert all(piece.text.startswith("This is") and piece.text.endswith("paragraph.") for piece in found)
    assert all(one.last > next.first for one, next in pairwise(found))


def test_an_edit_at_the_beginning_leaves_most_pieces_as_they_were() -> None:
    paragraphs = [f"Paragraph {n}. " + f"It says {n * n} things about number {n}. " * 6 for n in range(200)]
    before = {piece.text for piece in chunks.split("\n\n".join(paragraphs))}

    after = {piece.text for piece in chunks.split("\n\n".join(["Something new stands here.", *paragraphs]))}

    assert len(after - before) <= 3


@given(st.text(st.sampled_from("ab .!\n# 。\t-é"), max_size=4000))
def test_every_letter_is_in_a_piece_or_a_heading(text: str) -> None:
    found = chunks.split(text)

    covered = "".join(piece.heading + piece.text for piece in found)
    assert set(filter(str.isalnum, text)) == set(filter(str.isalnum, covered))
    assert all(piece.text == text[piece.first : piece.last] and piece.text.strip() for piece in found)
    assert all(len(piece.text) <= MOST for piece in found if "#" not in text)


def test_hostile_texts_are_cut_in_time() -> None:
    for text in (
        " " * 500_000 + "a",
        "# " + "#" * 500_000 + "x",
        "a" * 500_000,
        "\n \t" * 200_000 + "b",
        "." * 300_000 + "c",
    ):
        assert chunks.split(text)
