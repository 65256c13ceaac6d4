"""Logins: what people see and change of how they themselves sign in."""

from datetime import datetime
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from msgspec import Struct

from trunkline.accounts import audit, passwords, second_factors, sessions, throttle, users
from trunkline.accounts.sessions import Session
from trunkline.core import crypto
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import Invalid, NotFound


class Login(Struct, frozen=True):
    """A living session; `is_this` is the one that asks."""

    id: str
    kind: str
    ip: IPv4Address | IPv6Address | IPv4Interface | IPv6Interface | None
    user_agent: str
    created_at: datetime
    seen_at: datetime
    is_this: bool


async def prove(database: Database, session: Session, password: str, *, ip: str | None, field: str) -> None:
    """Raise `Invalid` for `field` unless this is the user's password; failures count as at sign-in."""
    subjects = throttle.subjects(session.user.email, ip)
    async with database.system() as tx:
        await throttle.check(tx, subjects)
        stored = await tx.value(str, PASSWORD, session.user.id)
    fits = len(password) <= passwords.MOST and await crypto.verify_password(stored, password)
    async with database.system() as tx:
        await throttle.lock(tx, subjects)
        await throttle.check(tx, subjects)
        if not fits:
            await throttle.count(tx, subjects)
    if not fits:
        raise Invalid({field: ["This is not your password."]})


async def change_password(database: Database, session: Session, current: str, new: str, *, ip: str | None) -> None:
    """A new password for whoever knows the old one; ends all other sessions."""
    await prove(database, session, current, ip=ip, field="current")
    async with database.system(session.account_id, f"user:{session.user.id}") as tx:
        await users.set_password(tx, session.user.id, new, keep=session.digest)


async def drop_second_factor(
    database: Database, session: Session, password: str, *, ip: str | None, field: str = "password"
) -> None:
    """Sign in by password alone again. One that is too short for that must be changed first."""
    await prove(database, session, password, ip=ip, field=field)
    try:
        passwords.check(password)
    except Invalid:
        short = f"Without a second factor a password needs {passwords.LEAST} characters. Change it first."
        raise Invalid({field: [short]}) from None
    async with database.system(session.account_id, f"user:{session.user.id}") as tx:
        await second_factors.disable(tx, session.user.id, keep=session.digest)


async def listed(tx: Tx, session: Session) -> list[Login]:
    """Where the user is signed in, the latest first; in a system transaction."""
    since = sessions.oldest()
    return await tx.fetch(Login, LIST, session.user.id, session.digest, *since)


async def end(tx: Tx, session: Session, id: str) -> None:
    """Sign out one of the user's sessions, in a system transaction."""
    if not await tx.run(END, session.user.id, id):
        raise NotFound("session")


async def end_others(tx: Tx, session: Session) -> int:
    """Sign out everywhere but here, in a system transaction."""
    number = await sessions.end_all(tx, session.user.id, keep=session.digest)
    await audit.record(tx, "sessions.ended", f"user:{session.user.id}", {"number": number})
    return number


PASSWORD = sql("select password_hash from users where id = $1 and active", system=True)

LIST = sql(
    """
    select encode(digest, 'hex') as id, kind, ip, user_agent, created_at, seen_at, digest = $2 as is_this
    from sessions
    where user_id = $1 and expires_at > $3 and (kind = 'bearer' or seen_at > $4) order by seen_at desc limit 100
    """,
    system=True,
)

END = sql("delete from sessions where user_id = $1 and encode(digest, 'hex') = $2", system=True)
