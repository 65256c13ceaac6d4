"""Contact queries: the first page and the capped count of lists, by kinds of conditions; and filling smart groups."""

import time
from typing import Any

import asyncpg
from msgspec import Struct

from benchmarks import stage
from benchmarks.measuring import Figure, Scale, percentile
from benchmarks.stage import Stage
from trunkline.contacts import groups, listing, people, searching, smart
from trunkline.contacts.listing import Filter
from trunkline.core.db import Database


class Size(Struct, frozen=True):
    contacts: int
    rounds: int


SIZES: dict[Scale, Size] = {"full": Size(1_000_000, 40), "quick": Size(100_000, 10), "tiny": Size(2_000, 1)}

# Each with whether an index serves it at any number of contacts, so that the page has to come within 100 ms.
QUERIES: dict[str, tuple[str, bool]] = {
    "a name that many have": ("name ~ maria", True),
    "a name that few have": ("name ~ zebulon", True),
    "two letters of a rare name": ("name ~ ze", True),
    "a phone number": ("tel = +40720000777", True),
    "a part of an address": ("urn ~ 0000777", True),
    "a field's common value": ("plan = gold", True),
    "a field's rare value": ("code = c777", True),
    "a number's range, wide": ("seats > 10", True),
    "a number's range, narrow": ("score > 999900", True),
    "a date's range, narrow": ("joined >= 2024-09-17", True),
    "a group": ("group = Picked", True),
    "a status": ("status = blocked", True),
    "created on the last day": ("created_on >= {day}", True),
    "created long ago": ("created_on < 2001-01-01", True),
    "open tickets": ("tickets > 0", True),
    "two common values": ("plan = gold AND seats > 10", True),
    "a common and a rare value": ("plan = gold AND code = c777", True),
    "either of two rare values": ("code = c777 OR name ~ zebulon", True),
    "without a value, frequent": ('nickname = ""', True),
    "with a value, rare": ('nickname != ""', True),
    "seen on a day, rare": ("last_seen_on >= 2024-01-01", True),
    "a language, rare": ("language = kin", True),
    "two common values that rarely meet": ("plan = silver AND seats = 7 AND score < 1000", False),
    "not a common value, rare": ("plan != gold AND plan != silver", False),
}


async def run(where: Stage, size: Size) -> list[Figure]:
    async with where.database("queries") as database:
        workspace = await stage.workspace(database)
        await _people(database, workspace.id, size.contacts)
        figures = [await _fill(database, workspace.id, size)]
        for name, (query, indexed) in QUERIES.items():
            figures += await _ask(database, workspace.id, name, await _dated(database, query), indexed, size)
        return figures


async def _ask(database: Database, account: int, name: str, query: str, indexed: bool, size: Size) -> list[Figure]:
    pages, totals = [], []
    matches: Any = None
    for _ in range(size.rounds if indexed else max(2, size.rounds // 8)):
        async with database.tx(account) as tx:
            began = time.perf_counter()
            await people.page(tx, Filter(query=query))
            read = time.perf_counter()
            matches = await listing.total(tx, Filter(query=query))
            pages.append((read - began) * 1000)
            totals.append((time.perf_counter() - read) * 1000)
    most = 100.0 if indexed and size.contacts == SIZES["full"].contacts else None
    label = f"{name} ({matches[0]:,}{'+' if matches[1] else ''})"
    return [
        Figure(name=f"{label}: first page, p95", value=percentile(pages, 95), unit="ms", most=most),
        Figure(name=f"{label}: count up to 10,000, p95", value=percentile(totals, 95), unit="ms"),
    ]


async def _fill(database: Database, account: int, size: Size) -> Figure:
    """A smart group that takes half of all contacts."""
    async with database.tx(account) as tx:
        group = await groups.create(tx, "Half", query="seats >= 25")
    began = time.perf_counter()
    going = True
    while going:
        async with database.tx(account) as tx:
            going = await smart.next_portion(tx, group.id, 0)
    seconds = time.perf_counter() - began
    return Figure(name="a smart group fills: contacts looked at", value=size.contacts / seconds, unit="/s")


async def _dated(database: Database, query: str) -> str:
    owner = await asyncpg.connect(database.dsn)
    try:
        return query.format(day=f"{await owner.fetchval('select current_date'):%Y-%m-%d}")
    finally:
        await owner.close()


async def _people(database: Database, account: int, count: int) -> None:
    await stage.people(database, account, count, "tel", "mailto")
    owner = await asyncpg.connect(database.dsn)
    try:
        await owner.execute(
            'update accounts set settings = settings || \'{"date_style": "year_first"}\' where id = $1', account
        )
        for statement in (FIELDS, VARIED, GROUP, TICKETS):
            await owner.execute(statement, account)
        await owner.execute(MEMBERS, account, count)
        await owner.execute("vacuum analyze")
    finally:
        await owner.close()
    async with database.tx(account) as tx:
        assert await searching.count(tx, await searching.read(tx, "code = c777")) > 0


FIELDS = """
    insert into fields (account_id, uuid, key, label, type)
    select $1, gen_random_uuid(), f.key, f.key, f.type from (values ('plan', 'text'), ('seats', 'number'),
        ('code', 'text'), ('score', 'number'), ('joined', 'datetime'), ('nickname', 'text')) as f (key, type)
"""

# The oldest are the rare ones, which a walk from the newest meets last.
VARIED = """
    update contacts set
        name = case when n > highest - 40 then 'Zebulon Pike' when n % 3 = 0 then 'John Smith ' || n else name end,
        status = case when n > highest - 60 then 'blocked' else 'active' end,
        language = case when n > highest - 60 then 'kin' else 'eng' end,
        last_seen_at = case when n > highest - 60 then '2024-06-01'::timestamptz else '2023-01-01' end,
        created_at = case when n > highest - 30 then '2000-06-01' else now() - make_interval(secs => n * 60) end,
        fields = jsonb_build_object('plan', case when n > highest - 60 then 'tin' when n % 2 = 0 then 'gold'
                else 'silver' end, 'seats', (n % 50)::text, 'code', 'c' || n % 100000, 'score', (n % 1000000)::text,
            'joined', to_char('2000-01-01'::timestamptz + make_interval(mins => ((n % 1000000) * 13)::int),
                'YYYY-MM-DD"T"HH24:MI:SS') || '+00:00')
            || case when n > highest - 60 then '{"nickname": "Zeb"}' else '{}' end::jsonb
    from (select id as of, row_number() over (order by id) as n, count(*) over () as highest
        from contacts where account_id = $1) numbered
    where account_id = $1 and id = of
"""

GROUP = "insert into groups (account_id, uuid, name, name_key) values ($1, gen_random_uuid(), 'Picked', 'picked')"

MEMBERS = """
    insert into group_members (account_id, group_id, contact_id)
    select $1, g.id, c.id from groups g, contacts c
    where g.account_id = $1 and g.name = 'Picked' and c.account_id = $1 and c.id % ($2::bigint / 500) = 0
"""

TICKETS = """
    insert into tickets (account_id, uuid, contact_id, opened_by)
    select $1, gen_random_uuid(), id, 'test' from contacts where account_id = $1 and id % 1000 = 0
"""
