"""The new words of a reply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.channels.mail.quotes import trim

REPLIES = {
    "gmail, English": (
        "Thanks! Can I change the address?\n\nAna\n\nOn Wed, Nov 5, 2025 at 10:12 AM Shop <\n"
        "reply+7-ab@in.test> wrote:\n\n> Your order\n> is ready\n",
        "Thanks! Can I change the address?\n\nAna",
    ),
    "gmail, Romanian": (
        "Mulțumesc! Pot schimba adresa?\n\n"
        "În mie., 5 nov. 2025 la 10:12, Shop <reply+7-ab@in.test> a scris:\n\n> Comanda\n> e gata\n",
        "Mulțumesc! Pot schimba adresa?",
    ),
    "thunderbird, Romanian": ("Da, sigur.\n\nPe 05.11.2025 10:12, Shop a scris:\n> Vii?\n", "Da, sigur."),
    "apple, German": (
        "Ja, gern.\n\n> Am 05.11.2025 um 10:12 schrieb Shop <a@in.test>:\n> \n> Kommst du?\n",
        "Ja, gern.",
    ),
    "gmail, French": (
        "Oui.\n\nLe mer. 5 nov. 2025 à 10:12, Shop <a@in.test> a écrit :\n\n> Tu viens ?\n",
        "Oui.",
    ),
    "gmail, Spanish": (
        "Sí.\n\nEl mié, 5 nov 2025 a las 10:12, Shop (<a@in.test>) escribió:\n\n> ¿Vienes?\n",
        "Sí.",
    ),
    "outlook": (
        "Yes please\n\n________________________________\n"
        "From: Shop <a@in.test>\nSent: Wednesday\nTo: Ana\nSubject: Hello\n\nAre you coming?\n",
        "Yes please",
    ),
    "outlook, Romanian": (
        "Da\n\nDe la: Shop <a@in.test>\nTrimis: miercuri\nCătre: Ana\nSubiect: Salut\n\nVii?\n",
        "Da",
    ),
    "old outlook": ("Hi\n\n-----Original Message-----\nFrom: a\nSent: b\n\nold", "Hi"),
    "answers between the lines": (
        "On Wed, Shop wrote:\n> Which size?\nLarge\n> Which colour?\nBlue\n",
        "Large\nBlue",
    ),
    "answer under the quote": ("On Wed, Shop wrote:\n> Coming?\n\nYes\n", "Yes"),
    "signature": ("Yes\n\n-- \nAna Pop\nDirector\n", "Yes"),
    "telephone": ("Yes\n\nSent from my iPhone\n\n> old\n", "Yes"),
    "nothing but quote": ("> only this\n", "> only this"),
    "no reply at all": (
        "On my way:\n- one\n- two\n\nFrom: here to there",
        "On my way:\n- one\n- two\n\nFrom: here to there",
    ),
    "Windows line ends": ("Yes\r\n\r\nOn Wed, Shop wrote:\r\n> Coming?\r\n", "Yes"),
    "empty": ("", ""),
}


@pytest.mark.parametrize("name", REPLIES)
def test_what_remains(name):
    text, new = REPLIES[name]

    assert trim(text) == new


@given(st.text(max_size=500))
def test_words_are_never_lost_altogether(text):
    assert bool(trim(text)) == bool(text.strip())


@pytest.mark.parametrize(
    "piece", ["On ", "On a:\n", "\n", "> \n", "From: a\n", "-", "_\n", "On 1, a <a@b> ", "Am schrieb \n"]
)
def test_hostile_mail_is_read_in_one_pass(piece):
    text = (piece * 200_000)[:200_000]

    assert len(trim(text)) <= len(text)
