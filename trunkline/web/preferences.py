"""Preferences: how somebody likes to look at the pages. Kept in this browser, so that sign-in knows them too."""

from urllib.parse import parse_qs, urlencode

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from trunkline.web import cookies, words
from trunkline.web.words import Words

COOKIE = "trunkline_look"
THEMES = ("light", "dark")
A_YEAR = 365 * 86_400


class Preferences(Struct, frozen=True):
    """`theme` is None where the system decides."""

    theme: str | None
    words: Words


def of(request: Request) -> Preferences:
    kept = parse_qs(request.cookies.get(COOKIE, "")[:200])
    theme = kept.get("theme", [""])[0]
    language = words.chosen(kept.get("language", [""])[0], request.headers.get("accept-language", ""))
    return Preferences(theme if theme in THEMES else None, words.of(language))


def keep(request: Request, response: Response, *, theme: str, language: str) -> None:
    """Remember both; an empty one goes back to what the system or the browser says."""
    kept = {"theme": theme if theme in THEMES else "", "language": language if language in words.LANGUAGES else ""}
    cookies.put(request, response, COOKIE, urlencode(kept), A_YEAR)
