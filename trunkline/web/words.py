"""Words: what pages say, in the reader's language. The English text is the key; each other language is one file."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

LOCALE = Path(__file__).parent / "locale"
LANGUAGES = {"en": "English", "ro": "Română"}
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})

Entry = str | list[str]


class Words:
    """The words of one language. Called with an English text, it gives that text in its own language."""

    def __init__(self, language: str, entries: dict[str, Entry]):
        self.language = language
        self.direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
        self._entries = entries

    def __call__(self, text: str, /, **values: Any) -> str:
        """`words("Hello {name}", name="Ana")`. Where a value is markup, the rest is escaped for it."""
        said = self._entries.get(text, text)
        return _filled(said if isinstance(said, str) else text, values)

    def many(self, count: int, one: str, other: str, /, **values: Any) -> str:
        """`words.many(3, "{count} contact", "{count} contacts")`; the file lists the forms of its language."""
        forms = self._entries.get(other, [one, other])
        form = forms[min(_form(self.language, count), len(forms) - 1)] if isinstance(forms, list) else forms
        return _filled(form, {"count": f"{count:,}", **values})


@cache
def of(language: str) -> Words:
    """The words of a language that we have; English otherwise."""
    return Words(language, entries(language)) if language in LANGUAGES else Words("en", {})


def entries(language: str) -> dict[str, Entry]:
    """All that is translated: what many pages say, and a file for each subject."""
    found: dict[str, Entry] = {}
    for place in [LOCALE / f"{language}.json", *sorted(LOCALE.glob(f"parts/*.{language}.json"))]:
        if place.exists():
            found |= json.loads(place.read_text("utf-8"))
    return found


def part(subject: str, language: str) -> dict[str, Entry]:
    """What is translated for one subject alone, for a script that speaks by itself."""
    place = LOCALE / "parts" / f"{subject}.{language}.json"
    return json.loads(place.read_text("utf-8")) if place.exists() else {}


def chosen(wished: str | None, accepted: str) -> str:
    """The language that somebody wishes, else the first of ours in the browser's `Accept-Language`."""
    for language in [wished or "", *_preferred(accepted)]:
        if language in LANGUAGES:
            return language
    return "en"


def _preferred(accepted: str) -> Iterable[str]:
    """Best first; what cannot be read is left out."""
    weighed: list[tuple[float, str]] = []
    for part in accepted[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag.partition("-")[0].lower()))
        except ValueError:
            continue
    return [tag for _, tag in sorted(weighed, key=lambda each: each[0])]


def _form(language: str, count: int) -> int:
    """Which plural form a count takes, as the CLDR has it."""
    if language == "ro":
        return 0 if count == 1 else 1 if count == 0 or 1 <= count % 100 <= 19 else 2
    return 0 if count == 1 else 1


def _filled(text: str, values: dict[str, Any]) -> str:
    if not values:
        return text
    if any(isinstance(value, Markup) for value in values.values()):
        return escape(text).format(**values)
    return text.format(**values)
