"""Templates say what their author wrote and nothing a value brings along."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core import text
from trunkline.core.errors import Invalid
from trunkline.core.text import MissingVariables

anything = st.text(max_size=40) | st.text("{}|a b.\r\n<&", max_size=40)


@pytest.mark.parametrize(
    ("template", "values", "rendered"),
    [
        ("Hi {{name}}!", {"name": "Maria"}, "Hi Maria!"),
        ("Hi {{ name }}!", {"name": "Maria"}, "Hi Maria!"),
        ("Hi {{name|there}}!", {}, "Hi there!"),
        ("Hi {{ name | dear friend }}!", {"name": ""}, "Hi dear friend!"),
        ("Hi {{name|}}!", {}, "Hi !"),
        ("{{name|uppercase}}", {"name": "maria"}, "MARIA"),
        ("{{name|lowercase}}", {"name": "MARIA"}, "maria"),
        ("{{name|capitalize}}", {"name": "maria LOPEZ"}, "Maria LOPEZ"),
        ("{{name|friend|capitalize}}", {}, "Friend"),
        ("{{name|friend|capitalize}}", {"name": "maria"}, "Maria"),
        ("{{contact.name}}", {"contact": {"name": "Maria"}}, "Maria"),
        ("{{contact.name}}", {"contact.name": "Flat"}, "Flat"),
        ("{{1}} and {{2}}", {"1": "one", "2": 2}, "one and 2"),
        ("{{a}}{{b}}", {"a": True, "b": 1.5}, "true1.5"),
        ("{{name}}", {"name": ""}, ""),
        ("{{имя}}", {"имя": "Анна"}, "Анна"),
        ("{{#if x}} {{}} {{a b}} {name} {{{name}}}", {"name": "M"}, "{{#if x}} {{}} {{a b}} {name} {M}"),
        ("no slot", {}, "no slot"),
        ("", {}, ""),
    ],
)
def test_templates_render(template, values, rendered):
    assert text.compile(template).render(values) == rendered


def test_names_come_once_in_their_order():
    assert text.compile("{{b}} {{a|x}} {{b|uppercase}}").names == ("b", "a")


def test_missing_variables_are_named_all_at_once_or_left_empty():
    template = text.compile("{{a}} {{b}} {{c|there}} {{d.e}}")

    with pytest.raises(MissingVariables) as missing:
        template.render({"b": "x", "d": "no object"})
    assert missing.value.names == ["a", "d.e"]
    assert template.render({"b": "x"}, missing="empty") == " x there "


@given(anything)
def test_a_value_is_never_read_as_a_template(value):
    assert text.compile("<{{a}}|{{b}}>").render({"a": value, "b": "{{a}}"}) == f"<{value}|{{{{a}}}}>"


@given(anything)
def test_html_keeps_values_from_becoming_markup(value):
    rendered = text.compile("<b>{{a}}</b>").render({"a": value}, escape="html")

    inner = rendered.removeprefix("<b>").removesuffix("</b>")
    assert not set(inner) & set("<>\"'")


@given(anything, anything)
def test_headers_stay_on_one_line(template, value):
    rendered = text.compile(template + "{{a}}").render({"a": value}, escape="header", missing="empty")

    assert len(rendered.splitlines()) <= 1


@given(anything)
def test_any_text_is_a_template(template):
    assert isinstance(text.compile(template).render({}, missing="empty"), str)


@given(st.text(st.characters(exclude_characters="{}"), max_size=40))
def test_a_text_without_slots_stays_as_it_is(plain):
    assert text.compile(plain).render({}) == plain


@pytest.mark.parametrize(
    ("template", "slip"),
    [
        ("Hi {{name", "{{name"),
        ("Hi {{name} and more than twenty characters", "{{name} and more tha"),
        ("{{a}} {{b {{c}}", "{{b {{c}}"),
        ("{{", "{{"),
        ("{{a}}{{b}} {{#if x}} {{}} {name} {{{name}}}", None),
        ("{{a|a } b}}", None),
        ("a {b} }} c", None),
        ("", None),
    ],
)
def test_what_is_opened_and_not_closed_is_found(template, slip):
    assert text.unclosed(template) == slip


@given(anything)
def test_what_was_closed_by_hand_is_closed(template):
    while slip := text.unclosed(template):
        at = template.index(slip)
        template = f"{template[:at]}{template[at + 2 :]}"

    assert "{{" not in text.SLOT.sub("", template) or "}}" in template


def test_objects_lists_and_nulls_are_no_values():
    text.check_values({"a": "x", "b": 1, "c": 1.5, "d": True})

    with pytest.raises(Invalid) as invalid:
        text.check_values({"a": {}, "b": [], "c": None, "d": "fine"})
    assert list(invalid.value.fields) == ["variables.a", "variables.b", "variables.c"]


@given(st.text(st.characters() | st.sampled_from("\0\ud800\udfff")))
def test_clean_text_can_be_stored(raw):
    cleaned = text.clean(raw)

    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned
    assert text.has_forbidden(raw) == (cleaned != raw)
    assert not text.has_forbidden(cleaned)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("STOP", "stop"),
        ('"Stop!" 🙏', "stop"),
        ("  stop \n please ", "stop please"),
        ("OPT-OUT", "opt out"),
        ("Opt—Out.", "opt out"),
        ("OPT OUT", "opt out"),
        ("optout", "optout"),
        ("ＳＴＯＰ", "stop"),
        ("«Arrêt»", "arrêt"),
        ("STOP❤️", "stop"),
        ("don't", "dont"),
        ("बंद", "बंद"),
        ("👍🏽", ""),
        ("", ""),
    ],
)
def test_only_words_are_left(message, words):
    assert text.fold_words(message) == words
