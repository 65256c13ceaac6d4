"""Text out of the octets of strangers: wrong charsets, broken headers, HTML."""

import binascii
import codecs
import re
from base64 import b64decode

from inscriptis import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]
from lxml import html as markup

ENCODED_WORD = re.compile(r"=\?([\w.:-]{1,40})(?:\*[\w-]{0,20})?\?([bBqQ])\?([^?\s]{0,2000})\?=")
BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?[\w.:-]{1,40}(?:\*[\w-]{0,20})?\?[bBqQ]\?)")
# Everything XML and PostgreSQL refuse, and other controls but tab and line ends.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# Python's codecs that are not charsets of mail; some take quadratic time.
NOT_CHARSETS = frozenset({"punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7"})
OLD_MAIL = (
    "//blockquote | //*[contains(concat(' ', normalize-space(@class), ' '), ' gmail_quote ')]"
    " | //*[contains(concat(' ', normalize-space(@class), ' '), ' moz-cite-prefix ')]"
    " | //*[contains(concat(' ', normalize-space(@class), ' '), ' yahoo_quoted ')]"
    " | //*[@id='divRplyFwdMsg'] | //*[@id='divRplyFwdMsg']/following-sibling::*"
    " | //*[@id='appendonsend']/following-sibling::*"
)
LAYOUT = ParserConfig(display_links=False)


def decode_octets(octets: bytes, charset: str = "") -> str:
    """Text by the charset that is named, else by the one that fits; never fails."""
    named = known(charset)
    for attempt in (named, "utf-8"):
        if attempt:
            try:
                return octets.decode(attempt)
            except (UnicodeError, LookupError):
                continue
    # ASCII is what programs say that do not know; Windows letters are the likely truth.
    return octets.decode("cp1252" if named in (None, "ascii") else named, "replace")


def decode_header(value: str) -> str:
    """A header value on one line, its encoded words decoded, its raw octets guessed."""
    if not value.isascii():
        value = decode_octets(value.encode("utf-8", "surrogateescape"))
    value = ENCODED_WORD.sub(decode_word, BETWEEN_WORDS.sub(r"\1", value)) if "=?" in value else value
    return clean_text(" ".join(value.split()))


def decode_word(word: re.Match[str]) -> str:
    charset, encoding, text = word.groups()
    try:
        octets = base64_octets(text) if encoding in "bB" else binascii.a2b_qp(text, header=True)
    except (ValueError, binascii.Error):
        return word[0]
    return decode_octets(octets, charset)


def base64_octets(text: str) -> bytes:
    """Padding is what programs forget first."""
    text = text.rstrip("=")
    return b64decode(text + "=" * (-len(text) % 4), validate=True)


def clean_text(text: str) -> str:
    """What can be stored and shown."""
    return UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def text_of_html(html: str) -> str:
    """Readable text of an HTML reply, without the mail it quotes."""
    if not html.strip():
        return ""
    try:
        tree = markup.document_fromstring(clean_text(html).encode(), parser=markup.HTMLParser(encoding="utf-8"))
        shorter = without_old_mail(tree)
        return clean_text(Inscriptis(shorter, LAYOUT).get_text()).strip() or whole(html)
    except (etree.LxmlError, ValueError, RecursionError, IndexError, KeyError, TypeError, AttributeError):
        return whole(html)


def without_old_mail(tree: markup.HtmlElement) -> markup.HtmlElement:
    for element in tree.xpath(OLD_MAIL):
        if element.getparent() is not None:
            element.drop_tree()
    return tree


def whole(html: str) -> str:
    """Tags cut off, when nothing better works."""
    return clean_text(re.sub(r"<[^<>]{0,5000}>", " ", html)).strip()


def known(charset: str) -> str | None:
    try:
        name = codecs.lookup(charset.strip().strip("\"'")).name if charset else ""
    except (LookupError, ValueError):
        return None
    return name if name and name.replace("_", "-") not in NOT_CHARSETS else None
