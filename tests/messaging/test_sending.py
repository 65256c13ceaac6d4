"""Queueing: all or nothing, in order, and never to somebody who said stop."""

import asyncio
from datetime import timedelta

import pytest

from tests import world
from trunkline.billing import credits
from trunkline.contacts import consents
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.errors import OutOfCredits
from trunkline.core.urns import Urn
from trunkline.messaging import lines, sending
from trunkline.messaging.channels import Channel
from trunkline.messaging.sending import Draft, Queued, Rejected

pytestmark = pytest.mark.anyio

NUMBERS = [f"+4074000{n:04d}" for n in range(50)]


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


async def drafts(database: Database, account: int, numbers: list[str], text: str = "Hello") -> list[Draft]:
    people = await world.contacts(database, account, numbers)
    return [
        Draft(contact_id=id, to=Urn("tel", to), text=f"{text} {to}") for id, to in zip(people, numbers, strict=True)
    ]


async def stored(database: Database, account: int) -> list[tuple]:
    rows = await world.execute(
        database.dsn, "select address, body from messages where account_id = $1 order by id", account
    )
    return [tuple(row) for row in rows]


async def test_messages_lie_in_the_order_of_the_drafts(database: Database, account: int, channel: Channel) -> None:
    wanted = await drafts(database, account, NUMBERS)

    async with database.tx(account) as tx:
        outcomes = await sending.queue_many(tx, channel, wanted)

    ids = [one.id for one in outcomes if isinstance(one, Queued)]
    assert ids == sorted(ids)
    assert await stored(database, account) == [(number, f"Hello {number}") for number in NUMBERS]


async def test_somebody_who_said_stop_is_rejected_and_the_others_are_taken(
    database: Database, account: int, channel: Channel
) -> None:
    wanted = await drafts(database, account, NUMBERS[:3])
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "sms", NUMBERS[1], "api")

        outcomes = await sending.queue_many(tx, channel, wanted)

    assert [type(one) for one in outcomes] == [Queued, Rejected, Queued]
    assert outcomes[1] == Rejected("recipient_opted_out", "The recipient has opted out.")
    assert [row[0] for row in await stored(database, account)] == [NUMBERS[0], NUMBERS[2]]


async def test_when_everybody_said_stop_nothing_is_written(database: Database, account: int, channel: Channel) -> None:
    wanted = await drafts(database, account, NUMBERS[:1])
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "sms", NUMBERS[0], "api")

    async with database.tx(account) as tx:
        await sending.queue_many(tx, channel, wanted)

    assert await stored(database, account) == []


async def test_stop_on_whatsapp_counts_on_whatsapp_however_the_number_is_written(
    database: Database, account: int
) -> None:
    whatsapp = await world.simulator(database, account, **{"as": "whatsapp"})
    [contact] = await world.contacts(database, account, ["40740000001"], "whatsapp")
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "whatsapp", "+40740000001", "api")

        [outcome] = await sending.queue_many(
            tx, whatsapp, [Draft(contact_id=contact, to=Urn("whatsapp", "40740000001"), text="Hello")]
        )

    assert isinstance(outcome, Rejected)


async def test_credits_are_reserved_for_all_together(database: Database, account: int, channel: Channel) -> None:
    await world.grant(database, account, 10)
    wanted = await drafts(database, account, NUMBERS[:3], "x" * 200)

    async with database.tx(account) as tx:
        outcomes = await sending.queue_many(tx, channel, wanted)
        balance = await credits.balance(tx)

    assert [(one.segments, one.credits) for one in outcomes if isinstance(one, Queued)] == [(2, 2)] * 3
    assert (balance.available, balance.reserved) == (4, 6)


async def test_too_few_credits_queue_nothing(database: Database, account: int, channel: Channel) -> None:
    await world.grant(database, account, 2)
    wanted = await drafts(database, account, NUMBERS[:3])

    with pytest.raises(OutOfCredits) as refused:
        await try_to_queue(database, account, channel, wanted)

    assert (refused.value.balance, refused.value.needed) == (2, 3)
    assert await stored(database, account) == []
    async with database.tx(account) as tx:
        assert await credits.balance(tx) == credits.Balance(2, 0)


async def try_to_queue(database: Database, account: int, channel: Channel, wanted: list[Draft]) -> None:
    async with database.tx(account) as tx:
        await sending.queue_many(tx, channel, wanted)


async def test_the_last_credits_go_to_one_of_many_who_want_them(
    database: Database, account: int, channel: Channel
) -> None:
    await world.grant(database, account, 7)
    wanted = await drafts(database, account, NUMBERS[:2])

    tried = [try_to_queue(database, account, channel, wanted) for _ in range(12)]
    refused = [error for error in await asyncio.gather(*tried, return_exceptions=True) if error]

    async with database.tx(account) as tx:
        balance, difference = await credits.balance(tx), await credits.check(tx)
    assert {type(error) for error in refused} == {OutOfCredits}
    assert (len(refused), len(await stored(database, account))) == (9, 6)
    assert (balance, difference) == (credits.Balance(1, 6), None)


async def test_a_scheduled_message_waits(database: Database, account: int, channel: Channel) -> None:
    at = clock.now() + timedelta(hours=2)

    [id] = await world.queue(database, account, channel, NUMBERS[:1], at=at)
    early = [line for line in await lines.due(database) if line.account_id == account]
    await world.pass_time(database, account)
    due = [line for line in await lines.due(database) if line.account_id == account]

    assert (await world.message(database, id))["scheduled_at"] == at
    assert (len(early), len(due)) == (0, 1)


async def test_a_reply_is_due_before_an_api_message_and_that_before_bulk(
    database: Database, account: int, channel: Channel
) -> None:
    for lane in (sending.BULK, sending.API, sending.REPLY):
        await world.queue(database, account, channel, NUMBERS[:2], lane=lane)

    lanes = [line.lane for line in await lines.due(database) if line.account_id == account]

    assert lanes == [sending.REPLY, sending.API, sending.BULK]


async def test_canceling_gives_credits_back_and_leaves_what_is_being_sent(
    database: Database, account: int, channel: Channel
) -> None:
    await world.grant(database, account, 10)
    ids = await world.queue(database, account, channel, NUMBERS[:3])
    await world.execute(database.dsn, "update messages set status = 'sending' where id = $1", ids[0])

    async with database.tx(account) as tx:
        canceled = await sending.cancel(tx, ids, "user")
        again = await sending.cancel(tx, ids, "user")
        balance = await credits.balance(tx)

    assert (canceled, again, balance) == (2, 0, credits.Balance(9, 1))


async def test_a_canceled_message_is_not_sent(database: Database, account: int, channel: Channel) -> None:
    ids = await world.queue(database, account, channel, NUMBERS[:2])
    async with database.tx(account) as tx:
        await sending.cancel(tx, ids[:1], "user")

    await world.deliver(database, account)

    assert [(await world.message(database, id))["status"] for id in ids] == ["canceled", "sent"]
    assert await world.execute(database.dsn, "select from outbound where account_id = $1", account) == []


async def test_canceling_touches_no_message_of_another_account(
    database: Database, account: int, other_account: int, channel: Channel
) -> None:
    ids = await world.queue(database, account, channel, NUMBERS[:1])

    async with database.tx(other_account) as tx:
        canceled = await sending.cancel(tx, ids, "user")

    assert (canceled, (await world.message(database, ids[0]))["status"]) == (0, "queued")


async def test_what_a_message_carries_is_kept(database: Database, account: int, channel: Channel) -> None:
    [contact] = await world.contacts(database, account, NUMBERS[:1])
    draft = Draft(
        contact_id=contact,
        to=Urn("tel", NUMBERS[0]),
        text="Hi",
        attachments=[{"content_type": "image/png", "url": "https://x.example/a.png"}],
        quick_replies=["Yes", "No"],
        metadata={"metadata": {"order": 7}},
    )

    async with database.tx(account) as tx:
        [outcome] = await sending.queue_many(tx, channel, [draft], batch="b_1")
    await world.deliver(database, account)

    assert isinstance(outcome, Queued)
    [sent] = await world.execute(database.dsn, "select * from simulator_outbox where account_id = $1", account)
    row = await world.message(database, outcome.id)
    assert (sent["quick_replies"], row["batch"]) == ('["Yes", "No"]', "b_1")
    assert "https://x.example/a.png" in sent["attachments"]
