"""Tests on the words and characters of a text."""

import re

from trunkline.expressions import patterns, words
from trunkline.expressions.convert import to_text
from trunkline.expressions.functions import function
from trunkline.expressions.router_tests import FAILED, passed
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import Object, Value


@function("has_text", 1, alias="has_value")
def has_text(scope: Scope, operand: Value) -> Object:
    trimmed = to_text(scope, operand).strip()
    return passed(trimmed) if trimmed else FAILED


@function("has_only_text", 2)
def has_only_text(scope: Scope, operand: Value, text: Value) -> Object:
    """To the letter: case and blanks count."""
    given = to_text(scope, operand)
    return passed(given) if given == to_text(scope, text) else FAILED


@function("has_phrase", 2)
def has_phrase(scope: Scope, operand: Value, phrase: Value) -> Object:
    """The words of the phrase one after the other. A word that breaks a beginning is not tried as a new one."""
    rule = scope.environment.input_collation
    sought = words.forms(to_text(scope, phrase), rule)
    if not sought:
        return passed("")
    given = to_text(scope, operand)
    matched = 0
    for at, each in enumerate(words.forms(given, rule)):
        matched = matched + 1 if words.same(each, sought[matched]) else 0
        if matched == len(sought):
            return passed(" ".join(words.words(given)[at + 1 - matched : at + 1]))
    return FAILED


@function("has_only_phrase", 2)
def has_only_phrase(scope: Scope, operand: Value, phrase: Value) -> Object:
    rule = scope.environment.input_collation
    given = to_text(scope, operand)
    spoken, sought = words.forms(given, rule), words.forms(to_text(scope, phrase), rule)
    if len(spoken) != len(sought):
        return FAILED
    same = spoken == sought or all(words.same(a, b) for a, b in zip(spoken, sought, strict=True))
    return passed(" ".join(words.words(given))) if same else FAILED


@function("has_any_word", 2)
def has_any_word(scope: Scope, operand: Value, choices: Value) -> Object:
    rule = scope.environment.input_collation
    given, wanted = to_text(scope, operand), words.vocabulary(to_text(scope, choices), rule)
    if wanted.isdisjoint(words.vocabulary(given, rule)):
        return FAILED
    return passed(_wanted_words(scope, given, wanted))


@function("has_all_words", 2)
def has_all_words(scope: Scope, operand: Value, choices: Value) -> Object:
    rule = scope.environment.input_collation
    given, sought = to_text(scope, operand), to_text(scope, choices)
    spoken = words.vocabulary(given, rule)
    if any(spoken.isdisjoint(each) for each in words.forms(sought, rule)):
        return FAILED
    return passed(_wanted_words(scope, given, words.vocabulary(sought, rule)))


@function("has_beginning", 2)
def has_beginning(scope: Scope, operand: Value, beginning: Value) -> Object:
    """Compared over as many bytes of UTF-8 as the beginning has, whatever its letters grow to in lower case."""
    given, sought = to_text(scope, operand).strip(), to_text(scope, beginning).strip()
    if not given or not sought:
        return FAILED
    if given.isascii() and sought.isascii():
        head = given[: len(sought)]
    else:
        head = given.encode()[: len(sought.encode())].decode(errors="replace")
    return passed(head) if head.lower() == sought.lower() else FAILED


@function("has_pattern", 2)
def has_pattern(scope: Scope, operand: Value, pattern: Value) -> Object:
    """`extra` holds the whole match as 0 and the groups as 1, 2 and so on."""
    found = patterns.first_match(to_text(scope, pattern).strip(), to_text(scope, operand))
    if found is None:
        return FAILED
    return passed(found[0], Object({str(number): group for number, group in enumerate(found)}))


@function("has_email", 1)
def has_email(scope: Scope, operand: Value) -> Object:
    found = ADDRESS.search(to_text(scope, operand))
    return passed(found.group()) if found else FAILED


def _wanted_words(scope: Scope, text: str, wanted: frozenset[str]) -> str:
    """The words of `text` that are among the wanted, as they are spelt there."""
    spelt = zip(words.words(text), words.forms(text, scope.environment.input_collation), strict=True)
    return " ".join(word for word, forms in spelt if not wanted.isdisjoint(forms))


# Possessive, so that a long run of letters without an @ is read once only. Dots neither begin nor end a part.
ADDRESS = re.compile(r"(?<![\w.+%'\-])[\w+%'\-]++(?:\.[\w+%'\-]++)*+@[\w\-]++(?:\.[\w\-]++)++(?<=\w\w)")
