"""The doors for incoming mail: which are open, and whose the mail is that comes in."""

import asyncio
import smtplib
import socket
from collections.abc import Awaitable, Callable
from email.policy import SMTP
from typing import Any

import pytest

from tests import shops, world
from tests.peers import free_port
from tests.peers.office import letter, post
from tests.shops import Shop
from trunkline import worker
from trunkline.channels.mail import tokens
from trunkline.core.db import Database
from trunkline.messaging import channels
from trunkline.worker import Worker

pytestmark = pytest.mark.anyio

ANA = "ana@x.test"
TOO_BIG = b"From: ana@x.test\r\n\r\n" + 26 * 1024 * (b"x" * 1022 + b"\r\n")
HandOver = Callable[..., Awaitable[None]]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def door(port: int) -> dict[str, Any]:
    """The settings of a channel that takes mail in."""
    return {"listen": f"smtp://127.0.0.1:{port}", "inbound_domain": "in.test", "bounce_domain": "bounce.test"}


@pytest.fixture
def hand_over(port: int) -> HandOver:
    """Give a mail to the door; raises what smtplib raises when it is refused."""

    async def give(*recipients: str, text: str = "Hello", raw: bytes = b"") -> None:
        octets = raw or letter(ANA, recipients[0], "Order 7", text).as_bytes(policy=SMTP)
        await asyncio.to_thread(post, port, octets, ANA, recipients)

    return give


async def test_a_worker_opens_and_shuts_the_doors_that_channels_want(
    database: Database, account: int, door: dict[str, Any], hand_over: HandOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "DOOR_SECONDS", 0.05)
    running = Worker(database)
    task = asyncio.create_task(running.run())
    try:
        async with shops.opened(database, account, **door) as shop:
            await shop.doors.close()
            await shops.until(lambda: listens(door))
            await hand_over(shop.address)
            message = await shops.until(lambda: handled(shop))
        await shops.until(lambda: shut(door))
    finally:
        running.stop()
        await task

    assert (message.text, message.address) == ("Hello", ANA)
    assert message.conversation_id


async def test_each_account_gets_the_mail_to_its_own_name(
    database: Database, account: int, other_account: int, door: dict[str, Any], hand_over: HandOver
) -> None:
    async with shops.opened(database, account, **door) as one, shops.opened(database, other_account, **door) as other:
        await one.doors.look()

        await hand_over(one.address, text="To one")
        await hand_over(other.address, text="To the other")
        await hand_over(other.address.upper(), text="To the other, loudly")

        assert [message.text for message in await one.heard(1)] == ["To one"]
        assert [message.text for message in await other.heard(2)] == ["To the other", "To the other, loudly"]


async def test_a_mark_of_ours_leads_to_the_account_that_made_it(
    database: Database, account: int, other_account: int, door: dict[str, Any], hand_over: HandOver
) -> None:
    async with shops.opened(database, account, **door) as one, shops.opened(database, other_account, **door) as other:
        await one.doors.look()
        conversation = await other.open(await other.meet(ANA), "Hello", "Order 9")

        await hand_over(reply_address(other, conversation.id))

        assert await one.heard(0) == []
        assert [message.conversation_id for message in await other.heard(1)] == [conversation.id]


async def test_a_domain_of_two_accounts_gives_a_strange_address_to_neither(
    database: Database, account: int, other_account: int, door: dict[str, Any], hand_over: HandOver
) -> None:
    async with shops.opened(database, account, **door) as one, shops.opened(database, other_account, **door) as other:
        await one.doors.look()

        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await hand_over("info@in.test")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await hand_over("reply+1-0123456789abcdef@in.test")

        assert (await one.heard(0), await other.heard(0)) == ([], [])


async def test_a_domain_of_one_account_takes_every_address(
    database: Database, account: int, door: dict[str, Any], hand_over: HandOver
) -> None:
    async with shops.opened(database, account, **door) as shop:
        await hand_over("info@in.test")

        assert [message.text for message in await shop.heard(1)] == ["Hello"]


async def test_the_name_that_was_there_first_is_not_taken_over(
    database: Database, account: int, other_account: int, door: dict[str, Any], hand_over: HandOver
) -> None:
    async with (
        shops.opened(database, account, **door) as one,
        shops.opened(database, other_account, **{**door, "from": one.address}) as thief,
    ):
        await one.doors.look()

        await hand_over(one.address)

        assert len(await one.heard(1)) == 1
        assert await thief.heard(0) == []


@pytest.mark.parametrize("recipient", ["shop@elsewhere.test", "in.test", "@in.test", "shop@in.test.evil.test"])
async def test_mail_for_others_is_refused(
    database: Database, account: int, door: dict[str, Any], hand_over: HandOver, recipient: str
) -> None:
    async with shops.opened(database, account, **door) as shop:
        with pytest.raises((smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException)):
            await hand_over(recipient)

        assert await shop.heard(0) == []


async def test_a_mail_to_two_of_our_addresses_is_one_message(
    database: Database, account: int, door: dict[str, Any], hand_over: HandOver
) -> None:
    async with shops.opened(database, account, **door) as shop:
        await hand_over(shop.address, "info@in.test")

        assert len(await shop.heard(1)) == 1


async def test_a_door_that_somebody_else_holds_opens_when_they_leave(
    database: Database, account: int, port: int, door: dict[str, Any], hand_over: HandOver
) -> None:
    neighbour = socket.create_server(("127.0.0.1", port))
    async with shops.opened(database, account, **door) as shop:
        neighbour.close()

        await shop.doors.look()
        await hand_over(shop.address)

        assert len(await shop.heard(1)) == 1


async def test_a_channel_that_cannot_be_opened_shuts_no_other_door(
    database: Database, account: int, other_account: int, door: dict[str, Any], hand_over: HandOver
) -> None:
    async with shops.opened(database, account) as broken, shops.opened(database, other_account, **door) as shop:
        await world.execute(database.dsn, "update channels set config = '\\x00' where id = $1", broken.channel.id)

        await shop.doors.look()
        await hand_over(shop.address)

        assert len(await shop.heard(1)) == 1


async def test_mail_that_lost_its_channel_on_the_way_is_not_lost(
    database: Database, account: int, port: int, door: dict[str, Any]
) -> None:
    async with shops.opened(database, account, **door) as shop:
        client = await asyncio.to_thread(smtplib.SMTP, "127.0.0.1", port, timeout=20)
        for command in ("helo x.test", f"mail from:<{ANA}>", f"rcpt to:<{shop.address}>"):
            assert (await asyncio.to_thread(client.docmd, command))[0] == 250
        shop.doors._residents.clear()  # what the next look finds when the channel was disconnected

        answer = await asyncio.to_thread(
            client.data, letter(ANA, shop.address, "Order 7", "Hello").as_bytes(policy=SMTP)
        )
        client.close()

    assert answer[0] == 451


async def test_a_mail_of_26_megabytes_is_refused_before_it_is_sent(
    database: Database, account: int, door: dict[str, Any], hand_over: HandOver
) -> None:
    async with shops.opened(database, account, **door) as shop:
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            await hand_over(shop.address, raw=TOO_BIG)

    assert refused.value.smtp_code == 552


async def test_who_sends_too_much_without_saying_so_is_stopped(
    database: Database, account: int, port: int, door: dict[str, Any]
) -> None:
    async with shops.opened(database, account, **door) as shop:
        client = await asyncio.to_thread(smtplib.SMTP, "127.0.0.1", port, timeout=20)
        for command in ("helo x.test", f"mail from:<{ANA}>", f"rcpt to:<{shop.address}>"):
            await asyncio.to_thread(client.docmd, command)

        answer = await asyncio.to_thread(client.data, TOO_BIG)
        client.close()

        assert answer[0] == 552
        assert await shop.heard(0) == []


async def test_a_big_mail_is_taken_whole(
    database: Database, account: int, door: dict[str, Any], hand_over: HandOver
) -> None:
    mail = letter(ANA, "info@in.test", "Big", "Here it is")
    mail.add_attachment(b"%PDF-1.7\n" + b"x" * 9_000_000, maintype="application", subtype="pdf", filename="big.pdf")

    async with shops.opened(database, account, **door) as shop:
        await hand_over("info@in.test", raw=mail.as_bytes(policy=SMTP))
        [heard] = await shop.heard(1)

    assert heard.text == "Here it is"
    assert [file["name"] for file in heard.attachments] == ["big.pdf"]


async def test_a_known_channel_is_not_opened_again(
    database: Database, account: int, door: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shops.opened(database, account, **door) as shop:
        monkeypatch.delattr(channels, "adapter")

        await shop.doors.look()

        assert await listens(door)


def reply_address(shop: Shop, conversation: int) -> str:
    adapter = channels.adapter(shop.database.tools, shop.channel)
    key = tokens.signing_key(adapter.secret)
    return tokens.address("reply", tokens.seal(key, "reply", conversation), "in.test")


async def handled(shop: Shop):
    return next((message for message in await shop.messages("in") if message.status == "handled"), None)


async def listens(door: dict[str, Any]) -> bool:
    port = int(str(door["listen"]).rpartition(":")[2])
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def shut(door: dict[str, Any]) -> bool:
    return not await listens(door)
