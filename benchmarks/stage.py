"""Where benchmarks run: an embedded PostgreSQL set as users have it (it syncs), the product's processes, and people."""

import asyncio
import contextlib
import functools
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import asyncpg
import msgspec
from msgspec import Struct

from trunkline.accounts import accounts, api_keys, users
from trunkline.channels.base import Wire
from trunkline.core import config, memory
from trunkline.core.clock import monotonic
from trunkline.core.db import Database
from trunkline.core.tools import Tools
from trunkline.messaging.carrier import Carrier
from trunkline.messaging.delivery import Sender
from trunkline.storage import postgres, schema

PATIENCE = 60
Clone = Callable[[str], Awaitable[str]]


class Workspace(Struct, frozen=True):
    id: int
    uuid: str
    user: int


class Up(Struct, frozen=True):
    """A running process of the product; `url` is where it listens."""

    pid: int
    url: str
    data: Path


class Stage:
    """One run: `clone` makes a new, migrated database on its server."""

    def __init__(self, folder: Path, clone: Clone):
        self.folder = folder
        self._clone = clone
        self._number = 0

    def new_folder(self, name: str) -> Path:
        self._number += 1
        folder = self.folder / f"{name}{self._number}"
        folder.mkdir()
        return folder

    @asynccontextmanager
    async def database(self, name: str, *egress: str) -> AsyncIterator[Database]:
        """A new database, with tools that may call `egress` (like 127.0.0.1:8000)."""
        async with opened(await self._clone(name), self.new_folder(name), *egress) as database:
            yield database


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Clone]:
    """A server of this run's own. It is started by asyncio's own loop: uvloop starts nothing for another user."""
    with asyncio.Runner() as runner:
        running = postgres.database(folder)
        dsn = runner.run(running.__aenter__())
        try:
            runner.run(_make_template(dsn))
            yield functools.partial(_clone, dsn)
        finally:
            runner.run(running.__aexit__(None, None, None))


async def _make_template(server: str) -> None:
    await _on(server, "create database template_bench")
    await schema.migrate(_named(server, "template_bench"))


async def _clone(server: str, name: str) -> str:
    database = f"bench_{name}_{secrets.token_hex(3)}"
    await _on(server, f"create database {database} template template_bench")
    return _named(server, database)


async def _on(dsn: str, statement: str) -> None:
    owner = await asyncpg.connect(dsn)
    try:
        await owner.execute(statement)
    finally:
        await owner.close()


@asynccontextmanager
async def opened(dsn: str, data: Path, *egress: str) -> AsyncIterator[Database]:
    database = await Database(dsn).open()
    database.tools = Tools(config.load({}, data=data, egress_allow=egress))
    try:
        yield database
    finally:
        await database.tools.close()
        await database.close()


@asynccontextmanager
async def running(arguments: list[str], data: Path, **environment: str) -> AsyncIterator[Up]:
    """`trunkline` with these arguments, until its first page can be asked for; ended with SIGTERM."""
    output = Output(data / "output")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "trunkline", *arguments, "--port", "0", "--json"),
        env=clean_environment() | {"TRUNKLINE_DATA": str(data)} | environment,
        stdout=output.file,
        stderr=output.file,
    )
    try:
        yield Up(process.pid, await _address(process, output), data)
    finally:
        await end(process)
        output.file.close()


@asynccontextmanager
async def serving(module: str, dsn: str) -> AsyncIterator[Up]:
    """A server to compare with: a module here that is told the database and prints its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, dsn), env=clean_environment(), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().strip()
        assert url, f"{module} did not start"
        yield Up(process.pid, url, Path())
    finally:
        await end(process)


class Output:
    """What a process says, in a file: a pipe that nobody reads would stop it."""

    def __init__(self, path: Path):
        self.path = path
        self.file = path.open("wb")

    def lines(self) -> list[str]:
        return self.path.read_text(errors="replace").splitlines(keepends=True)


async def _address(process: asyncio.subprocess.Process, output: Output) -> str:
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline and process.returncode is None:
        for line in output.lines():
            if line.startswith('{"url"') and line.endswith("\n"):
                return msgspec.json.decode(line)["url"]
        await asyncio.sleep(0.005)
    raise RuntimeError("trunkline did not start:\n" + "".join(output.lines()[-20:]))


async def end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def clean_environment() -> dict[str, str]:
    """Ours without settings of the product, and with this checkout in front."""
    here = str(Path(__file__).parents[1])
    others = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    return others | {"PYTHONPATH": here, "NO_PROXY": "127.0.0.1"}


async def first_page(url: str) -> None:
    """Ask for the page that a browser would, until it is there."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with session.get(url) as response:
                    if response.status == 200 and await response.read():
                        return
            await asyncio.sleep(0.005)


async def workspace(database: Database) -> Workspace:
    async with database.system() as tx:
        account = await accounts.create(tx, "Acme")
    async with database.system(account.id) as tx:
        created = await users.create(tx, "owner@example.com", "owner")
    return Workspace(account.id, str(account.uuid), created.member.id)


async def key(database: Database, owner: Workspace, dialect: str, rate_limit: str = "999999999/minute") -> str:
    """A key whose requests are counted, as everybody's are, and that is never told to wait; `off` lifts all limits."""
    async with database.tx(owner.id) as tx:
        secret, _ = await api_keys.create(tx, owner.user, dialect, rate_limit=rate_limit)
    return secret


async def people(database: Database, account: int, count: int, *schemes: str) -> None:
    """Contacts with a phone, an email address, and URNs of these schemes; statistics as a day of use leaves them."""
    owner = await asyncpg.connect(database.dsn)
    try:
        await owner.execute(CONTACTS, account, count)
        for scheme in schemes:
            await owner.execute(URNS, account, scheme)
        await owner.execute("vacuum analyze")
    finally:
        await owner.close()


def phone(number: int) -> str:
    """The phone of the contact with this number, counted from 1."""
    return f"+4072{number:07d}"


async def sender(database: Database) -> Sender:
    """The sending half of a worker, in a process that is set up like one."""
    memory.settle()
    return Sender(database, Wire(await database.tools.http(), database.tools.egress, Carrier(database)))


def _named(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


CONTACTS = """
    insert into contacts (account_id, uuid, name, first_name, last_name, phone, email, city, country, fields,
        created_at)
    select $1, gen_random_uuid(), 'Maria Ionescu ' || n, 'Maria', 'Ionescu ' || n, '+4072' || lpad(n::text, 7, '0'),
        'maria' || n || '@example.com', 'Cluj-Napoca', 'RO', jsonb_build_object('plan', 'gold', 'seats', n % 50),
        now() - make_interval(secs => n)
    from generate_series(1, $2::int) n
"""

URNS = """
    insert into urns (account_id, contact_id, scheme, path)
    select account_id, id, $2, case $2 when 'mailto' then email else phone end from contacts where account_id = $1
"""
