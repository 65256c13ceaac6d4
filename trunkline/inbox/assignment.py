"""Assignment: whose turn it is to answer."""

from collections.abc import Sequence

from msgspec import Struct

from trunkline.accounts import roles
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid
from trunkline.inbox import changes, conversations
from trunkline.inbox.conversations import Assignee, Conversation
from trunkline.inbox.events import ConversationAssigned

ROLES = [role for role in roles.ROLES if roles.allows(role, "interact")]
NOT_ASSIGNABLE = "User not found or does not have permission to be assigned conversations."


async def assign(tx: Tx, id: int, user_id: int | None) -> Conversation:
    """Give a conversation to somebody who may answer, or with None to nobody."""
    conversation = await conversations.get(tx, id)
    await assign_many(tx, [conversation.id], user_id)
    return await conversations.get(tx, id)


async def assign_many(tx: Tx, ids: Sequence[int], user_id: int | None) -> list[int]:
    """Assign many alike; returns those that had another assignee before."""
    if user_id is not None and await assignee(tx, user_id) is None:
        raise Invalid(message=NOT_ASSIGNABLE)
    moved = await tx.fetch(_Moved, ASSIGN, tx.account, ids, user_id)
    for one in moved:
        tx.record(ConversationAssigned(one.id, one.contact_id, user_id))
    changed = [one.id for one in moved]
    changes.record_changed(tx, changed)
    return changed


async def assignee(tx: Tx, user_id: int) -> Assignee | None:
    """The colleague, if conversations may be assigned to them."""
    if not 0 < user_id < 2**63:
        return None
    found = await tx.fetch(Assignee, ASSIGNEES, tx.account, ROLES, user_id)
    return found[0] if found else None


async def assignees(tx: Tx) -> list[Assignee]:
    """Everybody that conversations may be assigned to, by name."""
    return await tx.fetch(Assignee, ASSIGNEES, tx.account, ROLES, None)


class _Moved(Struct, frozen=True):
    id: int
    contact_id: int


ASSIGN = sql("""
    update conversations set assignee_id = $3, updated_at = now()
    where account_id = $1 and id = any($2::bigint[]) and deleted_at is null
        and assignee_id is distinct from $3
    returning id, contact_id
""")

ASSIGNEES = sql("""
    select u.id, u.name, u.email from memberships m join users u on u.id = m.user_id
    where m.account_id = $1 and m.active and u.active and m.role = any($2::text[])
        and ($3::bigint is null or m.user_id = $3)
    order by u.name, u.id
""")
