"""Sharing: new conversations are given to colleagues by themselves, as far as somebody has room; the others queue."""

import heapq
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from trunkline.accounts import roles
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid
from trunkline.inbox.events import CHUNK, ConversationAssigned, ConversationsChanged

BATCH = 500
"""So many leave the queue at once."""
MOST = 1_000
ROLES = [role for role in roles.ROLES if roles.allows(role, "interact")]

Assigns = Literal["nobody", "turns", "least"]
Reopened = Literal["same", "again", "nobody"]


class Rules(Struct, frozen=True):
    """Who is given what arrives: `nobody`, each in `turns`, or whoever has `least`.

    `reopened` says whose a conversation is that opens after it was closed: the `same` one's, somebody's `again`, or
    nobody's. With `returns` whoever had the contact last goes first. `capacity` is how many open ones one is given.
    """

    assigns: Assigns = "nobody"
    reopened: Reopened = "same"
    returns: bool = False
    capacity: int = 20


async def rules(tx: Tx) -> Rules:
    return await tx.maybe(Rules, SELECT, tx.account) or Rules()


async def set_rules(tx: Tx, wanted: Rules) -> None:
    """From now on; with more room some leave the queue at once."""
    if not 1 <= wanted.capacity <= MOST:
        raise Invalid({"capacity": [f"This must be between 1 and {MOST}."]})
    await tx.run(SET, tx.account, wanted.assigns, wanted.reopened, wanted.returns, wanted.capacity)
    await fill(tx)


async def arrived(tx: Tx, new: Sequence[int], reopened: Sequence[int]) -> None:
    """Somebody wrote: give what is theirs to nobody yet to whom the rules say."""
    if not (new or reopened):
        return
    known = await tx.maybe(Rules, SELECT, tx.account)
    if known is None:
        return
    if reopened and known.reopened != "same":
        await tx.run(TAKE_AWAY, tx.account, list(reopened))
    fresh = [*new, *(reopened if known.reopened == "again" else ())]
    if fresh and known.assigns != "nobody":
        await _give(tx, known, fresh)


async def fill(tx: Tx) -> None:
    """There may be room again: those that queue longest are given first."""
    known = await tx.maybe(Rules, SELECT, tx.account)
    if known is None or known.assigns == "nobody":
        return
    await tx.run(FORGET, tx.account, BATCH)
    if waiting := await tx.column(int, WAITING, tx.account, BATCH):
        await _give(tx, known, waiting)


async def place(tx: Tx, conversation_id: int) -> int | None:
    """Its place in the queue, from 1; None when it does not queue."""
    return await tx.value(int, PLACE, tx.account, conversation_id)


class _Colleague(Struct, frozen=True):
    id: int
    load: int
    given_at: datetime | None


async def _give(tx: Tx, known: Rules, conversations: Sequence[int]) -> None:
    """One at a time for a workspace, so that nobody is given more than fits."""
    await tx.run(LOCK, tx.account)
    colleagues = await tx.fetch(_Colleague, COLLEAGUES, tx.account, ROLES, known.capacity)
    favored: dict[int, int] = dict(await tx.rows(FAVORED, tx.account, conversations)) if known.returns else {}
    shares = _shares(colleagues, conversations, known, favored)
    given = await tx.rows(ASSIGN, tx.account, list(shares), list(shares.values()), clock.now())
    for id, contact, user in given:
        tx.record(ConversationAssigned(id, contact, user))
    ids = [id for id, *_ in given]
    for start in range(0, len(ids), CHUNK):
        tx.record(ConversationsChanged(ids[start : start + CHUNK]))
    await tx.run(LEAVE, tx.account, list(shares))
    if rest := [id for id in conversations if id not in shares]:
        await tx.run(QUEUE, tx.account, rest)


def _shares(
    colleagues: Sequence[_Colleague], conversations: Sequence[int], known: Rules, favored: dict[int, int]
) -> dict[int, int]:
    """Conversation to colleague, as far as there is room."""
    room = {one.id: known.capacity - one.load for one in colleagues}
    never = datetime.min.replace(tzinfo=clock.now().tzinfo)
    shares: dict[int, int] = {}
    taken = dict.fromkeys(room, 0)
    for id in conversations:
        user = favored.get(id, 0)
        if room.get(user, 0) > taken.get(user, 0):
            shares[id] = user
            taken[user] += 1
    by_load = known.assigns == "least"
    order = [
        ((one.load + taken[one.id]) if by_load else 0, one.given_at or never, n, one.id)
        for n, one in enumerate(colleagues)
        if room[one.id] > taken[one.id]
    ]
    heapq.heapify(order)
    turn = len(order)
    for id in conversations:
        if id in shares or not order:
            continue
        load, _, _, user = heapq.heappop(order)
        shares[id] = user
        taken[user] += 1
        turn += 1
        if room[user] > taken[user]:
            heapq.heappush(order, (load + 1 if by_load else 0, clock.now(), turn, user))
    return shares


_COLUMNS = "assigns, reopened, returns, capacity"

SELECT = sql(f"select {_COLUMNS} from inbox_rules where account_id = $1")

SET = sql("""
    insert into inbox_rules (account_id, assigns, reopened, returns, capacity) values ($1, $2, $3, $4, $5)
    on conflict (account_id) do update set assigns = $2, reopened = $3, returns = $4, capacity = $5,
        updated_at = now()
""")

LOCK = sql("select from inbox_rules where account_id = $1 for update")

TAKE_AWAY = sql("""
    update conversations set assignee_id = null, updated_at = now()
    where account_id = $1 and id = any($2::bigint[]) and assignee_id is not null
""")

# What somebody has is counted up to their capacity: more does not matter.
COLLEAGUES = sql("""
    select m.user_id as id, held.load, w.given_at
    from memberships m join users u on u.id = m.user_id
    left join inbox_members w on w.account_id = $1 and w.user_id = m.user_id
    cross join lateral (
        select count(*)::int as load from (
            select from conversations c
            where c.account_id = $1 and c.assignee_id = m.user_id and c.status in ('open', 'pending')
                and c.deleted_at is null
            limit $3
        ) open
    ) held
    where m.account_id = $1 and m.active and u.active and m.role = any($2::text[])
        and not coalesce(w.is_away, false) and held.load < $3
    order by w.given_at nulls first, m.user_id
""")

FAVORED = sql("""
    select c.id, earlier.assignee_id
    from conversations c cross join lateral (
        select o.assignee_id from conversations o
        where o.account_id = $1 and o.contact_id = c.contact_id and o.id <> c.id and o.assignee_id is not null
            and o.deleted_at is null
        order by o.last_message_at desc nulls last limit 1
    ) earlier
    where c.account_id = $1 and c.id = any($2::bigint[])
""")

ASSIGN = sql("""
    with share as (
        select * from unnest($2::bigint[], $3::bigint[]) with ordinality as s (id, user_id, position)
    ), given as (
        update conversations c set assignee_id = share.user_id, updated_at = $4
        from share where c.account_id = $1 and c.id = share.id
        returning c.id, c.contact_id, c.assignee_id
    ), noted as (
        insert into inbox_members (account_id, user_id, given_at)
        select $1, user_id, $4 + max(position) * interval '1 microsecond' from share group by user_id order by user_id
        on conflict (account_id, user_id) do update set given_at = excluded.given_at
    )
    select id, contact_id, assignee_id from given
""")

# Whoever changes one of them at this moment decides about it; the next time it is looked at again.
WAITING = sql("""
    select c.id from inbox_queue q join conversations c on c.account_id = $1 and c.id = q.conversation_id
    where q.account_id = $1 and c.assignee_id is null and c.status in ('open', 'pending') and c.deleted_at is null
    order by q.id limit $2 for update of c skip locked
""")

LEAVE = sql("delete from inbox_queue where account_id = $1 and conversation_id = any($2::bigint[])")

# Somebody took them, or they were closed meanwhile.
FORGET = sql("""
    delete from inbox_queue where account_id = $1 and id in (
        select q.id from inbox_queue q join conversations c on c.account_id = $1 and c.id = q.conversation_id
        where q.account_id = $1 and (
            c.assignee_id is not null or c.status not in ('open', 'pending') or c.deleted_at is not null)
        order by q.id limit $2)
""")

QUEUE = sql("""
    insert into inbox_queue (account_id, conversation_id)
    select $1, id from unnest($2::bigint[]) as q (id) on conflict do nothing
""")

PLACE = sql("""
    select count(*)::int from inbox_queue q join conversations c on c.account_id = $1 and c.id = q.conversation_id
    where q.account_id = $1 and c.assignee_id is null and c.status in ('open', 'pending') and c.deleted_at is null
        and q.id <= (select id from inbox_queue where account_id = $1 and conversation_id = $2)
    having bool_or(c.id = $2)
""")
