"""Keys of the APIs: made, shown once, listed by what can be told of them, revoked."""

from datetime import datetime, timedelta

from msgspec import Struct
from starlette.responses import Response

from trunkline.accounts import api_keys, users
from trunkline.accounts.api_keys import Key
from trunkline.core import clock
from trunkline.core.db import Tx
from trunkline.core.errors import Forbidden, Invalid
from trunkline.web.sections import Section
from trunkline.web.settings import tabs
from trunkline.web.visits import Visit

pages = Section("settings")

LIFETIMES = (30, 90, 365)


class Made(Struct, frozen=True):
    """A key right after it was made; `secret` is told once."""

    secret: str
    key: Key


class Kind(Struct, frozen=True):
    """Keys of one dialect on a page of their own; `docs` is where they can be tried."""

    dialect: str
    path: str
    title: str
    says: str

    @property
    def docs(self) -> str:
        return f"/docs/{self.dialect}#try-it"


KINDS = {
    kind.path: kind
    for kind in (
        Kind("developer", "/settings/developer", "Developer", "They read companies, contacts and conversations."),
        Kind("portal", "/settings/api-keys", "API Keys", "They act for your own programs within their scopes."),
        Kind("rapidpro", "/settings/tokens", "Workspace tokens", "Clients of RapidPro's API v2 sign in with them."),
    )
}


@pages.get("/settings/developer", level="admin")
@pages.get("/settings/api-keys", level="admin")
@pages.get("/settings/tokens", level="admin")
async def show(visit: Visit) -> Response:
    return await _page(visit)


@pages.post("/settings/developer", level="admin")
@pages.post("/settings/api-keys", level="admin")
@pages.post("/settings/tokens", level="admin")
async def make(visit: Visit) -> Response:
    return await _page(visit, await create(visit, KINDS[visit.request.url.path].dialect))


@pages.post("/settings/keys/{id:int}/revocation", level="view")
async def revoke(visit: Visit) -> Response:
    async with visit.tx() as tx:
        key = await api_keys.get(tx, visit.id())
        if key.user_id != visit.visitor.user.id and not visit.may("admin"):
            raise Forbidden(visit.words("Your role does not allow this."), level="admin")
        await api_keys.revoke(tx, key.id)
    return visit.back("/settings/account", visit.words("The key is worth nothing from now on."))


async def create(visit: Visit, dialect: str) -> Made:
    """A key of the visitor's own, as the form says."""
    form = visit.form
    scopes = form.texts("scope") if api_keys.SCOPES[dialect] else None
    if scopes is not None and not scopes:
        raise Invalid({"scope": [visit.words("Choose at least one.")]})
    async with visit.tx() as tx:
        name, until = form.text("label", most=128), _expiry(visit)
        made = await api_keys.create(tx, visit.visitor.user.id, dialect, scopes=scopes, name=name, expires_at=until)
    return Made(*made)


async def listed(visit: Visit, tx: Tx, *dialects: str) -> list[Key]:
    """All keys of these dialects for those who look after them, one's own for everybody else."""
    found = [key for key in await api_keys.listed(tx) if key.dialect in dialects]
    return found if visit.may("admin") else [key for key in found if key.user_id == visit.visitor.user.id]


async def people(tx: Tx) -> dict[int, str]:
    """Whose keys they are."""
    return {member.id: member.name or member.email for member in await users.members(tx)}


async def _page(visit: Visit, made: Made | None = None) -> Response:
    kind = KINDS[visit.request.url.path]
    async with visit.tx() as tx:
        return tabs.page(
            visit,
            "settings/keys.html",
            kind=kind,
            keys=await listed(visit, tx, kind.dialect),
            people=await people(tx),
            scopes=api_keys.SCOPES[kind.dialect],
            made=made,
        )


def _expiry(visit: Visit) -> datetime | None:
    days = visit.form.number("days", most=3650)
    return clock.now() + timedelta(days=days) if days else None
