"""Translations of a flow: language, item, property, texts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from trunkline.flows.faults import InvalidFlow
from trunkline.flows.marks import UUID_PATTERN

LANGUAGE = re.compile(r"[a-z]{3}\Z")
UUID = re.compile(UUID_PATTERN)
MOST_PROPERTIES = 10
MOST_VALUES = 10
LONGEST_VALUE = 10_000
LONGEST_PROPERTY = 64

Texts = tuple[str, ...]


class Localization:
    """Looks a translation up. Untranslated (missing, empty, or one empty text) is None."""

    __slots__ = ("_languages",)

    def __init__(self, languages: Mapping[str, Mapping[tuple[str, str], Texts]]):
        self._languages = languages

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._languages)

    def texts(self, language: str, item_uuid: str, name: str) -> Texts | None:
        translations = self._languages.get(language)
        return translations.get((item_uuid, name)) if translations else None

    def pick(
        self, languages: Iterable[str], base_language: str, item_uuid: str, name: str, base: Texts
    ) -> tuple[Texts, str]:
        """The texts of the first language that has any, and that language; the flow's own has its base texts."""
        for language in languages:
            if language == base_language:
                break
            if translated := self.texts(language, item_uuid, name):
                return translated, language
        return base, base_language

    def items(self) -> Iterator[tuple[str, str, str, Texts]]:
        """(language, item, property, texts) of everything that is translated."""
        for language, translations in self._languages.items():
            for (item_uuid, name), texts in translations.items():
                yield language, item_uuid, name, texts


def read(raw: Any) -> Localization:
    """Raises `InvalidFlow` for languages, items and properties that cannot be."""
    languages = _object({} if raw is None else raw, "localization")
    return Localization({language: _language(language, items) for language, items in languages.items()})


def _language(language: str, items: Any) -> dict[tuple[str, str], Texts]:
    path = f"localization.{language}"
    if not LANGUAGE.match(language):
        raise InvalidFlow(f"{language!r} is not a language of three letters", "localization")
    found: dict[tuple[str, str], Texts] = {}
    for item_uuid, properties in _object({} if items is None else items, path).items():
        if not UUID.match(item_uuid):
            raise InvalidFlow(f"{item_uuid!r} is not a uuid", path)
        for name, texts in _properties(properties, f"{path}.{item_uuid}"):
            found[item_uuid, name] = texts
    return found


def _properties(raw: Any, path: str) -> Iterator[tuple[str, Texts]]:
    """The translated properties of an item. Editors keep notes of their own among them, which are no text lists."""
    count = 0
    for name, value in _object({} if raw is None else raw, path).items():
        if not 1 <= len(name) <= LONGEST_PROPERTY:
            raise InvalidFlow(f"A property has 1 to {LONGEST_PROPERTY} characters", path)
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            continue
        count += 1
        _check(value, count, f"{path}.{name}")
        if value not in ([], [""]):
            yield name, tuple(value)


def _check(texts: list[str], count: int, path: str) -> None:
    if count > MOST_PROPERTIES:
        raise InvalidFlow(f"An item has at most {MOST_PROPERTIES} translated properties", path)
    if len(texts) > MOST_VALUES:
        raise InvalidFlow(f"A property has at most {MOST_VALUES} translated texts", path)
    if any(len(text) > LONGEST_VALUE for text in texts):
        raise InvalidFlow(f"A translated text has at most {LONGEST_VALUE} characters", path)


def _object(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidFlow("An object is expected", path)
    return value
