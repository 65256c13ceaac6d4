"""Reports: the overview of a workspace that has sent and received for months, read from counters."""

import time
from collections.abc import Awaitable, Callable

import asyncpg
from msgspec import Struct

from benchmarks import stage
from benchmarks.measuring import Figure, Scale, percentile
from benchmarks.stage import Stage
from trunkline.analytics import reports
from trunkline.core.db import Database, Tx


class Size(Struct, frozen=True):
    """`messages` over 100 days, written to by `users`; `campaigns` started in the last 90 days."""

    messages: int
    users: int
    campaigns: int
    rounds: int


SIZES: dict[Scale, Size] = {
    "full": Size(10_000_000, 50, 200, 200),
    "quick": Size(500_000, 50, 200, 100),
    "tiny": Size(2_000, 2, 3, 3),
}

WANTED_MS = 50.0


async def run(where: Stage, size: Size) -> list[Figure]:
    async with where.database("analytics") as database:
        workspace = await stage.workspace(database)
        await _fill(database.dsn, workspace.id, size)
        return [
            *await _ask(database, workspace.id, "overview", size.rounds, _overview, WANTED_MS),
            *await _ask(database, workspace.id, "team", size.rounds, reports.team),
        ]


async def _ask(
    database: Database, account: int, name: str, rounds: int, report: Callable[[Tx, int], Awaitable[object]],
    most: float | None = None,
) -> list[Figure]:  # fmt: skip
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        async with database.tx(account) as tx:
            await report(tx, 90)
        taken.append((time.perf_counter() - began) * 1000)
    return [
        Figure(name=f"{name} of 90 days, p50", value=percentile(taken, 50), unit="ms"),
        Figure(name=f"{name} of 90 days, p95", value=percentile(taken, 95), unit="ms", most=most),
    ]


async def _overview(tx: Tx, days: int) -> None:
    """Both of what the answer is made of."""
    await reports.overview(tx, days)
    await reports.ai(tx, days)


async def _fill(dsn: str, account: int, size: Size) -> None:
    """Messages as rows alone, and the counters that the product would have written with them.

    The last two days are as they are between two squashes, with ten rows for each number.
    """
    owner = await asyncpg.connect(dsn)
    try:
        await owner.execute(TEAM, account, size.users)
        await owner.execute(CHANNELS, account)
        await owner.execute("set session_replication_role = replica")  # no trigger counts what is counted below
        await owner.execute(MESSAGES, account, size.messages)
        await owner.execute("reset session_replication_role")
        await owner.execute(DAILY, account)
        await owner.execute(CAMPAIGNS, account, size.campaigns)
        await owner.execute(FIGURES, account)
        await owner.execute("vacuum analyze")
    finally:
        await owner.close()


TEAM = """
    with added as (
        insert into users (uuid, email, name)
        select gen_random_uuid(), 'agent' || n || '@example.com', 'Agent ' || n from generate_series(1, $2::int) n
        returning id
    )
    insert into memberships (account_id, user_id, role) select $1, id, 'agent' from added
"""

CHANNELS = """
    insert into channels (account_id, uuid, kind, sends_as, name, name_key, address, schemes, config, semantics)
    select $1, gen_random_uuid(), 'simulator', kind, kind, kind, '+15550001', '{tel}', '', 'at_least_once'
    from unnest(array['sms', 'email', 'whatsapp', 'web_chat']) as kind
"""

MESSAGES = """
    insert into messages (account_id, direction, status, contact_id, channel_id, scheme, address, body, user_id,
        created_at, sent_at)
    select $1, case when n % 5 = 0 then 'in' else 'out' end, case when n % 5 = 0 then 'handled' else 'delivered' end,
        n % 100000 + 1, of[n % 4 + 1], 'tel', '+4072' || lpad((n % 100000)::text, 7, '0'), 'Your order is on its way.',
        case when n % 50 = 1 then team[n / 50 % cardinality(team) + 1] end, at, at
    from (select array_agg(id) as of from channels where account_id = $1) channel,
        (select array_agg(user_id) as team from memberships where account_id = $1) member,
        generate_series(1, $2::int) n,
        lateral (select now() - make_interval(secs => 8640000.0 * ($2::int - n) / $2::int) as at) moment
"""

DAILY = """
    insert into daily (account_id, name, day, subject, value)
    select $1, counted.name, counted.day, counted.subject, greatest(1, counted.number / parts.parts)
    from (
        select 'messages.' || m.direction as name, m.created_at::date as day, c.sends_as as subject, count(*) as number
        from messages m join channels c on c.id = m.channel_id where m.account_id = $1 group by 1, 2, 3
        union all
        select 'conversations.opened', d::date, kind, 200
        from generate_series(now() - interval '100 days', now(), '1 day') d,
            unnest(array['sms', 'email', 'whatsapp', 'web_chat']) as kind
        union all
        select fact, d::date, user_id::text, 10
        from generate_series(now() - interval '100 days', now(), '1 day') d, unnest(array['conversations.closed_by',
            'conversations.closed_seconds_by', 'conversations.answered_by', 'conversations.answered_seconds_by',
            'conversations.handled_by', 'messages.sent_by']) as fact, memberships
        where account_id = $1
        union all
        select fact, d::date, '', 300
        from generate_series(now() - interval '100 days', now(), '1 day') d, unnest(array['contacts.created',
            'conversations.closed', 'conversations.closed_seconds', 'conversations.answered',
            'conversations.answered_seconds']) as fact
    ) counted,
    lateral (select case when counted.day >= current_date - 1 then 10 else 1 end as parts) parts,
    generate_series(1, parts.parts)
"""

CAMPAIGNS = """
    insert into broadcasts (account_id, uuid, name, channel, status, started_at, completed_at)
    select $1, gen_random_uuid(), 'News ' || n, 'email', 'sent', at, at
    from generate_series(1, $2::int) n,
        lateral (select now() - make_interval(hours => 24 * 89 * n / $2::int) as at) moment
"""

FIGURES = """
    insert into tallies (account_id, name, value)
    select $1, 'broadcast:' || b.id || ':' || what, 1000
    from broadcasts b, unnest(array['queued', 'sent', 'delivered', 'read', 'failed', 'bounced', 'opened', 'clicked'])
        as what, generate_series(1, 5)
    where b.account_id = $1
"""
