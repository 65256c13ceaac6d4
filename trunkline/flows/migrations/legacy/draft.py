"""A definition in the making: its uuids, and the translations that its parts leave behind."""

from typing import Any

from trunkline.flows.migrations.legacy.dialect import as_template
from trunkline.flows.migrations.steps import Supplies

# A text of a legacy flow: the same in each language, or just a text.
Texts = Any

BASE = "base"


class Draft:
    """Texts come with all languages; the flow's own goes into the definition, the others into `localization`."""

    def __init__(self, language: str, supplies: Supplies):
        self.language = language
        self.supplies = supplies
        self.localization: dict[str, dict[str, dict[str, list[str]]]] = {}

    def uuid(self, kept: Any = None) -> str:
        return kept if isinstance(kept, str) and kept else self.supplies.ids()

    def template(self, item: str, key: str, texts: Texts) -> str:
        """A translated text with expressions."""
        return self.text(item, key, by_language(texts, as_template))

    def text(self, item: str, key: str, texts: Texts) -> str:
        """A translated text."""
        by = by_language(texts)
        chosen, base = self._base(by)
        for language, translated in by.items():
            if translated and language not in (chosen, self.language):
                self._translate(language, item, key, [translated])
        return base

    def templates(self, item: str, key: str, many: Any) -> list[str]:
        """Several translated texts with expressions; a language that lacks one of them borrows the flow's own."""
        rows = [by_language(texts, as_template) for texts in by_text(many)]
        bases = [self._base(row)[1] for row in rows]
        for language in dict.fromkeys(language for row in rows for language in row):
            translated = [row.get(language) or base for row, base in zip(rows, bases, strict=True)]
            if language != self.language and translated != bases:
                self._translate(language, item, key, translated)
        return bases

    def forget(self, item: str) -> None:
        """The translations of a part that is not used after all."""
        for language in [name for name, items in self.localization.items() if items.pop(item, None) and not items]:
            del self.localization[language]

    def media(self, path: str) -> str:
        """Where a recording is: what was kept as a path on the old server becomes an address."""
        base = self.supplies.media_base
        is_path = path and base and "://" not in path and not path.startswith("@")
        return f"{base.rstrip('/')}/{path.lstrip('/')}" if is_path else path

    def attachment(self, media: str) -> str:
        """The same behind its content type: `image/jpeg:path`."""
        kind, colon, path = media.partition(":")
        return f"{kind}:{self.media(path)}" if colon and "@" not in kind else media

    def _base(self, by: dict[str, str]) -> tuple[str, str]:
        """The language of the text that takes the first place, and the text."""
        for language in (self.language, BASE, *by):
            if by.get(language):
                return language, by[language]
        return self.language, ""

    def _translate(self, language: str, item: str, key: str, texts: list[str]) -> None:
        self.localization.setdefault(language, {}).setdefault(item, {})[key] = texts


def by_language(texts: Texts, change: Any = str) -> dict[str, str]:
    """Each language's text; a text without languages is that of `base`."""
    if isinstance(texts, str):
        texts = {BASE: texts}
    if not isinstance(texts, dict):
        return {}
    return {language: change(text) for language, text in texts.items() if isinstance(text, str)}


def by_text(many: Any) -> list[Texts]:
    """A list of translated texts; some files have lists of texts for each language instead."""
    if not isinstance(many, dict):
        return many if isinstance(many, list) else []
    lists = {language: texts for language, texts in many.items() if isinstance(texts, list)}
    longest = max(map(len, lists.values()), default=0)
    return [
        {language: texts[place] for language, texts in lists.items() if place < len(texts)} for place in range(longest)
    ]
