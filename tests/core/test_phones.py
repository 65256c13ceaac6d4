"""Which numbers are numbers, and how they are spelled afterwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core import phones
from trunkline.core.phones import BadPhone


@pytest.mark.parametrize(
    ("typed", "country", "e164"),
    [
        ("+15551234567", None, "+15551234567"),
        ("+1 (555) 123-4567", None, "+15551234567"),
        (" +1.555.123.4567 ", None, "+15551234567"),
        ("\u202a+1\u00a0555\u2011123\u20114567\u202c", None, "+15551234567"),
        ("+40740111222", None, "+40740111222"),
        ("+44 (0)20 7946 0958", None, "+442079460958"),
        ("+39 06 6982", None, "+39066982"),
        ("0788 123 123", "RW", "+250788123123"),
        ("0788123123", "rw", "+250788123123"),
        ("+250788123123", "US", "+250788123123"),
    ],
)
def test_numbers_become_e164(typed, country, e164):
    assert phones.parse(typed, country) == e164


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "+",
        "+1",
        "5551234567",
        "15551234567",
        "+999123",
        "+1555123456789012",
        "+1 555 123",
        "+1 5551234",
        "+1 (555) 123-4567 ext 9",
        "+1-800-FLOWERS",
        "+1５５５１２３４５６７",
        "+١٥٥٥١٢٣٤٥٦٧",
        "+1+5551234567",
        "++15551234567",
        "+15551234567\n+15551234568",
        "+15551234567,+15551234568",
        "+0123456789",
        "+31000000000",
        "tel:+15551234567",
    ],
)
def test_what_is_in_doubt_is_refused(typed):
    with pytest.raises(BadPhone) as refusal:
        phones.parse(typed)

    assert str(refusal.value).startswith("The phone number")


@given(
    st.text(alphabet="+0123456789 -()./e\u0661", max_size=24) | st.from_regex(r"\+(31|44|49|1|7)[0178]{6,12}"),
    st.sampled_from([None, "US", "RW", "IT"]),
)
def test_a_result_is_a_fixed_point(typed, country):
    try:
        e164 = phones.parse(typed, country)
    except BadPhone:
        return

    assert phones.parse(e164) == e164


@pytest.mark.parametrize(
    ("e164", "country"),
    [
        ("+15551234567", "US"),
        ("+16135550123", "CA"),
        ("+442079460958", "GB"),
        ("+80012345678", None),
        ("x", None),
    ],
)
def test_countries(e164, country):
    assert phones.country_of(e164) == country
