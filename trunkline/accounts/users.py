"""Users: people who log in. A membership says in which account, and with which role."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from trunkline.accounts import audit, passwords, roles, sessions
from trunkline.accounts.events import MemberAdded, MemberChanged
from trunkline.accounts.roles import Role
from trunkline.core import crypto, ids, mailaddr
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import new_uuid


class Member(Struct, frozen=True):
    """A user as seen from one account. `id` is the user's; `active` is both theirs and the membership's."""

    id: int
    uuid: UUID
    email: str
    name: str
    role: Role
    active: bool
    created_at: datetime


class Created(Struct, frozen=True):
    """`password` is set only when it was made here: show it once."""

    member: Member
    password: str | None


async def create(tx: Tx, email: str, role: str, *, password: str | None = None, name: str = "") -> Created:
    """Add a member, in a system transaction. Somebody known from another account keeps their password."""
    address, role = _email(email), roles.parse(role)
    account_name = await tx.value(str, ACCOUNT_NAME, tx.account)
    if account_name is None:
        raise NotFound("account")
    if password is not None:
        passwords.check(password, names=[account_name, name, address, address.partition("@")[0]])
    generated = ids.token(24) if password is None else None
    hashed = await crypto.hash_password(generated or password or "")
    is_new = await tx.run(ADD_USER, new_uuid(), address, _shown(name), hashed) == 1
    if not await tx.run(ADD_MEMBER, tx.account, address, role):
        raise Conflict("user_exists", "This person is a member already.")
    member = await by_email(tx, address)
    tx.record(MemberAdded(member.id, role))
    await audit.record(tx, "member.added", f"user:{member.id}", {"role": role})
    return Created(member, generated if is_new else None)


async def get(tx: Tx, id: int) -> Member:
    return _found(await tx.maybe(Member, BY_ID, tx.account, id), id)


async def by_uuid(tx: Tx, uuid: UUID) -> Member:
    return _found(await tx.maybe(Member, BY_UUID, tx.account, uuid), uuid)


async def by_email(tx: Tx, email: str) -> Member:
    try:
        address = mailaddr.parse(email)
    except ValueError:
        raise NotFound("user", email) from None
    return _found(await tx.maybe(Member, BY_EMAIL, tx.account, address), email)


async def members(tx: Tx) -> list[Member]:
    """All members of the account by name, those switched off too."""
    return await tx.fetch(Member, ALL, tx.account)


async def assignable(tx: Tx, id: int) -> Member:
    """A member who can be given work: active, and allowed to answer. Anybody else is not found."""
    member = await get(tx, id)
    if not member.active or not roles.allows(member.role, "interact"):
        raise NotFound("user", id)
    return member


async def set(tx: Tx, id: int, *, role: str | None = None, active: bool | None = None) -> Member:
    """Change a membership, in a system transaction. A new role or switching off ends the person's sessions.

    An account keeps its last owner, whoever asks.
    """
    new_role = roles.parse(role) if role is not None else None
    owners = await tx.column(int, LOCK_OWNERS, tx.account)
    before = await get(tx, id)
    if owners == [id] and (active is False or new_role not in (None, "owner")):
        raise Conflict("last_owner", "An account keeps at least one owner. Make somebody else an owner first.")
    await tx.run(CHANGE, tx.account, id, new_role, active)
    member = await get(tx, id)
    if (member.role, member.active) == (before.role, before.active):
        return member
    await sessions.end_all(tx, id)
    tx.record(MemberChanged(id, member.role, member.active))
    changes = {"role": [before.role, member.role], "active": [before.active, member.active]}
    await audit.record(tx, "member.changed", f"user:{id}", changes)
    return member


async def set_password(tx: Tx, id: int, password: str, *, keep: bytes | None = None) -> None:
    """A new password for a member, in a system transaction; ends their sessions but the one to `keep`."""
    member = await get(tx, id)
    account_name = await tx.value(str, ACCOUNT_NAME, tx.account) or ""
    names = [account_name, member.name, member.email, member.email.partition("@")[0]]
    passwords.check(password, names=names, second_factor=bool(await tx.value(bool, HAS_SECOND_FACTOR, id)))
    await tx.run(SET_PASSWORD, id, await crypto.hash_password(password))
    await sessions.end_all(tx, id, keep=keep)
    await audit.record(tx, "password.changed", f"user:{id}")


def _email(text: str) -> str:
    try:
        return mailaddr.parse(text)
    except ValueError as error:
        raise Invalid({"email": [str(error)]}) from None


def _shown(name: str) -> str:
    return "".join(filter(str.isprintable, name)).strip()[:128]


def _found(member: Member | None, id: object) -> Member:
    if member is None:
        raise NotFound("user", id)
    return member


ACCOUNT_NAME = sql("select name from accounts where id = $1 and deleted_at is null", system=True)

ADD_USER = sql(
    """
    insert into users (uuid, email, name, password_hash) values ($1, $2, $3, $4)
    on conflict (email) do nothing
    """,
    system=True,
)

ADD_MEMBER = sql(
    """
    insert into memberships (account_id, user_id, role) select $1, u.id, $3 from users u where u.email = $2
    on conflict do nothing
    """,
    system=True,
)

_MEMBER = """
    select u.id, u.uuid, u.email, u.name, m.role, (m.active and u.active) as active, m.created_at
    from memberships m join users u on u.id = m.user_id where m.account_id = $1
"""

BY_ID = sql(f"{_MEMBER} and m.user_id = $2")

BY_UUID = sql(f"{_MEMBER} and u.uuid = $2")

BY_EMAIL = sql(f"{_MEMBER} and u.email = $2")

ALL = sql(f"{_MEMBER} order by u.name, u.email, u.id")

LOCK_OWNERS = sql(
    """
    select user_id from memberships where account_id = $1 and role = 'owner' and active
    order by user_id for update
    """,
    system=True,
)

CHANGE = sql(
    """
    update memberships set role = coalesce($3, role), active = coalesce($4, active)
    where account_id = $1 and user_id = $2
    """,
    system=True,
)

SET_PASSWORD = sql("update users set password_hash = $2 where id = $1", system=True)

HAS_SECOND_FACTOR = sql(
    "select exists (select from second_factors where user_id = $1 and confirmed_at is not null)", system=True
)
