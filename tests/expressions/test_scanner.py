"""Where in a text the expressions are."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.expressions.scanner import Piece, scan

TOPS = frozenset({"contact", "fields", "größe"})


def path(inside: str) -> Piece:
    return Piece(f"@{inside}", inside)


def bracketed(inside: str) -> Piece:
    return Piece(f"@({inside})", inside)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("plain", ["plain"]),
        ("@contact", [path("contact")]),
        ("@contact.name", [path("contact.name")]),
        ("@CONTACT.Name", [path("CONTACT.Name")]),
        ("Hi @contact.name.", ["Hi ", path("contact.name"), "."]),
        ("Hi @contact.name...", ["Hi ", path("contact.name"), "..."]),
        ("@contact. name", [path("contact"), ". name"]),
        ("@contact.name, hi", [path("contact.name"), ", hi"]),
        ("@contact's", [path("contact"), "'s"]),
        ("@contact-name", [path("contact"), "-name"]),
        ("@fields.größe_2", [path("fields.größe_2")]),
        ("@fields.年齢!", [path("fields.年齢"), "!"]),
        ("@Größe", [path("Größe")]),
        ("@fields.½.٣", [path("fields.½.٣")]),
        ("@contact@fields", [path("contact"), path("fields")]),
        ("@contacts", ["@contacts"]),
        ("@twitter.contact", ["@twitter.contact"]),
        ("bob@example.com", ["bob@example.com"]),
        ("bob@contact.com", ["bob", path("contact.com")]),
        ("@@contact", ["@contact"]),
        ("@@@contact", ["@", path("contact")]),
        ("@@@@", ["@@"]),
        ("a @ b", ["a @ b"]),
        ("@", ["@"]),
        ("@.contact", ["@.contact"]),
        ("@-", ["@-"]),
        ("@(1)", [bracketed("1")]),
        ("@()", [bracketed("")]),
        ("a@(1)b", ["a", bracketed("1"), "b"]),
        ("@((1 + 2) * f(3))!", [bracketed("(1 + 2) * f(3)"), "!"]),
        ("@(1).x", [bracketed("1"), ".x"]),
        ('@(")")', [bracketed('")"')]),
        ('@("(")', [bracketed('"("')]),
        (r'@("\")")', [bracketed(r'"\")"')]),
        (r'@("\\")', [bracketed(r'"\\"')]),
        ('@("a@contact")', [bracketed('"a@contact"')]),
        ("@(1\n+ 2)", [bracketed("1\n+ 2")]),
        ("@ (1)", ["@ (1)"]),
        ("@@(1)", ["@(1)"]),
        ("a @(1", ["a @(1"]),
        ("a @((1)", ["a @((1)"]),
        ('@("1)', ['@("1)']),
        ("@(1)) @(2)", [bracketed("1"), ") ", bracketed("2")]),
        ("\0@contact\0", ["\0", path("contact"), "\0"]),
    ],
)
def test_pieces_of_a_text(text: str, expected: list[str | Piece]) -> None:
    assert list(scan(text, TOPS)) == expected


@given(st.lists(st.sampled_from(["@", "(", ")", '"', "\\", ".", "contact", "x", " "]), max_size=40).map("".join))
def test_nothing_is_lost(text: str) -> None:
    pieces = list(scan(text, TOPS))

    written = "".join(piece if isinstance(piece, str) else piece.source for piece in pieces)

    assert written.replace("@", "") == text.replace("@", "")
    assert not any(isinstance(a, str) and isinstance(b, str) for a, b in pairwise(pieces))


@given(st.text(max_size=50))
def test_what_stands_before_an_expression_survives(before: str) -> None:
    literal = before.replace("@", "")

    found = list(scan(f"{literal}@(1)", TOPS))

    assert found == [*filter(None, [literal]), bracketed("1")]


def test_a_text_full_of_open_brackets_is_read_once() -> None:
    text = '@("' * 100_000

    assert list(scan(text, TOPS)) == [text]
