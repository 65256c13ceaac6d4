"""Archives: old messages and runs as gzipped JSON lines, one file a day, later one a month. The rows move out."""

import hashlib
import tempfile
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, BinaryIO, Literal

import msgspec
from msgspec import Struct

from trunkline.accounts import accounts, settings
from trunkline.core import clock
from trunkline.core.db import Database, Statement, Tx, sql
from trunkline.core.jobs import Desk, job
from trunkline.core.media import Folder
from trunkline.flows import archive_lines

Kind = Literal["message", "run"]
KINDS: tuple[Kind, ...] = ("message", "run")
DAYS = 90
"""How old rows are before they are archived, unless somebody says otherwise."""
LARGEST = 8 * 1024**3
CHUNK = 1 << 20


class Archive(Struct, frozen=True):
    """`hash` is the MD5 of the file. A daily archive whose month has a file of its own is `rolled_up`."""

    id: int
    kind: Kind
    period: Literal["daily", "monthly"]
    start_date: date
    records: int
    size: int
    hash: str
    media_key: str | None
    rolled_up: bool
    created_at: datetime


async def build(database: Database, account: int, *, until: date | None = None) -> list[Archive]:
    """Archive every day before `until` that has something to archive, then every month that is complete.

    A file is on disk before its rows are deleted; both happen or none.
    """
    until = until or (clock.now() - timedelta(days=DAYS)).date()
    made: list[Archive] = []
    for kind in KINDS:
        while archive := await _next_day(database, account, kind, until):
            made.append(archive)
        while archive := await _next_month(database, account, kind, until):
            made.append(archive)
    return made


async def page(
    tx: Tx,
    *,
    kind: str | None = None,
    period: str | None = None,
    after: date | None = None,
    before: date | None = None,
    offset: int = 0,
    limit: int = 250,
) -> list[Archive]:
    """The newest days first; days that went into a month are left out. `after` and `before` belong to it."""
    return await tx.fetch(Archive, PAGE, tx.account, kind, period, after, before, offset, limit)


async def count(
    tx: Tx,
    *,
    kind: str | None = None,
    period: str | None = None,
    after: date | None = None,
    before: date | None = None,
) -> int:
    return await tx.value(int, COUNT, tx.account, kind, period, after, before) or 0


def read(folder: Folder, archive: Archive) -> BinaryIO:
    """The file, gzipped."""
    return folder.open(archive.media_key or "")


@job("archives.nightly", apart=True)
async def nightly(desk: Desk) -> None:
    """Archive for every account that asked for it by its setting `archive_after_days`."""
    last = 0
    while True:
        async with desk.database.system() as tx:
            found = await accounts.listed(tx, last, 100)
        for account in found:
            last = account.id
            if days := settings.value(account, "archive_after_days"):
                await build(desk.database, account.id, until=(clock.now() - timedelta(days=days)).date())
        if len(found) < 100:
            return


async def _next_day(database: Database, account: int, kind: Kind, until: date) -> Archive | None:
    """The oldest day that has rows: its file, its row, and its rows gone."""
    async with database.tx(account) as tx:
        await tx.run(ALONE, account)
        oldest = await tx.value(datetime, OLDEST[kind], account, _midnight(until))
        if oldest is None:
            return None
        day = oldest.astimezone(UTC).date()
        begin, end = _midnight(day), _midnight(day + timedelta(days=1))
        known = await tx.maybe(Archive, KNOWN, account, kind, "daily", day)
        written = Written()
        if known and known.media_key:
            await written.append(database.tools.media, known)
        shape = partial(SHAPES[kind], anon=settings.value(await accounts.current(tx), "anon"))
        async for rows in tx.stream(ROWS[kind], account, begin, end):
            written.add(shape, rows)
        key = await written.keep(database.tools.media, account, f"{kind}_{day}.jsonl.gz")
        archive = await tx.one(
            Archive, PUT, account, kind, "daily", day, written.records + (known.records if known else 0), written.size,
            written.md5.hexdigest(), key,
        )  # fmt: skip
        await tx.run(DELETE[kind], account, begin, end)
    if known and known.media_key:
        await database.tools.media.delete(known.media_key)
    return archive


async def _next_month(database: Database, account: int, kind: Kind, until: date) -> Archive | None:
    """A month whose days are all archived, as one file: gzip files may be joined end to end."""
    async with database.tx(account) as tx:
        await tx.run(ALONE, account)
        days = await tx.fetch(Archive, DAYS_OF_MONTH, account, kind, until.replace(day=1))
        if not days:
            return None
        written = Written()
        for day in days:
            if day.media_key:
                await written.append(database.tools.media, day)
        first = days[0].start_date.replace(day=1)
        key = await written.keep(database.tools.media, account, f"{kind}_{first:%Y-%m}.jsonl.gz")
        archive = await tx.one(
            Archive, PUT, account, kind, "monthly", first, sum(day.records for day in days), written.size,
            written.md5.hexdigest(), key,
        )  # fmt: skip
        await tx.run(ROLL_UP, account, [day.id for day in days], archive.id)
    for day in days:
        if day.media_key:
            await database.tools.media.delete(day.media_key)
    return archive


class Written:
    """A gzip file in the making, on disk from the first megabyte on."""

    def __init__(self) -> None:
        self.file = tempfile.SpooledTemporaryFile(CHUNK)  # noqa: SIM115 - closed by `keep`
        self.gzip = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.records = self.size = 0

    def add(self, shape: Callable[..., dict[str, Any]], rows: list[tuple[Any, ...]]) -> None:
        for row in rows:
            self._write(self.gzip.compress(msgspec.json.encode(shape(*row)) + b"\n"))
        self.records += len(rows)

    async def append(self, folder: Folder, archive: Archive) -> None:
        """All of another file, before anything of one's own."""
        with read(folder, archive) as file:
            while chunk := file.read(CHUNK):
                self._write(chunk)

    async def keep(self, folder: Folder, account: int, name: str) -> str:
        if self.records or not self.size:
            self._write(self.gzip.flush())
        self.file.seek(0)
        stored = await folder.put(account, self._chunks(), name=name, content_type="application/gzip", cap=LARGEST)
        self.file.close()
        return stored.key

    def _write(self, piece: bytes) -> None:
        self.file.write(piece)
        self.md5.update(piece)
        self.size += len(piece)

    async def _chunks(self) -> AsyncIterator[bytes]:
        while chunk := self.file.read(CHUNK):
            yield chunk


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


SHAPES: dict[Kind, Callable[..., dict[str, Any]]] = {"message": archive_lines.message, "run": archive_lines.run}

COLUMNS = """id, kind, period, start_date, records, size, hash, media_key, rolled_up_id is not null as rolled_up,
    created_at"""

# Two builders of one account take turns.
ALONE = sql("select pg_advisory_xact_lock(7_403, ($1::bigint % 2147483647)::int)")

_MESSAGES = """
    from messages m where m.account_id = $1 and m.created_at >= {begin} and m.created_at < {end}
        and m.status not in ('queued', 'sending', 'errored')
"""
_RUNS = """
    from flow_runs r where r.account_id = $1 and r.modified_at >= {begin} and r.modified_at < {end}
        and r.exited_at is not null
"""
_EVER = {"begin": "'-infinity'", "end": "$2"}
_DAY = {"begin": "$2", "end": "$3"}

OLDEST: dict[Kind, Statement] = {
    "message": sql(f"select min(m.created_at) {_MESSAGES.format(**_EVER)}"),
    "run": sql(f"select min(r.modified_at) {_RUNS.format(**_EVER)}"),
}

_REF = "jsonb_build_object('uuid', {t}.uuid, 'name', {t}.name)"

ROWS: dict[Kind, Statement] = {
    "message": sql(f"""
        select m.id, m.uuid,
            (select {_REF.format(t="c")} from contacts c where c.account_id = $1 and c.id = m.contact_id),
            m.scheme || ':' || m.address,
            (select {_REF.format(t="h")} from channels h where h.account_id in ($1, 0) and h.id = m.channel_id),
            m.direction, m.kind, m.status,
            coalesce(m.body, (select b.body from broadcasts b where b.account_id = $1 and b.id = m.broadcast_id), ''),
            coalesce((select jsonb_agg({_REF.format(t="l")} order by l.id) from message_labels x
                join labels l on l.account_id = $1 and l.id = x.label_id
                where x.account_id = $1 and x.message_id = m.id), '[]'),
            (select {_REF.format(t="f")} from flows f where f.account_id = $1 and f.id = m.flow_id),
            m.attachments, m.quick_replies, m.created_at, m.sent_at,
            m.broadcast_id, m.visibility, greatest(m.created_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at)
        {_MESSAGES.format(**_DAY)} and m.visibility <> 'deleted' order by m.id
    """),
    "run": sql(f"""
        select r.id, r.uuid, (select {_REF.format(t="f")} from flows f where f.account_id = $1 and f.id = r.flow_id),
            (select {_REF.format(t="c")} from contacts c where c.account_id = $1 and c.id = r.contact_id),
            (select jsonb_build_object('uuid', s.uuid) from flow_starts s
                where s.account_id = $1 and s.id = r.start_id),
            r.responded, r.nodes, r.arrivals, r.results, r.status, r.created_at, r.modified_at, r.exited_at
        {_RUNS.format(**_DAY)} order by r.id
    """),
}

DELETE: dict[Kind, Statement] = {
    "message": sql(f"""
        with gone as (
            delete from messages where account_id = $1 and id in (select m.id {_MESSAGES.format(**_DAY)}) returning id
        )
        delete from message_labels where account_id = $1 and message_id in (select id from gone)
    """),
    "run": sql(f"""
        delete from flow_runs where account_id = $1 and id in (select r.id {_RUNS.format(**_DAY)})
    """),
}

KNOWN = sql(f"""
    select {COLUMNS} from archives where account_id = $1 and kind = $2 and period = $3 and start_date = $4
""")

PUT = sql(f"""
    insert into archives (account_id, kind, period, start_date, records, size, hash, media_key)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (account_id, kind, period, start_date) do update set records = excluded.records,
        size = excluded.size, hash = excluded.hash, media_key = excluded.media_key
    returning {COLUMNS}
""")

# The earliest month that is over and not rolled up.
DAYS_OF_MONTH = sql(f"""
    select {COLUMNS} from archives
    where account_id = $1 and kind = $2 and period = 'daily' and rolled_up_id is null and start_date < $3
        and date_trunc('month', start_date) = (
            select date_trunc('month', min(start_date)) from archives
            where account_id = $1 and kind = $2 and period = 'daily' and rolled_up_id is null and start_date < $3)
    order by start_date
""")

ROLL_UP = sql("""
    update archives set rolled_up_id = $3, media_key = null where account_id = $1 and id = any($2::bigint[])
""")

_FILTER = """
    from archives where account_id = $1 and rolled_up_id is null and ($2::text is null or kind = $2)
        and ($3::text is null or period = $3)
        and ($4::date is null or start_date >= $4) and ($5::date is null or start_date <= $5)
"""

PAGE = sql(f"select {COLUMNS} {_FILTER} order by start_date desc, id desc offset $6 limit $7")

COUNT = sql(f"select count(*) {_FILTER}")
