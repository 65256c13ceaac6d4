"""Words of any language, as search compares them."""

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.knowledge import words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Şcoală", "școala"), ("ȚĂRĂ", "tara"), ("Straße", "STRASSE"), ("Zażółć", "zazolc"), ("ΟΔΟΣ", "οδός"),
        ("Ёлка", "елка"), ("ＡＢＣ", "abc"), ("ﬁne", "fine"), ("İstanbul", "istanbul"), ("한국어", "한국어"),
    ],
)  # fmt: skip
def test_accents_and_case_do_not_count(one: str, other: str) -> None:
    assert words.fold(one) == words.fold(other)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("SKU-1234/B", ["sku", "1234", "b"]),
        ("l'école d'été", ["l", "ecole", "d", "ete"]),
        ("返品は30日", ["返品", "品は", "30", "日"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("_a_ __ …", ["a"]),
        ("", []),
    ],
)
def test_words_are_found_in_any_script(text: str, found: list[str]) -> None:
    assert list(words.words(text)) == found


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Cât costă livrarea în România?", ["cat", "costa", "livrarea", "romania"]),
        ("What is the price of X200?", ["price", "x200"]),
        ("What is this?", ["what", "is", "this"]),
    ],
)
def test_a_question_is_what_its_words_say(question: str, found: list[str]) -> None:
    assert words.asked(question) == found


@given(st.text(max_size=200))
def test_folding_twice_is_folding_once(text: str) -> None:
    folded = words.fold(text)

    assert list(words.words(folded)) == list(words.words(text))


@pytest.mark.anyio
async def test_the_database_takes_what_is_made_of_any_text(connection: asyncpg.Connection) -> None:
    every = "".join(map(chr, [*range(1, 0xD800), *range(0xE000, 0x30000)]))

    for at in range(0, len(every), 4000):
        text = " ".join(every[at : at + 4000])
        await connection.fetchval("select $1::text::tsvector", words.vector((text, "A"), (every[at : at + 4000], "D")))
        for term in words.terms(words.asked(every[at : at + 4000])):
            await connection.fetchval("select $1::text::tsquery", term.query)
