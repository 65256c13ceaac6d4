"""The last look before a message leaves: its text, its price, and whether it may go at all."""

import pytest

from tests import world
from trunkline.billing import credits
from trunkline.campaigns import broadcasts
from trunkline.campaigns.broadcasts import NewBroadcast
from trunkline.contacts import people
from trunkline.core.db import Database
from trunkline.messaging import channels, lines, messages, preparing, templates
from trunkline.messaging.channels import Channel
from trunkline.messaging.preparing import Ready
from trunkline.messaging.templates import Draft

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+40740111222", "+40740333444"


async def broadcast(database: Database, account: int, channel: Channel, **content: object) -> int:
    """A broadcast whose messages wait in their line."""
    new = NewBroadcast(name="News", channel=channel.sends_as, **content)  # pyright: ignore
    async with database.tx(account) as tx:
        id = (await broadcasts.create(tx, new)).id
        await broadcasts.send(tx, id)
        await world.next_portion(tx, id)
    return id


async def prepare(database: Database, account: int) -> list[Ready]:
    """Claim all that is due and prepare it, as a sender does."""
    ready = []
    for line in [line for line in await lines.due(database) if line.account_id == account]:
        async with database.tx(account) as tx:
            channel = await channels.with_deleted(tx, line.channel_id)
            claimed = await lines.claim(tx, line, 100, channel.sends_as)
            ready += await preparing.prepare(tx, line, channel, claimed)
    return ready


async def change(database: Database, account: int, contact: int, **values: object) -> None:
    async with database.tx(account) as tx:
        await people.update(tx, contact, people.Changes(**values))  # pyright: ignore


async def test_a_mail_is_filled_in_for_its_reader_and_for_each_place(database: Database, account: int) -> None:
    channel = await world.simulator(database, account, **{"as": "email"})
    [contact] = await world.contacts(database, account, ["jane@example.org"], "mailto")
    await change(database, account, contact, first_name="<b>J & K</b>")
    await broadcast(
        database, account, channel,
        subject="Hi {{first_name}}", body="Dear {{first_name}}", html="<p>Dear {{first_name}}</p>",
    )  # fmt: skip

    [(_, outbound)] = await prepare(database, account)

    assert outbound.mail is not None
    assert outbound.text.startswith("Dear <b>J & K</b>\n")
    assert outbound.mail.subject == "Hi <b>J & K</b>"
    assert "<body><p>Dear &lt;b&gt;J &amp; K&lt;/b&gt;</p>" in (outbound.mail.html or "")
    assert outbound.mail.unsubscribe_url is not None
    assert outbound.mail.unsubscribe_url in outbound.text
    assert outbound.mail.unsubscribe_url in (outbound.mail.html or "")


async def test_a_single_mail_carries_no_way_out(database: Database, account: int) -> None:
    channel = await world.simulator(database, account, **{"as": "email"})
    await world.queue(database, account, channel, ["jane@example.org"])

    [(_, outbound)] = await prepare(database, account)

    assert outbound.mail is not None
    assert outbound.mail.unsubscribe_url is None


async def test_what_each_reader_got_is_kept(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    [contact, _] = await world.contacts(database, account, [PHONE, OTHER])
    await change(database, account, contact, first_name="Jane")
    await broadcast(database, account, channel, body="Hi {{first_name|you}}")

    ready = await prepare(database, account)

    async with database.tx(account) as tx:
        kept = await messages.get_many(tx, [outbound.id for _, outbound in ready])
    assert [message.text for message in kept] == [outbound.text for _, outbound in ready] == ["Hi Jane", "Hi you"]


async def test_a_text_that_all_share_is_not_copied(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    await world.contacts(database, account, [PHONE])
    await broadcast(database, account, channel, body="Hello all")

    [(_, outbound)] = await prepare(database, account)

    assert outbound.text == "Hello all"
    assert (await world.message(database, outbound.id))["body"] is None


@pytest.mark.parametrize("status", ["stopped", "archived", "blocked"])
async def test_a_broadcast_skips_who_left_meanwhile(database: Database, account: int, status: str) -> None:
    channel = await world.simulator(database, account)
    [contact] = await world.contacts(database, account, [PHONE])
    await broadcast(database, account, channel, body="Hello")
    async with database.tx(account) as tx:
        await people.change_status(tx, [contact], status)

    ready = await prepare(database, account)

    [row] = await world.execute(database.dsn, "select status, reason from messages where account_id = $1", account)
    assert (ready, tuple(row)) == ([], ("failed", f"contact_{status}"))


async def test_a_shorter_text_gives_credits_back(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    await world.grant(database, account, 100)
    await world.contacts(database, account, [PHONE])
    id = await broadcast(database, account, channel, body="x" * 200)
    await world.execute(database.dsn, "update broadcasts set body = 'short' where id = $1", id)

    await prepare(database, account)

    async with database.tx(account) as tx:
        assert (await credits.balance(tx), await credits.check(tx)) == (credits.Balance(99, 1), None)


async def test_a_second_claim_reserves_nothing_more(database: Database, account: int) -> None:
    channel = await world.custom(database, account, "http://localhost/hook", **{"as": "sms"})
    await world.contacts(database, account, [PHONE])
    await broadcast(database, account, channel, body="Hi {{first_name|you}}")

    texts = []
    for _ in range(2):
        texts += [outbound.text for _, outbound in await prepare(database, account)]
        await world.pass_time(database, account)

    assert texts == ["Hi you", "Hi you"]


async def test_the_uuid_stays_over_all_tries(database: Database, account: int) -> None:
    channel = await world.custom(database, account, "http://localhost/hook", **{"as": "sms"})
    await world.queue(database, account, channel, [PHONE])

    uuids = set()
    for _ in range(3):
        uuids |= {outbound.uuid for _, outbound in await prepare(database, account)}
        await world.pass_time(database, account)

    assert len(uuids) == 1


async def test_free_text_stays_where_only_templates_are_let_through_by_now(database: Database, account: int) -> None:
    channel = await world.simulator(database, account, **{"as": "whatsapp"})
    heard = await world.say(database, channel, "40740111222", "Hello")
    _, unheard = await world.queue(database, account, channel, ["40740111222", "40740333444"])

    ready = await prepare(database, account)

    assert [claimed.contact_id for claimed, _ in ready] == [heard.contact_id]
    row = await world.message(database, unheard)
    assert (row["status"], row["reason"]) == ("failed", "template_required")


@pytest.mark.parametrize("by_template", [False, True])
async def test_a_broadcast_on_whatsapp_reaches_the_silent_by_a_template_alone(
    database: Database, account: int, by_template: bool
) -> None:
    channel = await world.simulator(database, account, **{"as": "whatsapp"})
    await world.contacts(database, account, ["40740111222"], "whatsapp")
    async with database.tx(account) as tx:
        template = await templates.create(tx, Draft(key="news", channel="whatsapp", body="News"))
    await broadcast(database, account, channel, body="News", template_id=template.id if by_template else None)

    ready = await prepare(database, account)

    assert len(ready) == int(by_template)
