"""The workspace and the people who work in it."""

from typing import Annotated
from uuid import UUID, uuid5

from msgspec import Meta, Struct

from trunkline.accounts import accounts, settings, users
from trunkline.accounts.users import Member
from trunkline.contacts import names
from trunkline.core import mailaddr
from trunkline.dialects.base import Call, Paged, Tx
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import BadAsk
from trunkline.dialects.rapidpro.wire import Moment, Ref, moment
from trunkline.dialects.walking import Place, Walk

MOST_UUIDS = 100
ROLES = {
    "owner": "administrator",
    "admin": "administrator",
    "editor": "editor",
    "agent": "agent",
    "viewer": "viewer",
}


class Credits(Struct, frozen=True):
    """Not counted here: always -1."""

    used: int = -1
    remaining: int = -1


class WorkspaceOut(Struct, frozen=True):
    uuid: UUID
    name: str
    country: str | None
    languages: list[str]
    timezone: str
    date_style: str
    anon: bool
    credits: Credits
    primary_language: str | None


class UserOut(Struct, frozen=True):
    uuid: UUID
    email: str
    first_name: str
    last_name: str
    name: str
    role: str
    team: Ref | None
    created_on: Moment
    avatar: str | None


class UserQuery(Struct):
    uuid: Annotated[list[str], Meta(description="Only users with one of these UUIDs; may be repeated.")] = []
    email: Annotated[list[str], Meta(description="Only users with one of these addresses; may be repeated.")] = []
    role: Annotated[list[str], Meta(description="Only users with one of these roles; may be repeated.")] = []


@rapidpro.get("/workspace.json", "/org.json")
async def show_workspace(tx: Tx) -> WorkspaceOut:
    """View your workspace."""
    account = await accounts.current(tx)
    return WorkspaceOut(
        uuid=account.uuid,
        name=account.name,
        country=account.country,
        languages=account.languages,
        timezone=account.timezone,
        date_style=settings.value(account, "date_style"),
        anon=settings.value(account, "anon"),
        credits=Credits(),
        primary_language=account.languages[0] if account.languages else None,
    )


@rapidpro.get("/users.json")
async def list_users(tx: Tx, call: Call, walk: Walk, query: UserQuery) -> Paged[UserOut]:
    """List the people who can log in to your workspace, the newest first."""
    if len(query.uuid) > MOST_UUIDS:
        raise BadAsk(f"Param 'uuid' can have a maximum of {MOST_UUIDS} values.")
    uuids = {uuid for text in query.uuid if (uuid := reading.uuid(text))}
    emails = {_address(text) for text in query.email}
    roles = {role for role in query.role if role in ROLES.values()}
    found = [
        member
        for member in await users.members(tx)
        if member.active
        and (not uuids or member.uuid in uuids)
        and (not emails or member.email in emails)
        and (not roles or ROLES[member.role] in roles)
    ]
    page = await walk.page(lists.walked(found, _place), _place)
    account = await accounts.current(tx)
    rows = [_shape(member, account.uuid) for member in page.rows]
    return Paged(rows, next=page.next, previous=page.previous)


def _address(text: str) -> str:
    try:
        return mailaddr.parse(text)
    except ValueError:
        return text.lower()


def _shape(member: Member, account: UUID) -> UserOut:
    first, last = names.split(member.name)
    # There is one team, which every agent is in.
    team = Ref(uuid5(account, "team"), "All Topics") if member.role == "agent" else None
    return UserOut(
        uuid=member.uuid,
        email=member.email,
        first_name=first,
        last_name=last,
        name=member.name,
        role=ROLES[member.role],
        team=team,
        created_on=moment(member.created_at),
        avatar=None,
    )


def _place(member: Member) -> Place:
    return member.created_at, member.id
