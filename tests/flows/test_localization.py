"""Translations: which are read, and which language is taken."""

import pytest

from trunkline.flows import localization

ITEM = "00000001-0000-4000-8000-000000000000"


def texts(properties, name="text"):
    return localization.read({"fra": {ITEM: properties}}).texts("fra", ITEM, name)


def test_a_translation_is_found():
    assert texts({"text": ["Salut"]}) == ("Salut",)


@pytest.mark.parametrize("value", [[""], [], None, "Salut", {"a": 1}, 5, ["Salut", None], [["Salut"]]])
def test_what_is_no_translation_is_not(value):
    assert texts({"text": value}) is None


def test_an_empty_text_among_others_is_a_translation():
    assert texts({"arguments": ["", "x"]}, "arguments") == ("", "x")


def test_notes_of_editors_do_not_count_as_properties():
    notes = {f"_{number}": {"note": number} for number in range(20)}

    assert texts({**notes, "text": ["Salut"]}) == ("Salut",)


@pytest.mark.parametrize("raw", [None, {}, {"fra": None}, {"fra": {}}, {"fra": {ITEM: None}}])
def test_nothing_is_translated(raw):
    assert localization.read(raw).texts("fra", ITEM, "text") is None


def test_every_language_counts_however_little_it_says():
    assert localization.read({"fra": {}, "swa": {}}).languages == ("fra", "swa")


TRANSLATED = localization.read({"fra": {ITEM: {"text": ["Salut"]}}, "swa": {ITEM: {"text": ["Habari"]}}})


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (["fra", "swa"], (("Salut",), "fra")),
        (["spa", "swa", "fra"], (("Habari",), "swa")),
        (["eng", "fra"], (("Hi",), "eng")),
        (["", "spa"], (("Hi",), "eng")),
        ([], (("Hi",), "eng")),
    ],
)
def test_the_first_language_with_a_translation_wins(languages, expected):
    assert TRANSLATED.pick(languages, "eng", ITEM, "text", ("Hi",)) == expected
