"""Visits: one request of somebody who is signed in, and all that a page needs to answer it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlencode, urlsplit
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trunkline.accounts import roles
from trunkline.accounts.roles import Level
from trunkline.core import paging, problems
from trunkline.core.crypto import Vault
from trunkline.core.db import Database, Transaction
from trunkline.core.errors import Malformed
from trunkline.core.paging import BadCursor
from trunkline.health import Pulse
from trunkline.web import cookies, forms, preferences, rendering
from trunkline.web.forms import Form
from trunkline.web.hub import Hub
from trunkline.web.visitors import Visitor
from trunkline.web.words import Words

SAID = "trunkline_said"

T = TypeVar("T")


class Site(Struct, frozen=True):
    """What the pages of one process share. `dialects` knows the APIs that are served, `sections` what has pages."""

    database: Database
    hub: Hub
    dialects: Any
    sections: frozenset[str]
    pulse: Pulse


class Visit:
    """A request. `form` holds what was posted, `problems` and `typed` belong to a refused form that is shown again."""

    def __init__(self, site: Site, request: Request, visitor: Visitor, form: Form | None = None):
        self.site, self.request, self.visitor = site, request, visitor
        self.preferences = preferences.of(request)
        self.query = forms.query(request)
        self.form = form or self.query
        self.typed: Form | None = None
        self.problems: Mapping[str, list[str]] = {}
        self.status = 200
        self.section = ""
        self.seen = 0

    @property
    def words(self) -> Words:
        return self.preferences.words

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.visitor.workspace.timezone)

    @property
    def url(self) -> str:
        """The address of this installation as the browser knows it, without a slash at the end."""
        public: str = self.site.database.tools.settings.public_url
        return (public or str(self.request.base_url)).rstrip("/")

    @property
    def is_partial(self) -> bool:
        """Whether a script on the page asks for a part of it."""
        return "hx-request" in self.request.headers

    @property
    def vault(self) -> Vault:
        return self.site.database.tools.vault

    @property
    def database(self) -> Database:
        return self.site.database

    def here(self, **changed: object) -> str:
        """The address of this page with other values behind its question mark; empty ones are left out."""
        kept = {name: value for name, value in self.request.query_params.items() if name != "after"} | changed
        said = urlencode({name: value for name, value in kept.items() if value not in (None, "")})
        return f"{self.request.url.path}?{said}" if said else self.request.url.path

    @property
    def after(self) -> tuple[datetime, int] | None:
        """Where the page before this one ended, by time and id. What we did not write ourselves begins anew."""
        given = self.query.text("after")
        try:
            return paging.decode(self.vault, self._walk, given, tuple[datetime, int]) if given else None
        except BadCursor:
            return None

    def beyond(self, at: datetime, id: int) -> str:
        """The address of the page that goes on behind this row."""
        return self.here(after=paging.encode(self.vault, self._walk, (at, id)))

    @property
    def _walk(self) -> str:
        return f"web {self.request.url.path}:{self.visitor.account_id}"

    def id(self, name: str = "id") -> int:
        """A number in the path."""
        return int(self.request.path_params[name])

    def may(self, level: Level) -> bool:
        return roles.allows(self.visitor.workspace.role, level)

    def tx(self) -> Transaction:
        """A transaction of the workspace that is looked at, in the visitor's name."""
        return self.site.database.tx(self.visitor.account_id, self.visitor.actor)

    async def json(self, shape: type[T]) -> T:
        """What a script of ours sends, as what it should be. Raises `Malformed`, or `Invalid` by field."""
        try:
            given = msgspec.json.decode(await self.request.body())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed("This is no JSON.") from None
        return problems.convert(shape, given, strict=True)

    def told(self, value: object, status: int = 200) -> Response:
        """An answer for a script of ours."""
        return Response(msgspec.json.encode(value), status, {"Cache-Control": "no-store"}, "application/json")

    def page(self, template: str, /, *, block: str = "", **values: Any) -> Response:
        """A whole page, or the one `block` of it that a script asks for."""
        values |= {"visit": self, "visitor": self.visitor, "preferences": self.preferences, "said": self._heard()}
        if block and self.is_partial:
            return rendering.part(template, block, self.status, values)
        response = rendering.page(template, self.status, None, **values)
        if SAID in self.request.cookies:
            cookies.put(self.request, response, SAID, "", 0)
        return response

    def to(self, path: str, said: str = "", /) -> Response:
        """Go to another page of ours, which then says what was done."""
        response = RedirectResponse(path, 303, {"Cache-Control": "no-store"})
        if said:
            cookies.put(self.request, response, SAID, quote(said[:500]), 20)
        return response

    def back(self, otherwise: str, said: str = "", /) -> Response:
        """Go to where the form stood, if that is a page of ours."""
        came = urlsplit(self.request.headers.get("referer", ""))
        here = came.netloc == self.request.headers.get("host") and came.path.startswith("/")
        path = f"{came.path}?{came.query}" if came.query else came.path
        return self.to(path if here and not came.path.startswith("//") else otherwise, said)

    def _heard(self) -> str:
        return unquote(self.request.cookies.get(SAID, ""))[:500]
