"""Archives: files that are listed, fetched, and what they were said to be."""

import gzip
import hashlib
import json
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest
from starlette.applications import Starlette

from tests import talks, world
from trunkline import callbacks
from trunkline.flows import archives

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory):
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def connection(database):
    connection = await asyncpg.connect(database.dsn)
    yield connection
    await connection.close()


@pytest.fixture
def vault(database):
    """That of the installation: the files are fetched elsewhere."""
    return database.tools.vault


@pytest.fixture
async def kept(database, account, connection, ann) -> None:
    """Runs of four days, archived; April is one file."""
    flow = await talks.save(database, account, talks.definition())
    days = [date(2026, 4, 1), date(2026, 4, 2), date(2026, 5, 1), date(2026, 5, 2)]
    for day in days:
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        await connection.execute(
            """
            insert into flow_runs (account_id, uuid, flow_id, contact_id, session, status, modified_at, exited_at)
            select $1, gen_random_uuid(), $2, $3, gen_random_uuid(), 'completed', $4, $4 from generate_series(1, 3)
            """,
            account,
            flow.id,
            ann.id,
            at,
        )
    await archives.build(database, account, until=date(2026, 5, 10))


async def fetched(database, address: str) -> httpx2.Response:
    app = Starlette(routes=callbacks.routes(database))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1") as client:
        return await client.get(urlsplit(address).path)


async def starts(api, query: str) -> list[str]:
    return [each["start_date"] for each in (await api.get(f"/archives.json?{query}")).json()["results"]]


async def test_archives_are_told_the_newest_first(api, kept):
    answer = (await api.get("/archives.json")).json()

    assert list(answer) == ["count", "next", "previous", "results"]
    assert (answer["count"], answer["next"], answer["previous"]) == (3, None, None)
    first = answer["results"][0]
    order = "type start_date period record_count size hash download_url archive_type"
    assert list(first) == order.split()
    assert (first["type"], first["archive_type"], first["start_date"]) == ("run", "run", "2026-05-02")
    assert [(each["period"], each["record_count"]) for each in answer["results"]] == [
        ("daily", 3),
        ("daily", 3),
        ("monthly", 6),
    ]


async def test_a_file_is_what_was_said_of_it(api, database, kept):
    for told in (await api.get("/archives.json")).json()["results"]:
        file = await fetched(database, told["download_url"])

        assert file.status_code == 200
        assert hashlib.md5(file.content, usedforsecurity=False).hexdigest() == told["hash"]
        assert len(file.content) == told["size"]
        lines = [json.loads(line) for line in gzip.decompress(file.content).splitlines()]
        assert len(lines) == told["record_count"]
        assert {line["contact"]["name"] for line in lines} == {"Ann"}


async def test_the_address_names_the_host_that_was_asked(api, kept):
    [told, *_] = (await api.get("/archives.json")).json()["results"]

    assert told["download_url"].startswith("http://127.0.0.1/a/")


@pytest.mark.parametrize("spoil", [lambda path: path[:-2], lambda path: "/a/x", lambda path: path + "AA"])
async def test_a_forged_address_leads_nowhere(api, database, kept, spoil):
    [told, *_] = (await api.get("/archives.json")).json()["results"]

    answer = await fetched(database, spoil(urlsplit(told["download_url"]).path))

    assert answer.status_code == 404


async def test_archives_are_filtered(api, kept):
    assert await starts(api, "type=run&period=monthly") == ["2026-04-01"]
    assert await starts(api, "archive_type=run&period=daily") == ["2026-05-02", "2026-05-01"]
    assert await starts(api, "type=message") == []
    assert await starts(api, "type=junk") == []
    assert len(await starts(api, "period=junk")) == 3
    assert await starts(api, "after=2026-05-01&before=2026-05-01T23:00:00Z") == ["2026-05-01"]
    assert await starts(api, "before=junk") == []


async def test_archives_are_paged_by_offset(api, kept):
    first = (await api.get("/archives.json?limit=2&type=run")).json()
    second = (await api.get(first["next"])).json()
    back = (await api.get(second["previous"])).json()

    assert first["next"] == "http://127.0.0.1/api/v2/archives.json?type=run&limit=2&offset=2"
    assert (first["count"], second["count"], second["next"]) == (3, 3, None)
    assert [len(page["results"]) for page in (first, second)] == [2, 1]
    assert back["results"][0]["start_date"] == first["results"][0]["start_date"]


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "offset=-5", "offset=x", "limit=9e9", "limit=٣"])
async def test_a_number_that_is_none_was_not_said(api, kept, query):
    assert len(await starts(api, query)) == 3


async def test_an_offset_beyond_the_end_finds_nothing(api, kept):
    answer = (await api.get("/archives.json?offset=999999999999999999")).json()

    assert (answer["count"], answer["results"]) == (3, [])


async def test_archives_of_others_are_not_shown(api, database, kept, other_account, new_key):
    key = await new_key("rapidpro", account=other_account)

    answer = await api.get("/archives.json", headers={"authorization": f"Token {key}"})

    assert answer.json() == {"count": 0, "next": None, "previous": None, "results": []}
