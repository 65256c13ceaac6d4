"""Sessions: who is signed in, in a browser or with a bearer token of the dashboard's API."""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct, structs

from trunkline.accounts import throttle
from trunkline.accounts.roles import Role
from trunkline.core import clock, crypto, ids, mailaddr
from trunkline.core.crypto import Vault
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import NotFound, Unauthenticated

Kind = Literal["browser", "bearer"]

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=30)
TOUCH = timedelta(minutes=1)
VISIT_BEGAN = "visit.began"
VISIT_LONGEST = timedelta(hours=1)
"""So long after its entry in the sub-account's log a visit may last; see visits.py."""


class User(Struct, frozen=True):
    id: int
    uuid: UUID
    email: str
    name: str


class Membership(Struct, frozen=True):
    """`visit_until` is set where somebody of the agency above stands in without being a member."""

    account_id: int
    account_uuid: UUID
    account_name: str
    account_kind: str
    suspended: bool
    role: Role
    timezone: str
    visit_until: datetime | None = None


class Session(Struct, frozen=True):
    """`account_id` is the account that a browser looks at; of `memberships` there is at least one."""

    digest: bytes
    kind: Kind
    account_id: int
    user: User
    memberships: list[Membership]
    expires_at: datetime

    def membership(self, account_id: int) -> Membership:
        for membership in self.memberships:
            if membership.account_id == account_id:
                return membership
        raise NotFound("account", account_id)


class SignedIn(Struct, frozen=True):
    """`token` is told once; only its digest is kept."""

    token: str
    session: Session


class CodeNeeded(Unauthenticated):
    """The password was right, and a second factor is asked for; `ticket` proves the first step for five minutes."""

    code = "second_factor_required"

    def __init__(self, ticket: str):
        super().__init__("A code of the second factor is needed.", code=CodeNeeded.code)
        self.ticket = ticket


async def login(
    database: Database,
    email: str,
    password: str,
    *,
    ip: str | None = None,
    user_agent: str = "",
    kind: Kind = "browser",
    previous: str | None = None,
) -> SignedIn:
    """A new session for the right password; `previous` is the token that it takes the place of.

    Raises `CodeNeeded` for somebody with a second factor: no session begins before it was shown (second_factors.py).
    Every refusal reads and costs the same. Failures are counted again after the password was looked at, so
    that guesses sent all at once are not more than guesses sent one by one.
    """
    subjects = throttle.subjects(email, ip)
    async with database.system() as tx:
        await throttle.check(tx, subjects)
        known = await tx.maybe(Known, KNOWN_USER, _address(email))
    fits = len(password) <= 4096 and await crypto.verify_password(known and known.password_hash, password)
    async with database.system() as tx:
        await throttle.lock(tx, subjects)
        await throttle.check(tx, subjects)
        if fits and known:
            await throttle.forget(tx, subjects)
            known = await _rehashed(tx, known, password)
            if not known.has_second_factor:
                return await start(tx, known, ip, user_agent, kind, previous)
        else:
            await throttle.count(tx, subjects)
    if fits and known:
        raise CodeNeeded(_ticket(database.tools.vault, known))
    raise Unauthenticated("Wrong email address or password.", code="wrong_credentials")


def ticket_holder(vault: Vault, ticket: str) -> int | None:
    """Whose first step a ticket claims to prove, if we signed it and it is not over."""
    read = vault.verify(FIRST_STEP, ticket)
    return int(read.partition(b".")[0]) if read else None


async def first_step(tx: Tx, ticket: str) -> "Known | None":
    """Who took the first step, in a system transaction; nobody if the password was changed since."""
    vault: Vault = tx.database.tools.vault
    read = vault.verify(FIRST_STEP, ticket)
    known = await tx.maybe(Known, KNOWN_BY_ID, int(read.partition(b".")[0])) if read else None
    return known if known and read == _claim(known).encode() else None


async def start(tx: Tx, known: "Known", ip: str | None, user_agent: str, kind: Kind, previous: str | None) -> SignedIn:
    """A session for somebody who has proven all that is asked for, in a system transaction."""
    if previous:
        await tx.run(END, crypto.digest(previous))
    token, now = f"trs_{ids.token(43)}", clock.now()
    digest = crypto.digest(token)
    await tx.run(INSERT, digest, known.id, known.account_id, kind, ip, _clean(user_agent), now, now + ABSOLUTE)
    await tx.run(AUDIT, known.id, f"user:{known.id}", ip, {"kind": kind})
    session = await _find(tx, digest)
    if session is None:  # switched off while the password was looked at
        raise Unauthenticated("Wrong email address or password.", code="wrong_credentials")
    return SignedIn(token, session)


async def find(database: Database, token: str) -> Session | None:
    """The living session of a token, with its user and the accounts that they may enter now."""
    if not TOKEN.fullmatch(token):
        return None
    async with database.system() as tx:
        return await _find(tx, crypto.digest(token))


async def enter(database: Database, token: str, account_id: int) -> Session:
    """Look at another account of the user in this browser."""
    async with database.system() as tx:
        session = await _find(tx, crypto.digest(token))
        if session is None:
            raise Unauthenticated
        session.membership(account_id)
        await tx.run(ENTER, session.digest, account_id)
        return await _find(tx, session.digest) or session


async def logout(database: Database, token: str) -> None:
    async with database.system() as tx:
        await tx.run(END, crypto.digest(token))


async def end_all(tx: Tx, user_id: int, *, keep: bytes | None = None) -> int:
    """End all sessions of a user but the one to `keep`, in a system transaction."""
    return await tx.run(END_ALL, user_id, keep)


def oldest() -> tuple[datetime, datetime]:
    """What a living session ends after, and a browser was seen after."""
    now = clock.now()
    return now, now - IDLE


async def prune(tx: Tx) -> None:
    """Remove what is over, in a system transaction."""
    now = clock.now()
    await tx.run(PRUNE, now, now - IDLE)
    await throttle.prune(tx)


async def _rehashed(tx: Tx, known: "Known", password: str) -> "Known":
    if not crypto.is_outdated(known.password_hash):
        return known
    fresh = await crypto.hash_password(password)
    await tx.run(REHASH, known.id, known.password_hash, fresh)
    return structs.replace(known, password_hash=fresh)


def _ticket(vault: Vault, known: "Known") -> str:
    return vault.sign(FIRST_STEP, _claim(known), seconds=TICKET_SECONDS)


def _claim(known: "Known") -> str:
    """Hangs on the stored password too, so that a new one ends what was begun with the old."""
    return f"{known.id}.{hashlib.sha256(known.password_hash.encode()).hexdigest()[:16]}"


async def _find(tx: Tx, digest: bytes) -> Session | None:
    now = clock.now()
    rows = await tx.fetch(_Row, FIND, digest, now, now - IDLE, VISIT_BEGAN, VISIT_LONGEST)
    if not rows:
        return None
    first = rows[0]
    if first.seen_at < now - TOUCH:
        await tx.run(SEEN, digest, now)
    memberships = [
        Membership(
            r.account_id, r.account_uuid, r.account_name, r.account_kind, r.suspended, r.role, r.timezone, r.visit_until
        )
        for r in rows
    ]
    looked_at = {membership.account_id for membership in memberships}
    account_id = first.chosen_id if first.chosen_id in looked_at else first.account_id
    user = User(first.user_id, first.user_uuid, first.email, first.name)
    return Session(digest, first.kind, account_id, user, memberships, first.expires_at)


def _address(email: str) -> str:
    """What cannot be an address belongs to nobody; it is looked up all the same, and costs the same."""
    try:
        return mailaddr.parse(email)
    except ValueError:
        return ""


def _clean(user_agent: str) -> str:
    return user_agent.replace("\0", "")[:300]


class Known(Struct, frozen=True):
    """Somebody who can sign in; `account_id` is where they begin."""

    id: int
    password_hash: str
    account_id: int
    has_second_factor: bool


class _Row(Struct, frozen=True):
    kind: Any
    chosen_id: int | None
    seen_at: datetime
    expires_at: datetime
    user_id: int
    user_uuid: UUID
    email: str
    name: str
    account_id: int
    account_uuid: UUID
    account_name: str
    account_kind: str
    suspended: bool
    role: Any
    timezone: str
    visit_until: datetime | None


TOKEN = re.compile(r"trs_[0-9A-Za-z]{43}", re.ASCII)

FIRST_STEP = "first step of a sign-in"
TICKET_SECONDS = 300

_KNOWN = """
    select u.id, u.password_hash, m.account_id, exists (
        select from second_factors f where f.user_id = u.id and f.confirmed_at is not null) as has_second_factor
    from users u
    join memberships m on m.user_id = u.id and m.active
    join accounts a on a.id = m.account_id and a.deleted_at is null
    where {} and u.active and u.password_hash is not null
    order by m.created_at, m.account_id limit 1
"""

KNOWN_USER = sql(_KNOWN.format("u.email = $1"), system=True)

KNOWN_BY_ID = sql(_KNOWN.format("u.id = $1"), system=True)

INSERT = sql(
    """
    insert into sessions (digest, user_id, account_id, kind, ip, user_agent, created_at, seen_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $7, $8)
    """,
    system=True,
)

FIND = sql(
    """
    select s.kind, s.account_id as chosen_id, s.seen_at, s.expires_at, u.id as user_id, u.uuid as user_uuid,
        u.email, u.name, a.id as account_id, a.uuid as account_uuid, a.name as account_name,
        a.kind as account_kind, a.suspended, m.role, a.timezone, m.visit_until
    from sessions s
    join users u on u.id = s.user_id and u.active
    join lateral (
        select o.account_id, o.role, o.created_at, false as is_visit, null::timestamptz as visit_until
        from memberships o where o.user_id = u.id and o.active
        union all
        select below.id, 'admin', $2, true, (
            select max(l.at) + $5::interval from audit_log l
            where l.account_id = below.id and l.action = $4::text and l.actor = 'user:' || u.id)
        from accounts below
        join accounts agency on agency.id = below.parent_id and agency.kind = 'agency' and agency.deleted_at is null
        join memberships o on o.account_id = agency.id and o.user_id = u.id and o.active
            and o.role in ('owner', 'admin')
        where s.kind = 'browser' and below.id = s.account_id and not exists (
            select from memberships own where own.account_id = below.id and own.user_id = u.id and own.active)
    ) m on not m.is_visit or m.visit_until > $2
    join accounts a on a.id = m.account_id and a.deleted_at is null
    where s.digest = $1 and s.expires_at > $2 and (s.kind = 'bearer' or s.seen_at > $3)
    order by m.is_visit, m.created_at, a.id
    """,
    system=True,
)

SEEN = sql("update sessions set seen_at = $2 where digest = $1", system=True)

ENTER = sql("update sessions set account_id = $2 where digest = $1", system=True)

END = sql("delete from sessions where digest = $1", system=True)

END_ALL = sql("delete from sessions where user_id = $1 and ($2::bytea is null or digest <> $2)", system=True)

PRUNE = sql("delete from sessions where expires_at <= $1 or (kind = 'browser' and seen_at <= $2)", system=True)

REHASH = sql("update users set password_hash = $3 where id = $1 and password_hash = $2", system=True)

# A login shows in the log of every account that it opens.
AUDIT = sql(
    """
    insert into audit_log (account_id, actor, action, subject, ip, details)
    select account_id, $2, 'login', $2, $3, $4 from memberships where user_id = $1 and active
    """,
    system=True,
)
