"""`trunkline user …`: the members of an account."""

from typing import Annotated, Any, Literal

from trunkline.accounts import resets, users
from trunkline.accounts.users import Member
from trunkline.commands.answers import Answer, table
from trunkline.commands.opening import installation, workspace
from trunkline.core.config import Settings
from trunkline.core.db import Tx
from trunkline.core.errors import NotFound, Refusal

AccountId = Annotated[str, "UUID of the account."]


async def create(
    settings: Settings,
    email: Annotated[str, "The address that signs in."],
    /,
    *,
    account: AccountId,
    role: Annotated[Literal["owner", "admin", "editor", "agent", "viewer"], "What the member may do."],
    password: Annotated[str | None, "At least 15 characters; without it one is made and shown once."] = None,
    name: Annotated[str, "The person's name."] = "",
) -> Answer:
    """Make somebody a member of an account."""
    async with workspace(settings, account, system=True) as (tx, found):
        created = await users.create(tx, email, role, password=password, name=name)
    document = _document(created.member)
    text = f"{created.member.email} is {role} of {found.name}."
    if created.password:
        document["password"] = created.password
        text += f"\nPassword (shown once): {created.password}"
    return Answer(document, text)


async def list_all(settings: Settings, *, account: AccountId) -> Answer:
    """List the members of an account."""
    async with workspace(settings, account) as (tx, _):
        members = await users.members(tx)
    rows = [(member.email, member.role, "" if member.active else "off", member.name) for member in members]
    text = table(("Email", "Role", "", "Name"), rows, empty="Nobody yet. Add somebody with `trunkline user create`.")
    return Answer([_document(member) for member in members], text)


async def change(
    settings: Settings,
    email: Annotated[str, "The member's address."],
    /,
    *,
    account: AccountId,
    role: Annotated[Literal["owner", "admin", "editor", "agent", "viewer"] | None, "The new role."] = None,
    active: Annotated[Literal["yes", "no"] | None, "`no` ends all sessions and lets nobody in."] = None,
) -> Answer:
    """Change a member's role, or switch the member off and on."""
    if role is None and active is None:
        raise Refusal("Nothing to change. Give --role or --active.")
    switch = None if active is None else active == "yes"
    async with workspace(settings, account, system=True) as (tx, _):
        member = await users.set(tx, (await member_named(tx, email)).id, role=role, active=switch)
    state = "" if member.active else ", switched off"
    return Answer(_document(member), f"{member.email} is {member.role}{state}.")


async def password(
    settings: Settings,
    email: Annotated[str, "The address that signs in."],
    /,
) -> Answer:
    """Make a link for choosing a new password; it is good once and for an hour."""
    async with installation(settings, tools=True) as database, database.system() as tx:
        try:
            made = await resets.link(tx, email)
        except NotFound:
            raise Refusal(f"Nobody signs in with {email}.", code="not_found") from None
    return Answer({"email": email, "url": made}, f"Hand this to {email}; it is good once and for an hour:\n{made}")


async def member_named(tx: Tx, email: str) -> Member:
    """A member by address; somebody unknown is refused with the way to find out."""
    try:
        return await users.by_email(tx, email)
    except NotFound:
        raise Refusal(
            f"{email} is no member of this account. `trunkline user list` shows the members, and `trunkline user "
            "create` adds one.",
            code="not_found",
        ) from None


def _document(member: Member) -> dict[str, Any]:
    return {
        "id": member.id,
        "uuid": member.uuid,
        "email": member.email,
        "name": member.name,
        "role": member.role,
        "active": member.active,
    }
