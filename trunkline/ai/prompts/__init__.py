"""Prompts: what models are told, as files beside this one. They are read once and filled like message templates."""

import tomllib
from functools import cache
from importlib import resources

from trunkline.core import text


def render(name: str, **values: str) -> str:
    """The prompt of a file, `reply.md` for "reply", with its variables filled in."""
    return text.compile(_read(f"{name}.md")).render(values).strip()


@cache
def tones() -> dict[str, str]:
    """What each tone asks of the one who writes."""
    return tomllib.loads(_read("tones.toml"))


@cache
def _read(file: str) -> str:
    return (resources.files(__name__) / file).read_text("utf-8")
