"""JSON in and out of cases: numbers are exact decimals both ways, never binary floats."""

from decimal import Decimal
from typing import Any

import msgspec

from trunkline.flows.cases.errors import CaseError


def read(line: bytes | str) -> Any:
    """Any JSON value; raises CaseError `json`."""
    try:
        return DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise CaseError("json", f"This is not JSON: {error}") from None


def write(document: Any) -> bytes:
    """Compact UTF-8 JSON. Structs, datetimes and decimals are fine inside."""
    return ENCODER.encode(document)


def plain(value: Any) -> Any:
    """Structs as the dicts, lists and texts that their JSON would be read back to."""
    return DECODER.decode(ENCODER.encode(value))


DECODER = msgspec.json.Decoder(float_hook=Decimal)
ENCODER = msgspec.json.Encoder(decimal_format="number")
