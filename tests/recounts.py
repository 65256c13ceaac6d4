"""The figures of reports, as they are told and as a count of the tables finds them."""

from typing import Any

import asyncpg

from trunkline.analytics import reports
from trunkline.core.db import Database


async def told(database: Database, account: int, days: int) -> dict[str, Any]:
    """What the reports say, with names."""
    async with database.tx(account) as tx:
        seen = await reports.overview(tx, days)
        work = await reports.team(tx, days)
    figures = {name: getattr(seen, name) for name in seen.__struct_fields__}
    its = figures.pop("campaigns")
    days_with_any = {day: count for day, count in figures.pop("messages_by_day").items() if count}
    return {
        **figures,
        "by_day": days_with_any,
        "campaigns": (its.total, its.completed, its.sent, its.bounced),
        "work": {
            one.user_id: (one.handled, one.assigned, one.written, one.closed.count, one.closed.seconds,
                one.answered.count, one.answered.seconds)
            for one in work
        },
    }  # fmt: skip


async def counted(connection: asyncpg.Connection, account: int, days: int, users: list[int]) -> dict[str, Any]:
    """The same from the tables."""
    found = {name: await connection.fetch(statement, account, days) for name, statement in RECOUNT.items()}
    statuses_of = dict(found["now"])
    work = {user: [0] * 7 for user in users}
    for place, name in enumerate(("handled", "assigned", "written", "closed_by", "answered_by")):
        for user, *values in found[name]:
            at = place if place < 4 else 5
            work[user][at : at + len(values)] = values
    [(contacts, active, new)] = found["contacts"]
    return {
        "now": {status: statuses_of.get(status, 0) for status in reports.STATUSES},
        "unread": found["unread"][0][0],
        "opened": dict(found["opened"]),
        "closed": reports.Timed(*found["closed"][0]),
        "answered": reports.Timed(*found["answered"][0]),
        "contacts": contacts,
        "active_contacts": active,
        "new_contacts": new,
        "received": dict(found["received"]),
        "sent": dict(found["sent"]),
        "by_day": dict(found["by_day"]),
        "campaigns": tuple(found["campaigns"][0]),
        "work": {user: tuple(values) for user, values in work.items()},
    }


IN_PERIOD = "{}::date > current_date - $2::int"
TAKEN = "greatest(0, round(extract(epoch from {} - c.created_at)))"
# A first answer is the first message of a person in a conversation where the contact had written before.
FIRST = """
    select distinct on (m.conversation_id) m.conversation_id, m.id, m.user_id, m.created_at from messages m
    where m.account_id = $1 and m.direction = 'out' and m.user_id is not null and m.conversation_id is not null
    order by m.conversation_id, m.id
"""
ANSWERS = f"""
    from ({FIRST}) f join conversations c on c.account_id = $1 and c.id = f.conversation_id
    where {IN_PERIOD.format("f.created_at")} and exists (
        select from messages q where q.account_id = $1 and q.conversation_id = c.id and q.direction = 'in'
            and q.id < f.id)
"""
CLOSED = f"from conversations c where c.account_id = $1 and {IN_PERIOD.format('c.resolved_at')}"
OF = "from messages m join channels c on c.id = m.channel_id where m.account_id = $1"

RECOUNT = {
    "now": "select status, count(*) from conversations where account_id = $1 and deleted_at is null"
    " and $2::int > 0 group by 1",
    "unread": "select count(*) from conversations where account_id = $1 and deleted_at is null and not is_read"
    " and $2::int > 0",
    "opened": f"select channel, count(*) from conversations where account_id = $1 and {IN_PERIOD.format('created_at')}"
    " group by 1",
    "closed": f"select count(*), coalesce(sum({TAKEN.format('c.resolved_at')}), 0)::bigint {CLOSED}",
    "closed_by": f"select assignee_id, count(*), sum({TAKEN.format('c.resolved_at')})::bigint {CLOSED}"
    " and assignee_id is not null group by 1",
    "answered": f"select count(*), coalesce(sum({TAKEN.format('f.created_at')}), 0)::bigint {ANSWERS}",
    "answered_by": f"select f.user_id, count(*), sum({TAKEN.format('f.created_at')})::bigint {ANSWERS} group by 1",
    "contacts": f"""select count(*) filter (where deleted_at is null),
        count(*) filter (where deleted_at is null and status = 'active'),
        count(*) filter (where {IN_PERIOD.format("created_at")}) from contacts where account_id = $1""",
    "received": f"select c.sends_as, count(*) {OF} and m.direction = 'in' and {IN_PERIOD.format('m.created_at')}"
    " group by 1",
    "sent": f"select c.sends_as, count(*) {OF} and m.direction = 'out' and {IN_PERIOD.format('m.sent_at')} group by 1",
    "by_day": f"""select day, count(*) from (
        select case direction when 'in' then created_at else sent_at end::date as day from messages
        where account_id = $1) m where {IN_PERIOD.format("day")} group by 1""",
    "campaigns": f"""select count(distinct b.id) filter (where b.deleted_at is null),
        count(distinct b.id) filter (where b.status = 'sent' and {IN_PERIOD.format("b.started_at")}),
        count(m.id) filter (where (m.sent_at is not null or m.status = 'unknown')
            and {IN_PERIOD.format("b.started_at")}),
        count(m.id) filter (where m.status = 'failed' and m.reason = 'soft_bounce'
            and {IN_PERIOD.format("b.started_at")})
        from broadcasts b left join messages m on m.account_id = $1 and m.broadcast_id = b.id
        where b.account_id = $1""",
    "handled": "select user_id, count(distinct conversation_id) from messages where account_id = $1"
    f" and user_id is not null and conversation_id is not null and {IN_PERIOD.format('created_at')} group by 1",
    "assigned": "select assignee_id, count(*) from conversations where account_id = $1 and deleted_at is null"
    " and status not in ('closed', 'spam') and assignee_id is not null and $2::int > 0 group by 1",
    "written": f"select user_id, count(*) from messages where account_id = $1 and user_id is not null"
    f" and {IN_PERIOD.format('sent_at')} group by 1",
}
