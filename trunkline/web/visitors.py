"""Visitors: who looks at a page, and at which of their workspaces."""

from collections.abc import Awaitable, Callable

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trunkline.accounts import sessions
from trunkline.accounts.sessions import Membership, Session, User
from trunkline.core.db import Database
from trunkline.web import cookies, csrf

Endpoint = Callable[[Request], Awaitable[Response]]


class Visitor(Struct, frozen=True):
    """Somebody signed in. `csrf` goes into every form of their pages."""

    token: str
    session: Session

    @property
    def account_id(self) -> int:
        return self.session.account_id

    @property
    def workspace(self) -> Membership:
        return self.session.membership(self.session.account_id)

    @property
    def user(self) -> User:
        return self.session.user

    @property
    def actor(self) -> str:
        return f"user:{self.session.user.id}"

    @property
    def csrf(self) -> str:
        return csrf.token(self.token)


async def find(database: Database, request: Request) -> Visitor | None:
    """The visitor whose cookie this is. A token of the API is no cookie."""
    return await of_token(database, cookies.token(request))


async def of_token(database: Database, token: str) -> Visitor | None:
    session = await sessions.find(database, token) if token else None
    return Visitor(token, session) if session and session.kind == "browser" else None


def signed_in(database: Database, endpoint: Callable[[Request, Visitor], Awaitable[Response]]) -> Endpoint:
    """Whoever is not signed in is sent to do so."""

    async def answer(request: Request) -> Response:
        visitor = await find(database, request)
        if visitor is None:
            return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
        return await endpoint(request, visitor)

    return answer
