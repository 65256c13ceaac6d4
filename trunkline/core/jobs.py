"""Jobs: durable background calls, enqueued in the transaction of the change, run by the workers.

`@job("name")` makes a function a job: `f.later(tx, …)` enqueues, the function itself runs now. A plain job gets the
worker's `tx` first; its queue row is deleted in that very transaction, so its effect happens exactly once. A job that
talks to the outside is `apart=True`: it gets a `Desk`, opens transactions itself, must be idempotent, and its lease
is renewed while it runs. A `together=True` job is such a one that takes all calls of an account that are due at once.
Of a job with `at_once` a worker runs no more than so many calls side by side: it is mostly our own processor that they
need, and a worker that dies should have finished some of them rather than be in the middle of all.

Rows with the same `key` run one after the other, in order. What fails is tried again, after a longer wait each time;
then the call becomes a dead letter that can be listed, replayed and discarded. A call that was lost with its worker has
not failed: it is claimed again when its lease ends, up to `MOST_LOST` times, for it may be what kills the workers.
"""

import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import NotFound, Unavailable

QueueName = Literal["inbound", "jobs"]

LEASE_SECONDS = 30
HEARTBEAT_SECONDS = 8
RETRY_SECONDS = (5, 30, 300, 1800)
MOST_LOST = 20
SUSPECT_LOST = 4
PER_ACCOUNT = 16

JOBS: dict[str, "Job"] = {}


class Job:
    """A function that can run later. Arguments must be JSON."""

    def __init__(
        self,
        run: Callable[..., Awaitable[None]],
        name: str,
        queue: QueueName,
        apart: bool,
        together: bool = False,
        at_once: int | None = None,
    ):
        self.run, self.name, self.queue, self.apart, self.together = run, name, queue, apart, together
        self.at_once = at_once
        self.__doc__ = run.__doc__

    async def __call__(self, *args: Any) -> None:
        await self.run(*args)

    def later(self, tx: Tx, *args: Any, key: str | None = None, at: datetime | None = None) -> None:
        tx.enqueue(self.queue, self.name, list(args), key, at)


def job(
    name: str,
    *,
    queue: QueueName = "jobs",
    apart: bool = False,
    together: bool = False,
    at_once: int | None = None,
) -> Callable[[Callable[..., Awaitable[None]]], Job]:
    def register(run: Callable[..., Awaitable[None]]) -> Job:
        JOBS[name] = Job(run, name, queue, apart or together, together, at_once)
        return JOBS[name]

    return register


class Call(Struct, frozen=True):
    """A claimed row. `attempts` is the fence: whoever claims next has a higher number. `waited` seconds since due.

    `failures` are tries that ended badly.
    """

    account: int
    id: int
    key: str | None
    name: str
    args: list[Any]
    actor: str
    cause: str
    depth: int
    attempts: int
    failures: int = 0
    waited: float = 0.0

    @property
    def lost(self) -> int:
        """Claims that ended without a word: their workers died, or lost the database."""
        return self.attempts - self.failures - 1

    @property
    def is_last(self) -> bool:
        """Whether nobody tries again when this try fails or is lost."""
        return self.failures >= len(RETRY_SECONDS) or self.lost >= MOST_LOST - 1

    @property
    def is_suspect(self) -> bool:
        """Whether something in it may be to blame, so that a bulk of things had better be taken apart."""
        return self.failures > 0 or self.lost >= SUSPECT_LOST


class Desk:
    """Where a job that runs apart works: transactions of its account, and the installation's tools.

    `calls` are all of a job that takes them together; `call` is the first one.
    """

    def __init__(self, database: Database, calls: Call | list[Call], tools: Any):
        self.calls = calls if isinstance(calls, list) else [calls]
        self.database, self.call, self.tools = database, self.calls[0], tools
        self.finished = False

    @property
    def account(self) -> int:
        return self.call.account

    def tx(self) -> AbstractAsyncContextManager[Tx]:
        return self.database.tx(self.call.account, self.call.actor, self.call.cause, self.call.depth)

    async def finish(self, tx: Tx, calls: list[Call] | None = None) -> None:
        """Take calls, all unless named, off their queue with this transaction: what else it writes is written once.

        Raises when somebody else has one of them meanwhile, so that nothing of this transaction stays.
        """
        done = self.calls if calls is None else calls
        columns = [call.id for call in done], [call.attempts for call in done]
        if await tx.run(FINISH_MANY[JOBS[self.call.name].queue], self.account, *columns) != len(done):
            raise Unavailable("The claim on this call")
        self.finished = True


class Claims:
    """Claims rows of one queue, round-robin over the accounts that have work."""

    def __init__(self, database: Database, queue: QueueName):
        self.database, self.queue = database, queue
        self._served = 0

    async def take(self, limit: int, per_account: int = PER_ACCOUNT) -> list[Call]:
        """Lease up to `limit` due calls; an account gets at most `per_account` at a time, so nobody starves."""
        async with self.database.system() as tx:
            calls = await tx.fetch(Call, CLAIM[self.queue], limit, per_account, float(LEASE_SECONDS), self._served)
        if calls:
            self._served = max((call.account for call in calls), key=lambda id: (id <= self._served, id))
        return calls

    async def renew(self, calls: list[Call]) -> None:
        """Extend the leases of calls that are still running."""
        async with self.database.system() as tx:
            await tx.run(
                RENEW[self.queue],
                [call.account for call in calls],
                [call.id for call in calls],
                [call.attempts for call in calls],
                float(LEASE_SECONDS),
            )

    async def finish(self, tx: Tx, call: Call) -> bool:
        """Delete the row; False when the lease was lost to somebody else, who will do the work."""
        return await tx.run(FINISH[self.queue], call.account, call.id, call.attempts) == 1

    async def retry(self, call: Call, error: str) -> bool:
        """Put it back for later, or bury it after the last try. Returns False when it was buried."""
        if call.is_last:
            await self.bury(call, error)
            return False
        seconds = RETRY_SECONDS[call.failures] * random.uniform(0.8, 1.2)
        async with self.database.system(call.account) as tx:
            await tx.run(RETRY[self.queue], call.account, call.id, call.attempts, seconds)
        return True

    async def bury(self, call: Call, error: str) -> None:
        async with self.database.system(call.account) as tx:
            await tx.run(BURY[self.queue], call.account, call.id, call.attempts, error[:4000], self.queue)


class DeadLetter(Struct, frozen=True):
    account: int
    id: int
    queue: str
    key: str | None
    name: str
    args: Any
    attempts: int
    error: str
    failed_at: datetime


async def dead_letters(tx: Tx, limit: int = 100) -> list[DeadLetter]:
    """The newest dead letters of all accounts; operator only."""
    return await tx.fetch(DeadLetter, DEAD, limit)


async def replay(tx: Tx, id: int) -> None:
    """Put a dead letter back into its queue with all tries ahead."""
    for queue in ("inbound", "jobs", "events"):
        if await tx.run(REPLAY[queue], id):
            tx.wake(queue)
            return
    raise NotFound("dead_letter", id)


async def discard(tx: Tx, id: int) -> None:
    """Delete a dead letter for good."""
    if not await tx.run(DISCARD, id):
        raise NotFound("dead_letter", id)


# The accounts with work are found by skipping through the index, one probe each; a row with an earlier sibling of
# the same key waits for it. The order starts after the account that was served last.
_CLAIM = """
    with recursive owners as (
        (select account_id from {queue} order by account_id limit 1)
        union all
        select (select q.account_id from {queue} q where q.account_id > o.account_id order by q.account_id limit 1)
        from owners o where o.account_id is not null
    ), due as materialized (
        select d.account_id, d.id, d.run_at from owners o cross join lateral (
            select q.account_id, q.id, q.run_at from {queue} q
            where q.account_id = o.account_id and q.run_at <= clock_timestamp()
              and (q.key is null or not exists (
                  select from {queue} e where e.account_id = q.account_id and e.key = q.key and e.id < q.id))
            order by q.run_at, q.id limit $2 for update skip locked
        ) d
        where o.account_id is not null
        order by d.account_id <= $4, d.account_id, d.run_at, d.id
        limit $1
    )
    update {queue} q set run_at = clock_timestamp() + make_interval(secs => $3), attempts = q.attempts + 1
    from due where q.account_id = due.account_id and q.id = due.id
    returning q.account_id as account, q.id, q.key, q.name, q.args, q.actor, q.cause, q.depth, q.attempts,
        q.failures, extract(epoch from clock_timestamp() - due.run_at)::float8 as waited
"""

_RENEW = """
    update {queue} q set run_at = clock_timestamp() + make_interval(secs => $4)
    from unnest($1::bigint[], $2::bigint[], $3::int[]) as held (account_id, id, attempts)
    where q.account_id = held.account_id and q.id = held.id and q.attempts = held.attempts
"""

_FINISH = "delete from {queue} where account_id = $1 and id = $2 and attempts = $3"

_RETRY = """
    update {queue} set failures = failures + 1, run_at = clock_timestamp() + make_interval(secs => $4)
    where account_id = $1 and id = $2 and attempts = $3
"""

_BURY = """
    with buried as (
        delete from {queue} where account_id = $1 and id = $2 and attempts = $3 returning *
    )
    insert into dead_letters (account_id, queue, key, name, args, actor, cause, depth, attempts, error)
    select account_id, $5, key, name, args, actor, cause, depth, attempts, $4 from buried
"""

FINISH_MANY = {
    queue: sql(f"""
        delete from {queue} q using unnest($2::bigint[], $3::int[]) as done (id, attempts)
        where q.account_id = $1 and q.id = done.id and q.attempts = done.attempts
    """)
    for queue in ("inbound", "jobs")
}

CLAIM, RENEW, FINISH, RETRY, BURY = (
    {queue: sql(text.format(queue=queue), system=text is not _FINISH) for queue in ("inbound", "jobs")}
    for text in (_CLAIM, _RENEW, _FINISH, _RETRY, _BURY)
)

DEAD = sql(
    """
    select account_id as account, id, queue, key, name, args, attempts, error, failed_at
    from dead_letters order by id desc limit $1
    """,
    system=True,
)

_REPLAY = """
    with letter as (delete from dead_letters where id = $1 and queue = '{queue}' returning *)
    insert into {queue} (account_id, key, name, args, actor, cause, depth)
    select account_id, key, name, args, actor, cause, depth from letter
"""
REPLAY = {queue: sql(_REPLAY.format(queue=queue), system=True) for queue in ("inbound", "jobs")}
REPLAY["events"] = sql(
    """
    with letter as (delete from dead_letters where id = $1 and queue = 'events' returning *)
    insert into events (account_id, type, data, actor, cause, depth)
    select account_id, name, args, actor, cause, depth from letter
    """,
    system=True,
)

DISCARD = sql("delete from dead_letters where id = $1", system=True)
