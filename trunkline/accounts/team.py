"""The team: members change each other's membership, never above their own role."""

from trunkline.accounts import roles, users
from trunkline.accounts.users import Member
from trunkline.core.db import Tx
from trunkline.core.errors import Conflict, Forbidden


async def change(tx: Tx, by: int, id: int, *, role: str | None = None, active: bool | None = None) -> Member:
    """Change somebody's role, or switch them off or on, in a system transaction; it ends their sessions."""
    changer, member = await users.get(tx, by), await users.get(tx, id)
    wanted = roles.parse(role) if role is not None else member.role
    if not changer.active or not all(roles.outranks(changer.role, one) for one in (member.role, wanted)):
        raise Forbidden("Nobody can give or take a role above their own.", code="role_above_own")
    if by == id and active is False:
        raise Conflict("yourself", "You cannot switch yourself off.")
    return await users.set(tx, id, role=role, active=active)
