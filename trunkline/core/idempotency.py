"""Repeats of one request: the first answer is kept with its effect, in one transaction, for 24 hours."""

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid


class Stored(Struct, frozen=True):
    """The answer that was given. `request_hash` tells whether the repeat asks the same."""

    request_hash: bytes
    status: int
    headers: dict[str, str]
    body: bytes


async def claim(tx: Tx, route: str, key: str, request_hash: bytes) -> Stored | None:
    """The answer to give again, or none if this transaction is the first and must `keep` its own.

    Twins never wait: while the first one runs, the others are refused.
    """
    locked = await tx.value(bool, TRY_LOCK, tx.account, route, key)
    stored = await tx.maybe(Stored, SELECT, tx.account, route, key) if locked else None
    if not locked or (stored is not None and stored.status == RUNNING):
        raise Conflict("request_in_progress", "A request with this idempotency key is still in progress.")
    if stored is not None and stored.request_hash != request_hash:
        raise Invalid(
            message="This idempotency key was used before with another request.", code="idempotency_key_reused"
        )
    return stored


async def keep(tx: Tx, route: str, key: str, answer: Stored) -> None:
    """Store the answer; it becomes visible with the effect, or not at all."""
    await tx.run(UPSERT, tx.account, route, key, answer.request_hash, answer.status, answer.headers, answer.body)


async def reserve(tx: Tx, route: str, key: str, request_hash: bytes) -> None:
    """Claim beyond this transaction, for work that has none of its own; `keep` or `release` it afterwards.

    A process that dies in between leaves the key in progress for ten minutes.
    """
    await keep(tx, route, key, Stored(request_hash, RUNNING, {}, b""))


async def find(tx: Tx, route: str, key: str) -> Stored | None:
    """What is kept under this key, for somebody who only asks; its status is `RUNNING` while it is reserved."""
    return await tx.maybe(Stored, SELECT, tx.account, route, key)


async def release(tx: Tx, route: str, key: str) -> None:
    """The work failed: a repeat may try again."""
    await tx.run(RELEASE, tx.account, route, key)


async def forget_old(tx: Tx, batch: int = 5000) -> int:
    """Delete answers that may no longer be repeated; under the system role, called until it returns 0."""
    return await tx.run(DELETE_OLD, batch)


RUNNING = 0  # no answer has this status

TRY_LOCK = sql("""
    select pg_try_advisory_xact_lock(hashtextextended(concat_ws(' ', account_id, route, key), 24))
    from (values ($1::bigint, $2::text, $3::text)) as claimed (account_id, route, key)
""")

SELECT = sql("""
    select request_hash, status, headers, body from idempotency
    where account_id = $1 and route = $2 and key = $3 and created_at > now() - interval '24 hours'
        and (status <> 0 or created_at > now() - interval '10 minutes')
""")

UPSERT = sql("""
    insert into idempotency (account_id, route, key, request_hash, status, headers, body)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (account_id, route, key) do update set
        request_hash = excluded.request_hash, status = excluded.status, headers = excluded.headers,
        body = excluded.body, created_at = now()
""")

RELEASE = sql("""
    delete from idempotency where account_id = $1 and route = $2 and key = $3 and status = 0
""")

DELETE_OLD = sql(
    """
    delete from idempotency where (account_id, route, key) in (
        select account_id, route, key from idempotency
        where created_at < now() - interval '24 hours' order by created_at limit $1
    )
    """,
    system=True,
)
