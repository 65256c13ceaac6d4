"""Exact decimal numbers: limits, reading, finding in text, rounding and writing."""

import re
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

Number = int | Decimal

DIGITS = 36
LARGEST = 10**100
SMALLEST = Decimal(1).scaleb(-100)
# Two numbers of 36 digits, 200 places apart, still add exactly; what does not fit is refused, never rounded.
EXACT = Context(prec=320, rounding=ROUND_HALF_UP, Emin=-999_999, Emax=999_999, capitals=1)
PLACES_OF_DIVISION = 16


class OutOfRange(ValueError):
    """More than 36 significant digits, or a magnitude beyond 10^100 or below 10^-100."""


def parse(text: str) -> Number | None:
    """The number a text is: optional `-`, then digits, `digits.digits` or `.digits`; blanks around it are fine."""
    text = text.strip()
    if len(text) > LONGEST or not WRITTEN.fullmatch(text):
        return None
    try:
        return checked(int(text) if len(text) <= DIGITS and "." not in text else Decimal(text))
    except OutOfRange:
        return None


def checked(number: Number) -> Number:
    """The number itself, whole ones as `int`; `OutOfRange` if it is not one we keep."""
    if isinstance(number, int):
        if -SAFE < number < SAFE:
            return number
        number = Decimal(number)
    if not number.is_finite():
        raise OutOfRange("number out of range")
    if not number:
        return 0
    number = EXACT.normalize(number) if len(number.as_tuple().digits) <= EXACT.prec else number
    _, digits, exponent = number.as_tuple()
    if len(digits) > DIGITS or not SMALLEST <= abs(number) <= LARGEST:
        raise OutOfRange("number out of range")
    return int(number) if isinstance(exponent, int) and exponent >= 0 else number


def plain(number: Number) -> str:
    """As digits, without exponent or needless zeros."""
    if isinstance(number, int):
        return str(number)
    written = f"{number:f}"
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return "0" if written in {"-0", ""} else written


def add(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int):
        return checked(a + b)
    return checked(EXACT.add(Decimal(a), Decimal(b)))


def subtract(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int):
        return checked(a - b)
    return checked(EXACT.subtract(Decimal(a), Decimal(b)))


def multiply(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int):
        return checked(a * b)
    return checked(EXACT.multiply(Decimal(a), Decimal(b)))


def divide(a: Number, b: Number) -> Number:
    """Rounded to 16 decimal places, halves away from zero. The divisor is not zero: the caller has looked."""
    return checked(_to_places(EXACT.divide(Decimal(a), Decimal(b)), PLACES_OF_DIVISION, ROUND_HALF_UP))


def remainder(a: Number, b: Number) -> Number:
    """What is left after the whole-number division that truncates, so with the sign of `a`."""
    return checked(EXACT.remainder(Decimal(a), Decimal(b)))


def rounded(number: Number, places: int = 0) -> Number:
    """Halves away from zero; negative `places` round to tens, hundreds and so on."""
    return checked(_to_places(Decimal(number), places, ROUND_HALF_UP))


def rounded_up(number: Number, places: int = 0) -> Number:
    return checked(_to_places(Decimal(number), places, ROUND_CEILING))


def rounded_down(number: Number, places: int = 0) -> Number:
    return checked(_to_places(Decimal(number), places, ROUND_FLOOR))


def grouped(number: Number, places: int | None, decimal_symbol: str, group_symbol: str) -> str:
    """For people: `1,234.50`. Without `places` the decimals stay; an empty `group_symbol` groups nothing."""
    written = plain(number) if places is None else f"{_to_places(Decimal(number), places, ROUND_HALF_UP):f}"
    whole, _, decimals = written.partition(".")
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    if sign and not (whole + decimals).strip("0"):
        sign = ""
    if group_symbol:
        whole = f"{int(whole):,}".replace(",", group_symbol)
    return f"{sign}{whole}{decimal_symbol}{decimals}" if decimals else f"{sign}{whole}"


def find(text: str, decimal_symbol: str = ".", group_symbol: str = ",") -> Iterator[Number]:
    """Every number in a text, in the order written, with digits of any script."""
    for found in _shape(decimal_symbol, group_symbol).finditer(text):
        written = found.group().removeprefix("+")
        if len(written) > LONGEST:
            continue
        if group_symbol:
            written = written.replace(group_symbol, "")
        if decimal_symbol:
            written = written.replace(decimal_symbol, ".")
        try:
            # Decimal and int both read the digits of every script.
            yield checked(int(written) if "." not in written and len(written) <= DIGITS else Decimal(written))
        except OutOfRange:
            continue


def _to_places(number: Decimal, places: int, rounding: str) -> Decimal:
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= places:
        # It has no more places than asked for; padding is only wanted where it stays printable.
        return EXACT.quantize(number, Decimal(1).scaleb(-places)) if places <= PLACES_OF_DIVISION else number
    if places < -MOST_PLACES:
        places = -MOST_PLACES
    return number.quantize(Decimal(1).scaleb(-places), rounding=rounding, context=EXACT)


@lru_cache(maxsize=64)
def _shape(decimal_symbol: str, group_symbol: str) -> re.Pattern[str]:
    """`-1,234.5`, or `.5` where no word character stands before it."""
    group, point = re.escape(group_symbol), re.escape(decimal_symbol)
    digits = rf"\d(?:\d|{group})*" if group else r"\d+"
    if not point:
        return re.compile(rf"[-+]?{digits}")
    return re.compile(rf"[-+]?{digits}(?:{point}\d+)?|(?<!\w)[-+]?{point}\d+")


WRITTEN = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)")
SAFE = 10**DIGITS
LONGEST = 1000
MOST_PLACES = 120
