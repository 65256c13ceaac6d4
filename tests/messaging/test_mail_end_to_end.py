"""Broadcasts by mail through a real relay into real mailboxes, and what comes back of them."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import dkim as dkimpy
import httpx2
import msgspec
import pytest
from starlette.applications import Starlette

from tests import shops, world
from tests.peers import office as post_office
from tests.peers.office import Office
from tests.shops import Shop
from trunkline import callbacks
from trunkline.billing import credits
from trunkline.channels.mail import dkim
from trunkline.core.db import Database
from trunkline.core.ids import token
from trunkline.server import Edge

pytestmark = pytest.mark.anyio

PEM, RECORD = dkim.generate_key("rsa")
PUBLIC = "https://mail.example.com"


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with post_office.running() as office:
        yield office


@pytest.fixture
async def shop(database: Database, account: int, office: Office) -> AsyncIterator[Shop]:
    settings = database.tools.settings
    database.tools.settings = msgspec.structs.replace(settings, public_url=PUBLIC)
    async with shops.opened(database, account, office, dkim_selector="s1", dkim_key=PEM) as shop:
        yield shop
    database.tools.settings = settings


@pytest.fixture
async def browser(database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    app = Edge(Starlette(routes=callbacks.routes(database)), access_log=False)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=PUBLIC) as client:
        yield client


@pytest.fixture
def ana() -> str:
    return f"ana-{token(8).lower()}@x.test"


async def test_everybody_gets_one_mail_with_their_name_in_it(shop: Shop, office: Office, ana: str) -> None:
    bob = f"bob-{ana}"
    await shop.meet(ana, "Ana <b>")
    await shop.meet(bob, "Bob")

    id = await shop.broadcast("For {{name}}", html="<p>Hi {{name}}, come & see</p>")
    [to_ana] = await office.read(ana)
    [to_bob] = await office.read(bob)

    assert (to_ana.subject, to_bob.subject) == ("For Ana <b>", "For Bob")
    assert "<p>Hi Ana &lt;b&gt;, come &amp; see</p>" in to_ana.html
    assert to_ana.text.strip().startswith("Hi Ana <b>, come & see\r\n")
    assert {message.status for message in await shop.sent()} == {"sent"}
    status, progress = await shop.progress(id)
    assert (status, progress.sent, progress.queued, progress.failed) == ("sent", 2, 0, 0)


async def test_its_signature_covers_the_ways_to_unsubscribe(shop: Shop, office: Office, ana: str) -> None:
    await shop.meet(ana)

    await shop.broadcast()
    [mail] = await office.read(ana)

    [[signature], [ways], [one_click]] = [
        mail.headers[name] for name in ("dkim-signature", "list-unsubscribe", "list-unsubscribe-post")
    ]
    assert dkimpy.verify(mail.obj.as_bytes(), dnsfunc=lambda name, timeout=5: RECORD.encode())
    assert "list-unsubscribe:list-unsubscribe-post" in "".join(signature.lower().split())
    assert ways.startswith(f"<{PUBLIC}/u/")
    assert "<mailto:unsub+" in ways
    assert one_click == "List-Unsubscribe=One-Click"


async def test_only_the_post_to_the_link_unsubscribes(
    shop: Shop, office: Office, ana: str, browser: httpx2.AsyncClient
) -> None:
    contact = await shop.meet(ana)
    await shop.meet(f"bob-{ana}")
    await shop.broadcast()
    link = unsubscribe_link((await office.read(ana))[0])

    shown = await browser.get(link)
    after_get = await shop.suppressions()
    said = [await browser.post(link, content="List-Unsubscribe=One-Click", headers=FORM) for _ in range(2)]
    second = await shop.broadcast()

    assert (shown.status_code, after_get) == (200, {})
    assert [answer.status_code for answer in said] == [200, 200]
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert await shop.suppressions() == {ana: "link"}
    assert (await shop.progress(second))[1].total == 1
    [person] = await world.execute(shop.database.dsn, "select status from contacts where id = $1", contact)
    assert person["status"] == "active"


async def test_a_made_up_link_is_not_found(shop: Shop, office: Office, ana: str, browser: httpx2.AsyncClient) -> None:
    await shop.meet(ana)
    await shop.broadcast()
    link = unsubscribe_link((await office.read(ana))[0])

    answer = await browser.post(link[:-1] + ("A" if link[-1] != "A" else "B"))

    assert answer.status_code == 404
    assert await shop.suppressions() == {}


async def test_a_mail_to_the_other_way_unsubscribes_too(shop: Shop, office: Office, ana: str) -> None:
    await shop.meet(ana)
    id = await shop.broadcast()
    [mail] = await office.read(ana)
    [ways] = mail.headers["list-unsubscribe"]

    mailto = ways.partition("<mailto:")[2].partition(">")[0]
    await office.post(post_office.letter(ana, mailto, "unsubscribe", ""), ana, mailto)
    await shops.until(shop.suppressions)

    assert await shop.suppressions() == {ana: "link"}
    assert (await shop.progress(id))[1].unsubscribed == 1
    assert await shop.heard(0) == []


async def test_a_mailbox_that_turns_out_not_to_exist_is_never_written_to_again(
    shop: Shop, office: Office, ana: str
) -> None:
    gone = ana.replace("x.test", "gone.test")
    await world.grant(shop.database, shop.account, 10)
    await shop.meet(gone)
    await shop.meet(ana)
    id = await shop.broadcast()

    failed = await shops.until(lambda: one_failed(shop))
    second = await shop.broadcast()

    assert (failed.address, failed.reason, failed.provider_code) == (gone, "hard_bounce", "5.1.1")
    progress = (await shop.progress(id))[1]
    assert (progress.sent, progress.failed) == (1, 1)
    assert await shop.suppressions() == {gone: "bounce"}
    assert (await shop.progress(second))[1].total == 1
    async with shop.database.tx(shop.account) as tx:
        assert (await credits.balance(tx)).available == 10


async def test_a_mailbox_that_the_relay_refuses_fails_at_once(shop: Shop) -> None:
    await shop.meet("nobody@x.test")

    id = await shop.broadcast()

    [message] = await shop.sent()
    assert (message.status, message.reason, message.provider_code) == ("failed", "invalid", "5.1.1")
    assert (await shop.progress(id))[0] == "sent"
    assert await shop.suppressions() == {"nobody@x.test": "bounce"}


async def test_a_full_mailbox_is_given_up_the_third_time(shop: Shop, office: Office, ana: str) -> None:
    await shop.meet(ana)
    known = []

    for count in (1, 2, 3):
        await shop.broadcast()
        mail = (await office.read(ana, count))[-1]
        [bounces_to] = mail.headers["return-path"]
        await office.post(report("5.2.2", ana), "", bounces_to.strip("<>"))
        failed = await shop.learns("failed")
        known.append((failed.reason, await shop.suppressions()))

    assert known == [("soft_bounce", {}), ("soft_bounce", {}), ("soft_bounce", {ana: "bounce"})]


async def test_who_complains_is_never_written_to_again(shop: Shop, office: Office, ana: str) -> None:
    await shop.meet(ana)
    await shop.broadcast()
    [mail] = await office.read(ana)
    [bounces_to] = mail.headers["return-path"]

    await office.post(complaint(), "abuse@x.test", bounces_to.strip("<>"))
    await shop.learns("delivered")

    assert await shop.suppressions() == {ana: "complaint"}


async def test_a_bounce_that_somebody_made_up_changes_nothing(shop: Shop, office: Office, ana: str) -> None:
    await shop.meet(ana)
    await shop.broadcast()
    [message] = await shop.sent()

    await office.post(report("5.1.1", ana), "", f"b+{message.id:x}-0123456789abcdef@bounce.test")
    await office.post(post_office.letter(ana, shop.address, "Later", "I write later"), ana, shop.address)
    await shop.heard(1)

    assert [message.status for message in await shop.sent()] == ["sent"]
    assert await shop.suppressions() == {}


async def one_failed(shop: Shop):
    return next((message for message in await shop.sent() if message.status == "failed"), None)


def unsubscribe_link(mail) -> str:
    [ways] = mail.headers["list-unsubscribe"]
    return urlsplit(ways.partition("<")[2].partition(">")[0]).path


def report(code: str, recipient: str) -> bytes:
    """A delivery report as mail servers write it."""
    return (
        "From: MAILER-DAEMON@x.test\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\r\n\r\n'
        "--r\r\nContent-Type: text/plain\r\n\r\nIt was not delivered.\r\n"
        "--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.test\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: {code}\r\n"
        f"Diagnostic-Code: smtp; 552 {code} no\r\n\r\n--r--\r\n"
    ).encode()


def complaint() -> bytes:
    return (
        b"From: abuse@x.test\r\nSubject: Complaint\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="r"\r\n\r\n'
        b"--r\r\nContent-Type: text/plain\r\n\r\nSpam!\r\n"
        b"--r\r\nContent-Type: message/feedback-report\r\n\r\n"
        b"Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\n\r\n--r--\r\n"
    )


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
