"""The second step of signing in: a code beside the password that was right."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trunkline.accounts import second_factors
from trunkline.core.db import Database
from trunkline.core.errors import LimitReached, Unauthenticated
from trunkline.web import cookies, csrf, preferences, rendering
from trunkline.web.login import signing


def routes(database: Database) -> list[Route]:
    async def code(request: Request) -> Response:
        """Its ticket comes from the first step and is good for minutes."""
        csrf.refuse_foreign(request, public_url=database.tools.settings.public_url)
        ticket, typed = await signing.fields(request, "ticket", "code")
        agent, previous = request.headers.get("user-agent", ""), cookies.token(request)
        shown = {"preferences": preferences.of(request), "ticket": ticket}
        try:
            signed_in = await second_factors.finish(
                database, ticket, typed, ip=signing.ip(request), user_agent=agent, previous=previous
            )
        except Unauthenticated as error:
            template = "login.html" if error.code == "ticket_expired" else "code.html"
            return rendering.page(template, 401, problem=error.message, **shown)
        except LimitReached as error:
            headers = {"Retry-After": str(error.retry_after)}
            return rendering.page("code.html", 429, headers, problem=signing.wait(error), **shown)
        response = signing.to("/")
        cookies.keep(request, response, signed_in.token)
        return response

    return [Route("/login/code", code, methods=["POST"])]
