"""URNs: where somebody can be reached, as `scheme:path`. One spelling for each place."""

import re
from collections.abc import Callable

import msgspec

from trunkline.core import mailaddr, phones


class BadUrn(ValueError):
    """Not a URN that we know; the text is a sentence for the user."""


class Urn(msgspec.Struct, frozen=True):
    """`Urn("tel", "+250788123123")`. Built by `parse` or `make`, so it is normalised wherever it is seen."""

    scheme: str
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.path}"


def parse(text: str, country: str | None = None) -> Urn:
    """The URN in `text`; a `#display` part is accepted and left out. `country` completes national numbers."""
    scheme, path, _ = parts(text)
    return make(scheme, path, country)


def make(scheme: str, path: str, country: str | None = None) -> Urn:
    """A URN from its two halves, normalised and checked."""
    if scheme not in SCHEMES:
        raise BadUrn(f"There is no URN scheme {scheme!r}.")
    normal = NORMAL.get(scheme, str)(path.strip()) if scheme != "tel" else _tel(path, country)
    shape = SHAPES.get(scheme, ANYTHING)
    if not shape.fullmatch(normal) or len(normal) > PATH_LENGTH:
        raise BadUrn(f"{path!r} is not a {scheme} address.")
    return Urn(scheme, normal)


def parts(text: str) -> tuple[str, str, str | None]:
    """Scheme, path and display of `scheme:path?channel=…#display`, not normalised."""
    scheme, colon, rest = text.strip().partition(":")
    if not colon:
        raise BadUrn("A URN is written scheme:path.")
    path, _, display = rest.partition("#")
    return scheme.strip().lower(), CHANNEL.sub("", path), display or None


def _tel(path: str, country: str | None) -> str:
    """People and spreadsheets write a number in many ways; eleven digits and more carry a country code."""
    typed = SPREADSHEET.sub("", path.strip())
    digits = TEL_NOISE.sub("", typed)
    if typed.startswith("+") or (len(digits) >= 11 and not digits.startswith("0")):
        digits, country = f"+{digits}", None
    try:
        return phones.parse(digits, country)
    except phones.BadPhone as error:
        raise BadUrn(str(error)) from None


def _mailto(path: str) -> str:
    try:
        return mailaddr.parse(path)
    except mailaddr.BadEmail as error:
        raise BadUrn(str(error)) from None


def _handle(path: str) -> str:
    return path.lower().removeprefix("@")


PATH_LENGTH = 255
# fmt: off
SCHEMES = frozenset({
    "tel", "mailto", "whatsapp", "telegram", "facebook", "instagram", "webchat", "ext", "twitter",
    "twitterid", "viber", "line", "wechat", "discord", "fcm", "slack", "jiochat", "vk", "freshchat",
    "rocketchat",
})
# fmt: on
NORMAL: dict[str, Callable[[str], str]] = {
    "mailto": _mailto,
    "twitter": _handle,
    "whatsapp": lambda path: path.removeprefix("+"),
}
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ANYTHING = re.compile(r"[^\x00-\x1f\x7f#\ud800-\udfff]+")
DIGITS = re.compile(r"[0-9]+")
SHAPES = {
    "twitter": re.compile(r"[a-z0-9_]{1,15}"),
    "twitterid": DIGITS,
    "facebook": re.compile(r"[0-9]+|ref:[^\x00-\x1f\x7f#\ud800-\udfff]+"),
    "telegram": DIGITS,
    "whatsapp": DIGITS,
    "instagram": DIGITS,
    "viber": re.compile(r"[a-zA-Z0-9_=+/]{1,24}"),
    "freshchat": re.compile(f"{UUID}/{UUID}", re.IGNORECASE),
    "discord": DIGITS,
}
CHANNEL = re.compile(r"\?channel=[^#]*$")
SPREADSHEET = re.compile(r"[eE]\+1[12]$")
# What is neither letter nor digit is decoration; a letter stays and makes the number invalid.
TEL_NOISE = re.compile(r"[\W_]+")
