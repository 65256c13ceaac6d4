"""SMS segments against a second, slower way to count them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core import segments

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
).replace("\x1b", "")
EXTENDED = "\f^{}\\[~]|€"
texts = st.text(alphabet=BASIC + EXTENDED, max_size=400) | st.text(max_size=200) | st.text("a€é🙏", max_size=400)


@given(texts)
def test_the_count_agrees_with_packing_one_part_after_the_other(text):
    counted = segments.count(text)

    assert (counted.encoding, counted.length, counted.segments) == reference(text)


@pytest.mark.parametrize("char", ["a", "€", "ж", "🙏", "\ud83d"])
def test_a_short_text_is_one_part_whatever_it_says(char):
    assert segments.count(char * segments.SURELY_ONE).segments == 1


def test_one_wide_letter_more_need_not_fit():
    assert segments.count("🙏" * (segments.SURELY_ONE + 1)).segments == 2


def reference(text):
    gsm = all(char in BASIC + EXTENDED for char in text)
    units = [1 + (char in EXTENDED) if gsm else len(char.encode("utf-16-le", "surrogatepass")) // 2 for char in text]
    single, most = (160, 153) if gsm else (70, 67)
    parts = [0]
    for cost in units:
        if parts[-1] + cost > most:
            parts.append(0)
        parts[-1] += cost
    return "gsm7" if gsm else "ucs2", sum(units), 1 if sum(units) <= single else len(parts)


@given(texts, texts)
def test_the_count_never_falls_when_the_text_grows(text, more):
    grown = segments.count(text + more).segments

    assert grown >= segments.count(text).segments
    assert grown >= segments.count(more).segments


@given(texts, st.integers(0, 400), st.text(min_size=1, max_size=3))
def test_nor_when_something_is_put_in_between(text, place, more):
    assert segments.count(text[:place] + more + text[place:]).segments >= segments.count(text).segments


@pytest.mark.parametrize(
    ("text", "encoding", "length", "count"),
    [
        ("", "gsm7", 0, 1),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("a" * 152 + "€" + "a" * 152, "gsm7", 306, 3),
        ("`", "ucs2", 1, 1),
        ("é" * 160, "gsm7", 160, 1),
        ("ê" * 70, "ucs2", 70, 1),
        ("ê" * 71, "ucs2", 71, 2),
        ("🙏" * 35, "ucs2", 70, 1),
        ("🙏" * 67, "ucs2", 134, 3),
    ],
)
def test_the_borders(text, encoding, length, count):
    counted = segments.count(text)

    assert (counted.encoding, counted.length, counted.segments) == (encoding, length, count)
