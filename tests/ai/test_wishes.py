"""Asking for a person, in eight languages."""

import pytest

from trunkline.ai import wishes


@pytest.mark.parametrize(
    "text",
    [
        "I'd like to SPEAK TO A HUMAN, please!",
        "agent",
        "can i talk to someone???",
        "Vreau să vorbesc cu o persoană",
        "operator",
        "¿Puedo hablar con una persona?",
        "Je voudrais parler à quelqu'un.",
        "Ich möchte mit einem Menschen sprechen",
        "Vorrei parlare con un operatore",
        "Quero falar com um atendente",
        "Szeretnék egy emberrel beszélni, egy élő ember kell",
    ],
)
def test_a_wish_for_a_person_is_understood(text):
    assert wishes.asks_for_human(text)


@pytest.mark.parametrize(
    "text",
    [
        "When do you open?",
        "Is the travel agent in Cluj open?",
        "un om m-a ajutat ieri",
        "personal data",
        "",
        "🙂",
        "Mensch Meier!",
    ],
)
def test_other_texts_are_no_such_wish(text):
    assert not wishes.asks_for_human(text)
