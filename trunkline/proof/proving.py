"""The proof itself: two broadcasts, one per delivery semantics, API calls, kills all the while, then the sum.

Judged by the sink's file: a recipient is lost when nobody reached it and no state of ours says so; it is doubled when
it was reached twice. At most once allows no double, at least once as many as were in flight at a kill.
"""

import asyncio
import contextlib
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from trunkline.accounts import accounts, api_keys, users
from trunkline.billing import credits, transfers
from trunkline.campaigns import broadcasts
from trunkline.campaigns.broadcasts import NewBroadcast
from trunkline.core import config
from trunkline.core.db import Database, sql
from trunkline.core.egress import Egress
from trunkline.core.errors import Refusal, Unavailable
from trunkline.core.http import Http, HttpFailure
from trunkline.core.tools import Tools
from trunkline.messaging import channels
from trunkline.proof.sink import Sink
from trunkline.proof.targets import Targets
from trunkline.storage import postgres

SEMANTICS = ("at_least_once", "at_most_once")
API_SHARE = 100
"""One recipient in so many is written to by an API call, repeated with its idempotency key until it is answered."""
IDLE_SECONDS = 120
"""With no progress for so long the run is over, and what is missing is lost."""


class Mode(Struct, frozen=True):
    """One semantics' part of the sum."""

    recipients: int
    reached: int
    lost: int
    duplicates: int
    unknown: int


class Proof(Struct, frozen=True):
    recipients: int
    kills: int
    lost: int
    duplicates: int
    unknown: int
    credit_difference: int
    seconds: float
    killed: dict[str, int]
    modes: dict[str, Mode]


class Stage(Struct):
    """Everything a run works with."""

    database: Database
    url: str
    account: int
    key: str
    channels: dict[str, int]
    granted: int


async def prove(recipients: int, kills: int, progress: Callable[[int], None]) -> Proof:
    """Run it in a data folder of its own; kills touch nothing but its own children."""
    with tempfile.TemporaryDirectory(prefix="trunkline-prove-") as folder:
        data = Path(folder) / "data"
        sink = Sink(Path(folder) / "sink.tsv")
        port = await sink.open()
        began = asyncio.get_running_loop().time()
        async with up(data, f"127.0.0.1:{port}") as (process, url), postgres.database(data) as dsn:
            database = await Database(dsn, connections=4).open()
            database.tools = Tools(config.load(data=data, egress_allow=(f"127.0.0.1:{port}",)))
            try:
                stage = await _set(database, url, port, recipients)
                targets = Targets(process.pid, data)
                await _act(stage, sink, targets, recipients, kills, progress)
                proof = await _judge(stage, sink, targets, recipients)
            finally:
                await database.close()
        await sink.close()
        return msgspec.structs.replace(proof, seconds=round(asyncio.get_running_loop().time() - began, 1))


@contextlib.asynccontextmanager
async def up(data: Path, egress: str, *options: str):
    """`trunkline up` as users run it, ended with SIGTERM; it may call `egress`."""
    environment = {**os.environ, "TRUNKLINE_EGRESS_ALLOW": egress, "TRUNKLINE_LOG_LEVEL": "error"}
    environment.pop("TRUNKLINE_DATABASE_URL", None)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "trunkline", "up", "--port", "0", "--json", "--data", str(data), *options),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    first = await process.stdout.readline()
    if not first:
        raise Refusal("`trunkline up` did not start; run it by hand to see why.")
    try:
        yield process, msgspec.json.decode(first)["url"]
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _set(database: Database, url: str, port: int, recipients: int) -> Stage:
    """A workspace with contacts, a paid channel per semantics, and exactly enough credits."""
    async with database.system() as tx:
        account = await accounts.create(tx, "Proof")
    async with database.system(account.id) as tx:
        user = await users.create(tx, "proof@example.com", "owner")
    async with database.tx(account.id) as tx:
        key, _ = await api_keys.create(tx, user.member.id, "portal", rate_limit="off")
        await transfers.grant(tx, recipients)
        await tx.run(PEOPLE, tx.account, recipients)
        await tx.run(ADDRESSES, tx.account)
    used = {}
    async with database.tx(channels.POOL) as tx:
        for semantics in SEMANTICS:
            settings = {"url": f"http://127.0.0.1:{port}/{semantics}", "as": "sms", "semantics": semantics}
            channel, _ = await channels.create(tx, "custom_http", semantics, "Proof", settings)
            used[semantics] = channel.id
    return Stage(database, url, account.id, key, used, recipients)


async def _act(
    stage: Stage, sink: Sink, targets: Targets, recipients: int, kills: int, progress: Callable[[int], None]
) -> None:
    called = recipients // API_SHARE
    async with stage.database.tx(stage.account) as tx:
        ids = await tx.column(int, IDS, tx.account)
        halves = {"at_least_once": ids[called::2], "at_most_once": ids[called + 1 :: 2]}
        for semantics, part in halves.items():
            group = await tx.value(int, GROUP, tx.account, semantics, part)
            draft = NewBroadcast(
                name=semantics,
                channel="sms",
                channel_id=stage.channels[semantics],
                body="Hello {{name}}",
                audience={"type": "group", "id": group},
            )
            await broadcasts.send(tx, (await broadcasts.create(tx, draft)).id)
    calls = asyncio.create_task(_call(stage, ids[:called]))
    killer = asyncio.create_task(_kill(sink, targets, recipients, kills))
    await _until_done(stage, sink, progress)
    killer.cancel()
    await calls


async def _kill(sink: Sink, targets: Targets, recipients: int, kills: int) -> None:
    """Kill at random points of the way; every other time exactly between an answer and our commit."""
    marks = sorted(random.sample(range(recipients // 50, max(kills + 1, recipients * 95 // 100)), kills))
    for number, mark in enumerate(marks):
        while sink.count < mark:
            await asyncio.sleep(0.01)
        if number % 2:
            sink.strike = lambda: targets.kill("worker")
        else:
            targets.kill()
        await asyncio.sleep(0.05)


async def _call(stage: Stage, ids: list[int]) -> None:
    """Send by the API, each with its own key; whatever the answer, repeat until it is accepted."""
    async with stage.database.tx(stage.account) as tx:
        phones = await tx.column(str, PHONES, tx.account, ids)
    async with Http(Egress((stage.url.removeprefix("http://"),)), timeout=10) as http:
        for phone in phones:
            body = {"channel": "sms", "to": phone, "body": "Hello", "integration_id": stage.channels["at_least_once"]}
            headers = {"X-API-Key": stage.key, "Idempotency-Key": f"proof-{phone}"}
            while True:
                try:
                    address = f"{stage.url}/api/v1/integrations/messages/send"
                    answer = await http.request("POST", address, headers=headers, json=body)
                except HttpFailure:
                    await asyncio.sleep(0.1)
                    continue
                if answer.status == 202:
                    break
                if answer.status not in (409, 429, 500, 503):
                    raise Refusal(f"The API answered {answer.status}: {answer.text[:200]}")
                await asyncio.sleep(0.1)


async def _until_done(stage: Stage, sink: Sink, progress: Callable[[int], None]) -> None:
    """Wait for an outcome of every message, or until nothing moves any more."""
    loop = asyncio.get_running_loop()
    seen, moved_at = -1, loop.time()
    while True:
        await asyncio.sleep(0.25)
        progress(sink.count - max(seen, 0))
        if sink.count != seen:
            seen, moved_at = sink.count, loop.time()
        with contextlib.suppress(Unavailable):
            async with stage.database.system() as tx:
                if not await tx.value(bool, WAITING, stage.account):
                    return
        if loop.time() - moved_at > IDLE_SECONDS:
            return


async def _judge(stage: Stage, sink: Sink, targets: Targets, recipients: int) -> Proof:
    async with stage.database.tx(stage.account) as tx:
        rows = await tx.rows(OUTCOMES, tx.account)
        balance = await credits.balance(tx)
        wrong = await credits.check(tx)
    reached = sink.read()
    modes = {}
    for semantics, channel in stage.channels.items():
        states = {address: status for address, channel_id, status, _ in rows if channel_id == channel}
        hits = reached.get(semantics, Counter())
        missing = [address for address in states if not hits[address]]
        modes[semantics] = Mode(
            recipients=len(states),
            reached=len(hits),
            lost=sum(states[address] != "unknown" for address in missing),
            duplicates=sum(count - 1 for count in hits.values()),
            unknown=sum(status == "unknown" for status in states.values()),
        )
    never_queued = recipients - sum(mode.recipients for mode in modes.values())
    spent = sum(cost for _, _, status, cost in rows if status in ("sent", "delivered", "read", "unknown"))
    return Proof(
        recipients=recipients,
        kills=sum(targets.killed.values()),
        lost=sum(mode.lost for mode in modes.values()) + never_queued,
        duplicates=sum(mode.duplicates for mode in modes.values()),
        unknown=sum(mode.unknown for mode in modes.values()),
        credit_difference=abs(stage.granted - balance.available - spent) + balance.reserved + (wrong is not None),
        seconds=0.0,
        killed=dict(targets.killed),
        modes=modes,
    )


PEOPLE = sql("""
    insert into contacts (account_id, uuid, name, phone)
    select $1, gen_random_uuid(), 'Person ' || n, '+40700' || lpad(n::text, 6, '0') from generate_series(1, $2::int) n
""")

ADDRESSES = sql("""
    insert into urns (account_id, contact_id, scheme, path)
    select account_id, id, 'tel', phone from contacts where account_id = $1
""")

IDS = sql("select id from contacts where account_id = $1 order by id")

PHONES = sql("select phone from contacts where account_id = $1 and id = any($2::bigint[]) order by id")

GROUP = sql("""
    with made as (
        insert into groups (account_id, uuid, name, name_key) values ($1, gen_random_uuid(), $2, $2) returning id
    ), filled as (
        insert into group_members (account_id, group_id, contact_id)
        select $1, made.id, contact_id from made, unnest($3::bigint[]) as contact_id
    )
    select id from made
""")

WAITING = sql(
    """
    select exists (select from outbound where account_id = $1)
        or exists (select from broadcasts where account_id = $1 and status <> 'sent')
    """,
    system=True,
)

OUTCOMES = sql("""
    select address, channel_id, status, credits from messages where account_id = $1 and direction = 'out'
""")
