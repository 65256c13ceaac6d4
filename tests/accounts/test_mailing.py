"""Mail of the installation itself, handed to a relay that keeps what it gets."""

import email
import email.policy

import pytest

from tests import world
from tests.peers import sink
from tests.peers.sink import Sink
from trunkline.accounts import mailing, users
from trunkline.core import config
from trunkline.core.mailrelay import MailRelay, parse
from trunkline.core.tools import Tools

pytestmark = pytest.mark.anyio


@pytest.fixture
async def posting(dsn, anyio_backend, tmp_path):
    """A database of its own whose operator has a relay."""
    async with world.own_database(dsn, tmp_path) as database, sink.running(Sink()) as relay:
        url = f"smtp://127.0.0.1:{relay.port}?tls=none"
        database.tools = Tools(config.load({}, data=tmp_path, smtp_url=url, mail_from="notices@example.com"))
        yield database, relay
        await database.tools.close()


async def member(database, account: int, address: str, role: str) -> None:
    async with database.system(account) as tx:
        await users.create(tx, address, role)


async def test_active_owners_get_it(posting):
    database, relay = posting
    account = await world.workspace(database)
    for address, role in (("ana@example.com", "owner"), ("ion@example.com", "owner"), ("eve@example.com", "admin")):
        await member(database, account, address, role)

    async with database.tx(account) as tx:
        await mailing.mail_owners(tx, "A webhook was switched off", "It was gone.\nMulțumim.")
    await world.react(database)

    letters = [email.message_from_bytes(taken.raw, policy=email.policy.default) for taken in relay.taken]
    assert sorted(taken.recipients[0] for taken in relay.taken) == ["ana@example.com", "ion@example.com"]
    assert letters[0]["From"] == "Trunkline <notices@example.com>"
    assert letters[0]["Subject"] == "A webhook was switched off"
    assert letters[0]["Auto-Submitted"] == "auto-generated"
    assert letters[0].get_content().splitlines() == ["It was gone.", "Mulțumim."]


async def test_what_waits_cannot_be_read(posting):
    database, _ = posting
    account = await world.workspace(database)

    async with database.tx(account) as tx:
        await mailing.mail(tx, "ana@example.com", "Welcome", "Your password is hunter2.")

    [row] = await world.execute(database.dsn, "select args::text from jobs where name = 'mail.send'")
    assert "hunter2" not in row[0]
    assert "ana@example.com" not in row[0]


async def test_a_relay_that_is_busy_gets_it_later_with_the_same_id(posting):
    database, relay = posting
    account = await world.workspace(database)
    answers = ["451 4.3.0 Busy", "250 Ok"]
    heard = []

    def on_data(raw: bytes) -> str:
        heard.append(email.message_from_bytes(raw)["Message-ID"])
        return answers.pop(0)

    relay.on_data = on_data
    async with database.tx(account) as tx:
        await mailing.mail(tx, "ana@example.com", "Welcome", "Hello")
    await world.react(database)
    await world.execute(database.dsn, "update jobs set run_at = now() where name = 'mail.send'")
    await world.react(database)

    assert heard[0] == heard[1]
    assert len(relay.taken) == 1
    assert await world.execute(database.dsn, "select from jobs where name = 'mail.send'") == []


async def test_a_recipient_that_is_refused_for_good_is_let_go(posting):
    database, relay = posting
    account = await world.workspace(database)
    relay.on_rcpt = lambda address: "550 5.1.1 Unknown"

    async with database.tx(account) as tx:
        await mailing.mail(tx, "ana@example.com", "Welcome", "Hello")
    await world.react(database)

    assert relay.taken == []
    assert await world.execute(database.dsn, "select from jobs where name = 'mail.send'") == []


async def test_a_subject_cannot_smuggle_headers(posting):
    database, relay = posting
    account = await world.workspace(database)

    async with database.tx(account) as tx:
        await mailing.mail(tx, "ana@example.com", "Hello\r\nBcc: eve@example.com", "Text\r\n.\r\nMAIL FROM:<eve>")
    await world.react(database)

    [taken] = relay.taken
    assert taken.recipients == ["ana@example.com"]
    assert email.message_from_bytes(taken.raw)["Bcc"] is None


async def test_without_a_relay_nothing_waits(tx, account):
    await mailing.mail(tx, "ana@example.com", "Welcome", "Hello")
    await tx.flush()

    assert await tx.rows(mailing.sql("select id from jobs where account_id = $1"), account) == []


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 587, "", "", "starttls")),
        ("smtp://u%40x:p%2Fw@mail.example.com:2525", ("mail.example.com", 2525, "u@x", "p/w", "starttls")),
        ("smtps://u:p@mail.example.com", ("mail.example.com", 465, "u", "p", "tls")),
        ("smtp://localhost:25?tls=none", ("localhost", 25, "", "", "none")),
    ],
)
def test_the_relay_is_read_from_a_url(url, relay):
    got = parse(url, "", "https://chat.example.com")

    assert isinstance(got, MailRelay)
    assert (got.host, got.port, got.username, got.password, got.tls) == relay
    assert got.sender == "trunkline@chat.example.com"


@pytest.mark.parametrize(
    "url",
    ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://h/x", "smtp://h:99999", "smtp://h?tls=some"],
)
def test_a_wrong_url_is_refused(url):
    with pytest.raises(ValueError, match="TRUNKLINE_SMTP_URL"):
        parse(url, "")
