"""Wishes: whether somebody asks for a person. Phrases of eight languages, as data; no model is asked for this."""

import tomllib
from functools import cache
from importlib import resources

from trunkline.ai.assistants import folded


def asks_for_human(text: str) -> bool:
    """In any of the languages: people write in more than one, and the phrases do not collide."""
    said = folded(text)
    words, phrases = _known()
    return said in words or any(f" {phrase} " in f" {said} " for phrase in phrases)


@cache
def _known() -> tuple[frozenset[str], tuple[str, ...]]:
    read = tomllib.loads((resources.files("trunkline.ai.lexicons") / "people.toml").read_text("utf-8"))
    words = frozenset(folded(word) for language in read.values() for word in language["words"])
    return words, tuple(folded(phrase) for language in read.values() for phrase in language["phrases"])
