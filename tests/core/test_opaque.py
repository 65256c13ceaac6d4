"""Opaque ids: they read back, they tell nothing, and nothing else reads as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core import opaque
from trunkline.core.crypto import Vault

VAULT = Vault(b"a secret for the tests alone")
IDS = st.integers(1, 2**63 - 1)


@given(IDS)
def test_an_id_reads_back(id):
    assert opaque.read(VAULT, "contact", opaque.write(VAULT, "contact", id)) == id


@given(IDS)
def test_an_id_has_twenty_letters_and_digits(id):
    text = opaque.write(VAULT, "contact", id)

    assert len(text) == 20
    assert text.isascii()
    assert text.isalnum()


@given(IDS)
def test_an_id_of_one_kind_does_not_read_as_another(id):
    assert opaque.read(VAULT, "list", opaque.write(VAULT, "contact", id)) is None


@given(IDS)
def test_neighbours_have_nothing_in_common(id):
    one, other = opaque.write(VAULT, "contact", id), opaque.write(VAULT, "contact", id - 1)

    assert one[:6] != other[:6]


@given(IDS, st.integers(0, 19), st.sampled_from(opaque.BASE58))
def test_a_changed_letter_reads_as_nothing(id, place, letter):
    text = opaque.write(VAULT, "contact", id)
    changed = text[:place] + letter + text[place + 1 :]

    assert opaque.read(VAULT, "contact", changed) == (id if changed == text else None)


@pytest.mark.parametrize("text", ["", "17", "abc123xyz", "../../x", "1" * 20, "z" * 20, "O" * 20, "é" * 20, "1" * 500])
def test_what_we_never_wrote_reads_as_nothing(text):
    assert opaque.read(VAULT, "contact", text) is None


@given(st.text())
def test_any_text_is_read_without_harm(text):
    assert opaque.read(VAULT, "contact", text) is None


def test_ids_outlive_a_change_of_the_secret():
    text = opaque.write(VAULT, "contact", 17)
    renewed = Vault(b"another secret for the tests", b"a secret for the tests alone")

    assert opaque.read(renewed, "contact", text) == 17
    assert opaque.write(renewed, "contact", 17) != text
