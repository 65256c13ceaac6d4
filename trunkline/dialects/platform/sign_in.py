"""Signing in by email and password, for dashboards: a token that stands for the user."""

from typing import Annotated

from msgspec import Meta, Struct

from trunkline.accounts import second_factors, sessions
from trunkline.accounts.sessions import CodeNeeded, Session
from trunkline.dialects.base import Call, Data, Unauthenticated
from trunkline.dialects.platform.dialect import platform


class SignInForm(Struct):
    email: Annotated[str, Meta(min_length=1, max_length=255, examples=["owner@example.com"])]
    password: Annotated[str, Meta(min_length=1, max_length=4096, examples=["correct horse battery staple"])]
    code: Annotated[str, Meta(max_length=64, description="Of the second factor, for whoever has one.")] = ""


class Person(Struct):
    id: int
    name: str
    email: str


class Tenant(Struct):
    """A workspace that the user may enter; `X-Tenant-Id` takes its `id`."""

    id: int
    name: str
    role: str


class Who(Struct):
    user: Person
    tenants: list[Tenant]


class SignedIn(Struct):
    token: str
    user: Person
    tenants: list[Tenant]


@platform.post("/auth/login", public=True, tag="Sign in", raises=(Unauthenticated,))
async def log_in(call: Call, body: SignInForm) -> Data[SignedIn]:
    """Sign in.

    Send the token as `Authorization: Bearer <token>`, with `X-Tenant-Id` if the user has several workspaces. It does
    whatever the user's role allows, and ends after 30 days or with `POST /auth/logout`.
    """
    ip, agent = call.ip or None, call.header("user-agent") or ""
    try:
        signed_in = await sessions.login(
            call.database, body.email, body.password, ip=ip, user_agent=agent, kind="bearer"
        )
    except CodeNeeded as needed:
        if not body.code:
            raise
        signed_in = await second_factors.finish(
            call.database, needed.ticket, body.code, ip=ip, user_agent=agent, kind="bearer"
        )
    who = _who(signed_in.session)
    return Data(SignedIn(signed_in.token, who.user, who.tenants))


@platform.get("/auth/me", public=True, tag="Sign in", raises=(Unauthenticated,))
async def who_am_i(call: Call) -> Data[Who]:
    """Get the signed-in user and the workspaces that they may enter."""
    return Data(_who(await _session(call)))


@platform.post("/auth/logout", public=True, tag="Sign in", status=204, raises=(Unauthenticated,))
async def log_out(call: Call) -> None:
    """End the session. Its token is worth nothing afterwards."""
    await _session(call)
    await sessions.logout(call.database, call.bearer or "")


async def _session(call: Call) -> Session:
    session = await sessions.find(call.database, call.bearer) if call.bearer else None
    if session is None or session.kind != "bearer":
        raise Unauthenticated
    return session


def _who(session: Session) -> Who:
    user = session.user
    tenants = [Tenant(one.account_id, one.account_name, one.role) for one in session.memberships]
    return Who(Person(user.id, user.name, user.email), tenants)
