"""Refs of contacts: scrambled, and back."""

from hypothesis import given
from hypothesis import strategies as st

from trunkline.contacts import refs

KEYS = st.none() | st.tuples(*[st.integers(0, 2**32 - 1)] * 4)


@given(st.integers(1, 2**63 - 1) | st.integers(1, 2**30), KEYS)
def test_a_ref_leads_back(id: int, key: tuple[int, ...] | None):
    ref = refs.of(id, key)

    assert refs.id_of(ref.lower(), key) == id
    assert refs.looks_like(ref)


@given(st.text(max_size=16))
def test_any_text_is_judged(text: str):
    id = refs.id_of(text)

    assert id is None or refs.of(id) == text.strip().upper()


def test_neighbours_look_unlike():
    found = [refs.of(id, (1, 2, 3, 4)) for id in range(1000, 1100)]

    assert len({ref[:2] for ref in found}) > 60
    assert found != [refs.of(id, (4, 3, 2, 1)) for id in range(1000, 1100)]
