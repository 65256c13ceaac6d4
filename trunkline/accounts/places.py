"""Zones, countries and languages: codes from outside, checked and in their usual spelling."""

import re
from functools import cache
from importlib import resources


class BadPlace(ValueError):
    """Not a code we know; the text is a sentence for the user."""


def timezone(text: str) -> str:
    """A name of the IANA list, like `Europe/Bucharest`."""
    found = _zones().get(text.strip().lower())
    if found is None:
        raise BadPlace("The timezone must be a name of the IANA list, like Europe/Bucharest.")
    return found


def country(text: str) -> str:
    """An ISO 3166 alpha-2 code, in upper case."""
    code = text.strip().upper()
    if code not in _countries():
        raise BadPlace("The country must be a two-letter ISO 3166 code, like RO.")
    return code


def language(text: str) -> str:
    """An ISO 639-3 code. Judged by its form, and by the twenty older codes that are mistaken for one."""
    code = text.strip().lower()
    if not LANGUAGE.fullmatch(code):
        raise BadPlace(f"The language {text!r} must be a three-letter ISO 639-3 code, like eng.")
    if code in BIBLIOGRAPHIC:
        raise BadPlace(f"The language {code} has the ISO 639-3 code {BIBLIOGRAPHIC[code]}.")
    return code


@cache
def _zones() -> dict[str, str]:
    names = resources.files("tzdata").joinpath("zones").read_text().split()
    return {name.lower(): name for name in names}


@cache
def _countries() -> frozenset[str]:
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    return frozenset(line[:2] for line in table.splitlines() if not line.startswith("#"))


LANGUAGE = re.compile(r"[a-z]{3}", re.ASCII)

# ISO 639-2 has a second, bibliographic code for these; ISO 639-3 knows the other one only.
BIBLIOGRAPHIC = {
    "alb": "sqi", "arm": "hye", "baq": "eus", "bur": "mya", "chi": "zho", "cze": "ces", "dut": "nld",
    "fre": "fra", "geo": "kat", "ger": "deu", "gre": "ell", "ice": "isl", "mac": "mkd", "mao": "mri",
    "may": "msa", "per": "fas", "rum": "ron", "slo": "slk", "tib": "bod", "wel": "cym",
}  # fmt: skip
