"""Signing in and out, and choosing among one's workspaces."""

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trunkline.accounts import sessions, visits
from trunkline.accounts.sessions import CodeNeeded
from trunkline.core.db import Database
from trunkline.core.errors import LimitReached, NotFound, Unauthenticated
from trunkline.web import cookies, csrf, preferences, rendering, repeats, visitors
from trunkline.web.visitors import Visitor


def routes(database: Database) -> list[Route]:
    public_url: str = database.tools.settings.public_url

    async def page(request: Request) -> Response:
        if await visitors.find(database, request):
            return to("/")
        return rendering.page("login.html", preferences=preferences.of(request))

    async def login(request: Request) -> Response:
        """The session that the browser had before, somebody's perhaps, ends with the new one."""
        csrf.refuse_foreign(request, public_url=public_url)
        email, password = await fields(request, "email", "password")
        agent = request.headers.get("user-agent", "")
        previous = cookies.token(request)
        try:
            signed_in = await sessions.login(
                database, email, password, ip=ip(request), user_agent=agent, previous=previous
            )
        except CodeNeeded as needed:
            return rendering.page("code.html", preferences=preferences.of(request), ticket=needed.ticket)
        except Unauthenticated as error:
            return rendering.page(
                "login.html", 401, preferences=preferences.of(request), email=email, problem=error.message
            )
        except LimitReached as error:
            headers = {"Retry-After": str(error.retry_after)}
            shown = {"preferences": preferences.of(request), "email": email, "problem": wait(error)}
            return rendering.page("login.html", 429, headers, **shown)
        response = to("/")
        cookies.keep(request, response, signed_in.token)
        return response

    async def logout(request: Request) -> Response:
        visitor = await visitors.find(database, request)
        if visitor:
            (given,) = await fields(request, csrf.FIELD)
            csrf.check(request, visitor.token, given, public_url=public_url)
            await visits.end(database, visitor.session, ip=ip(request))
            await sessions.logout(database, visitor.token)
        response = to("/login")
        cookies.drop(request, response)
        return response

    async def workspace(request: Request, visitor: Visitor) -> Response:
        given, uuid = await fields(request, csrf.FIELD, "workspace")
        csrf.check(request, visitor.token, given, public_url=public_url)
        await _enter(database, request, visitor, _chosen(visitor, uuid))
        return to("/")

    return [
        Route("/login", page, methods=["GET"]),
        Route("/login", login, methods=["POST"]),
        Route("/logout", logout, methods=["POST"]),
        Route("/session", _session(database), methods=["GET"]),
        Route("/workspace", visitors.signed_in(database, workspace), methods=["POST"]),
    ]


async def fields(request: Request, *names: str) -> list[str]:
    """What was typed; what is missing or a file is empty."""
    async with request.form(max_files=0, max_fields=20) as form:
        return [value if isinstance(value := form.get(name), str) else "" for name in names]


def _session(database: Database) -> Callable[[Request], Awaitable[Response]]:
    async def session(request: Request) -> Response:
        """Who is signed in, for a page that has been open for long, and what became of a form that it `sent`."""
        visitor = await visitors.find(database, request)
        if visitor is None:
            return _told({"user": None})
        async with database.tx(visitor.account_id, visitor.actor) as tx:
            sent = await repeats.standing(tx, visitor.user.id, request.query_params.get("sent", ""))
        workspace = visitor.workspace.account_uuid
        return _told({"user": visitor.user.id, "workspace": workspace, "csrf": visitor.csrf, "sent": sent})

    return session


async def _enter(database: Database, request: Request, visitor: Visitor, account: int) -> None:
    """Look at another workspace; who stood in for one does so no more."""
    if account != visitor.account_id:
        await visits.end(database, visitor.session, ip=ip(request))
    await sessions.enter(database, visitor.token, account)


def _told(value: object) -> Response:
    return Response(msgspec.json.encode(value), 200, rendering.HEADERS, "application/json")


def _chosen(visitor: Visitor, uuid: str) -> int:
    try:
        wanted = UUID(uuid)
    except ValueError:
        raise NotFound("workspace") from None
    for membership in visitor.session.memberships:
        if membership.account_uuid == wanted:
            return membership.account_id
    raise NotFound("workspace")


def ip(request: Request) -> str | None:
    """A unix socket in front of us has none."""
    host = request.client.host if request.client else ""
    try:
        return str(ip_address(host))
    except ValueError:
        return None


def wait(error: LimitReached) -> str:
    minutes = -(-error.retry_after // 60)
    return f"Too many failed sign-ins. Try again in {minutes} minute{'s' if minutes > 1 else ''}."


def to(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})
