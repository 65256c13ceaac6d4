"""Forgotten passwords: a link by mail, good once and for an hour. Whether an address is known is never told."""

import base64
from datetime import timedelta

from msgspec import Struct

from trunkline.accounts import links, mailing, passwords, sessions, throttle
from trunkline.core import clock, crypto, ids, mailaddr
from trunkline.core.crypto import Vault
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import NotFound
from trunkline.core.jobs import Desk, job

GOOD_FOR = timedelta(hours=1)
MOST_ASKED = 3

AAD = "password reset"


class Forgetful(Struct, frozen=True):
    id: int
    email: str
    name: str
    has_second_factor: bool


async def ask(database: Database, email: str, *, ip: str | None = None) -> None:
    """Write to an address if it is somebody's. Known and unknown ones cost the same: a worker looks them up.

    Raises `LimitReached` when it was asked for too often.
    """
    subjects = throttle.counted(f"reset:{crypto.digest(email.strip().lower()).hex()}", MOST_ASKED, ip)
    async with database.system() as tx:
        await throttle.lock(tx, subjects)
        await throttle.check(tx, subjects)
        await throttle.count(tx, subjects)
        vault: Vault = database.tools.vault
        write.later(tx, base64.b64encode(vault.seal(email[:320], aad=AAD)).decode())


@job("password.reset", apart=True)
async def write(desk: Desk, sealed: str) -> None:
    vault: Vault = desk.tools.vault
    email = vault.open(base64.b64decode(sealed), aad=AAD).decode()
    async with desk.database.system() as tx:
        person = await tx.maybe(Forgetful, BY_EMAIL, _address(email))
        if person is not None:
            link = await _link(tx, person)
            await mailing.mail(tx, person.email, "A new password for Trunkline", LETTER.format(link=link))


async def link(tx: Tx, email: str) -> str:
    """The link itself, for the operator to hand over, in a system transaction; `NotFound` for a stranger."""
    person = await tx.maybe(Forgetful, BY_EMAIL, _address(email))
    if person is None:
        raise NotFound("user")
    return await _link(tx, person)


async def find(tx: Tx, token: str) -> Forgetful:
    """Whose password a link changes, in a system transaction."""
    person = await tx.maybe(Forgetful, BY_TOKEN, crypto.digest(token), clock.now())
    if person is None:
        raise NotFound("link")
    return person


async def redeem(database: Database, token: str, password: str) -> str:
    """Set the new password; ends all sessions and all other links. Returns the address that signs in with it."""
    async with database.system() as tx:
        person = await find(tx, token)
        names = [person.name, person.email, person.email.partition("@")[0]]
        passwords.check(password, names=names, second_factor=person.has_second_factor)
        hashed = await crypto.hash_password(password)
        if not await tx.run(USE, person.id):
            raise NotFound("link")  # somebody was quicker with the same link
        await tx.run(SET_PASSWORD, person.id, hashed)
        await sessions.end_all(tx, person.id)
        await tx.run(AUDIT, person.id, f"user:{person.id}")
        return person.email


async def prune(tx: Tx) -> None:
    """Remove what is over, in a system transaction."""
    await tx.run(PRUNE, clock.now())


async def _link(tx: Tx, person: Forgetful) -> str:
    token = f"trr_{ids.token(43)}"
    await tx.run(INSERT, crypto.digest(token), person.id, clock.now() + GOOD_FOR)
    return await links.url(tx, f"/reset/form?token={token}")


def _address(email: str) -> str:
    try:
        return mailaddr.parse(email)
    except ValueError:
        return ""


LETTER = """Somebody asked for a new password for this address.

If it was you, choose one within an hour:
{link}

If it was not you, nothing needs to be done: your password stays as it is.
"""

_PERSON = """
    select u.id, u.email, u.name, exists (
        select from second_factors f where f.user_id = u.id and f.confirmed_at is not null) as has_second_factor
    from users u
"""

BY_EMAIL = sql(f"{_PERSON} where u.email = $1 and u.active", system=True)

BY_TOKEN = sql(
    f"{_PERSON} join password_resets r on r.user_id = u.id where r.digest = $1 and r.expires_at > $2 and u.active",
    system=True,
)

INSERT = sql("insert into password_resets (digest, user_id, expires_at) values ($1, $2, $3)", system=True)

USE = sql("delete from password_resets where user_id = $1", system=True)

SET_PASSWORD = sql("update users set password_hash = $2 where id = $1", system=True)

# It shows in the log of every account that the person may enter.
AUDIT = sql(
    """
    insert into audit_log (account_id, actor, action, subject)
    select account_id, $2, 'password.reset', $2 from memberships where user_id = $1 and active
    """,
    system=True,
)

PRUNE = sql("delete from password_resets where expires_at <= $1", system=True)
