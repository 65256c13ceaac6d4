"""Which passwords are taken."""

import pytest

from trunkline.accounts import passwords
from trunkline.core.errors import Invalid


@pytest.mark.parametrize("password", ["a bird sang twice", "ünïcode pässwörd", "x9" * 7 + "y", "0f1" * 341])
def test_a_long_password_of_any_signs_is_fine(password: str) -> None:
    passwords.check(password, names=["Acme"])


@pytest.mark.parametrize(
    "password",
    [
        "fourteen chars",
        "ﬀ" * 7,
        "x" * 15,
        "password-1234567",
        "qwertyuiopasdfgh",
        "Acme Trading Ltd 2026",
        "z9" * 513,
    ],
)
def test_a_short_a_common_or_an_endless_password_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        passwords.check(password, names=["Acme Trading Ltd."])

    assert list(refused.value.fields) == ["password"]


def test_length_counts_after_normalising() -> None:
    passwords.check("ﬀ0123456789abc")  # fourteen signs, but the first of them is two letters


def test_a_second_factor_allows_eight_characters() -> None:
    passwords.check("blue7sky", second_factor=True)
