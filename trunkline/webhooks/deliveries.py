"""Deliveries: what each endpoint is told of each event, written down in the transaction that handles the event."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.core import clock, ids
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, NotFound
from trunkline.core.events import Happened
from trunkline.core.jobs import Desk, job
from trunkline.webhooks import account_webhook, endpoints
from trunkline.webhooks.endpoints import Endpoint, Listening

TEST = "webhook.test"
KEPT_DAYS = 14
AT_ONCE = 1000
MOST_REPLAYED = 10_000
MOST_COUNTED = 10_000


class Told(Struct, frozen=True):
    """One event in the words of a dialect: its name there, the channel if it has one, and the whole payload.

    `tags` are those of the contact that it is about; None when it is about nobody. Without a `uuid` it gets one.
    """

    event: str
    channel: str | None
    payload: Any
    tags: Sequence[str] | None = None
    uuid: UUID | None = None


Row = tuple[int, UUID, str, str, str | None]
"""Endpoint, id of the event, its name, the body, and the URL where it is not the endpoint's own."""


Wants = Callable[[str], bool]
Wording = Callable[[Tx, Sequence[Happened], Wants], Awaitable[list[Told]]]

WORDINGS: dict[str, Callable[[], Wording]] = {}
"""How each dialect puts events; filled where the processes are put together, loaded when somebody listens."""


class Delivery(Struct, frozen=True):
    """`failed` is for good, until somebody replays it. `code` and `error` are those of the last try."""

    id: int
    endpoint_id: int
    uuid: UUID
    event: str
    status: str
    attempts: int
    code: int | None
    error: str | None
    next_at: datetime | None
    created_at: datetime
    settled_at: datetime | None


class Attempt(Struct, frozen=True):
    """One try: `answer` is the beginning of what came back, without our secrets."""

    code: int | None
    elapsed_ms: int
    answer: str
    error: str | None
    at: datetime


async def fan_out(tx: Tx, happened: Sequence[Happened]) -> None:
    """Write a delivery for each event and each endpoint that wants it; a reaction. One look when nobody listens."""
    listening = await endpoints.listening(tx)
    for dialect in dict.fromkeys(one.dialect for one in listening):
        if dialect in WORDINGS:
            own = [one for one in listening if one.dialect == dialect]

            def wanted(name: str, own: list[Listening] = own) -> bool:
                return any(one.wants(name) for one in own)

            await _write(tx, own, await WORDINGS[dialect]()(tx, happened, wanted))


async def test(tx: Tx, endpoint_id: int) -> Delivery:
    """Tell one endpoint, and only that one, that it can be told."""
    endpoint = _awake(await endpoints.get(tx, endpoint_id))
    data = {"webhook_id": endpoint.id, "message": "This is a test."}
    payload = {"type": TEST, "timestamp": clock.iso(clock.now()), "data": data}
    [id] = await put(tx, [(endpoint.id, ids.new_uuid(), TEST, msgspec.json.encode(payload).decode(), None)])
    return await get(tx, endpoint_id, id)


async def put(tx: Tx, rows: Sequence[Row]) -> list[int]:
    """Write deliveries down; they go out once this is committed."""
    made: list[int] = []
    for start in range(0, len(rows), AT_ONCE):
        columns = zip(*rows[start : start + AT_ONCE], strict=True)
        made += await tx.column(int, INSERT, tx.account, *map(list, columns))
    if made:
        tx.wake("webhooks")
    return made


async def page(
    tx: Tx, endpoint_id: int, *, status: str | None = None, event: str | None = None, limit: int, offset: int
) -> tuple[list[Delivery], int, bool]:
    """Deliveries of an endpoint, the newest first, with their number; beyond 10,000 it is not counted."""
    await endpoints.get(tx, endpoint_id)
    rows = await tx.fetch(Delivery, PAGE, tx.account, endpoint_id, status, event, limit, offset)
    total = await tx.value(int, TOTAL, tx.account, endpoint_id, status, event, MOST_COUNTED + 1) or 0
    return rows, min(total, MOST_COUNTED), total > MOST_COUNTED


async def get(tx: Tx, endpoint_id: int, id: int) -> Delivery:
    found = await tx.maybe(Delivery, BY_ID, tx.account, endpoint_id, id)
    if found is None:
        raise NotFound("delivery", id)
    return found


async def body(tx: Tx, id: int) -> str:
    """What was, or will be, sent: byte for byte."""
    return await tx.value(str, BODY, tx.account, id) or ""


async def attempts(tx: Tx, id: int) -> list[Attempt]:
    """Every try of a delivery, the oldest first."""
    return await tx.fetch(Attempt, ATTEMPTS, tx.account, id)


async def replay(tx: Tx, endpoint_id: int, id: int) -> Delivery:
    """Send a delivery again, with all tries ahead and the same id. One that still waits goes out now."""
    _awake(await endpoints.get(tx, endpoint_id))
    await get(tx, endpoint_id, id)
    await tx.column(datetime, REPLAY, tx.account, endpoint_id, [id])
    tx.wake("webhooks")
    return await get(tx, endpoint_id, id)


async def replay_range(
    tx: Tx, endpoint_id: int, since: datetime, until: datetime, *, delivered: bool = False
) -> tuple[int, datetime | None]:
    """Send again what failed in a time, or all of it; the oldest first, 10,000 in one call.

    Returns how many, and where to go on if there is more.
    """
    _awake(await endpoints.get(tx, endpoint_id))
    statuses = ["failed", "delivered"] if delivered else ["failed"]
    rows = await tx.rows(RANGE, tx.account, endpoint_id, since, until, statuses, MOST_REPLAYED + 1)
    chosen = [id for id, _ in rows[:MOST_REPLAYED]]
    if chosen:
        await tx.run(REPLAY, tx.account, endpoint_id, chosen)
        tx.wake("webhooks")
    return len(chosen), rows[MOST_REPLAYED][1] if len(rows) > MOST_REPLAYED else None


@job("webhooks.prune", apart=True)
async def prune(desk: Desk) -> None:
    """Delete what is older than two weeks, of all accounts, in portions."""
    for statement in (PRUNE, PRUNE_ENDPOINTS, PRUNE_CALLBACKS):
        while True:
            async with desk.database.system() as tx:
                if await tx.run(statement, KEPT_DAYS) < 5000:
                    break


async def _write(tx: Tx, listening: list[Listening], told: list[Told]) -> None:
    wanted = [(one, [end.id for end in listening if end.wants(one.event, one.channel, one.tags)]) for one in told]
    new = await account_webhook.settle(tx) if any(None in to for _, to in wanted) else None
    rows: list[Row] = []
    for one, to in wanted:
        if to:
            event, text = one.uuid or ids.new_uuid(), msgspec.json.encode(one.payload).decode()
            rows += [(end, event, one.event, text, None) for id in to if (end := id or new)]
    await put(tx, rows)


def _awake(endpoint: Endpoint) -> Endpoint:
    if not endpoint.active:
        raise Conflict("webhook_inactive", "This webhook is switched off. Set is_active first.")
    return endpoint


_COLUMNS = "id, endpoint_id, uuid, event, status, attempts, code, error, next_at, created_at, settled_at"

INSERT = sql("""
    with made as (
        insert into webhook_deliveries (account_id, endpoint_id, uuid, event, body, url)
        select $1, endpoint_id, uuid, event, body, url
        from unnest($2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[]) with ordinality
            as told (endpoint_id, uuid, event, body, url, position)
        order by position
        returning id, endpoint_id
    )
    insert into webhooks (account_id, endpoint_id, id) select $1::bigint, endpoint_id, id from made returning id
""")

_PAGE = """
    from webhook_deliveries where account_id = $1 and endpoint_id = $2
        and ($3::text is null or status = $3) and ($4::text is null or event = $4)
"""

PAGE = sql(f"select {_COLUMNS} {_PAGE} order by id desc limit $5 offset $6")

TOTAL = sql(f"select count(*) from (select {_PAGE} limit $5) found")

BY_ID = sql(f"select {_COLUMNS} from webhook_deliveries where account_id = $1 and endpoint_id = $2 and id = $3")

BODY = sql("select body from webhook_deliveries where account_id = $1 and id = $2")

ATTEMPTS = sql("""
    select code, elapsed_ms, answer, error, at from webhook_attempts
    where account_id = $1 and delivery_id = $2 order by id limit 200
""")

REPLAY = sql("""
    with again as (
        update webhook_deliveries set status = 'pending', attempts = 0, next_at = now(), settled_at = null
        where account_id = $1 and endpoint_id = $2 and id = any($3::bigint[])
        returning id
    )
    insert into webhooks (account_id, endpoint_id, id) select $1::bigint, $2::bigint, id from again
    on conflict (account_id, id) do update set run_at = now(), attempts = 0
""")

RANGE = sql("""
    select id, created_at from webhook_deliveries
    where account_id = $1 and endpoint_id = $2 and created_at >= $3 and created_at < $4 and status = any($5::text[])
    order by id limit $6
""")

PRUNE = sql(
    """
    with old as (
        delete from webhook_deliveries where (account_id, id) in (
            select account_id, id from webhook_deliveries
            where created_at < now() - make_interval(days => $1) limit 5000)
        returning account_id, id
    ), unsent as (
        delete from webhooks q using old where q.account_id = old.account_id and q.id = old.id
    ), tries as (
        delete from webhook_attempts a using old where a.account_id = old.account_id and a.delivery_id = old.id
    )
    select from old
    """,
    system=True,
)

PRUNE_ENDPOINTS = sql(
    """
    delete from webhook_endpoints where (account_id, id) in (
        select account_id, id from webhook_endpoints
        where deleted_at < now() - make_interval(days => $1) limit 5000)
    """,
    system=True,
)

# Who uses one marks it within an hour, so that none is deleted under a delivery that is being written.
PRUNE_CALLBACKS = sql(
    """
    delete from webhook_endpoints e
    where (account_id, id) in (
        select c.account_id, c.id from webhook_endpoints c
        where c.kind = 'callback' and c.used_at < now() - make_interval(days => $1 + 1) and not exists (
            select from webhook_deliveries d where d.account_id = c.account_id and d.endpoint_id = c.id)
        limit 5000)
    and e.used_at < now() - make_interval(days => $1 + 1)
    """,
    system=True,
)
