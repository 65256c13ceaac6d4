"""Archives: old rows become files, nothing is lost on the way, and days become months."""

import gzip
import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests import talks, world
from trunkline.accounts import settings
from trunkline.core.db import Database
from trunkline.dialects.rapidpro.message_shapes import MessageOut
from trunkline.flows import archives, starts
from trunkline.flows.archives import Archive
from trunkline.flows.starts import NewStart
from trunkline.messaging import labels

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory):
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


async def talk(database: Database, account: int, people: int = 3) -> None:
    """So many messages and ended runs."""
    await world.simulator(database, account)
    flow = await talks.save(database, account, talks.definition(talks.node(talks.say("Hi @contact.uuid"))))
    contacts = await world.contacts(database, account, [f"+407400001{n:02}" for n in range(people)])
    async with database.tx(account) as tx:
        await starts.create(tx, NewStart(flow_id=flow.id, contacts=contacts))
    await world.react(database)
    await world.execute(database.dsn, "update messages set status = 'sent' where account_id = $1", account)


async def move(database: Database, account: int, table: str, column: str, *days: date) -> None:
    """Let the rows be of these days, one after the other."""
    rows = await world.execute(database.dsn, f"select id from {table} where account_id = $1 order by id", account)
    for row, day in zip(rows, days, strict=True):
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        await world.execute(database.dsn, f"update {table} set {column} = $2 where id = $1", row[0], at)


def lines(database: Database, archive: Archive) -> list[dict[str, Any]]:
    with archives.read(database.tools.media, archive) as file:
        content = file.read()
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == archive.hash
    assert len(content) == archive.size
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


async def left(database: Database, account: int, table: str) -> int:
    [row] = await world.execute(database.dsn, f"select count(*) from {table} where account_id = $1", account)
    return row[0]


async def test_old_messages_move_into_a_file_a_day(database: Database, account: int) -> None:
    await talk(database, account)
    days = (date(2026, 5, 1), date(2026, 5, 1), date(2026, 5, 3))
    await move(database, account, "messages", "created_at", *days)

    made = await archives.build(database, account, until=date(2026, 5, 10))

    assert [(one.kind, one.period, one.start_date, one.records) for one in made] == [
        ("message", "daily", date(2026, 5, 1), 2),
        ("message", "daily", date(2026, 5, 3), 1),
    ]
    [first, second] = lines(database, made[0])
    assert (first["direction"], first["status"], first["flow"]["name"]) == ("out", "sent", "Talk")
    assert first["text"] == f"Hi {first['contact']['uuid']}"
    assert first["id"] < second["id"]
    assert await left(database, account, "messages") == 0


async def test_runs_keep_their_path(database: Database, account: int) -> None:
    await talk(database, account, 1)
    await move(database, account, "flow_runs", "modified_at", date(2026, 5, 1))

    [made] = await archives.build(database, account, until=date(2026, 5, 10))

    [run] = lines(database, made)
    assert (run["exit_type"], len(run["path"]), run["flow"]["name"]) == ("completed", 1, "Talk")
    assert await left(database, account, "flow_runs") == 0


async def test_a_month_that_is_over_becomes_one_file(database: Database, account: int) -> None:
    await talk(database, account)
    days = (date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 31))
    await move(database, account, "messages", "created_at", *days)

    await archives.build(database, account, until=date(2026, 6, 2))

    async with database.tx(account) as tx:
        shown = await archives.page(tx, kind="message")
    assert [(one.period, one.start_date, one.records) for one in shown] == [
        ("monthly", date(2026, 5, 1), 2),
        ("monthly", date(2026, 4, 1), 1),
    ]
    assert len(lines(database, shown[0])) == 2


async def test_rows_that_come_late_join_their_day(database: Database, account: int) -> None:
    await talk(database, account, 2)
    await move(database, account, "messages", "created_at", date(2026, 5, 1), date(2026, 5, 20))
    await archives.build(database, account, until=date(2026, 5, 10))
    await move(database, account, "messages", "created_at", date(2026, 5, 1))

    [made] = await archives.build(database, account, until=date(2026, 5, 10))

    assert made.records == len(lines(database, made)) == 2


async def test_what_is_young_or_waiting_stays(database: Database, account: int) -> None:
    await talk(database, account, 2)
    await world.execute(
        database.dsn,
        "update messages set status = 'queued', created_at = '2026-05-01' where id = "
        "(select min(id) from messages where account_id = $1)",
        account,
    )

    made = await archives.build(database, account)

    assert made == []
    assert await left(database, account, "messages") == 2


async def test_labels_of_archived_messages_are_written_down(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    received = await world.say(database, channel, "+40740111222", "Spam")
    await world.react(database)
    async with database.tx(account) as tx:
        label = await labels.create(tx, "Junk")
        await labels.add(tx, [(label.id, received.message_id)])
    await move(database, account, "messages", "created_at", date(2026, 5, 1))

    [made] = await archives.build(database, account, until=date(2026, 5, 10))

    assert [label["name"] for label in lines(database, made)[0]["labels"]] == ["Junk"]
    async with database.tx(account) as tx:
        assert (await labels.get(tx, label.id)).size == 0


async def test_archives_are_an_accounts_own(database: Database, account: int, other_account: int) -> None:
    await talk(database, account, 1)
    await move(database, account, "messages", "created_at", date(2026, 5, 1))

    assert await archives.build(database, other_account, until=date(2026, 5, 10)) == []
    await archives.build(database, account, until=date(2026, 5, 10))

    async with database.tx(other_account) as tx:
        assert await archives.page(tx) == []


async def test_a_deleted_message_is_in_no_file_and_a_hidden_address_neither(database: Database, account: int) -> None:
    await talk(database, account, 2)
    await move(database, account, "messages", "created_at", date(2026, 5, 1), date(2026, 5, 1))
    async with database.tx(account) as tx:
        await settings.put(tx, {"anon": True}, operator=True)
    await world.execute(
        database.dsn,
        "update messages set visibility = 'deleted' where id = (select min(id) from messages where account_id = $1)",
        account,
    )

    [made] = await archives.build(database, account, until=date(2026, 5, 10))

    [line] = lines(database, made)
    assert (made.records, line["urn"], line["archived"]) == (1, None, False)
    assert await left(database, account, "messages") == 0


async def test_a_line_has_what_the_list_has(database: Database, account: int) -> None:
    await talk(database, account, 1)
    await move(database, account, "messages", "created_at", date(2026, 5, 1))

    [made] = await archives.build(database, account, until=date(2026, 5, 10))

    assert set(lines(database, made)[0]) == set(MessageOut.__struct_fields__)
