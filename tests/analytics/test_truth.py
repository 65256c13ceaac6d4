"""Whatever happens in whatever order, the reports say the same as a count of the tables."""

import contextlib
import io
import random
from typing import Any

import asyncpg
import pytest

from tests import world
from tests.recounts import counted, told
from trunkline.analytics import counters
from trunkline.campaigns import broadcasts, expanding
from trunkline.campaigns.broadcasts import NewBroadcast
from trunkline.channels.base import Inbound
from trunkline.contacts import changing, imports, people
from trunkline.contacts.imports import Options
from trunkline.contacts.records import Status
from trunkline.core import urns
from trunkline.core.db import Database
from trunkline.core.errors import TrunklineError
from trunkline.core.jobs import Call, Desk
from trunkline.inbox import assignment, changes, conversations, replies
from trunkline.inbox.changes import Changes
from trunkline.messaging import receiving, statuses
from trunkline.messaging.channels import Channel
from trunkline.messaging.statuses import Change

pytestmark = pytest.mark.anyio

KINDS = ("sms", "whatsapp")
OUTCOMES = ("sent", "delivered", "read", "failed", "unknown", "errored", "canceled")


@pytest.mark.parametrize("seed", range(6))
async def test_the_reports_equal_a_count_of_the_tables(database, account, connection, new_user, seed):
    shift = Shift(random.Random(seed), database, account, connection, [await new_user(f"U{n}") for n in range(3)])

    await shift.work(80)

    for days in (7, 90):
        assert await told(database, account, days) == await counted(connection, account, days, shift.users)


@pytest.mark.parametrize("seed", range(2))
async def test_squashing_changes_no_number(database, account, connection, new_user, seed):
    shift = Shift(random.Random(seed), database, account, connection, [await new_user("Ann")])
    await shift.work(30)
    before = await told(database, account, 90)

    desk = Desk(database, Call(account, 1, None, "", [], "system", "", 0, 1), database.tools)
    await counters.squash(desk)
    await counters.tidy(desk)

    assert await told(database, account, 90) == before
    crowded = "select from daily where account_id = $1 group by name, day, subject having count(*) > 1"
    assert not await connection.fetch(crowded, account)


class Shift:
    """Somebody who works at random, through the same doors as everybody."""

    def __init__(
        self, luck: random.Random, database: Database, account: int, connection: asyncpg.Connection, users: list[int]
    ):
        self.luck, self.database, self.account, self.connection = luck, database, account, connection
        self.users = users
        self.lines: list[Channel] = []

    async def work(self, steps: int) -> None:
        self.lines = [await world.simulator(self.database, self.account, **{"as": kind}) for kind in KINDS]
        todo = [
            *[self.receive, self.reply] * 3, *[self.judge] * 2,
            self.start, self.automate, self.close, self.change, self.change_many, self.assign, self.look,
            self.delete_conversation, self.broadcast, self.delete_broadcast, self.bring_in, self.set_status,
            self.delete_contact, self.deliver, self.sleep,
        ]  # fmt: skip
        for _ in range(steps):
            with contextlib.suppress(TrunklineError):  # what is refused must leave no trace either
                await self.luck.choice(todo)()

    def someone(self) -> str:
        return f"+407400000{self.luck.randrange(12):02d}"

    def user(self) -> int:
        return self.luck.choice(self.users)

    async def pick(self, statement: str, most: int = 1) -> list[int]:
        ids = [row[0] for row in await self.connection.fetch(statement, self.account)]
        return self.luck.sample(ids, min(len(ids), most))

    async def conversation(self) -> int:
        gone = self.luck.random() < 0.05
        found = await self.pick(
            f"select id from conversations where account_id = $1 and (deleted_at is not null) = {gone} order by id"
        )
        return found[0] if found else 0

    def tx(self) -> Any:
        return self.database.tx(self.account)

    async def receive(self) -> None:
        line = self.luck.choice(self.lines)
        arrived = [
            Inbound(
                urn=urns.make(line.schemes[0], self.someone()), text="Hello", external_id=f"{self.luck.randrange(40)}"
            )
            for _ in range(self.luck.randint(1, 4))
        ]
        await receiving.take(self.database, line, arrived)
        await world.react(self.database)

    async def reply(self) -> None:
        async with self.tx() as tx:
            await replies.reply(tx, await self.conversation(), "We see to it.", user_id=self.user())

    async def automate(self) -> None:
        async with self.tx() as tx:
            await replies.reply(tx, await self.conversation(), "We are closed.", user_id=None)

    async def start(self) -> None:
        [contact] = await self.pick("select id from contacts where account_id = $1 order by id") or [0]
        async with self.tx() as tx:
            await replies.start(tx, contact, "sms", "Hello!", user_id=self.luck.choice([None, self.user()]))

    async def close(self) -> None:
        async with self.tx() as tx:
            await changes.close(tx, await self.conversation())

    async def change(self) -> None:
        status = self.luck.choice(["open", "pending", "closed", "spam"])
        async with self.tx() as tx:
            unread = self.luck.choice([None, False])
            await changes.update(tx, await self.conversation(), Changes(status=status, is_read=unread))

    async def change_many(self) -> None:
        ids = await self.pick("select id from conversations where account_id = $1 order by id", 5)
        async with self.tx() as tx:
            await changes.update_many(tx, ids, Changes(status=self.luck.choice(["open", "closed"])))

    async def assign(self) -> None:
        ids = await self.pick("select id from conversations where account_id = $1 order by id", 3)
        async with self.tx() as tx:
            await assignment.assign_many(tx, ids, self.luck.choice([None, *self.users]))

    async def look(self) -> None:
        async with self.tx() as tx:
            await conversations.mark_read(tx, [await self.conversation()])

    async def delete_conversation(self) -> None:
        async with self.tx() as tx:
            await conversations.delete(tx, await self.conversation())

    async def judge(self) -> None:
        """Evidence of all kinds about some messages, in any order and more than once."""
        ids = await self.pick("select id from messages where account_id = $1 and direction = 'out' order by id", 8)
        found = [Change(id, self.luck.choice(OUTCOMES), reason="soft_bounce") for id in [*ids, *ids[:3]]]
        async with self.tx() as tx:
            await statuses.apply_many(tx, found)

    async def broadcast(self) -> None:
        async with self.tx() as tx:
            new = NewBroadcast(name="News", channel=self.luck.choice(KINDS), body="Hello all")
            id = (await broadcasts.create(tx, new)).id
            await broadcasts.send(tx, id)
        async with self.tx() as tx:
            await world.next_portion(tx, id, 5)

    async def delete_broadcast(self) -> None:
        [id] = await self.pick("select id from broadcasts where account_id = $1 order by id") or [0]
        async with self.tx() as tx:
            await broadcasts.delete(tx, id)

    async def bring_in(self) -> None:
        rows = "".join(f"{self.someone()},Ann\n" for _ in range(self.luck.randrange(6)))
        async with self.tx() as tx:
            await imports.run(tx, io.BytesIO(f"phone,first_name\n{rows}".encode()), Options())

    async def set_status(self) -> None:
        ids = await self.pick("select id from contacts where account_id = $1 order by id", 3)
        choices: list[Status] = ["active", "active", "blocked", "archived", "stopped"]
        async with self.tx() as tx:
            await changing.change_status(tx, ids, self.luck.choice(choices))

    async def delete_contact(self) -> None:
        ids = await self.pick("select id from contacts where account_id = $1 order by id")
        async with self.tx() as tx:
            await people.delete(tx, ids)

    async def deliver(self) -> None:
        await world.pass_time(self.database, self.account)
        await world.deliver(self.database, self.account)
        await expanding.finish(self.database)

    async def sleep(self) -> None:
        """Some days pass: everything that was lies further back."""
        await pass_days(self.connection, self.account, self.luck.randint(1, 4))


async def pass_days(connection: asyncpg.Connection, account: int, days: int) -> None:
    async with connection.transaction():
        await connection.execute("set local session_replication_role = replica")  # no trigger counts what only ages
        for table, columns in DATED.items():
            aged = ", ".join(f"{column} = {column} - {days}" for column in columns if column.endswith(("day", "_on")))
            moved = ", ".join(f"{c} = {c} - interval '{days} days'" for c in columns if c.endswith("_at"))
            statement = f"update {table} set {', '.join(filter(None, [aged, moved]))} where account_id = $1"
            await connection.execute(statement, account)


DATED = {
    "messages": ("created_at", "sent_at"),
    "contacts": ("created_at",),
    "conversations": ("created_at", "first_response_at", "resolved_at", "answered_on", "closed_on"),
    "responders": ("last_on",),
    "broadcasts": ("started_at",),
    "daily": ("day",),
}
