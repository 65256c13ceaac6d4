"""Kinds of paging: page numbers with links and totals, or bare arrays with a cursor."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlencode

from msgspec import UNSET, Struct, UnsetType, field

from trunkline.core import paging
from trunkline.core.errors import Invalid
from trunkline.core.paging import Page
from trunkline.dialects.answers import Paged
from trunkline.dialects.calls import Call

MOST_DIGITS = 18
AROUND = 3  # numbered links on each side of the current page


class Cursor(Struct, frozen=True):
    """A walk through a list: at most `limit` rows after the row that `after` names; no limit means all."""

    limit: int | None = None
    after: str | None = None


class Link(Struct, frozen=True):
    url: str | None
    label: str
    active: bool


class PageLinks(Struct, frozen=True):
    first: str
    last: str
    prev: str | None
    next: str | None


class PageMeta(Struct, frozen=True):
    current_page: int
    from_: int | None = field(name="from")
    last_page: int
    links: list[Link]
    path: str
    per_page: int
    to: int | None
    total: int
    total_capped: bool | UnsetType = UNSET


class PageOut(Struct, frozen=True):
    data: Sequence[Any]
    links: PageLinks
    meta: PageMeta


class Paging(Protocol):
    """How a dialect turns a `Paged` into a body and headers, and which parameters choose the page."""

    def envelope(self, call: Call, paged: Paged[Any]) -> tuple[object, Mapping[str, str]]: ...

    def parameters(self) -> list[dict[str, Any]]: ...


class PageNumbers:
    """`page` and `per_page`, both brought into range; `{"data", "links", "meta"}` with absolute links."""

    def __init__(self, default: int = 25, most: int = 100) -> None:
        self.default = default
        self.most = most

    def read(self, call: Call) -> Page:
        if call.page is None:
            query = call.query
            number, size = _number(query, "page", 1), _number(query, "per_page", self.default)
            call.page = paging.page(number, size, most=self.most)
        return call.page

    def envelope(self, call: Call, paged: Paged[Any]) -> tuple[PageOut, Mapping[str, str]]:
        page, total = self.read(call), paged.total if paged.total is not None else len(paged.rows)
        last = page.last(total)
        path = call.url(call.path)
        others = {name: given for name, given in call.query.items() if name != "page"}
        before = f"{path}?{urlencode(others, doseq=True)}&page=" if others else f"{path}?page="
        has_next = page.number < last or (paged.capped and len(paged.rows) == page.per_page)
        prev = f"{before}{min(page.number - 1, last)}" if page.number > 1 else None
        next = f"{before}{page.number + 1}" if has_next else None
        first_shown, last_shown = page.span(len(paged.rows))
        meta = PageMeta(
            current_page=page.number,
            from_=first_shown,
            last_page=last,
            links=_numbered(before, page.number, last, prev, next),
            path=path,
            per_page=page.per_page,
            to=last_shown,
            total=total,
            total_capped=True if paged.capped else UNSET,
        )
        return PageOut(paged.rows, PageLinks(f"{before}1", f"{before}{last}", prev, next), meta), {}

    def parameters(self) -> list[dict[str, Any]]:
        return [
            _parameter("page", {"type": "integer", "default": 1}, "Counted from 1."),
            _parameter(
                "per_page",
                {"type": "integer", "default": self.default},
                f"At most {self.most}; more means {self.most}.",
            ),
        ]


class BareArray:
    """All rows as one array; `limit` and `cursor` walk it, `Link` and `X-Total-Count` tell the rest."""

    def __init__(self, most: int = 1000) -> None:
        self.most = most

    def read(self, call: Call) -> Cursor:
        query = call.query
        if "limit" not in query and "cursor" not in query:
            return Cursor()
        limit = _number(query, "limit", self.most)
        return Cursor(min(max(limit, 1), self.most), query["cursor"][-1] if query.get("cursor") else None)

    def envelope(self, call: Call, paged: Paged[Any]) -> tuple[object, Mapping[str, str]]:
        headers: dict[str, str] = {}
        if paged.total is not None:
            headers["X-Total-Count"] = str(paged.total)
        if paged.next is not None:
            others = {name: given for name, given in call.query.items() if name != "cursor"}
            query = urlencode({**others, "cursor": paged.next}, doseq=True)
            headers["Link"] = f'<{call.url(call.path)}?{query}>; rel="next"'
        return paged.rows, headers

    def parameters(self) -> list[dict[str, Any]]:
        return [
            _parameter("limit", {"type": "integer"}, f"Rows to return, at most {self.most}; all without it."),
            _parameter("cursor", {"type": "string"}, "From the Link header of the answer before."),
        ]


def _numbered(before: str, current: int, last: int, prev: str | None, next: str | None) -> list[Link]:
    """Previous, the pages around the current one with both ends, next."""
    shown = {1, last, *range(max(1, current - AROUND), min(last, current + AROUND) + 1)}
    links, at = [Link(prev, "&laquo; Previous", False)], 0
    for number in sorted(shown):
        if number > at + 1:
            links.append(Link(None, "...", False))
        links.append(Link(f"{before}{number}", str(number), number == current))
        at = number
    return [*links, Link(next, "Next &raquo;", False)]


def _number(query: dict[str, list[str]], name: str, default: int) -> int:
    given = query.get(name)
    if not given:
        return default
    text = given[-1]
    digits = text[1:] if text.startswith(("+", "-")) else text
    if not (digits.isascii() and digits.isdigit()):
        raise Invalid({name: [f"The {name.replace('_', ' ')} field must be an integer."]})
    return int(text) if len(digits) <= MOST_DIGITS else (-1 if text[0] == "-" else 10**MOST_DIGITS)


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}
