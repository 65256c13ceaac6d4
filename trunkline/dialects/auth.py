"""How callers show who they are: API keys in a header or the query, and signed-in users."""

from typing import Any, Protocol

from trunkline.accounts import audit, sessions
from trunkline.core.errors import Forbidden
from trunkline.dialects.calls import Call, Caller


class Credential(Protocol):
    """One way to authenticate. `name` and `security` describe it in OpenAPI."""

    @property
    def name(self) -> str: ...

    @property
    def security(self) -> dict[str, Any]: ...

    async def caller(self, call: Call, dialect: str) -> Caller | None:
        """Who it is; none if this credential is absent or not valid for `dialect`."""
        ...


class BearerKey:
    """`Authorization: Bearer <key>`"""

    name = "bearer"
    security = {"type": "http", "scheme": "bearer"}

    async def caller(self, call: Call, dialect: str) -> Caller | None:
        return await of_key(call, call.bearer, dialect)


class HeaderKey:
    """The key in a header of its own."""

    def __init__(self, header: str) -> None:
        self.name = "key"
        self.security = {"type": "apiKey", "in": "header", "name": header}
        self._header = header.lower().encode()

    def given(self, call: Call) -> list[str]:
        text = call.only(self._header)
        return [] if text is None else [text]

    async def caller(self, call: Call, dialect: str) -> Caller | None:
        return await of_key(call, call.only(self._header), dialect)


class QueryKey:
    """The key as a parameter of the query string."""

    def __init__(self, parameter: str) -> None:
        self.name = "query"
        self.security = {"type": "apiKey", "in": "query", "name": parameter}
        self._parameter = parameter

    def given(self, call: Call) -> list[str]:
        return call.query.get(self._parameter, [])

    async def caller(self, call: Call, dialect: str) -> Caller | None:
        given = self.given(call)
        return await of_key(call, given[0], dialect) if len(given) == 1 else None


class SessionBearer:
    """The token of a signed-in user, with the user's role and no limit of scopes.

    `X-Tenant-Id` chooses the workspace and may be left out by members of one.
    """

    name = "session"
    security = {"type": "http", "scheme": "bearer", "description": "A token from POST /auth/login."}

    async def caller(self, call: Call, dialect: str) -> Caller | None:
        token = call.bearer
        session = await sessions.find(call.database, token) if token else None
        if session is None or session.kind != "bearer":
            return None
        membership = await _chosen(call, session)
        return Caller(
            account=membership.account_id,
            actor=f"user:{session.user.id}",
            user_id=session.user.id,
            role=membership.role,
            scopes=ALL_SCOPES,
            counted_as=f"user:{session.user.id}",
            suspended=membership.suspended,
        )


async def authenticate(
    call: Call, credentials: tuple[Credential, ...], dialect: str, only: tuple[Credential, ...] = ()
) -> Caller | None:
    """The first valid credential counts, of `only` these if an operation has its own. Different keys count as none."""
    if _disagree(call, credentials):
        return None
    for credential in only or credentials:
        caller = await credential.caller(call, dialect)
        if caller is None:
            continue
        if caller.suspended:
            raise Forbidden("This account is suspended.", code="suspended")
        return caller
    return None


def _disagree(call: Call, credentials: tuple[Credential, ...]) -> bool:
    """Whether keys in several places are different ones: then nobody can say who is calling."""
    places = (each for each in credentials if isinstance(each, HeaderKey | QueryKey))
    return len({text for place in places for text in place.given(call)}) > 1


async def of_key(call: Call, text: str | None, dialect: str) -> Caller | None:
    """Who stands behind a key of this dialect."""
    found = await call.site.credentials.find(text) if text else None
    if found is None or found.dialect != dialect:
        return None
    return Caller(
        account=found.account.id,
        actor=f"key:{found.key_id}",
        user_id=found.user_id,
        role=found.role,
        scopes=found.scopes,
        counted_as=f"key:{found.key_id}",
        key_id=found.key_id,
        rate=found.rate_limit,
        suspended=found.account.suspended,
        account_uuid=found.account.uuid,
        settings=found.account.settings,
    )


async def _chosen(call: Call, session: sessions.Session) -> sessions.Membership:
    wanted = call.only(b"x-tenant-id")
    for membership in session.memberships:
        if wanted in (str(membership.account_id), str(membership.account_uuid)):
            return membership
    if wanted is None and len(session.memberships) == 1:
        return session.memberships[0]
    if wanted is None:
        raise Forbidden("Name the workspace in the header X-Tenant-Id.", code="no_workspace")
    home = session.memberships[0].account_id
    async with call.database.tx(home, f"user:{session.user.id}") as tx:
        await audit.record(tx, "tenant.refused", details={"tenant": wanted[:64]}, ip=call.ip or None)
    raise Forbidden("You are not a member of this workspace.", code="tenant_mismatch")


ALL_SCOPES = frozenset({"*"})
