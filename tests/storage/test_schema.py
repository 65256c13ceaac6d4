"""Migrations: forward, once, in order, and never over a database that is not ours."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from trunkline.core.errors import Refusal
from trunkline.core.ids import token
from trunkline.storage import schema
from trunkline.storage.postgres import database

pytestmark = pytest.mark.anyio


async def test_migrations_are_applied_in_order_and_recorded(empty, folder):
    applied = await schema.migrate(empty, folder)

    assert applied == ["0001_shelves", "0002_books"]
    assert await ask(empty, "select string_agg(name, ' ' order by number) from schema_migrations") == " ".join(applied)


async def test_the_second_run_has_nothing_to_do(empty, folder):
    await schema.migrate(empty, folder)

    again = await schema.migrate(empty, folder)

    assert again == []


async def test_two_migrators_at_once_apply_everything_once(empty, folder):
    both = await asyncio.gather(schema.migrate(empty, folder), schema.migrate(empty, folder))

    assert sorted(both) == [[], ["0001_shelves", "0002_books"]]


async def test_a_failing_migration_keeps_nothing_and_the_ones_before_it(empty, folder):
    (folder / "0003_broken.sql").write_text("create table half (n int);\nselect 1 / 0;\n")

    with pytest.raises(Refusal, match=r"0003_broken failed: division by zero"):
        await schema.migrate(empty, folder)

    assert await ask(empty, "select to_regclass('half')") is None
    assert await ask(empty, "select max(number) from schema_migrations") == 2


async def test_a_changed_migration_is_refused(empty, folder):
    await schema.migrate(empty, folder)
    (folder / "0001_shelves.sql").write_text("create table shelves (id text);\n")

    with pytest.raises(Refusal, match="0001_shelves is not the one"):
        await schema.migrate(empty, folder)


async def test_line_ends_do_not_count_as_a_change(empty, folder):
    await schema.migrate(empty, folder)
    path = folder / "0001_shelves.sql"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert await schema.migrate(empty, folder) == []


async def test_a_database_of_a_newer_program_is_refused(empty, folder):
    await schema.migrate(empty, folder)
    (folder / "0002_books.sql").unlink()

    with pytest.raises(Refusal, match=r"made by a newer Trunkline.*upgrade the program"):
        await schema.migrate(empty, folder)


async def test_a_gap_in_the_files_is_refused(empty, folder):
    (folder / "0004_late.sql").write_text("select 1;\n")

    with pytest.raises(Refusal, match="Migration 0003 is missing"):
        await schema.migrate(empty, folder)


async def test_a_gap_in_the_database_is_refused(empty, folder):
    await schema.migrate(empty, folder)
    await ask(empty, "delete from schema_migrations where number = 1")

    with pytest.raises(Refusal, match="0001_shelves was never applied"):
        await schema.migrate(empty, folder)


async def test_a_file_may_run_outside_a_transaction(empty, folder):
    (folder / "0003_index.sql").write_text(
        "-- no-transaction\n"
        "-- Readers and writers go on meanwhile.\n"
        "drop index concurrently if exists books_title;\n"
        "create index concurrently books_title\n    on books (title);\n"
    )

    await schema.migrate(empty, folder)

    assert await ask(empty, "select indisvalid from pg_index where indexrelid = 'books_title'::regclass") is True


async def test_a_lock_that_is_not_given_ends_in_a_refusal(empty, folder, monkeypatch):
    await schema.migrate(empty, folder)
    (folder / "0003_wider.sql").write_text("alter table books add column pages int;\n")
    monkeypatch.setattr(schema, "ATTEMPTS", 1)
    monkeypatch.setattr(schema, "LIMIT_LOCKS", "set local lock_timeout = '50ms'")
    reader = await asyncpg.connect(empty)
    await reader.execute("begin; select * from books")

    with pytest.raises(Refusal, match="too busy"):
        await schema.migrate(empty, folder)

    await reader.close()


async def test_a_lock_that_comes_late_is_waited_for(empty, folder, monkeypatch):
    await schema.migrate(empty, folder)
    (folder / "0003_wider.sql").write_text("alter table books add column pages int;\n")
    monkeypatch.setattr(schema, "PAUSE", 0.01)
    monkeypatch.setattr(schema, "LIMIT_LOCKS", "set local lock_timeout = '50ms'")
    reader = await asyncpg.connect(empty)
    await reader.execute("begin; select * from books")
    monkeypatch.setattr(schema.asyncio, "sleep", lambda _: reader.close())

    applied = await schema.migrate(empty, folder)

    assert applied == ["0003_wider"]


async def test_check_accepts_the_schema_it_knows(empty, folder):
    await schema.migrate(empty, folder)

    await schema.check(empty, folder)


async def test_check_takes_an_open_pool(empty, folder):
    await schema.migrate(empty, folder)

    async with asyncpg.create_pool(empty, min_size=1, max_size=1) as pool:
        await schema.check(pool, folder)


async def test_check_names_the_command_for_an_empty_database(empty, folder):
    with pytest.raises(Refusal, match=r"no tables yet.*trunkline migrate"):
        await schema.check(empty, folder)


async def test_check_names_the_command_for_an_older_database(empty, folder):
    await schema.migrate(empty, folder)
    (folder / "0003_new.sql").write_text("select 1;\n")

    with pytest.raises(Refusal, match=r"older.*0003_new.*trunkline migrate"):
        await schema.check(empty, folder)


async def test_check_refuses_a_newer_database(empty, folder):
    await schema.migrate(empty, folder)
    (folder / "0002_books.sql").unlink()

    with pytest.raises(Refusal, match="newer Trunkline"):
        await schema.check(empty, folder)


async def test_an_unreachable_server_is_a_refusal_without_the_password(folder):
    with pytest.raises(Refusal, match="cannot be reached") as refused:
        await schema.migrate("postgresql://somebody:verysecret@127.0.0.1:1/db", folder)

    assert "verysecret" not in refused.value.message


def test_the_fingerprint_follows_the_content(folder):
    before = schema.fingerprint(folder)
    (folder / "0003_new.sql").write_text("select 1;\n")

    assert schema.fingerprint(folder) != before


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[str]:
    if dsn := os.environ.get("TRUNKLINE_TEST_SERVER"):
        yield dsn
        return
    async with database(tmp_path_factory.mktemp("server")) as dsn:
        yield dsn


@pytest.fixture
async def empty(server: str) -> AsyncIterator[str]:
    """A database with nothing in it."""
    name = f"schema_{token(8).lower()}"
    await ask(server, f"create database {name}")
    yield server.replace("/trunkline?", f"/{name}?")
    await ask(server, f"drop database {name} with (force)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_shelves.sql").write_text("create table shelves (id int primary key);\n")
    (tmp_path / "0002_books.sql").write_text("create table books (title text, shelf int references shelves);\n")
    return tmp_path


async def ask(dsn: str, question: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()
