"""Lists of 50 contacts by the platform, portal and developer dialects, beside the bare handler of `raw.py`."""

import aiohttp
import asyncpg
from msgspec import Struct

from benchmarks import load, stage
from benchmarks.measuring import Figure, Scale, cpu_seconds, interleaved, middle, ratio
from benchmarks.raw import PER_PAGE
from benchmarks.stage import Stage, Up

DIALECTS = ("platform", "portal", "developer")
LEAST = {"platform": 0.75, "portal": 0.75, "developer": 0.7}


class Size(Struct, frozen=True):
    contacts: int
    rounds: int
    seconds: float


SIZES: dict[Scale, Size] = {"full": Size(100_000, 8, 1), "quick": Size(20_000, 2, 1), "tiny": Size(60, 1, 0.05)}


class Round(Struct, frozen=True):
    load: load.Load
    cpu_us: float


async def run(where: Stage, size: Size) -> list[Figure]:
    async with where.database("contacts") as database:
        workspace = await stage.workspace(database)
        await stage.people(database, workspace.id, size.contacts)
        await _decorate(database.dsn, workspace.id)
        platform, portal, developer = [await stage.key(database, workspace, dialect) for dialect in DIALECTS]
        product = stage.running(["web"], where.new_folder("web"), TRUNKLINE_DATABASE_URL=database.dsn)
        async with product as ours, stage.serving("benchmarks.raw", database.dsn) as raw:
            lists = {
                "platform": (f"/api/v1/contacts?per_page={PER_PAGE}", {"Authorization": f"Bearer {platform}"}),
                "portal": (f"/api/portal/v1/contacts?per_page={PER_PAGE}", {"X-API-Key": portal}),
                "developer": (f"/api/developer/v1/contacts?limit={PER_PAGE}", {"Authorization": f"Bearer {developer}"}),
                "developer, companies": (
                    f"/api/developer/v1/companies?limit={PER_PAGE}",
                    {"Authorization": f"Bearer {developer}"},
                ),
            }
            return [
                figure
                for name, (path, headers) in lists.items()
                for figure in await _compare(name, ours, raw, path, headers, size)
            ]


async def _compare(name: str, ours: Up, raw: Up, path: str, headers: dict[str, str], size: Size) -> list[Figure]:
    await _check(ours.url, raw.url, path, headers)

    async def one(server: Up) -> Round:
        before = cpu_seconds(server.pid)
        found = await load.closed(server.url + path, headers, size.seconds)
        if found.refused:
            raise RuntimeError(f"{found.refused} refusals from {server.url}")
        return Round(found, (cpu_seconds(server.pid) - before) / (found.rate * size.seconds) * 1e6)

    for server in (ours, raw):
        await load.closed(server.url + path, headers, min(size.seconds, 0.5))
    rounds = await interleaved(size.rounds, ours=lambda: one(ours), raw=lambda: one(raw))
    rate, bare_rate = ([each.load.rate for each in rounds[side]] for side in ("ours", "raw"))
    p99, bare_p99 = ([each.load.p99 for each in rounds[side]] for side in ("ours", "raw"))
    cpu, bare_cpu = ([each.cpu_us for each in rounds[side]] for side in ("ours", "raw"))
    return [
        middle(f"{name}: lists of 50", rate, "/s"),
        middle(f"{name}: the same by the bare handler", bare_rate, "/s"),
        ratio(f"{name}: rate beside the bare handler", rate, bare_rate, least=LEAST[name.split(",")[0]]),
        middle(f"{name}: p99 at 32 connections", p99, "ms"),
        ratio(f"{name}: p99 beside the bare handler", p99, bare_p99, most=1.25),
        middle(f"{name}: processor time a list", cpu, "µs"),
        middle(f"{name}: processor time of the bare handler", bare_cpu, "µs"),
        ratio(f"{name}: processor time beside the bare handler", cpu, bare_cpu),
    ]


async def _check(ours: str, raw: str, path: str, headers: dict[str, str]) -> None:
    """Both must do the same: give the same answer, but for the port in its links."""
    bodies = []
    async with aiohttp.ClientSession(headers=headers) as session:
        for url in (ours, raw):
            async with session.get(url + path) as response:
                assert response.status == 200, await response.text()
                bodies.append((await response.text()).replace(url, ""))
    assert bodies[0] == bodies[1], f"{path} differs:\n{bodies[0][:3000]}\n{bodies[1][:3000]}"


async def _decorate(dsn: str, account: int) -> None:
    """Companies for a third and two tags for half of them."""
    owner = await asyncpg.connect(dsn)
    for statement in (COMPANIES, EMPLOYED, TAGS, TAGGED):
        await owner.execute(statement, account)
    await owner.execute("vacuum analyze")
    await owner.close()


COMPANIES = """
    insert into companies (account_id, uuid, name, name_key)
    select $1, gen_random_uuid(), 'Company ' || n, 'company ' || n from generate_series(1, 100) n
"""

EMPLOYED = """
    update contacts c set company_id = k.id from companies k
    where c.account_id = $1 and c.id % 3 = 0 and k.account_id = $1 and k.name_key = 'company ' || (1 + c.id % 100)
"""

TAGS = """
    insert into tags (account_id, kind, name, name_key, color)
    select $1, 'contact', 'Tag ' || n, 'tag ' || n, '#8B5CF6' from generate_series(1, 10) n
"""

TAGGED = """
    insert into contact_tags (account_id, contact_id, tag_id)
    select c.account_id, c.id, t.id from contacts c join tags t on t.account_id = c.account_id
        and t.name_key in ('tag ' || (1 + c.id % 5), 'tag ' || (6 + c.id % 5))
    where c.account_id = $1 and c.id % 2 = 0
"""
