"""Sections: the pages of one subject in one table, with the checks that all of them share.

A page is a function of a `Visit`. Before a `post` runs, the form is read and has proven that it is ours. When it raises
`Invalid`, the page at the same address is shown again with what was typed and what is wrong with it.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trunkline.accounts.roles import Level
from trunkline.core import live
from trunkline.core.errors import Conflict, Forbidden, Invalid, Unauthenticated
from trunkline.web import csrf, forms, repeats, visitors
from trunkline.web.visits import Site, Visit

Page = Callable[[Visit], Awaitable[Response]]

CSRF_HEADER = "x-csrf"


class Section:
    """`name` is the entry of the menu that is marked while one of these pages is open."""

    def __init__(self, name: str):
        self.name = name
        self._pages: list[tuple[str, str, Level, Page]] = []

    def get(self, path: str, *, level: Level = "view") -> Callable[[Page], Page]:
        return self._add("GET", path, level)

    def post(self, path: str, *, level: Level) -> Callable[[Page], Page]:
        """Something that changes what is stored."""
        return self._add("POST", path, level)

    def routes(self, site: Site) -> list[Route]:
        shown = {path: page for method, path, _, page in self._pages if method == "GET"}
        return [
            Route(path, self._answer(site, method, level, page, shown.get(path)), methods=[method])
            for method, path, level, page in self._pages
        ]

    def _add(self, method: str, path: str, level: Level) -> Callable[[Page], Page]:
        def add(page: Page) -> Page:
            self._pages.append((method, path, level, page))
            return page

        return add

    def _answer(
        self, site: Site, method: str, level: Level, page: Page, shown: Page | None
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            visitor = await visitors.find(site.database, request)
            if visitor is None and "application/json" in request.headers.get("accept", ""):
                raise Unauthenticated("You are signed out.")
            if visitor is None:
                return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
            form = await forms.read(request) if method == "POST" else None
            visit = Visit(site, request, visitor, form)
            if not visit.is_partial:
                # Before anything is read, so that what happens meanwhile is told to the page.
                visit.seen = await live.latest(site.database)
            visit.section = self.name
            if form is not None:
                public: str = site.database.tools.settings.public_url
                given = request.headers.get(CSRF_HEADER) or form.raw(csrf.FIELD)
                csrf.check(request, visitor.token, given, public_url=public)
            if not visit.may(level):
                raise Forbidden(visit.words("Your role does not allow this."), level=level)
            if form is None:
                return await page(visit)
            return await repeats.once(visit, lambda: _shown_again(visit, page, shown))

        return answer


async def _shown_again(visit: Visit, page: Page, shown: Page | None) -> Response:
    try:
        return await page(visit)
    except (Invalid, Conflict) as error:
        if shown is None:
            raise
        again = Visit(visit.site, visit.request, visit.visitor)
        again.section, again.typed, again.status = visit.section, visit.form, 422
        again.problems = _problems(error)
        return await shown(again)


def _problems(error: Invalid | Conflict) -> Mapping[str, list[str]]:
    """By field; what belongs to none stands at the empty name."""
    if isinstance(error, Conflict):
        return {str(error.details.get("field", "")): [error.message]}
    return error.fields or {"": [error.message]}
