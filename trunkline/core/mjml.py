"""MJML: a language for mail that looks right everywhere, made into HTML on this machine; nothing is fetched."""

import re

from trunkline.core.errors import Invalid

LONGEST = 500_000
DEEPEST = 100
"""Elements inside each other: honest mails have a dozen, and a parser's stack ends somewhere."""


def html(source: str, field: str = "mjml") -> str:
    """The HTML of an MJML document; slots stay as they are. Raises `Invalid` with what cannot be read."""
    if len(source) > LONGEST:
        raise Invalid({field: [f"At most {LONGEST:,} characters."]})
    if _depth(source) > DEEPEST:
        raise Invalid({field: [f"At most {DEEPEST} elements may stand inside each other."]})
    from mjml import mjml2html  # pyright: ignore[reportAttributeAccessIssue]

    try:
        return str(mjml2html(source, fonts={}))
    except ValueError as error:
        raise Invalid({field: [f"This MJML cannot be read: {error}."]}) from None


def _depth(source: str) -> int:
    depth = deepest = 0
    for tag in TAGS.finditer(source):
        if tag["name"].lower() in VOID or tag["end"]:
            continue
        depth += -1 if tag["close"] else 1
        deepest = max(deepest, depth)
    return deepest


TAGS = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][\w-]*)[^<>]*?(?P<end>/?)>")
VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
