"""Invitations: a link that makes somebody a member, good once and for a week."""

from datetime import datetime, timedelta

from msgspec import Struct

from trunkline.accounts import audit, links, mailing, roles, users
from trunkline.accounts.roles import Role
from trunkline.accounts.users import Member
from trunkline.core import clock, crypto, ids, mailaddr
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound

GOOD_FOR = timedelta(days=7)
MOST_OPEN = 100


class Invitation(Struct, frozen=True):
    """One that was not taken yet."""

    id: int
    email: str
    role: Role
    invited_by: str
    created_at: datetime
    expires_at: datetime


class Invited(Struct, frozen=True):
    """`link` is told once. `mailed`: this installation has a mail relay, and the link is on its way."""

    invitation: Invitation
    link: str
    mailed: bool


class Offer(Struct, frozen=True):
    """What a link offers. `is_known`: the address signs in already, with a password of its own."""

    account_id: int
    account_name: str
    id: int
    email: str
    role: Role
    is_known: bool
    inviter_role: Role | None


async def invite(tx: Tx, by: int, email: str, role: str) -> Invited:
    """Offer a role, at most one's own, to an address; in a system transaction. An earlier link to it ends."""
    inviter, wanted = await users.get(tx, by), roles.parse(role)
    if not inviter.active or not roles.outranks(inviter.role, wanted):
        raise Invalid({"role": ["Nobody can give a role above their own."]})
    address = _email(email)
    await _check_room(tx, address)
    token = f"tri_{ids.token(43)}"
    await tx.run(REPLACE, tx.account, address)
    expires = clock.now() + GOOD_FOR
    id = await tx.value(int, INSERT, tx.account, crypto.digest(token), address, wanted, by, expires)
    link = await links.url(tx, f"/invitation?token={token}")
    await audit.record(tx, "invitation.created", f"invitation:{id}", {"email": address, "role": wanted})
    [invitation] = [one for one in await listed(tx) if one.id == id]
    mailed = tx.database.tools.mail_relay is not None
    await _write(tx, inviter, invitation, link)
    return Invited(invitation, link, mailed)


async def listed(tx: Tx) -> list[Invitation]:
    """The open invitations of the account, the newest first; those that are over too, until somebody removes them."""
    return await tx.fetch(Invitation, LIST, tx.account)


async def revoke(tx: Tx, id: int) -> None:
    """Its link is worth nothing from now on."""
    if not await tx.run(REVOKE, tx.account, id, clock.now()):
        raise NotFound("invitation", id)
    await audit.record(tx, "invitation.revoked", f"invitation:{id}")


async def find(database: Database, token: str) -> Offer:
    """What a link offers. One whose giver may not give that role any more offers nothing."""
    async with database.system() as tx:
        return await _find(tx, token)


async def accept(database: Database, token: str, *, name: str, password: str) -> Offer:
    """Somebody new takes the offer, with a name and a password of their own."""
    async with database.system() as tx:
        offer = await _take(tx, token)
        if offer.is_known:
            raise Conflict("user_exists", "This address signs in already. Sign in to accept.")
        created = await users.create(tx, offer.email, offer.role, password=password, name=name)
        await audit.record(tx, "invitation.accepted", f"user:{created.member.id}", {"role": offer.role})
        return offer


async def join(database: Database, token: str, user_id: int, email: str) -> Offer:
    """Somebody who is signed in with the invited address takes the offer."""
    async with database.system() as tx:
        offer = await _take(tx, token)
        if offer.email != email:
            raise NotFound("invitation")
        await users.create(tx, offer.email, offer.role)
        await audit.record(tx, "invitation.accepted", f"user:{user_id}", {"role": offer.role})
        return offer


async def _take(tx: Tx, token: str) -> Offer:
    """Use up a link; the transaction stands at its account from here on."""
    offer = await _find(tx, token)
    tx.account = offer.account_id
    if not await tx.run(TAKE, offer.account_id, offer.id, clock.now()):
        raise NotFound("invitation")
    return offer


async def _find(tx: Tx, token: str) -> Offer:
    offer = await tx.maybe(Offer, FIND, crypto.digest(token), clock.now())
    if offer is None or offer.inviter_role is None or not roles.outranks(offer.inviter_role, offer.role):
        raise NotFound("invitation")
    return offer


async def _check_room(tx: Tx, address: str) -> None:
    try:
        await users.by_email(tx, address)
    except NotFound:
        pass
    else:
        raise Conflict("user_exists", "This person is a member already.", field="email")
    if len(await listed(tx)) >= MOST_OPEN:
        raise Conflict("too_many_invitations", f"There are {MOST_OPEN} open invitations. Remove some first.")


async def _write(tx: Tx, inviter: Member, invitation: Invitation, link: str) -> None:
    name = await tx.value(str, ACCOUNT_NAME, tx.account) or ""
    who = inviter.name or inviter.email
    text = LETTER.format(who=who, account=name, role=invitation.role, link=link)
    await mailing.mail(tx, invitation.email, f"{who} invites you to {name}", text)


def _email(text: str) -> str:
    try:
        return mailaddr.parse(text)
    except ValueError as error:
        raise Invalid({"email": [str(error)]}) from None


LETTER = """{who} invites you to {account} on Trunkline, as {role}.

Accept within a week:
{link}

If you do not know them, ignore this mail: nothing happens then.
"""

ACCOUNT_NAME = sql("select name from accounts where id = $1", system=True)

LIST = sql("""
    select i.id, i.email, i.role, coalesce(nullif(u.name, ''), u.email, '') as invited_by, i.created_at, i.expires_at
    from invitations i left join users u on u.id = i.invited_by
    where i.account_id = $1 and i.accepted_at is null and i.revoked_at is null order by i.id desc
""")

REPLACE = sql("""
    update invitations set revoked_at = now()
    where account_id = $1 and email = $2 and accepted_at is null and revoked_at is null
""")

INSERT = sql("""
    insert into invitations (account_id, digest, email, role, invited_by, expires_at) values ($1, $2, $3, $4, $5, $6)
    returning id
""")

REVOKE = sql("""
    update invitations set revoked_at = $3
    where account_id = $1 and id = $2 and accepted_at is null and revoked_at is null
""")

FIND = sql(
    """
    select i.account_id, a.name as account_name, i.id, i.email, i.role,
        exists (select from users u where u.email = i.email) as is_known, m.role as inviter_role
    from invitations i
    join accounts a on a.id = i.account_id and a.deleted_at is null
    left join users b on b.id = i.invited_by and b.active
    left join memberships m on m.account_id = i.account_id and m.user_id = b.id and m.active
    where i.digest = $1 and i.accepted_at is null and i.revoked_at is null and i.expires_at > $2
    """,
    system=True,
)

TAKE = sql("""
    update invitations set accepted_at = $3
    where account_id = $1 and id = $2 and accepted_at is null and revoked_at is null
""")
