"""One-time codes, as RFC 6238 has them."""

import base64
from datetime import UTC, datetime

import pytest

from trunkline.core import totp

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_vectors_of_the_standard(seconds: int, code: str) -> None:
    assert totp.code(SECRET, datetime.fromtimestamp(seconds, UTC)) == code


@pytest.mark.parametrize(("drift", "fits"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_one_step_off(drift: int, fits: bool) -> None:
    now = datetime.fromtimestamp(1_700_000_010, UTC)
    shown = totp.code(SECRET, datetime.fromtimestamp(1_700_000_010 + drift, UTC))

    assert (totp.step_of(SECRET, shown, now) is not None) == fits


def test_what_is_no_code_fits_nothing() -> None:
    assert totp.step_of(SECRET, "café\ud800", datetime.fromtimestamp(1_700_000_010, UTC)) is None


def test_apps_read_secret_and_name_from_an_address() -> None:
    assert totp.uri("ABC", "ana@example.com", "Trunkline") == (
        "otpauth://totp/Trunkline%3Aana%40example.com?secret=ABC&issuer=Trunkline"
    )
