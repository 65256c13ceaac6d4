"""URNs with the channel they are pinned to and the name they are shown by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.urns import BadUrn
from trunkline.flows import addresses
from trunkline.flows.addresses import Address

CHANNEL = "5a1e4f5e-5d5b-4b3c-9c1d-0e5f0c1b2a3d"
PLAIN = st.text(st.characters(categories=["L", "N"]), max_size=20)


@given(PLAIN.filter(bool), st.sampled_from(["", CHANNEL]), PLAIN)
def test_what_is_written_is_read_back(path: str, channel: str, display: str) -> None:
    address = Address("ext", path, channel, display)

    assert addresses.read(address.text) == address


@given(st.text(max_size=40))
def test_any_text_is_taken_apart(text: str) -> None:
    address = addresses.read(text)

    assert address.identity == f"{address.scheme}:{address.path}"


def test_numbers_are_normalised_and_keep_what_they_are_pinned_to() -> None:
    address = addresses.parse(f"tel:(202) 555-0123?channel={CHANNEL}#Ann", "US")

    assert address.text == f"tel:+12025550123?channel={CHANNEL}#Ann"


@pytest.mark.parametrize("text", ["", "tel:", "nothing", "tel:abc", "nosuch:1"])
def test_what_is_no_urn_is_refused(text: str) -> None:
    with pytest.raises(BadUrn):
        addresses.parse(text, "US")
