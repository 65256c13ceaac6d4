"""The state of the installation as a whole: what is noted of it, and what the operator looks up across accounts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import Refusal

HELD = "held"
"""While this is true nothing is sent: a restored copy must not write to anybody a second time."""
URL = "url"
"""Where the web process was reached last, for who asks without a TRUNKLINE_PUBLIC_URL."""
SEAL = "secret"
"""The fingerprint of the secret that seals what is stored here."""
DEMO = "demo"
"""Who lives in the demo world; there is one at most."""


async def read(tx: Tx, name: str) -> Any:
    """What is noted under a name, in a system transaction; None when there is nothing."""
    return await tx.value(object, READ, name)


async def note(tx: Tx, name: str, value: Any) -> None:
    await tx.run(NOTE, name, value)


async def forget(tx: Tx, name: str) -> bool:
    """Whether there was something to forget."""
    return await tx.run(FORGET, name) == 1


async def release(tx: Tx) -> bool:
    """End the held state; False when there was none."""
    was_held = await read(tx, HELD) is True
    await forget(tx, HELD)
    tx.wake("outbound")
    return was_held


async def check_secret(database: Database) -> None:
    """Refuse to work with another secret than before: nothing sealed could be opened, and soon there were two kinds."""
    fingerprint = database.tools.vault.fingerprint
    async with database.system() as tx:
        noted = await read(tx, SEAL)
        if noted is None:
            await note(tx, SEAL, fingerprint)
        elif noted != fingerprint:
            raise Refusal(OTHER, code="other_secret")


OTHER = (
    "The installation's secret is not the one that sealed what is stored. Put the file `secret` back into the data "
    "folder, from a backup if need be, or set TRUNKLINE_SECRET to what it was."
)


async def close_account(tx: Tx, account: int) -> None:
    """Nobody gets into the account any more; its rows stay."""
    await tx.run(CLOSE_ACCOUNT, account)


class Facts(Struct, frozen=True):
    """What `doctor` looks at. Ages in seconds, of the oldest row that waits."""

    now: datetime
    version: str
    extensions: list[str]
    workers: int
    jobs: float
    inbound: float
    events: float
    dead_letters: int
    held: bool
    troubles: list[str]


async def facts(tx: Tx) -> Facts:
    return await tx.one(Facts, FACTS)


class Place(Struct, frozen=True):
    account_id: int
    id: int


async def broadcast(tx: Tx, id: str) -> Place | None:
    """Whose broadcast has this number or UUID."""
    if id.isdecimal() and int(id) < 2**63:
        return await tx.maybe(Place, BROADCAST, int(id), None)
    try:
        return await tx.maybe(Place, BROADCAST, None, UUID(id))
    except ValueError:
        return None


READ = sql("select value from installation where name = $1", system=True)

NOTE = sql(
    """
    insert into installation (name, value) values ($1, $2)
    on conflict (name) do update set value = excluded.value
    """,
    system=True,
)

FORGET = sql("delete from installation where name = $1", system=True)

BROADCAST = sql(
    """
    select account_id, id from broadcasts where (id = $1::bigint or uuid = $2::uuid) and deleted_at is null
    """,
    system=True,
)

CLOSE_ACCOUNT = sql("update accounts set deleted_at = now() where id = $1", system=True)

CONVERSATIONS = sql("""
    select external_id, conversation_id from messages
    where account_id = $1 and external_id = any($2::text[]) and direction = 'in' and conversation_id is not null
""")

FACTS = sql(
    """
    select clock_timestamp() as now, current_setting('server_version') as version,
        (select coalesce(array_agg(extname), '{}') from pg_extension) as extensions,
        (select count(*) from workers where seen_at > now() - interval '15 seconds')::int as workers,
        (select coalesce(max(extract(epoch from now() - run_at)), 0) from jobs where run_at < now())::float8 as jobs,
        (select coalesce(max(extract(epoch from now() - run_at)), 0) from inbound where run_at < now())::float8
            as inbound,
        (select coalesce(max(extract(epoch from now() - created_at)), 0) from events)::float8 as events,
        (select count(*) from (select from dead_letters limit 10001) d)::int as dead_letters,
        exists (select from installation where name = 'held' and value = 'true') as held,
        (select coalesce(array_agg(name || ': ' || trouble), '{}') from channels
            where trouble is not null and deleted_at is null) as troubles -- account_id: of the whole installation
    """,
    system=True,
)
