"""Inbound messages: stored once, whatever the number of copies and whoever sends them at once."""

import asyncio
import json

import pytest

from tests import world
from trunkline.channels.base import Attachment, Inbound, Status
from trunkline.core.db import Database
from trunkline.core.jobs import Call, Desk
from trunkline.core.urns import Urn
from trunkline.messaging import channels, receiving, statuses
from trunkline.messaging.channels import POOL, Channel
from trunkline.messaging.statuses import Change

pytestmark = pytest.mark.anyio

SENDER = "+40740111222"


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


def inbound(id: str, text: str = "Hello", sender: str = SENDER, **more) -> Inbound:
    return Inbound(urn=Urn("tel", sender), text=text, external_id=id, **more)


async def stored(database: Database, account: int) -> list[tuple]:
    rows = await world.execute(
        database.dsn, "select address, body, external_id from messages where account_id = $1 order by id", account
    )
    return [tuple(row) for row in rows]


async def facts(database: Database, account: int) -> int:
    statement = "select id from events where account_id = $1 and type = 'message.received'"
    return len(await world.execute(database.dsn, statement, account))


async def test_sixty_four_copies_at_once_are_one_message(database: Database, account: int, channel: Channel) -> None:
    takes = [receiving.take(database, channel, [inbound("sid-1")]) for _ in range(64)]

    answers = [answer for [answer] in await asyncio.gather(*takes)]

    assert len(await stored(database, account)) == 1
    assert len({(answer.message_id, answer.contact_id) for answer in answers}) == 1
    assert sorted(answer.duplicate for answer in answers) == [False] + [True] * 63
    assert await facts(database, account) == 1


async def test_the_first_copy_counts(database: Database, account: int, channel: Channel) -> None:
    first = await world.say(database, channel, SENDER, "The truth", id="sid")

    second = await world.say(database, channel, "+40740999999", "Something else", id="sid")

    assert (second.message_id, second.duplicate) == (first.message_id, True)
    assert await stored(database, account) == [(SENDER, "The truth", "sid")]


async def test_copies_within_one_call(database: Database, account: int, channel: Channel) -> None:
    batch = [inbound("a", "1"), inbound("b", "2"), inbound("a", "3"), inbound("b", "4"), inbound("a", "5")]

    answers = await receiving.take(database, channel, batch)

    assert [answer.duplicate for answer in answers] == [False, False, True, True, True]
    assert answers[0].message_id == answers[2].message_id == answers[4].message_id
    assert [row[1:] for row in await stored(database, account)] == [("1", "a"), ("2", "b")]
    assert await facts(database, account) == 2


async def test_the_same_id_on_another_channel_is_another_message(
    database: Database, account: int, channel: Channel
) -> None:
    other = await world.simulator(database, account)

    for one in (channel, other):
        await world.say(database, one, SENDER, "Hello", id="sid")

    assert len(await stored(database, account)) == 2


async def test_without_an_id_every_message_is_new(database: Database, account: int, channel: Channel) -> None:
    for _ in range(2):
        await receiving.take(database, channel, [Inbound(urn=Urn("tel", SENDER), text="Hello")])

    assert len(await stored(database, account)) == 2


async def test_an_outbound_message_may_have_the_same_id(database: Database, account: int, channel: Channel) -> None:
    [id] = await world.queue(database, account, channel, [SENDER])
    await world.execute(database.dsn, "update messages set external_id = 'sid' where id = $1", id)

    received = await world.say(database, channel, SENDER, "Hello", id="sid")

    assert not received.duplicate
    assert received.message_id != id


async def test_messages_of_one_call_lie_in_their_order(database: Database, account: int, channel: Channel) -> None:
    answers = await receiving.take(database, channel, [inbound(f"n{n}", str(n)) for n in range(30)])

    assert [answer.message_id for answer in answers] == sorted(answer.message_id for answer in answers)
    assert [row[1] for row in await stored(database, account)] == [str(n) for n in range(30)]


async def test_one_sender_is_one_contact(database: Database, channel: Channel) -> None:
    answers = await receiving.take(database, channel, [inbound("a"), inbound("b"), inbound("c", sender="+40740333444")])

    assert answers[0].contact_id == answers[1].contact_id != answers[2].contact_id


async def test_reports_on_unknown_messages_are_fine(database: Database, account: int, channel: Channel) -> None:
    reports = [Status(status="delivered", external_id="nobody's"), Status(status="read", external_id="\0")]

    answers = await receiving.take(database, channel, [*reports, inbound("a")])

    assert len(answers) == 1
    assert len(await stored(database, account)) == 1


async def test_what_the_database_does_not_take_is_left_out(database: Database, account: int, channel: Channel) -> None:
    message = inbound(
        "si\0d",
        "He\0llo",
        name="Ja\0ne",
        subject="\0",
        html="<p>\0</p>",
        visitor={"page\0": ["a\0b", {"c": "\0"}]},
        attachments=[Attachment(content_type="text/\0plain", url="https://x.example/\0")],
    )

    [answer] = await receiving.take(database, channel, [message])

    assert await stored(database, account) == [(SENDER, "Hello", "sid")]
    assert answer.duplicate is False


async def test_a_very_long_text_is_cut(database: Database, account: int, channel: Channel) -> None:
    await world.say(database, channel, SENDER, "ț" * 100_000)

    [(_, body, _)] = await stored(database, account)
    assert body == "ț" * receiving.LONGEST


@pytest.fixture
async def pool(database: Database) -> Channel:
    """The operator's channel, shared by all."""
    return await world.simulator(database, POOL)


async def test_an_answer_on_a_shared_channel_goes_to_who_wrote_last(
    database: Database, account: int, other_account: int, pool: Channel
) -> None:
    for workspace in (account, other_account):
        await world.grant(database, workspace, 10)
        await world.queue(database, workspace, pool, [SENDER])
    await world.queue(database, account, pool, ["+40740555666"])

    answers = await receiving.take(database, pool, [inbound("a"), inbound("b", sender="+40740555666")])

    assert len(answers) == 2
    assert [row[2] for row in await stored(database, other_account) if row[2]] == ["a"]
    assert [row[2] for row in await stored(database, account) if row[2]] == ["b"]


async def test_a_report_on_a_shared_channel_goes_to_whose_message_it_is(
    database: Database, account: int, other_account: int, pool: Channel
) -> None:
    ids = []
    for workspace in (account, other_account):
        await world.grant(database, workspace, 10)
        ids += await world.queue(database, workspace, pool, [SENDER])
        await world.deliver(database, workspace)
    external = (await world.message(database, ids[0]))["external_id"]

    await receiving.take(database, pool, [Status(status="delivered", external_id=external)])

    assert [(await world.message(database, id))["status"] for id in ids] == ["delivered", "sent"]


async def test_a_stranger_on_a_shared_channel_reaches_nobody(database: Database, pool: Channel) -> None:
    answers = await receiving.take(database, pool, [inbound("stranger", sender="+40799000111")])

    assert answers == []


async def test_a_disconnected_channel_is_not_found(database: Database, account: int, channel: Channel) -> None:
    async with database.tx(account) as tx:
        await channels.delete(tx, channel.uuid)

    assert await channels.by_uuid(database, "simulator", channel.uuid) is None


async def looks(database: Database, account: int) -> list[list]:
    """Take out of the queue what is to be looked at again."""
    statement = "delete from jobs where account_id = $1 and name = 'receiving.look_again' returning args"
    return [json.loads(row["args"]) for row in await world.execute(database.dsn, statement, account)]


async def look(database: Database, account: int) -> None:
    """Do what waits in the queue."""
    for args in await looks(database, account):
        desk = Desk(database, Call(account, 1, None, "", args, "system", "", 0, 1), database.tools)
        await receiving.look_again(desk, *args)


@pytest.mark.parametrize("shared", [False, True])
async def test_a_report_that_is_faster_than_our_note_of_the_send_is_kept(
    database: Database, account: int, pool: Channel, shared: bool
) -> None:
    await world.grant(database, account, 10)
    channel = pool if shared else await world.custom(database, account, "http://127.0.0.1:9/")
    [id] = (
        await world.queue(database, account, pool, [SENDER])
        if shared
        else await world.queue(database, account, channel, ["maria"])
    )

    await receiving.take(database, channel, [Status(status="delivered", external_id="early-bird")])
    async with database.tx(account) as tx:
        await statuses.apply_many(tx, [Change(id, "sent", external_id="early-bird")])
    await look(database, channel.account_id)

    assert (await world.message(database, id))["status"] == "delivered"
    assert await looks(database, channel.account_id) == []


async def test_a_report_about_nothing_of_ours_is_given_up(database: Database, account: int, channel: Channel) -> None:
    await receiving.take(database, channel, [Status(status="delivered", external_id="of somebody else")])

    for _ in receiving.EARLY_SECONDS:
        await look(database, account)

    assert await looks(database, account) == []


async def test_a_report_with_our_own_number_is_never_early(database: Database, account: int, channel: Channel) -> None:
    await receiving.take(database, channel, [Status(status="delivered", external_id="sim-1-x", message_id=2**40)])

    assert await looks(database, account) == []
