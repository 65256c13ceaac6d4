"""A shop that writes to its customers by mail and hears what comes back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from tests import world
from tests.peers.office import PATIENCE, Office
from trunkline.campaigns import broadcasts, expanding
from trunkline.campaigns.broadcasts import NewBroadcast, Progress
from trunkline.contacts import people
from trunkline.core import ids, urns
from trunkline.core.db import Database
from trunkline.inbox import conversations, replies
from trunkline.inbox.conversations import Conversation
from trunkline.messaging import channels
from trunkline.messaging import messages as stored
from trunkline.messaging.channels import Channel
from trunkline.messaging.doors import Doors
from trunkline.messaging.messages import Message

T = TypeVar("T")


@dataclass
class Shop:
    database: Database
    account: int
    channel: Channel
    doors: Doors

    @property
    def address(self) -> str:
        return self.channel.address

    async def meet(self, address: str, name: str = "") -> int:
        """A customer."""
        urn = urns.make("mailto", address)
        async with self.database.tx(self.account) as tx:
            [(contact, _)] = await people.get_or_create(tx, [urn], names={urn: name} if name else {})
        return contact

    async def broadcast(self, subject: str = "Sale", body: str = "", html: str | None = "<p>Hi</p>") -> int:
        """Write to everybody, up to the relay."""
        async with self.database.tx(self.account) as tx:
            new = NewBroadcast(name="Sale", channel="email", subject=subject, body=body, html=html)
            broadcast = await broadcasts.create(tx, new)
            await broadcasts.send(tx, broadcast.id)
        await world.react(self.database)
        await self.deliver()
        return broadcast.id

    async def deliver(self) -> None:
        await world.deliver(self.database, self.account)
        await expanding.finish(self.database)
        await world.react(self.database)

    async def progress(self, broadcast: int) -> tuple[str, Progress]:
        async with self.database.tx(self.account) as tx:
            found = await broadcasts.get(tx, broadcast)
            return found.status, (await broadcasts.progress(tx, [found]))[broadcast]

    async def open(self, contact: int, text: str, subject: str) -> Conversation:
        """Write to a customer first, as a person does."""
        async with self.database.tx(self.account) as tx:
            conversation = await replies.start(tx, contact, "email", text, subject=subject)
        await self.deliver()
        return conversation

    async def answer(self, conversation: int, text: str, **options: Any) -> None:
        async with self.database.tx(self.account) as tx:
            await replies.reply(tx, conversation, text, user_id=None, **options)
        await self.deliver()

    async def sent(self) -> list[Message]:
        """What went out, in order."""
        return await self.messages("out")

    async def heard(self, count: int) -> list[Message]:
        """What came in, in order and filed, as soon as it is so much."""

        async def enough() -> bool:
            return len(await self.messages("in")) >= count

        await until(enough)
        await world.react(self.database)
        return await self.messages("in")

    async def learns(self, status: str) -> Message:
        """The last message out, as soon as it has this status."""

        async def last() -> Message | None:
            message = (await self.sent())[-1]
            return message if message.status == status else None

        return await until(last)

    async def conversations(self) -> list[Conversation]:
        rows = await world.execute(
            self.database.dsn, "select id from conversations where account_id = $1 order by id", self.account
        )
        async with self.database.tx(self.account) as tx:
            return await conversations.get_many(tx, [row[0] for row in rows])

    async def suppressions(self) -> dict[str, str]:
        """Addresses that are never written to, and why."""
        rows = await world.execute(
            self.database.dsn, "select address, reason from suppressions where account_id = $1", self.account
        )
        return {row[0]: row[1] for row in rows}

    async def messages(self, direction: str) -> list[Message]:
        rows = await world.execute(
            self.database.dsn,
            "select id from messages where account_id = $1 and direction = $2 order by id",
            self.account,
            direction,
        )
        async with self.database.tx(self.account) as tx:
            return await stored.get_many(tx, [row[0] for row in rows])


@asynccontextmanager
async def opened(
    database: Database, account: int, office: Office | None = None, *, domain: str = "in.test", **settings: object
) -> AsyncIterator[Shop]:
    """With an office its mail goes through the relay and comes back; without one `port` names where it goes."""
    address = f"shop-{ids.token(8).lower()}@{domain}"
    plain: dict[str, object] = {"host": "127.0.0.1", "tls": "none", "from": address, "from_name": "The Shop"}
    if office:
        listen = office.desk if domain == "desk.test" else office.listen
        bounces = domain if domain == "desk.test" else "bounce.test"
        plain |= {"port": office.relay.port, "listen": listen, "inbound_domain": domain, "bounce_domain": bounces}
    async with database.tx(account) as tx:
        channel, _ = await channels.create(tx, "smtp", "Shop", address, plain | settings)
    doors = Doors(database)
    await doors.look()
    try:
        yield Shop(database, account, channel, doors)
    finally:
        await doors.close()
        async with database.tx(account) as tx:
            await channels.delete(tx, channel.uuid)


async def until(sees: Callable[[], Awaitable[T | None]]) -> T:
    """Look again and again until there is something to see."""
    async with asyncio.timeout(PATIENCE):
        while not (seen := await sees()):
            await asyncio.sleep(0.02)
    return seen
