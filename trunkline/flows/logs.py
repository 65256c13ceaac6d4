"""The flow log: what flows did outside and what went wrong in them, for people to read. Kept for two weeks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.jobs import job
from trunkline.core.text import clean

DAYS = 14
LONGEST = 10_000


class Entry(Struct, frozen=True, kw_only=True):
    """Traces come without their secrets. `kind`: webhook, resthook, email, llm, airtime, warning, error, failure."""

    kind: str
    ok: bool = True
    flow_id: int | None = None
    contact_id: int | None = None
    run: str | None = None
    text: str = ""
    code: str | None = None
    url: str | None = None
    status: int | None = None
    request: str | None = None
    response: str | None = None
    elapsed_ms: int | None = None


class Logged(Struct, frozen=True):
    id: int
    kind: str
    ok: bool
    flow_id: int | None
    contact_id: int | None
    run: UUID | None
    text: str
    code: str | None
    url: str | None
    status: int | None
    request: str | None
    response: str | None
    elapsed_ms: int | None
    at: datetime


async def add(tx: Tx, entries: Sequence[Entry]) -> None:
    if entries:
        columns = ([_kept(getattr(entry, name)) for entry in entries] for name in FIELDS)
        await tx.run(ADD, tx.account, *columns)


async def page(
    tx: Tx,
    *,
    flow: int | None = None,
    contact: int | None = None,
    kinds: Sequence[str] = (),
    before: int | None = None,
    limit: int = 100,
) -> list[Logged]:
    """The newest first; `before` is the id of the last one seen."""
    statement = PAGE["flow" if flow is not None else "contact" if contact is not None else "all"]
    return await tx.fetch(Logged, statement, tx.account, flow, contact, list(kinds), before, limit)


@job("flow_log.prune", apart=True)
async def prune(desk: Any) -> None:
    """Delete old entries of all accounts, in portions."""
    while True:
        async with desk.database.system() as tx:
            if await tx.run(PRUNE, DAYS) < 5000:
                return


def _kept(value: Any) -> Any:
    return clean(value)[:LONGEST] if isinstance(value, str) else value


FIELDS = (
    "kind", "ok", "flow_id", "contact_id", "run", "text", "code", "url", "status", "request", "response", "elapsed_ms",
)  # fmt: skip

ADD = sql("""
    insert into flow_log (account_id, kind, ok, flow_id, contact_id, run, text, code, url, status, request, response,
        elapsed_ms)
    select $1, * from unnest($2::text[], $3::boolean[], $4::bigint[], $5::bigint[], $6::uuid[], $7::text[],
        $8::text[], $9::text[], $10::int[], $11::text[], $12::text[], $13::int[])
""")

_PAGE = """
    select id, kind, ok, flow_id, contact_id, run, text, code, url, status, request, response, elapsed_ms, at
    from flow_log where account_id = $1 and {whose}
        and (cardinality($4::text[]) = 0 or kind = any($4)) and ($5::bigint is null or id < $5)
    order by id desc limit $6
"""
PAGE = {
    "all": sql(_PAGE.format(whose="$2::bigint is null and $3::bigint is null")),
    "flow": sql(_PAGE.format(whose="flow_id = $2 and ($3::bigint is null or contact_id = $3)")),
    "contact": sql(_PAGE.format(whose="$2::bigint is null and contact_id = $3")),
}

PRUNE = sql(
    """
    delete from flow_log where (account_id, id) in (
        select account_id, id from flow_log where at < now() - make_interval(days => $1) limit 5000)
    """,
    system=True,
)
