"""The words people send to stop and to start, and what stops with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import world
from trunkline.billing import credits
from trunkline.contacts import consents, people
from trunkline.core.db import Database
from trunkline.core.errors import NotFound
from trunkline.messaging import consenting, mailing
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

STOP = (
    "STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT", "OPT-OUT",
    "REMOVE", "ARRET", "TD", "ARRÊT", "STOPP", "DEZABONARE", "BAJA", "PARAR",
)  # fmt: skip
START = ("START", "UNSTOP", "YES", "OPTIN", "OPT IN", "OPT-IN", "SUBSCRIBE")
HELP = ("HELP", "INFO")
MEANT = [*((word, "stop") for word in STOP), *((word, "start") for word in START), *((word, "help") for word in HELP)]

DRESSES = [
    "{}", "  {}  ", "{}.", "{}!!!", '"{}"', "“{}”", "«{}»", "'{}'", "({})", "{} 🙏", "🛑{}🛑", "\n{}\n", "\t{}", "*{}*",
    "¡{}!", "{}…", "\u200e{}\u200f", "{}\ufe0f",
]  # fmt: skip


@pytest.mark.parametrize(("word", "meaning"), MEANT, ids=[word for word, _ in MEANT])
@pytest.mark.parametrize("dress", DRESSES)
def test_a_word_is_known_however_it_is_dressed(word: str, meaning: str, dress: str) -> None:
    for spelled in (word, word.lower(), word.title(), full_width(word)):
        assert consenting.word(dress.format(spelled)) == meaning


def full_width(word: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in word)


@given(st.sampled_from(MEANT), st.lists(st.booleans(), min_size=12, max_size=12))
def test_any_case_is_fine(meant: tuple[str, str], upper: list[bool]) -> None:
    word, meaning = meant

    mixed = "".join(c.upper() if up else c.lower() for c, up in zip(word, upper, strict=False))

    assert consenting.word(mixed) == meaning


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "🛑", "Please stop", "stop it", "don't stop", "stopping", "non-stop", "s t o p", "yes please",
        "help me", "information", "the end", "cancel my order", "quit smoking", "1", "stop stop",
    ],
)  # fmt: skip
def test_a_sentence_is_not_a_word(text: str) -> None:
    assert consenting.word(text) is None


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    await world.grant(database, account, 100)
    return await world.simulator(database, account)


PHONE, OTHER = "+40740111222", "+40740333444"


async def stop(database: Database, account: int, kind: str, address: str, contact: int) -> int:
    async with database.tx(account) as tx:
        return await consenting.stop(tx, contact, kind, address, source="word", evidence={})


async def statuses_of(database: Database, ids: list[int]) -> list[str]:
    return [(await world.message(database, id))["status"] for id in ids]


async def test_a_stop_cancels_what_waits_and_gives_the_credits_back(
    database: Database, account: int, channel: Channel
) -> None:
    now = await world.queue(database, account, channel, [PHONE, PHONE, OTHER])
    [later] = await world.queue(database, account, channel, [PHONE], at=world_tomorrow())
    [contact] = await world.contacts(database, account, [PHONE])

    canceled = await stop(database, account, "sms", PHONE, contact)
    await world.deliver(database, account)

    assert canceled == 3
    assert await statuses_of(database, [*now, later]) == ["canceled", "canceled", "sent", "canceled"]
    async with database.tx(account) as tx:
        assert (await credits.balance(tx), await credits.check(tx)) == (credits.Balance(99, 0), None)
    sent = await world.execute(database.dsn, "select recipient from simulator_outbox where account_id = $1", account)
    assert [row[0] for row in sent] == [OTHER]


def world_tomorrow():
    from datetime import timedelta

    from trunkline.core import clock

    return clock.now() + timedelta(days=1)


async def test_a_stop_behind_many_others_is_in_time(database: Database, account: int, channel: Channel) -> None:
    """The recipient's own message waits behind a crowd; it is gone from the line when its turn comes."""
    crowd = [f"+4074100{n:04d}" for n in range(300)]
    await world.execute(database.dsn, "update balances set available = 1000 where account_id = $1", account)
    ids = await world.queue(database, account, channel, [*crowd, PHONE])
    [contact] = await world.contacts(database, account, [PHONE])

    await stop(database, account, "sms", PHONE, contact)
    await world.deliver(database, account)

    assert (await world.message(database, ids[-1]))["status"] == "canceled"
    sent = await world.execute(database.dsn, "select recipient from simulator_outbox where account_id = $1", account)
    assert sorted(row[0] for row in sent) == crowd


async def test_a_stop_cancels_nothing_on_other_kinds_of_channel(
    database: Database, account: int, channel: Channel
) -> None:
    [contact] = await world.contacts(database, account, [PHONE])
    voice = await world.simulator(database, account, **{"as": "voice"})
    [id] = await world.queue(database, account, voice, [PHONE])

    await stop(database, account, "sms", PHONE, contact)

    assert await statuses_of(database, [id]) == ["queued"]


async def test_a_stop_on_whatsapp_cancels_what_waits_there(database: Database, account: int) -> None:
    channel = await world.simulator(database, account, **{"as": "whatsapp"})
    ids = await world.queue(database, account, channel, ["40740111222"])
    [contact] = await world.contacts(database, account, ["40740111222"], "whatsapp")

    canceled = await stop(database, account, "whatsapp", "40740111222", contact)

    assert (canceled, await statuses_of(database, ids)) == (1, ["canceled"])


@pytest.mark.parametrize(("kind", "address"), [("sms", PHONE), ("whatsapp", "40740111222")])
async def test_a_suppressed_address_is_refused_at_the_claim_too(
    database: Database, account: int, kind: str, address: str
) -> None:
    """Something queued it in spite of the stop: the last look before sending catches it."""
    channel = await world.simulator(database, account, **{"as": kind})
    ids = await world.queue(database, account, channel, [address])
    async with database.tx(account) as tx:
        await consents.opt_out(tx, kind, address, "api")

    await world.deliver(database, account)

    row = await world.message(database, ids[0])
    assert (row["status"], row["reason"]) == ("failed", "suppressed")
    assert await world.execute(database.dsn, "select from simulator_outbox where account_id = $1", account) == []


async def test_a_stop_counts_after_the_contact_was_deleted(database: Database, account: int) -> None:
    [contact] = await world.contacts(database, account, [PHONE])
    async with database.tx(account) as tx:
        await people.delete(tx, [contact])

    await stop(database, account, "sms", PHONE, contact)

    async with database.tx(account) as tx:
        assert await consents.suppressed(tx, "sms", [PHONE]) == {PHONE}


@pytest.fixture
async def mail(database: Database, account: int) -> Channel:
    return await world.simulator(database, account, **{"as": "email"})


MAILBOX = "jane@example.org"


async def sent_mail(database: Database, account: int, mail: Channel) -> tuple[int, str]:
    """A mail that went out, and the token of its link."""
    [id] = await world.queue(database, account, mail, [MAILBOX])
    await world.deliver(database, account)
    url = mailing.unsubscribe_url(database.tools, account, id)
    return id, url.rpartition("/")[2]


async def test_a_link_stops_the_mailbox_and_not_the_person(database: Database, account: int, mail: Channel) -> None:
    _, token = await sent_mail(database, account, mail)
    [waiting] = await world.queue(database, account, mail, [MAILBOX], at=world_tomorrow())
    [contact] = await world.contacts(database, account, [MAILBOX], "mailto")

    address = await mailing.unsubscribe(database, token, {"ip": "192.0.2.1"})

    async with database.tx(account) as tx:
        person = await people.get(tx, contact)
        [suppression] = await consents.suppressions(tx)
    assert (address, person.status, (await statuses_of(database, [waiting]))) == (MAILBOX, "active", ["canceled"])
    assert (suppression.kind, suppression.address, suppression.evidence) == ("email", MAILBOX, {"ip": "192.0.2.1"})


async def test_a_link_may_be_used_twice(database: Database, account: int, mail: Channel) -> None:
    _, token = await sent_mail(database, account, mail)

    for _ in range(2):
        await mailing.unsubscribe(database, token, {})

    async with database.tx(account) as tx:
        assert len(await consents.suppressions(tx)) == 1


async def test_a_link_works_after_the_contact_was_deleted(database: Database, account: int, mail: Channel) -> None:
    _, token = await sent_mail(database, account, mail)
    [contact] = await world.contacts(database, account, [MAILBOX], "mailto")
    async with database.tx(account) as tx:
        await people.delete(tx, [contact])

    await mailing.unsubscribe(database, token, {})

    async with database.tx(account) as tx:
        assert await consents.suppressed(tx, "email", [MAILBOX]) == {MAILBOX}


@pytest.mark.parametrize("spoil", [lambda t: t[:-1], lambda t: t[:-2] + "AA", lambda t: t[1:], lambda t: "", str.lower])
async def test_a_link_that_is_not_ours_is_not_found(database: Database, account: int, mail: Channel, spoil) -> None:
    _, token = await sent_mail(database, account, mail)

    with pytest.raises(NotFound):
        mailing.check_link(database.tools, spoil(token))
    with pytest.raises(NotFound):
        await mailing.unsubscribe(database, spoil(token), {})


async def test_a_signature_for_something_else_is_no_link(database: Database, account: int, mail: Channel) -> None:
    id, _ = await sent_mail(database, account, mail)
    token = database.tools.vault.sign("another purpose", f"{account}-{id}")

    with pytest.raises(NotFound):
        await mailing.unsubscribe(database, token, {})


async def test_a_link_to_a_message_that_is_gone_is_not_found(database: Database, account: int) -> None:
    token = mailing.unsubscribe_url(database.tools, account, 2**40).rpartition("/")[2]

    with pytest.raises(NotFound):
        await mailing.unsubscribe(database, token, {})
