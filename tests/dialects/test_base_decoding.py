"""The quick look at a body never lets through what the slow one refuses."""

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Malformed
from trunkline.dialects import decoding

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=60,
)


@given(JSON, st.integers(0, 40))
def test_what_looks_harmless_is_harmless(value: Any, depth: int):
    for _ in range(depth):
        value = [value]

    raw = msgspec.json.encode(value)

    assert not decoding.is_harmless(raw) or _passes(value)


@given(st.binary())
def test_any_bytes_are_read_or_refused(raw: bytes):
    with contextlib.suppress(Malformed):
        decoding.JsonBody(Any).decode(raw)


@given(st.binary())
def test_any_query_is_read_or_refused(raw: bytes):
    with contextlib.suppress(Malformed):
        decoding.parse_query(raw)


def _passes(value: object) -> bool:
    try:
        decoding.vet(value)
    except Malformed:
        return False
    return True


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (b"", {}),
        (b"a=1&b=two+words", {"a": "1", "b": "two words"}),
        (b"a[b]=1&a[c]=2", {"a": {"b": "1", "c": "2"}}),
        (b"a%5Bb%5D%5Bc%5D=1", {"a": {"b": {"c": "1"}}}),
        (b"a=1&a=2", {"a": "2"}),
        (b"a[=1&]=2&a[]=3", {"a[": "1", "]": "2", "a[]": "3"}),
    ],
)
def test_the_fields_of_a_form_become_an_object(raw, fields):
    assert decoding.parse_form(raw) == fields


@pytest.mark.parametrize("raw", [b"a=1&a[b]=2", b"a[b]=2&a=1", b"a" + b"[b]" * 40 + b"=1", b"a=%00", b"a=%FF"])
def test_a_form_that_contradicts_itself_is_refused(raw):
    with pytest.raises(Malformed):
        decoding.parse_form(raw)
