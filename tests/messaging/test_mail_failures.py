"""Mail when something is in the way: a relay that refuses or hangs up, a database that is away."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests import shops, world
from tests.peers import cable, sink
from tests.peers import office as post_office
from tests.peers.cable import Cable
from tests.peers.office import Office, letter
from tests.peers.sink import DROP, Sink
from tests.shops import Shop
from trunkline.channels.base import Adapter
from trunkline.core import config
from trunkline.core.db import Database
from trunkline.core.errors import Invalid
from trunkline.core.ids import token
from trunkline.core.tools import Tools
from trunkline.messaging.doors import Doors

pytestmark = pytest.mark.anyio

PASSWORD = "horse-battery"


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with post_office.running() as office:
        yield office


@pytest.fixture
async def relay() -> AsyncIterator[Sink]:
    """Fails as it is told."""
    async with sink.running(Sink(password=PASSWORD)) as relay:
        yield relay


@pytest.fixture
async def shop(database: Database, account: int, relay: Sink) -> AsyncIterator[Shop]:
    """It hands its mail to the failing relay."""
    settings = {"port": relay.port, "username": "shop", "password": PASSWORD}
    async with shops.opened(database, account, **settings) as shop:
        yield shop


@pytest.fixture
async def line(database: Database) -> AsyncIterator[tuple[Cable, Database]]:
    """The same database at the end of a cable."""
    async with cable.laid(database.dsn) as laid:
        far = await Database(laid.dsn, connections=4, timeout_seconds=1).open()
        far.tools = database.tools
        yield laid, far
        laid.mend()
        await far.close()


@pytest.mark.parametrize("failure", ["450 4.2.0 Greylisted", "452 4.3.1 Full", DROP])
@pytest.mark.parametrize("step", ["on_mail", "on_rcpt", "on_data"])
async def test_a_second_try_is_the_same_mail(shop: Shop, relay: Sink, step: str, failure: str) -> None:
    setattr(relay, step, once(failure))
    await shop.meet("ana@x.test")

    await shop.broadcast()
    [first] = await shop.sent()
    await world.pass_time(shop.database, shop.account)
    await shop.deliver()
    [second] = await shop.sent()

    assert (first.status, second.status) == ("errored", "sent")
    [taken] = relay.taken
    assert f"Message-ID: <{second.uuid}." in taken.raw.decode()


async def test_a_mail_whose_answer_was_lost_arrives_twice_with_one_id(shop: Shop, relay: Sink) -> None:
    raws: list[bytes] = []
    relay.on_data = lambda raw: (raws.append(raw), DROP if len(raws) == 1 else "250 2.0.0 Ok")[1]
    await shop.meet("ana@x.test")

    id = await shop.broadcast()
    unfinished = await shop.progress(id)
    await world.pass_time(shop.database, shop.account)
    await shop.deliver()

    assert [message_id(raw) for raw in raws] == [message_id(raws[0])] * 2
    assert (unfinished[0], unfinished[1].queued) == ("sending", 1)
    status, progress = await shop.progress(id)
    assert (status, progress.sent, progress.queued) == ("sent", 1, 0)


async def test_a_relay_that_wants_rest_gets_it_and_nothing_is_lost(shop: Shop, relay: Sink) -> None:
    relay.on_rcpt = once("421 4.3.2 Too busy")
    for number in range(3):
        await shop.meet(f"{number}@x.test")

    id = await shop.broadcast()
    resting = await shop.progress(id)
    [paused] = await world.execute(
        shop.database.dsn, "select paused_until > now() as yes from paces where channel_id = $1", shop.channel.id
    )
    await world.pass_time(shop.database, shop.account)
    await shop.deliver()

    assert paused["yes"]
    assert resting[1].queued >= 1
    assert (await shop.progress(id))[1].sent == 3
    assert sorted(mail.recipients[0] for mail in relay.taken) == ["0@x.test", "1@x.test", "2@x.test"]


async def test_a_slow_relay_gets_each_mail_once(shop: Shop, relay: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Adapter, "send_seconds", 0.5)  # what other channels take for silence
    relay.seconds = 0.7
    for number in range(10):
        await shop.meet(f"{number}@x.test")

    id = await shop.broadcast()

    status, progress = await shop.progress(id)
    assert (status, progress.sent) == ("sent", 10)
    assert len(relay.taken) == 10


async def test_a_sender_that_stops_hangs_up(shop: Shop, relay: Sink) -> None:
    await shop.open(await shop.meet("ana@x.test"), "Hello", "Order 7")

    assert await shops.until(lambda: hung_up(relay))


async def test_a_refused_recipient_stops_no_other(shop: Shop, relay: Sink) -> None:
    relay.on_rcpt = lambda to: "550 5.1.1 No such user" if to.startswith("no") else "250 Ok"
    for name in ("ana", "no", "bob"):
        await shop.meet(f"{name}@x.test")

    id = await shop.broadcast()

    status, progress = await shop.progress(id)
    assert (status, progress.sent, progress.failed) == ("sent", 2, 1)
    assert await shop.suppressions() == {"no@x.test": "bounce"}


async def test_a_refusal_that_blames_us_suppresses_nobody(shop: Shop, relay: Sink) -> None:
    relay.on_mail = lambda sender: "550 5.1.8 Bad sender"
    relay.on_rcpt = lambda to: "550 5.7.1 Blocked"
    await shop.meet("ana@x.test")

    await shop.broadcast()
    relay.on_mail = lambda sender: "250 Ok"
    await shop.broadcast()

    assert [(message.status, message.reason) for message in await shop.sent()] == [("failed", "rejected")] * 2
    assert await shop.suppressions() == {}


async def test_the_log_shows_the_talk_without_password_or_body(shop: Shop) -> None:
    await shop.open(await shop.meet("ana@x.test"), "Between you and me", "Order 7")

    rows = await world.execute(
        shop.database.dsn, "select request, response, code from channel_log where account_id = $1", shop.account
    )

    [row] = rows
    assert (row["code"], row["response"]) == (250, "250 2.0.0 Ok: queued as 1")
    assert "RCPT TO:<ana@x.test>" in row["request"]
    assert not any(secret in str(row) for secret in (PASSWORD, "aG9yc2U", "Between you and me"))


async def test_a_wrong_password_stops_the_channel_and_not_the_mail(
    database: Database, account: int, relay: Sink
) -> None:
    settings = {"port": relay.port, "username": "shop", "password": "wrong"}
    async with shops.opened(database, account, **settings) as shop:
        await shop.open(await shop.meet("ana@x.test"), "Hello", "Order 7")

        [message] = await shop.sent()
        [channel] = await world.execute(database.dsn, "select trouble from channels where id = $1", shop.channel.id)

    assert (message.status, message.reason) == ("errored", "config")
    assert channel["trouble"]
    assert "wrong" not in channel["trouble"]


async def test_a_relay_inside_is_refused_unless_the_operator_allows_it(
    database: Database, account: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "tools", Tools(config.load({}, data=tmp_path)))

    with pytest.raises(Invalid) as refused:
        async with shops.opened(database, account, port=25):
            pass

    assert "TRUNKLINE_EGRESS_ALLOW" in refused.value.fields["host"][0]


async def test_mail_waits_at_the_peer_while_the_database_is_away(
    database: Database, account: int, office: Office, line: tuple[Cable, Database]
) -> None:
    cut, far = line
    async with shops.opened(database, account, office) as shop:
        await shop.doors.close()
        doors = Doors(far)
        await doors.look()
        before, after = f"before-{token(8)}", f"after-{token(8)}"

        cut.cut()
        await office.post(letter("ana@x.test", shop.address, before, "Hello"), "ana@x.test", shop.address)
        await shops.until(lambda: told(office, "451 4.3.0"))
        stored = await shop.heard(0)
        cut.mend()
        await office.post(letter("ana@x.test", shop.address, after, "Hello"), "ana@x.test", shop.address)
        heard = await shop.heard(2)
        await doors.close()

    assert stored == []
    assert sorted(message.subject or "" for message in heard) == sorted([before, after])


async def test_files_of_mail_that_could_not_be_stored_are_not_left_behind(
    database: Database, account: int, office: Office, line: tuple[Cable, Database]
) -> None:
    cut, far = line
    async with shops.opened(database, account, office) as shop:
        await shop.doors.close()
        doors = Doors(far)
        await doors.look()
        mail = letter("ana@x.test", shop.address, "A picture", "Look")
        mail.add_attachment(b"\x89PNG\r\n\x1a\n picture", maintype="image", subtype="png", filename="a.png")

        cut.cut()
        await office.post(mail, "ana@x.test", shop.address)
        await shops.until(lambda: told(office, shop.address, "451 4.3.0"))
        left = files(database, account)
        cut.mend()
        [heard] = await shop.heard(1)
        await doors.close()

    assert left == []
    assert len(files(database, account)) == 1
    assert heard.attachments[0]["url"]


async def hung_up(relay: Sink) -> bool:
    return all(session.transport is None or session.transport.is_closing() for session in relay.sessions)


async def told(office: Office, *words: str) -> bool:
    """Whether a line of the relay's log holds all of these."""
    return any(all(word in line for word in words) for line in office.relay.log.splitlines())


def files(database: Database, account: int) -> list[Path]:
    folder = database.tools.settings.data / "media" / str(account)
    return [path for path in folder.rglob("*") if path.is_file()]


def once(failure: str) -> Callable[[object], str]:
    """An answer that fails the first time."""
    answers = [failure]
    return lambda _: answers.pop() if answers else "250 2.0.0 Ok"


def message_id(raw: bytes) -> bytes:
    return next(line for line in raw.splitlines() if line.startswith(b"Message-ID:"))
