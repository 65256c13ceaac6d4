"""HTML of mail: cleaned without losing its looks, and made into what really goes out, once for all recipients."""

import re
from collections.abc import Callable
from functools import partial
from html import escape
from itertools import islice
from urllib.parse import urlsplit

import nh3
from msgspec import Struct

from trunkline.core.errors import Invalid

MOST_TAGS = 10_000
MOST_LINKS = 1000
PIXEL = 0
"""The number that stands for the picture by which opening shows."""


class Letter(Struct, frozen=True):
    """`html` and `text` have the slots of their authors and ours: `{{track.N}}` and `{{unsubscribe_url}}`.

    `links` are the addresses behind `{{track.1}}` and so on.
    """

    html: str | None
    text: str
    links: list[str] = []


def clean(html: str, field: str = "html") -> str:
    """Without scripts, forms, frames and whatever else no mail program shows; styles, tables and slots stay.

    The document around it goes: a body becomes a division with the body's looks.
    """
    if next(islice(OPENING.finditer(html), MOST_TAGS, None), None) is not None:
        raise Invalid({field: [f"The HTML must not have more than {MOST_TAGS} tags."]})
    return CLEANER.clean(BODY.sub(r"<\1div", html)).strip()


def letter(html: str | None, text: str, *, preview: str = "", tracked: bool = True) -> Letter:
    """What goes out of cleaned HTML and the text beside it: text where there is none, a way to unsubscribe."""
    if not (html or "").strip():
        return Letter(None, with_way_out(text))
    html = html or ""
    shown = html if WAY_OUT.search(html) else html + HTML_WAY_OUT
    text = with_way_out(text) if text.strip() else as_text(shown)
    links: list[str] = []
    if tracked:
        shown = _cleaner(partial(_marked, links)).clean(shown) + f'<img src="{{{{track.{PIXEL}}}}}"{PIXEL_LOOKS}>'
    return Letter(_inlined(HEAD + _hidden(preview) + shown + FOOT), text, links)


def as_text(html: str) -> str:
    """Readable text with the addresses of its links. Loads its libraries at the first use."""
    from inscriptis import get_text
    from inscriptis.model.config import ParserConfig
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    try:
        lines = get_text(html, ParserConfig(display_links=True)).splitlines()
    except (etree.LxmlError, ValueError, RecursionError):
        lines = TAG.sub(" ", html).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip()


def with_way_out(text: str) -> str:
    return text if WAY_OUT.search(text) else text.rstrip() + TEXT_WAY_OUT


def _inlined(document: str) -> str:
    """Style sheets moved into the elements, as many mail programs read no others; media queries stay."""
    if "<style" not in document:
        return document
    import css_inline

    try:
        return css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True).inline(document)
    except css_inline.InlineError:
        return document  # styles that cannot be read are left to the reader's program


def _hidden(preview: str) -> str:
    """The line that mail programs show beside the subject, and room that keeps the text away from it."""
    return f'<div style="{HIDDEN}">{escape(preview, quote=False)}{FILLER}</div>' if preview.strip() else ""


def _marked(links: list[str], tag: str, name: str, value: str) -> str | None:
    """Put a mark in place of the address of a link that can be followed through us."""
    if name != "href" or tag not in ("a", "area"):
        return value
    url = "".join(value.split())
    if not FIXED_HOST.match(url) or not _has_host(url):
        return value
    if url not in links:
        if len(links) == MOST_LINKS:
            return value
        links.append(url)
    return f"{{{{track.{links.index(url) + 1}}}}}"


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url.partition("{{")[0]).hostname)
    except ValueError:
        return False


def _harmless(tag: str, name: str, value: str) -> str | None:
    if name == "style" and WILD_STYLE.search(value):
        return None
    return None if name == "background" and not WEB.match(value) else value


def _relative(url: str) -> str | None:
    """A slot may hold an address, and a fragment leads within the mail; nothing else is relative to anything."""
    return url if url.startswith(("{{", "#")) else None


def _cleaner(judge: Callable[[str, str, str], str | None]) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=nh3.ALLOWED_TAGS | {"style", "font", "main", "section"},
        clean_content_tags={"script", "title", "noscript", "template", "textarea", "xmp", "noembed", "noframes"},
        attributes={"*": ANYWHERE, **ATTRIBUTES},
        generic_attribute_prefixes={"aria-"},
        attribute_filter=judge,
        strip_comments=False,  # old Outlook reads its layout in them
        link_rel=None,
        url_schemes={"http", "https", "mailto", "tel", "sms"},
        url_relative=_relative,
    )


ANYWHERE = {
    *("style", "class", "id", "dir", "lang", "title", "role", "align", "valign", "width", "height", "bgcolor"),
    *("background", "color"),
}
ATTRIBUTES = {
    "a": {"href", "target", "name"},
    "area": {"href", "shape", "coords", "alt"},
    "img": {"src", "alt", "border", "hspace", "vspace", "usemap"},
    "map": {"name"},
    "font": {"face", "size"},
    "table": {"border", "cellpadding", "cellspacing"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap", "scope"},
    "ol": {"start", "type"},
    "ul": {"type"},
    "hr": {"size", "noshade"},
    "style": {"type", "media"},
}
CLEANER = _cleaner(_harmless)

OPENING = re.compile(r"<[A-Za-z]")
TAG = re.compile(r"<[^<>]{0,5000}>")
BODY = re.compile(r"<(/?)body(?=[\s/>])", re.IGNORECASE)
WEB = re.compile(r"https?://", re.IGNORECASE)
WILD_STYLE = re.compile(r"expression\s*\(|javascript:|vbscript:|-moz-binding|behavior\s*:", re.IGNORECASE)
# Whose site it is must not come out of a slot: that would be a door to anywhere.
FIXED_HOST = re.compile(r"https?://[^/?#{}\\@\s]+(?:[/?#]|$)", re.IGNORECASE)
WAY_OUT = re.compile(r"\{\{\s*unsubscribe_url\s*(?:\|[^{}]*)?\}\}")
TEXT_WAY_OUT = "\n\nUnsubscribe: {{unsubscribe_url}}"
HTML_WAY_OUT = (
    '<p style="margin:24px 0 0;font-size:12px;text-align:center">'
    '<a href="{{unsubscribe_url}}" style="color:#666666">Unsubscribe</a></p>'
)
PIXEL_LOOKS = ' width="1" height="1" alt="" style="display:block;border:0"'
HIDDEN = "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all;font-size:1px;line-height:1px"
FILLER = "&#8199;&#847;&zwnj; " * 40
HEAD = (
    '<!DOCTYPE html><html><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"></head><body>'
)
FOOT = "</body></html>"
