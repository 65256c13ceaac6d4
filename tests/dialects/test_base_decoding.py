"""The quick look at a body never lets through what the slow one refuses."""

import contextlib
from typing import Any

import msgspec
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
