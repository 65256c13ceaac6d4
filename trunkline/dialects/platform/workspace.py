"""The caller's own user and workspace."""

from uuid import UUID

from msgspec import Struct

from trunkline.accounts import accounts, users
from trunkline.dialects.base import Call, Data, Moment, Tx, moment
from trunkline.dialects.platform.dialect import platform


class UserOut(Struct):
    id: int
    uuid: UUID
    name: str
    email: str
    role: str
    created_at: Moment


class WorkspaceOut(Struct):
    id: int
    uuid: UUID
    name: str
    timezone: str
    country: str | None
    created_at: Moment


@platform.get("/user", level="view", tag="Account")
async def show_user(tx: Tx, call: Call) -> Data[UserOut]:
    """Get the user whose token this is, with their role in the workspace."""
    member = await users.get(tx, call.caller.user_id)
    return Data(UserOut(member.id, member.uuid, member.name, member.email, member.role, moment(member.created_at)))


@platform.get("/workspace", level="view", tag="Account")
async def show_workspace(tx: Tx) -> Data[WorkspaceOut]:
    """Get the workspace that this token works in."""
    account = await accounts.current(tx)
    return Data(
        WorkspaceOut(
            account.id, account.uuid, account.name, account.timezone, account.country, moment(account.created_at)
        )
    )
