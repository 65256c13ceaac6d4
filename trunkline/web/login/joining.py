"""Coming in by a link: an invitation that is taken, a forgotten password that is changed."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trunkline.accounts import invitations, resets
from trunkline.accounts.invitations import Offer
from trunkline.accounts.resets import Forgetful
from trunkline.core.db import Database
from trunkline.core.errors import Conflict, Invalid, LimitReached, NotFound
from trunkline.web import cookies, csrf, preferences, rendering, visitors
from trunkline.web.login import signing
from trunkline.web.visitors import Visitor


def routes(database: Database) -> list[Route]:
    """Tokens stand behind the question mark, which no log keeps."""
    doors = _Doors(database)
    return [
        Route("/reset", doors.forgotten, methods=["GET"]),
        Route("/reset", doors.ask, methods=["POST"]),
        Route("/reset/form", doors.choose, methods=["GET"]),
        Route("/reset/form", doors.redeem, methods=["POST"]),
        Route("/invitation", doors.invited, methods=["GET"]),
        Route("/invitation", doors.accept, methods=["POST"]),
    ]


class _Doors:
    def __init__(self, database: Database):
        self._database = database

    async def forgotten(self, request: Request) -> Response:
        return self._page(request, "reset.html", mails=self._mails)

    async def ask(self, request: Request) -> Response:
        """The same answer whoever asks for whom."""
        self._ours(request)
        [email] = await signing.fields(request, "email")
        try:
            await resets.ask(self._database, email, ip=signing.ip(request))
        except LimitReached as error:
            headers = {"Retry-After": str(error.retry_after)}
            wait = "Too many requests for this address. Try again later."
            return self._page(request, "reset.html", 429, headers, mails=self._mails, problem=wait, email=email)
        return self._page(request, "reset.html", mails=self._mails, is_asked=True, email=email)

    async def choose(self, request: Request) -> Response:
        return await self._chosen(request, request.query_params.get("token", ""))

    async def redeem(self, request: Request) -> Response:
        self._ours(request)
        token, password = await signing.fields(request, "token", "password")
        try:
            email = await resets.redeem(self._database, token, password)
        except Invalid as error:
            return await self._chosen(request, token, 422, str(error.message))
        except NotFound:
            return self._over(request)
        return self._page(request, "joined.html", email=email, is_reset=True)

    async def invited(self, request: Request) -> Response:
        return await self._offered(request, request.query_params.get("token", ""))

    async def accept(self, request: Request) -> Response:
        """Somebody new chooses name and password; somebody known must be signed in with the invited address."""
        self._ours(request)
        token, name, password, given = await signing.fields(request, "token", "name", "password", csrf.FIELD)
        try:
            visitor = await visitors.find(self._database, request)
            offer = await invitations.find(self._database, token)
            if offer.is_known:
                return await self._join(request, visitor, token, given)
            await invitations.accept(self._database, token, name=name, password=password)
        except (Invalid, Conflict) as error:
            return await self._offered(request, token, 422, error.message, name)
        except NotFound:
            return self._over(request)
        return self._page(request, "joined.html", email=offer.email, account=offer.account_name)

    async def _join(self, request: Request, visitor: Visitor | None, token: str, given: str) -> Response:
        if visitor is None:
            return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
        csrf.check(request, visitor.token, given, public_url=self._public_url)
        await invitations.join(self._database, token, visitor.user.id, visitor.user.email)
        return RedirectResponse("/", 303, {"Cache-Control": "no-store"})

    async def _chosen(self, request: Request, token: str, status: int = 200, problem: str = "") -> Response:
        try:
            async with self._database.system() as tx:
                person: Forgetful = await resets.find(tx, token)
        except NotFound:
            return self._over(request)
        return self._page(request, "reset_form.html", status, token=token, email=person.email, problem=problem)

    async def _offered(
        self, request: Request, token: str, status: int = 200, problem: str = "", name: str = ""
    ) -> Response:
        try:
            offer: Offer = await invitations.find(self._database, token)
        except NotFound:
            return self._over(request)
        visitor = await visitors.find(self._database, request)
        is_them = visitor is not None and visitor.user.email == offer.email
        proof = csrf.token(cookies.token(request)) if is_them else ""
        values = {"offer": offer, "token": token, "name": name, "is_them": is_them, "proof": proof}
        return self._page(request, "invitation.html", status, problem=problem, **values)

    def _over(self, request: Request) -> Response:
        return self._page(request, "link_over.html", 404)

    def _page(
        self,
        request: Request,
        template: str,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **values: object,
    ) -> Response:
        values = {"is_asked": False, "is_reset": False, "account": "", **values}
        return rendering.page(template, status, headers, preferences=preferences.of(request), **values)

    def _ours(self, request: Request) -> None:
        csrf.refuse_foreign(request, public_url=self._public_url)

    @property
    def _public_url(self) -> str:
        return self._database.tools.settings.public_url

    @property
    def _mails(self) -> bool:
        """Whether this installation can write to people at all."""
        return self._database.tools.mail_relay is not None
