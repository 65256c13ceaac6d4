"""Backup and restore: everything comes back, once, and is held."""

import asyncio
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec import Struct

from trunkline.core.db import Database
from trunkline.messaging import lines
from trunkline.storage import postgres


class World(Struct):
    data: Path
    told: dict[str, Any]
    file: Path
    backup: dict[str, Any]


def trunkline(*arguments: object, data: Path, code: int = 0) -> Any:
    environment = {name: value for name, value in os.environ.items() if name != "TRUNKLINE_DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "trunkline", *map(str, arguments), "--data", str(data), "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout if code == 0 else done.stderr.splitlines()[-1])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The demo world with a stored file, and a backup of it."""
    folder = tmp_path_factory.mktemp("backup")
    data, file = folder / "old", folder / "backup.zip"
    told = trunkline("seed", "demo", data=data)
    (data / "media" / "ab").mkdir(parents=True)
    (data / "media" / "ab" / "photo").write_bytes(os.urandom(100_000))
    return World(data, told, file, trunkline("backup", file, data=data))


@pytest.fixture(scope="module")
def restored(world: World) -> Path:
    data = world.data.with_name("new")
    trunkline("restore", world.file, data=data)
    return data


def contents(data: Path) -> dict[str, tuple[int, str]]:
    """Rows and a checksum of each table; what marks an installation as held is its own."""

    async def read() -> dict[str, tuple[int, str]]:
        async with postgres.database(data) as dsn:
            connection = await asyncpg.connect(dsn)
            tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
            found = {}
            for (name,) in tables:
                where = "where name <> 'held'" if name == "installation" else ""
                sums = f"select count(*), coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {name} t"
                found[name] = tuple(await connection.fetchrow(f"{sums} {where}"))
            await connection.close()
            return found

    found = asyncio.run(read())
    for moment in ("schema_migrations", "workers"):
        found.pop(moment)
    return found


def due(data: Path) -> int:
    """Lines that a worker would send from now, with one message waiting for sure."""

    async def count() -> int:
        async with postgres.database(data) as dsn:
            connection = await asyncpg.connect(dsn)
            await connection.execute(WAITING)
            await connection.close()
            database = await Database(dsn).open()
            found = await lines.due(database)
            await database.close()
            return len(found)

    return asyncio.run(count())


WAITING = """
    insert into outbound (lane, channel_id, account_id, run_at, id)
    select 1, id, account_id, '2026-01-01', 1 from channels where name = 'Acme SMS' on conflict do nothing
"""


def test_every_table_comes_back_as_it_was(world: World, restored: Path) -> None:
    assert contents(restored) == contents(world.data)


def test_the_demo_world_is_not_empty(world: World) -> None:
    filled = {name for name, rows in world.backup["tables"].items() if rows}

    assert {"accounts", "contacts", "messages", "conversations", "broadcasts", "ledger", "notes"} <= filled


def test_media_and_the_secret_come_back(world: World, restored: Path) -> None:
    assert (restored / "media/ab/photo").read_bytes() == (world.data / "media/ab/photo").read_bytes()
    assert (restored / "secret").read_bytes() == (world.data / "secret").read_bytes()
    assert (restored / "secret").stat().st_mode & 0o777 == 0o600


def test_new_rows_get_new_numbers(world: World, restored: Path) -> None:
    account = world.told["account"]["uuid"]

    made = trunkline("group", "create", "After the restore", "--account", account, data=restored)

    assert made["size"] == 0


def test_a_restored_installation_is_held_until_it_is_released(world: World) -> None:
    data = world.data.with_name("held")
    trunkline("restore", world.file, data=data)

    before = due(data)
    checks = {check["check"] for check in trunkline("doctor", data=data)["checks"]}
    first = trunkline("release", data=data)
    second = trunkline("release", data=data)

    assert (before, "held" in checks) == (0, True)
    assert (first["was_held"], second["was_held"]) == (True, False)
    assert due(data) > 0


def test_a_backup_is_for_its_owner_only(world: World) -> None:
    assert world.file.stat().st_mode & 0o777 == 0o600


def test_a_backup_is_never_overwritten(world: World) -> None:
    refusal = trunkline("backup", world.file, data=world.data, code=1)["error"]

    assert "Name another file" in refusal["message"]


def test_two_installations_are_never_mixed(world: World) -> None:
    refusal = trunkline("restore", world.file, data=world.data, code=1)["error"]

    assert "not empty" in refusal["message"]


def test_a_damaged_backup_is_refused_and_nothing_is_made(world: World, tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(world.file) as whole, zipfile.ZipFile(broken, "w") as copy:
        for name in whole.namelist():
            changed = name == "tables/contacts.copy"
            copy.writestr(name, whole.read(name).replace(b"Ana", b"Eve") if changed else whole.read(name))

    refusal = trunkline("restore", broken, data=tmp_path / "data", code=1)["error"]

    assert "tables/contacts.copy" in refusal["message"]
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"])
def test_what_is_no_backup_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "file.zip"
    file.write_bytes(content)

    refusal = trunkline("restore", file, data=tmp_path / "data", code=1)["error"]

    assert "no whole backup" in refusal["message"]


def test_a_folder_that_is_not_there_is_refused_before_long_work(world: World, tmp_path: Path) -> None:
    refusal = trunkline("backup", tmp_path / "none" / "backup.zip", data=world.data, code=1)["error"]

    assert "cannot be written" in refusal["message"]


def test_another_secret_is_refused(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_SECRET", "a secret that sealed nothing of this backup")

    refusal = trunkline("restore", world.file, data=tmp_path / "data", code=1)["error"]

    assert "TRUNKLINE_SECRET" in refusal["message"]
