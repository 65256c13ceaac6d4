"""A million contacts over HTTP: search, each filter, an import among them, and whole lists in flat memory."""

import io
import time
from pathlib import Path

import aiohttp
import asyncpg
from msgspec import Struct

from benchmarks import stage
from benchmarks.measuring import Figure, Scale, percentile
from benchmarks.stage import Stage
from trunkline.contacts import imports
from trunkline.contacts.imports import Options
from trunkline.core.db import Database


class Size(Struct, frozen=True):
    contacts: int
    rounds: int
    imported: int


SIZES: dict[Scale, Size] = {
    "full": Size(1_000_000, 40, 20_000),
    "quick": Size(100_000, 10, 5000),
    "tiny": Size(2_000, 1, 50),
}

# Of the platform's list of contacts; each with whether its first page is promised within 100 ms.
LISTS: dict[str, tuple[str, bool]] = {
    "everybody": ("", True),
    "search: three letters that all have": ("search=mar", True),
    "search: three letters that few have": ("search=zeb", True),
    "search: three letters that nobody has": ("search=qxz", True),
    "search: a whole name": ("search=Ionescu 777777", True),
    "search: a part of an address": ("search=777@example", True),
    "search: a company": ("search=company 77", True),
    "search: two letters": ("search=ze", False),
    "status that most have": ("status=active", True),
    "status that few have": ("status=inactive", True),
    "status that some have": ("status=unsubscribed", True),
    "tag that a fifth has": ("tag_id={many}", True),
    "tag that few have": ("tag_id={few}", True),
    "country that most have": ("country=RO", True),
    "country that few have": ("country=KE", True),
    "country that nobody has": ("country=XX", True),
    "score from 10": ("min_score=10", True),
    "score from 99": ("min_score=99", True),
    "score up to 1": ("max_score=1", True),
    "score between": ("min_score=98&max_score=98", True),
    "score that nobody has": ("min_score=101", True),
    "all filters that many fit": ("search=mar&status=active&country=RO&min_score=10&tag_id={many}", False),
    "filters that few fit together": ("status=active&country=KE&min_score=50", True),
    "by first name": ("sort_by=first_name&sort_dir=asc", False),
    "by last name": ("sort_by=last_name&sort_dir=asc", False),
    "by email": ("sort_by=email&sort_dir=asc", False),
    "by company": ("sort_by=company&sort_dir=asc", False),
    "by score": ("sort_by=lead_score", False),
    "by last contact": ("sort_by=last_contacted_at", False),
}

MIB = 2**20


async def run(where: Stage, size: Size) -> list[Figure]:
    async with where.database("crowd") as database:
        workspace = await stage.workspace(database)
        tags = await people(database, workspace.id, size.contacts)
        keys = [await stage.key(database, workspace, dialect) for dialect in ("platform", "developer")]
        platform, developer = ({"Authorization": f"Bearer {key}"} for key in keys)
        web = stage.running(["web"], where.new_folder("web"), TRUNKLINE_DATABASE_URL=database.dsn)
        async with web as server, aiohttp.ClientSession() as session:
            figures = []
            for name, (query, promised) in LISTS.items():
                url = f"{server.url}/api/v1/contacts?{query.format(**tags)}"
                figures.append(await _ask(session, url, platform, name, promised, size))
            pours = {
                "platform: export": ("/api/v1/contacts/export", platform),
                "developer: all contacts": ("/api/v1/contacts", developer),
                "developer: all contacts of a company": (f"/api/v1/contacts?companyId={tags['company']}", developer),
            }
            for name, (path, headers) in pours.items():
                figures += await _pour(session, server.url + path, headers, server.pid, name)
        figures.append(await _import(database, workspace.id, size))
        return figures


async def _ask(
    session: aiohttp.ClientSession, url: str, headers: dict[str, str], name: str, promised: bool, size: Size
) -> Figure:
    """The first page with its total, as a client waits for it."""
    waits, told = [], {}
    for _ in range(size.rounds if promised else max(2, size.rounds // 8)):
        began = time.perf_counter()
        async with session.get(url, headers=headers) as response:
            told = await response.json()
        waits.append((time.perf_counter() - began) * 1000)
        assert response.status == 200, told
    meta = told["meta"]
    label = f"{name} ({meta['total']:,}{'+' if meta.get('total_capped') else ''}): first page, p95"
    most = 100.0 if promised and size.contacts == SIZES["full"].contacts else None
    return Figure(name=label, value=percentile(waits, 95), unit="ms", most=most)


async def _pour(session: aiohttp.ClientSession, url: str, headers: dict[str, str], pid: int, name: str) -> list[Figure]:
    """A whole list: rows a second, and what the server's memory grew by at its highest."""
    watch = Watch(pid)
    began, lines, length = time.perf_counter(), 0, 0
    async with watch, session.get(url, headers=headers, timeout=aiohttp.ClientTimeout(600)) as response:
        assert response.status == 200, await response.text()
        async for chunk in response.content.iter_any():
            lines += chunk.count(b'"companyId"') if "json" in response.content_type else chunk.count(b"\n")
            length += len(chunk)
    seconds = time.perf_counter() - began
    return [
        Figure(name=f"{name}: rows ({lines:,}, {length / MIB:.0f} MiB)", value=lines / seconds, unit="/s"),
        Figure(name=f"{name}: memory that the server grew by", value=watch.grown_mib, unit="MiB", most=16.0),
    ]


class Watch:
    """The highest memory of a process while something goes on, beside what it had before."""

    def __init__(self, pid: int):
        self.status = Path(f"/proc/{pid}/status")
        self.reset = Path(f"/proc/{pid}/clear_refs")
        self.grown_mib = 0.0

    async def __aenter__(self) -> None:
        self.reset.write_text("5")  # the peak counts from here
        self.before = self._kib("VmRSS")

    async def __aexit__(self, *_: object) -> None:
        self.grown_mib = max(0, self._kib("VmHWM") - self.before) / 1024

    def _kib(self, name: str) -> int:
        line = next(line for line in self.status.read_text().splitlines() if line.startswith(name))
        return int(line.split()[1])


async def _import(database: Database, account: int, size: Size) -> Figure:
    """A sheet whose rows are half new and half known among the million."""
    rows = [f"Maria,Ionescu {n},maria{n}@example.com,Cluj" for n in range(1, size.imported // 2 + 1)]
    rows += [f"Ion,Popescu {n},ion{n}@example.com,Iasi" for n in range(size.imported - len(rows))]
    file = io.BytesIO("\n".join(["first_name,last_name,email,city", *rows]).encode())
    began = time.perf_counter()
    async with database.tx(account) as tx:
        report = await imports.run(tx, file, Options())
    assert report.imported == len(rows), report
    least = 5000.0 if size.imported == SIZES["full"].imported else None
    rate = len(rows) / (time.perf_counter() - began)
    return Figure(name="rows imported, half of them known", value=rate, unit="/s", least=least)


async def people(database: Database, account: int, count: int) -> dict[str, object]:
    """Contacts of which some are rare in each respect; ids of what they are asked for by."""
    owner = await asyncpg.connect(database.dsn)
    try:
        await owner.execute(COMPANIES, account)
        many, few = [await owner.fetchval(TAG, account, name) for name in ("Many", "Few")]
        await owner.execute(CONTACTS, account, count)
        await owner.execute(TAGGED, account, many, 5, 0)
        await owner.execute(TAGGED, account, few, 10_000 if count > 10_000 else 100, 7)
        await owner.execute("vacuum analyze")
        company = await owner.fetchval("select uuid from companies where account_id = $1 order by id limit 1", account)
    finally:
        await owner.close()
    return {"many": many, "few": few, "company": company}


COMPANIES = """
    insert into companies (account_id, uuid, name, name_key)
    select $1, gen_random_uuid(), 'Company ' || n, 'company ' || n from generate_series(1, 100) n
"""

TAG = """
    insert into tags (account_id, kind, name, name_key, color) values ($1, 'contact', $2, lower($2), '#8B5CF6')
    returning id
"""

# The oldest are the rare ones, which a walk from the newest meets last.
CONTACTS = """
    insert into contacts (account_id, uuid, name, first_name, last_name, phone, email, city, country, status,
        lead_score, company_id, last_contacted_at, created_at)
    select $1, gen_random_uuid(), first || ' Ionescu ' || n, first, 'Ionescu ' || n, '+4072' || lpad(n::text, 7, '0'),
        'maria' || n || '@example.com', 'Cluj-Napoca', case when n > $2::int - 50 then 'KE' else 'RO' end,
        case when n > $2::int - 60 then 'archived' when n % 100 = 1 then 'stopped' else 'active' end, n % 100,
        case when n % 3 = 0 then (select min(id) from companies where account_id = $1) + n % 100 end,
        case when n % 2 = 0 then now() - make_interval(mins => n) end, now() - make_interval(secs => n)
    from (select n, case when n > $2::int - 40 then 'Zebulon' else 'Maria' end as first
        from generate_series(1, $2::int) n) numbered
"""

TAGGED = """
    insert into contact_tags (account_id, contact_id, tag_id)
    select account_id, id, $2 from contacts where account_id = $1 and id % $3::bigint = $4::bigint
"""
