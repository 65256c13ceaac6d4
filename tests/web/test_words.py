"""The catalogue: every word of a page in every language."""

import ast
import re
from pathlib import Path

import pytest

from trunkline.accounts import roles
from trunkline.web import errors, menu, words
from trunkline.web.content import lists

WEB = Path(words.__file__).parent
CALLED = re.compile(r"""\b_\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
COUNTED = re.compile(
    r"""\b_\.many\([^,]+,\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'),\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
)


def spoken() -> set[str]:
    """All texts that templates and pages say. A count is looked up by its form for several."""
    found: set[str] = set()
    for place in [*WEB.rglob("templates/**/*.html"), *WEB.rglob("islands/**/*.svelte"), *WEB.rglob("islands/**/*.ts")]:
        source = place.read_text("utf-8")
        found |= {ast.literal_eval(text) for text in CALLED.findall(source)}
        found |= {ast.literal_eval(other) for _, other in COUNTED.findall(source)}
    for place in WEB.rglob("*.py"):
        for node in ast.walk(ast.parse(place.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("visit.words", "_", "visit.words.many"):
                texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
                found |= set(texts[-1:])
    return found | named()


def named() -> set[str]:
    """Texts that stand in tables and are said by their names."""
    titles = {text for _, *texts in errors.TITLES.values() for text in texts}
    return titles | {entry.title for entry in menu.ENTRIES} | set(roles.ROLES) | shelved()


def shelved() -> set[str]:
    found: set[str] = set()
    for shelf in lists.SHELVES:
        found |= {shelf.title, shelf.about, shelf.one} | {heading for _, heading in shelf.columns}
        found |= {text for field in shelf.fields for text in (field.label, field.hint) if text}
    return found


@pytest.mark.parametrize("language", sorted(set(words.LANGUAGES) - {"en"}))
def test_every_text_is_there_in_every_language(language: str) -> None:
    entries = words.entries(language)

    missing = sorted(spoken() - set(entries))

    assert missing == []


@pytest.mark.parametrize("language", sorted(set(words.LANGUAGES) - {"en"}))
def test_a_translation_has_the_slots_of_its_text(language: str) -> None:
    entries = words.entries(language)

    wrong = [
        text
        for text, said in entries.items()
        for form in ([said] if isinstance(said, str) else said)
        if not set(re.findall(r"\{\w+\}", form)) <= set(re.findall(r"\{\w+\}", text)) | {"{count}"}
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("wished", "accepted", "language"),
    [
        ("ro", "en", "ro"),
        ("", "ro-RO,ro;q=0.9,en;q=0.8", "ro"),
        ("", "de, en;q=0.5, ro;q=0.7", "ro"),
        ("xx", "", "en"),
        ("", ";;q=x,,", "en"),
    ],
)
def test_the_language_is_the_wished_one_or_what_the_browser_prefers(wished: str, accepted: str, language: str) -> None:
    assert words.chosen(wished, accepted) == language


@pytest.mark.parametrize(("count", "form"), [(0, 1), (1, 0), (2, 1), (19, 1), (20, 2), (101, 1), (119, 1), (120, 2)])
def test_romanian_has_three_forms_of_a_count(count: int, form: int) -> None:
    said = words.Words("ro", {"{count} messages": ["{count} mesaj", "{count} mesaje", "{count} de mesaje"]})

    text = said.many(count, "{count} message", "{count} messages")

    assert text == [f"{count} mesaj", f"{count} mesaje", f"{count} de mesaje"][form]
