"""Choices: the quick replies that a message offers, as they are stored: a plain text, or an object that says more."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct


class Choice(Struct, frozen=True, omit_defaults=True):
    """`extra` is the small print; `type` says what tapping does: text, url, form or location."""

    text: str
    extra: str = ""
    type: str = "text"


def stored(choices: Sequence[Choice]) -> list[Any]:
    return [{"text": one.text, **_more(one)} if _more(one) else one.text for one in choices]


def read(kept: Sequence[Any] | None) -> list[Choice]:
    return [Choice(one) if isinstance(one, str) else Choice(**one) for one in kept or ()]


def texts(kept: Sequence[Any] | None) -> list[str]:
    """What channels show that know plain texts only."""
    return [one if isinstance(one, str) else one["text"] for one in kept or ()]


def _more(choice: Choice) -> dict[str, str]:
    more = {"extra": choice.extra} if choice.extra else {}
    return {**more, "type": choice.type} if choice.type != "text" else more
