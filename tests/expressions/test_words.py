"""Words, and when two of them are the same."""

import pytest

from trunkline.expressions import collation, patterns, phones, words
from trunkline.expressions.environment import Collation


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("it's a_b 2x", ["it's", "a_b", "2x"]),
        ("a-b,c.d", ["a", "b", "c", "d"]),
        ("5€+1$", ["5", "€", "+", "1", "$"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("日本語 テスト", ["日本語", "テスト"]),
        ("½ ²", ["½", "²"]),
        ("😀😀!", ["😀", "😀"]),
        ("❤️", ["❤️"]),
        ("\u00a0\u200b", []),
    ],
)
def test_words_are_runs_of_letters_marks_and_numbers_or_symbols(text: str, found: list[str]):
    assert list(words.words(text)) == found


def test_long_texts_are_read_the_same():
    assert words.words("word " * 5000) == ("word",) * 5000


@pytest.mark.parametrize(
    ("rule", "a", "b"),
    [
        ("default", "ÉTÉ", "été"),
        ("default", "❤", "❤️"),
        ("confusables", "ρаураl", "paypal"),
        ("confusables", "G00d", "GOOd"),
        ("confusables", "ｙｅｓ", "yes"),
        ("confusables", "𝐲𝐞𝐬", "yes"),
        ("confusables", "modern", "modem"),
        ("confusables", "IS", "is"),
        ("arabic_variants", "۱۲", "12"),
        ("arabic_variants", "١٢", "۱۲"),
        ("arabic_variants", "علی", "علي"),
        ("arabic_variants", "ﻙ", "ک"),
    ],
)
def test_alike(rule: Collation, a: str, b: str):
    assert words.same(collation.forms(a, rule), collation.forms(b, rule))


@pytest.mark.parametrize(
    ("rule", "a", "b"),
    [
        ("default", "pаypal", "paypal"),
        ("default", "été", "ete"),
        ("confusables", "été", "ete"),
        ("confusables", "yes", "no"),
        ("arabic_variants", "علی", "على ما"),
    ],
)
def test_not_alike(rule: Collation, a: str, b: str):
    assert not words.same(collation.forms(a, rule), collation.forms(b, rule))


def test_a_pattern_may_not_look_around_or_back():
    for pattern in ("(?=a)", r"(a)\1", "(?<!x)a", "["):
        with pytest.raises(patterns.BadPattern):
            patterns.first_match(pattern, "aa")


def test_a_pattern_that_explodes_elsewhere_takes_no_time():
    assert patterns.first_match("(a+)+$", "a" * 10_000 + "b") is None


def test_the_first_number_that_could_be_dialled_is_found():
    assert phones.find("pin 99999, call +250 788 383 383 or +12025550143", None) == "+250788383383"
    assert phones.find("0788-383-383", "RW") == "+250788383383"
    assert phones.find("0788-383-383", None) is None
