"""Environments and their JSON form."""

from zoneinfo import ZoneInfo

import pytest

from trunkline.expressions.environment import Environment, NumberFormat, read
from trunkline.expressions.values import ExpressionError


@pytest.mark.parametrize("document", [None, {}, {"timezone": None, "number_format": None, "other": 1}])
def test_what_is_not_given_has_its_default(document: object) -> None:
    assert read(document) == Environment(
        date_format="YYYY-MM-DD",
        time_format="tt:mm",
        timezone="UTC",
        allowed_languages=(),
        default_country="",
        number_format=NumberFormat(".", ","),
        input_collation="default",
        redaction_policy="none",
    )


def test_every_key_is_read() -> None:
    document = {
        "date_format": "DD-MM-YYYY",
        "time_format": "h:mm:ss aa",
        "timezone": "Africa/Kigali",
        "allowed_languages": ["eng", "kin"],
        "default_country": "RW",
        "number_format": {"decimal_symbol": ",", "digit_grouping_symbol": None},
        "input_collation": "arabic_variants",
        "redaction_policy": "urns",
        "obfuscation_key": [1, 2, 3, 4],
    }

    found = read(document)

    assert found.zone == ZoneInfo("Africa/Kigali")
    assert (found.date_format, found.time_format) == ("DD-MM-YYYY", "h:mm:ss aa")
    assert (found.allowed_languages, found.default_language, found.default_country) == (("eng", "kin"), "eng", "RW")
    assert found.number_format == NumberFormat(",", ",")
    assert (found.input_collation, found.redacts_urns, found.obfuscation_key) == ("arabic_variants", True, (1, 2, 3, 4))


@pytest.mark.parametrize(
    "document",
    [
        [],
        "UTC",
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"timezone": ""},
        {"date_format": "YY-MM-DD"},
        {"obfuscation_key": [1, 2, 3]},
        {"allowed_languages": "eng"},
    ],
)
def test_what_cannot_be_read_is_refused(document: object) -> None:
    with pytest.raises(ExpressionError):
        read(document)
