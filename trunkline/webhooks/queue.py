"""The webhooks queue: claims over all endpoints at once, and what became of each try, in one statement each."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from trunkline.accounts import audit
from trunkline.core.db import Database, sql
from trunkline.webhooks.events import WebhookDisabled

LEASE_SECONDS = 60
BREAK_AFTER = 5
"""So many failures without a success between, and an endpoint rests: one try now and then, until one succeeds."""
BREAK_SECONDS = 30
LONGEST_BREAK = 300
FAILING_TIME = timedelta(days=5)
"""An endpoint that has only failed for so long is switched off; a callback's line rests for a day at a time."""
GONE = 410


class Claimed(Struct, frozen=True, gc=False):
    """A delivery that is ours for now. `attempts` counts this try and is the fence."""

    account: int
    id: int
    endpoint: int
    kind: Literal["endpoint", "account", "callback"]
    attempts: int
    uuid: UUID
    event: str
    body: str
    url: str
    secret: bytes
    old_secret: bytes | None
    failures: int
    waited: float


class Outcome(Struct, frozen=True, gc=False):
    """What came of a try. `wait` is the time until the next one; without it the delivery is over."""

    claimed: Claimed
    status: Literal["pending", "delivered", "failed"]
    elapsed_ms: int
    wait: float | None = None
    code: int | None = None
    answer: str = ""
    error: str | None = None
    gone: bool = False
    rest: float = 0.0
    """Seconds for which the endpoint asked to be left alone."""

    @property
    def is_answered(self) -> bool:
        """Whether there is somebody who answers: of many URLs that share a line one may be gone, that says nothing."""
        return self.status == "delivered" or (self.claimed.kind == "callback" and self.code == GONE)


class Standing(Struct, frozen=True):
    """An endpoint that was switched off just now."""

    account: int
    id: int
    reason: str


async def claim(database: Database, limit: int, room: int, rooms: Mapping[int, int]) -> list[Claimed]:
    """Lease up to `limit` due deliveries; of each endpoint at most `room`, or what `rooms` says.

    The first of each endpoint come before the second of any, so that nobody starves. An endpoint that failed at its
    last try gets one at a time, one that rests none.
    """
    async with database.system(relaxed=True) as tx:
        ids, most = list(rooms), list(rooms.values())
        return await tx.fetch(Claimed, CLAIM, limit, room, ids, most, float(LEASE_SECONDS))


async def renew(database: Database, held: Sequence[Claimed]) -> None:
    """Extend the leases of what is still being sent or waits for its turn in this process."""
    async with database.system(relaxed=True) as tx:
        await tx.run(RENEW, *_fences(held), float(LEASE_SECONDS))


async def put_back(database: Database, held: Sequence[Claimed]) -> None:
    """Give up claims on what was not tried: it does not count as a try."""
    async with database.system(relaxed=True) as tx:
        await tx.run(PUT_BACK, *_fences(held))


async def settle(database: Database, outcomes: Sequence[Outcome]) -> None:
    """Write outcomes down: the log, the delivery, the queue, and how each endpoint stands, all or nothing.

    It does not wait for the disk: what a crash of the machine forgets is repeated with the same id.
    """
    held = [one.claimed for one in outcomes]
    names = ("status", "wait", "code", "elapsed_ms", "answer", "error")
    async with database.system(relaxed=True) as tx:
        await tx.run(SETTLE, *_fences(held), *([getattr(one, name) for one in outcomes] for name in names))
        standing = _standing(outcomes)
        if not standing:
            return
        for off in await tx.fetch(Standing, JUDGE, *map(list, zip(*standing, strict=True)), *LIMITS):
            tx.account = off.account
            await audit.record(tx, "webhook.disabled", f"webhook:{off.id}", {"reason": off.reason})
            tx.record(WebhookDisabled(off.id, off.reason))
            await tx.flush()


def _fences(held: Sequence[Claimed]) -> tuple[list[int], list[int], list[int]]:
    return [one.account for one in held], [one.id for one in held], [one.attempts for one in held]


def _standing(outcomes: Sequence[Outcome]) -> list[tuple[int, int, bool, int, bool, float]]:
    """By endpoint whose standing may change: whether it succeeded, failures since, whether it is gone, its rest."""
    found: dict[tuple[int, int], tuple[bool, int, bool, float]] = {}
    for one in outcomes:
        key = one.claimed.account, one.claimed.endpoint
        succeeded, failures, gone, rest = found.get(key, (False, 0, False, 0.0))
        if one.is_answered:
            if one.claimed.failures or key in found:
                found[key] = True, 0, gone, rest
        else:
            found[key] = succeeded, failures + 1, gone or one.gone, max(rest, one.rest)
    return [(*key, *standing) for key, standing in found.items()]


LIMITS = BREAK_AFTER, float(BREAK_SECONDS), float(LONGEST_BREAK), FAILING_TIME

# The endpoints with work are found by skipping through the index, one probe each.
CLAIM = sql(
    """
    with recursive owners as (
        (select endpoint_id from webhooks order by endpoint_id limit 1)
        union all
        select (select q.endpoint_id from webhooks q where q.endpoint_id > o.endpoint_id order by q.endpoint_id limit 1)
        from owners o where o.endpoint_id is not null
    ), ready as (
        select e.account_id, e.id, e.kind, e.url, e.failures,
            case e.kind when 'endpoint' then e.secret else coalesce(
                (select decode(a.settings ->> 'webhook_secret', 'base64') from accounts a where a.id = e.account_id),
                '') end as secret,
            case when e.old_until > now() then e.old_secret end as old_secret,
            least(case when e.failures > 0 then 1 else 1000 end, coalesce(r.room, $2::int)) as room
        from owners o
        join webhook_endpoints e on e.id = o.endpoint_id
        left join unnest($3::bigint[], $4::int[]) as r (id, room) on r.id = e.id
        where e.active and e.deleted_at is null and (e.paused_until is null or e.paused_until <= clock_timestamp())
    ), due as materialized (
        select r.account_id, d.id, d.run_at, r.id as endpoint_id, r.kind, r.url, r.secret, r.old_secret, r.failures
        from ready r cross join lateral (
            select q.id, q.run_at, row_number() over (order by q.run_at, q.id) as turn from (
                select q.id, q.run_at from webhooks q
                where q.endpoint_id = r.id and q.account_id = r.account_id and q.run_at <= clock_timestamp()
                order by q.run_at, q.id limit greatest(r.room, 0) for update skip locked
            ) q
        ) d
        order by d.turn, r.id
        limit $1
    )
    update webhooks q set run_at = clock_timestamp() + make_interval(secs => $5), attempts = q.attempts + 1
    from due join webhook_deliveries d on d.account_id = due.account_id and d.id = due.id
    where q.account_id = due.account_id and q.id = due.id
    returning q.account_id as account, q.id, q.endpoint_id as endpoint, due.kind, q.attempts, d.uuid, d.event, d.body,
        coalesce(d.url, due.url) as url, due.secret, due.old_secret, due.failures,
        extract(epoch from clock_timestamp() - due.run_at)::float8 as waited
    """,
    system=True,
)

RENEW = sql(
    """
    update webhooks q set run_at = clock_timestamp() + make_interval(secs => $4)
    from unnest($1::bigint[], $2::bigint[], $3::int[]) as held (account_id, id, attempts)
    where q.account_id = held.account_id and q.id = held.id and q.attempts = held.attempts
    """,
    system=True,
)

PUT_BACK = sql(
    """
    update webhooks q set run_at = clock_timestamp(), attempts = q.attempts - 1
    from unnest($1::bigint[], $2::bigint[], $3::int[]) as held (account_id, id, attempts)
    where q.account_id = held.account_id and q.id = held.id and q.attempts = held.attempts
    """,
    system=True,
)

# A try that lost its lease is logged as well, but decides nothing.
SETTLE = sql(
    """
    with told as materialized (
        select * from unnest($1::bigint[], $2::bigint[], $3::int[], $4::text[], $5::float8[], $6::smallint[],
            $7::int[], $8::text[], $9::text[])
            as t (account_id, id, attempts, status, wait, code, elapsed_ms, answer, error)
    ), logged as (
        insert into webhook_attempts (account_id, delivery_id, code, elapsed_ms, answer, error)
        select account_id, id, code, elapsed_ms, answer, error from told
    ), over as (
        delete from webhooks q using told t
        where t.wait is null and q.account_id = t.account_id and q.id = t.id and q.attempts = t.attempts
        returning q.account_id, q.id
    ), later as (
        update webhooks q set run_at = clock_timestamp() + make_interval(secs => t.wait) from told t
        where t.wait is not null and q.account_id = t.account_id and q.id = t.id and q.attempts = t.attempts
        returning q.account_id, q.id, q.run_at
    ), ours as (
        select account_id, id, null::timestamptz as next_at from over
        union all
        select account_id, id, run_at from later
    )
    update webhook_deliveries d set status = t.status, attempts = t.attempts, code = t.code, error = t.error,
        next_at = o.next_at, settled_at = case when o.next_at is null then now() end
    from ours o join told t on t.account_id = o.account_id and t.id = o.id
    where d.account_id = o.account_id and d.id = o.id
    """,
    system=True,
)

# From the fifth failure on it rests: 30 seconds, then twice as long each time, up to five minutes. Failures of tries
# that began before the rest do not lengthen it.
JUDGE = sql(
    """
    with told as (
        select * from unnest($1::bigint[], $2::bigint[], $3::bool[], $4::int[], $5::bool[], $6::float8[])
            as t (account_id, id, succeeded, failures, gone, rest)
    ), judged as (
        select e.account_id, e.id, e.kind, e.active, t.gone, t.rest,
            case when t.failures = 0 then 0
                when t.succeeded then t.failures
                when e.failures >= $7 and e.paused_until > now() then e.failures
                else e.failures + t.failures end as failures,
            case when t.failures = 0 then null
                when t.succeeded or e.failing_since is null then now()
                else e.failing_since end as failing_since,
            e.paused_until
        from told t join webhook_endpoints e on e.account_id = t.account_id and e.id = t.id
        for update of e
    ), ruled as (
        select *, coalesce(failing_since <= now() - $10::interval, false) as failing, kind = 'callback' as stays
        from judged
    ), changed as (
        update webhook_endpoints e set
            failures = j.failures,
            failing_since = j.failing_since,
            paused_until = case when j.failures = 0 then null else greatest(j.paused_until,
                now() + make_interval(secs => j.rest),
                case when j.failures >= $7
                    then now() + make_interval(secs => least($9, $8 * 2 ^ least(j.failures - $7, 10))) end,
                case when j.failing and j.stays then now() + interval '1 day' end) end,
            active = e.active and (j.stays or not (j.gone or j.failing)),
            reason = case when not e.active then e.reason when j.stays then null when j.gone then 'gone'
                when j.failing then 'failing' end
        from ruled j where e.account_id = j.account_id and e.id = j.id
        returning e.account_id as account, e.id, e.reason, e.active, j.active as was_active
    )
    select account, id, reason from changed where was_active and not active
    """,
    system=True,
)
