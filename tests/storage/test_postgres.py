"""The embedded server: made once, held by one, healed, found again, and used by commands beside it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from trunkline.core.errors import Refusal
from trunkline.storage.postgres import Embedded, database
from trunkline.storage.server import Server

pytestmark = pytest.mark.anyio

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may change users")
DEBIAN_15 = "/usr/lib/postgresql/15/bin"


async def test_start_makes_a_utf8_database(tmp_path):
    async with running(tmp_path / "data") as server:
        answer = await ask(server.dsn, "select current_database() || ' ' || current_user || ' ' || lower('ȘÎ')")

    assert answer == "trunkline trunkline șî"


async def test_the_folder_keeps_its_rows_over_a_restart(tmp_path):
    async with running(tmp_path) as server:
        await ask(server.dsn, "create table kept as select 7 as n")

    async with running(tmp_path) as server:
        kept = await ask(server.dsn, "select n from kept")

    assert kept == 7


async def test_stop_leaves_no_server(tmp_path):
    async with running(tmp_path) as server:
        dsn = server.dsn

    with pytest.raises(OSError, match=r"No such file|refused"):
        await asyncpg.connect(dsn)


async def test_nothing_listens_on_tcp_and_the_socket_is_private(tmp_path):
    async with running(tmp_path) as server:
        addresses = await ask(server.dsn, "show listen_addresses")

        assert addresses == ""
        assert (tmp_path / "postgres").stat().st_mode & 0o077 == 0


async def test_a_second_supervisor_is_refused(tmp_path):
    async with running(tmp_path):
        with pytest.raises(Refusal, match="already running"):
            await Embedded(tmp_path).start()


async def test_a_killed_server_heals_and_loses_no_committed_row(tmp_path):
    async with running(tmp_path) as server:
        await ask(server.dsn, "create table rows as select generate_series(1, 10000) as n")
        open_work = await asyncpg.connect(server.dsn)
        await open_work.execute("begin; insert into rows values (0)")
        watch = asyncio.create_task(server.supervise())

        os.kill(postmaster(tmp_path), signal.SIGKILL)
        count = await ask_patiently(server.dsn, "select count(*) from rows")
        watch.cancel()

    assert count == 10_000


async def test_a_busy_backend_does_not_delay_healing(tmp_path):
    async with running(tmp_path) as server:
        busy = await asyncpg.connect(server.dsn)
        sleeping = asyncio.create_task(busy.execute("select pg_sleep(600)"))
        await ask_patiently(server.dsn, "select 1 / count(*) from pg_stat_activity where query like '%sleep(600)'")
        watch = asyncio.create_task(server.supervise())

        os.kill(postmaster(tmp_path), signal.SIGKILL)
        with pytest.raises((OSError, asyncpg.PostgresError)):
            await sleeping
        answer = await ask_patiently(server.dsn, "select 42")
        watch.cancel()

    assert answer == 42


async def test_a_server_whose_supervisor_was_killed_is_taken_over(tmp_path):
    orphan = start_in_a_process_and_kill_it(tmp_path, "create table kept as select 7 as n")

    async with running(tmp_path) as server:
        kept = await ask(server.dsn, "select n from kept")
        taken_over = postmaster(tmp_path)

    assert (kept, taken_over) == (7, orphan)


async def test_a_server_that_was_taken_over_heals_too(tmp_path):
    start_in_a_process_and_kill_it(tmp_path, "create table kept as select 7 as n")
    async with running(tmp_path) as server:
        watch = asyncio.create_task(server.supervise())

        os.kill(postmaster(tmp_path), signal.SIGKILL)
        kept = await ask_patiently(server.dsn, "select n from kept")
        watch.cancel()

    assert kept == 7


async def test_an_orphan_set_otherwise_is_replaced(tmp_path):
    orphan = start_in_a_process_and_kill_it(tmp_path, "create table kept as select 7 as n")
    note = tmp_path / "postgres" / "postmaster.opts"
    note.write_text(note.read_text().replace("max_connections=100", "max_connections=50"))

    async with running(tmp_path) as server:
        kept = await ask(server.dsn, "select n from kept")
        replaced = postmaster(tmp_path) != orphan

    assert (kept, replaced) == (7, True)


async def test_the_process_number_of_somebody_else_does_not_stop_a_start(tmp_path):
    async with running(tmp_path):
        left = (tmp_path / "postgres" / "postmaster.pid").read_text()
    lines = [str(os.getpid()), *left.splitlines()[1:]]
    (tmp_path / "postgres" / "postmaster.pid").write_text("\n".join(lines))

    async with running(tmp_path) as server:
        answer = await ask(server.dsn, "select 1")

    assert answer == 1


async def test_a_long_path_gets_a_short_way_to_its_socket(tmp_path):
    deep = tmp_path / ("long" * 30) / "data"

    async with running(deep) as server:
        answer = await ask(server.dsn, "select 1")
        again = Embedded(deep).dsn

    assert (answer, again) == (1, server.dsn)
    shutil.rmtree(Path((deep / "socket").read_text()).parent)


async def test_a_damaged_folder_is_refused_and_left_alone(tmp_path):
    async with running(tmp_path):
        pass
    (tmp_path / "postgres" / "global" / "pg_control").unlink()

    with pytest.raises(Refusal, match=r"not a whole database .*pg_control"):
        await Embedded(tmp_path).start()


async def test_a_server_that_cannot_start_says_why(tmp_path):
    async with running(tmp_path):
        pass
    (tmp_path / "postgres" / "global" / "pg_control").write_bytes(b"\0" * 8192)

    with pytest.raises(Refusal, match=r"does not start.*FATAL"):
        await Embedded(tmp_path).start()


async def test_the_folder_is_free_again_after_a_refusal(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("rubbish")
    for _ in range(2):
        with pytest.raises(Refusal, match="not a whole database"):
            await Embedded(tmp_path).start()


async def test_half_a_database_of_an_interrupted_start_is_swept(tmp_path):
    (tmp_path / "postgres.new").mkdir(parents=True)
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18")

    async with running(tmp_path) as server:
        answer = await ask(server.dsn, "select 1")

    assert answer == 1
    assert not (tmp_path / "postgres.new").exists()


async def test_only_programs_of_the_same_major_version_open_a_folder(tmp_path):
    async with running(tmp_path):
        pass
    (tmp_path / "postgres" / "PG_VERSION").write_text("13\n")

    with pytest.raises(Refusal, match=r"made by PostgreSQL 13.*Install PostgreSQL 13"):
        await Embedded(tmp_path).start()


async def test_a_data_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "data").write_text("")

    with pytest.raises(Refusal, match="cannot be used"):
        await Embedded(tmp_path / "data").start()


@pytest.mark.skipif(not Path(DEBIAN_15).exists(), reason="PostgreSQL 15 is not installed")
async def test_the_machines_own_postgresql_15_serves_and_is_remembered(tmp_path):
    async with running(tmp_path, DEBIAN_15) as server:
        await ask(server.dsn, "create table kept as select lower('ȘÎ') as n")

    async with running(tmp_path) as server:
        version = await ask(server.dsn, "select current_setting('server_version_num')::int / 10000")
        kept = await ask(server.dsn, "select n from kept")

    assert (version, kept) == (15, "șî")


@as_root
async def test_root_runs_it_as_an_unprivileged_owner(tmp_path):
    async with running(tmp_path):
        owner = os.stat(f"/proc/{postmaster(tmp_path)}").st_uid

    assert owner != 0


@as_root
async def test_root_uses_a_folder_open_to_all_by_its_path(open_folder):
    async with running(open_folder) as server:
        place = await ask(server.dsn, "show data_directory")

    assert place == str(open_folder / "postgres")


@as_root
async def test_a_folder_that_root_copied_is_given_back_to_its_owner(tmp_path):
    async with running(tmp_path):
        pass
    for path in (tmp_path / "postgres", *(tmp_path / "postgres").rglob("*")):
        os.chown(path, 0, 0)

    async with running(tmp_path) as server:
        answer = await ask(server.dsn, "select 1")

    assert answer == 1


@as_root
def test_a_normal_user_runs_it_as_itself(open_folder):
    os.chown(open_folder, 65534, 65534)

    answer = subprocess.run(
        [sys.executable, "-c", START_ASK_STOP, open_folder],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.stdout == "65534\n", answer.stderr


async def test_a_command_starts_the_server_for_its_own_time(tmp_path):
    async with database(tmp_path / "data") as dsn:
        answer = await ask(dsn, "select 1")

    assert answer == 1
    assert not Server(tmp_path / "data").ready()


async def test_a_command_uses_the_operators_url_untouched(tmp_path):
    async with database(tmp_path / "data", "postgresql://example/db") as dsn:
        pass

    assert dsn == "postgresql://example/db"
    assert not (tmp_path / "data").exists()


async def test_a_command_beside_a_running_server_leaves_it_running(tmp_path):
    async with running(tmp_path) as server:
        before = postmaster(tmp_path)
        async with database(tmp_path) as dsn:
            await ask(dsn, "select 1")

        assert (await ask(server.dsn, "select 1"), postmaster(tmp_path)) == (1, before)


async def test_commands_at_once_share_a_server_and_the_last_one_stops_it(tmp_path):
    async def command() -> str:
        async with database(tmp_path) as dsn:
            return await ask(dsn, "select pg_postmaster_start_time()::text")

    async with database(tmp_path) as dsn:
        starts = await asyncio.gather(*(command() for _ in range(5)))
        own = await ask(dsn, "select pg_postmaster_start_time()::text")

    assert set(starts) == {own}
    assert not Server(tmp_path).ready()


async def test_a_supervisor_takes_over_the_server_of_a_running_command(tmp_path):
    async with database(tmp_path) as dsn:
        server = Embedded(tmp_path)
        await server.start()
        own = await ask(dsn, "select 1")
    after = await ask(server.dsn, "select 2")
    await server.stop()

    assert (own, after) == (1, 2)


async def test_a_long_log_is_cut(tmp_path):
    server = Server(tmp_path)
    server.log.write_bytes(b"x" * (9 * 1024 * 1024))

    server.tend()

    assert server.log.stat().st_size == 0
    assert (tmp_path / "postgres.log.1").stat().st_size == 9 * 1024 * 1024


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder everybody may enter; `tmp_path` lies below one that only its owner may."""
    folder = Path(tempfile.mkdtemp(prefix="trunkline-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@asynccontextmanager
async def running(data: Path, bin_setting: str | None = None) -> AsyncIterator[Embedded]:
    server = Embedded(data, bin_setting)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def ask(dsn: str, question: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def ask_patiently(dsn: str, question: str) -> object:
    """Ask until there is an answer; the test run's own time limit is the end of patience."""
    while True:
        try:
            return await ask(dsn, question)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(0.02)


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def start_in_a_process_and_kill_it(data: Path, statement: str) -> int:
    """The number of the server left behind by a supervisor that got no chance to stop it."""
    with subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, data, statement],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"up\n"
        process.kill()
    return postmaster(data)


START_AND_WAIT = """
import asyncio, sys, asyncpg
from pathlib import Path
from trunkline.storage.postgres import Embedded

async def main():
    server = Embedded(Path(sys.argv[1]))
    await server.start()
    connection = await asyncpg.connect(server.dsn)
    await connection.execute(sys.argv[2])
    print("up", flush=True)
    await server.supervise()

asyncio.run(main())
"""

START_ASK_STOP = """
import asyncio, concurrent.futures.thread, os, sys, asyncpg
from pathlib import Path
from trunkline.storage.postgres import Embedded

async def main():
    # Dropped here, as the interpreter itself may lie where a normal user cannot start it.
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
    server = Embedded(Path(sys.argv[1]) / "data")
    await server.start()
    connection = await asyncpg.connect(server.dsn)
    pid = await connection.fetchval("select pg_backend_pid()")
    print(os.stat(f"/proc/{pid}").st_uid)
    await connection.close()
    await server.stop()

asyncio.run(main())
"""
