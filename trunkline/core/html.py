"""HTML from people: cleaned by an allow-list before it is stored, and read as plain text."""

import re
from html import escape, unescape
from itertools import islice

import nh3

MAX_TAGS = 10_000
"""Deeply nested markup costs more than its square; no honest text has that many tags."""


def clean_html(text: str) -> str:
    """Only harmless formatting, links and pictures; http, https, mailto and tel are the only addresses.

    Absurd markup comes back as its bare text.
    """
    if _absurd(text):
        return escape(_without_tags(text), quote=False)
    return CLEANER.clean(text)


def to_text(html: str) -> str:
    """What a reader sees: line breaks, lists and tables laid out, without any markup."""
    if not html.strip():
        return ""
    if _absurd(html):
        return _without_tags(html)
    lines = (line.rstrip() for line in _laid_out(CLEANER.clean(html)).splitlines())
    return "\n".join(lines).strip() or _without_tags(html)


def is_html(text: str) -> bool:
    """Whether there is a tag in it; `1 < 2` is not one."""
    return TAGGED.search(text) is not None


def _laid_out(html: str) -> str:
    """Loads its libraries at the first use: an XML parser is much memory for a process that never reads mail."""
    from inscriptis import get_text
    from inscriptis.model.config import ParserConfig
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    try:
        return get_text(html, ParserConfig(display_links=False))
    except (etree.LxmlError, ValueError, RecursionError):
        return ""


def _absurd(html: str) -> bool:
    return next(islice(OPENING.finditer(html), MAX_TAGS, None), None) is not None


def _without_tags(html: str) -> str:
    return unescape(TAG.sub(" ", HIDDEN.sub(" ", html))).strip()


TAGGED = re.compile(r"<(?:[A-Za-z/][^<>]{0,5000}|!--[^<>]{0,5000})>")
OPENING = re.compile(r"<[A-Za-z]")
TAG = re.compile(r"<[^<>]{0,5000}>")
HIDDEN = re.compile(r"<(script|style)\b[^<>]{0,5000}>[^<]{0,100000}</\1\s*>", re.IGNORECASE)
CLEANER = nh3.Cleaner(
    tags=nh3.ALLOWED_TAGS - {"area", "map"},
    clean_content_tags={"script", "style", "title"},
    url_schemes={"http", "https", "mailto", "tel"},
    url_relative="deny",
)
