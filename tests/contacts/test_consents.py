"""Consent: stop means stop for the address, however it is written."""

import asyncpg
import pytest

from trunkline.contacts import consents, people
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database, Tx
from trunkline.core.errors import NotFound
from trunkline.core.urns import Urn

pytestmark = pytest.mark.anyio

PHONE = "+15551234567"


async def test_a_stop_by_sms_stops_the_person(tx: Tx):
    jane = await people.create(tx, NewContact(phone=PHONE))

    new = await consents.opt_out(tx, "sms", PHONE, "keyword", {"text": "STOP"})

    after = await people.get(tx, jane.id)
    assert new
    assert after.status == "stopped"
    assert after.unsubscribed_at is not None


async def test_a_mail_unsubscribe_stops_the_mailbox_alone(tx: Tx):
    jane = await people.create(tx, NewContact(email="jane@example.com"))

    await consents.opt_out(tx, "email", "Jane@Example.com", "unsubscribe_link")

    assert (await people.get(tx, jane.id)).status == "active"
    assert await consents.suppressed(tx, "email", ["jane@example.com"]) == {"jane@example.com"}


async def test_consent_is_by_kind_of_channel(tx: Tx):
    await consents.opt_out(tx, "sms", PHONE, "keyword")

    assert await consents.suppressed(tx, "whatsapp", [PHONE]) == set()


@pytest.mark.parametrize("written", ["+1 555-123-4567", "0015551234567", "15551234567", "tel:+15551234567"])
async def test_another_spelling_does_not_slip_through(tx: Tx, written: str):
    await consents.opt_out(tx, "sms", PHONE, "keyword")

    assert await consents.suppressed(tx, "sms", [written, "+15550000000"]) == {written}


async def test_a_whatsapp_address_finds_its_contact(tx: Tx):
    jane = await people.create(tx, NewContact(urns=[Urn("whatsapp", "15551234567")]))

    await consents.opt_out(tx, "whatsapp", "15551234567", "keyword")

    assert (await people.get(tx, jane.id)).status == "stopped"


async def test_stopping_twice_is_one_event_and_two_proofs(
    database: Database, account: int, connection: asyncpg.Connection
):
    async with database.tx(account) as tx:
        first = await consents.opt_out(tx, "sms", PHONE, "keyword")
        second = await consents.opt_out(tx, "sms", PHONE, "keyword")
        history = await consents.history(tx, "sms", PHONE)

    assert (first, second) == (True, False)
    assert [entry.given for entry in history] == [False, False]
    assert await connection.fetchval("select count(*) from events where account_id = $1", account) == 1


async def test_an_opt_in_brings_the_person_back(tx: Tx):
    jane = await people.create(tx, NewContact(phone=PHONE))
    await consents.opt_out(tx, "sms", PHONE, "keyword")

    lifted = await consents.opt_in(tx, "sms", PHONE, "keyword")

    after = await people.get(tx, jane.id)
    assert lifted
    assert (after.status, after.unsubscribed_at) == ("active", None)
    assert await consents.suppressed(tx, "sms", [PHONE]) == set()


async def test_an_opt_in_of_somebody_who_is_in_changes_nothing(tx: Tx):
    await people.create(tx, NewContact(phone=PHONE))

    assert await consents.opt_in(tx, "sms", PHONE, "keyword") is False


async def test_an_opt_in_does_not_unblock(tx: Tx):
    jane = await people.create(tx, NewContact(phone=PHONE))
    await people.change_status(tx, [jane.id], "blocked")

    await consents.opt_in(tx, "sms", PHONE, "keyword")

    assert (await people.get(tx, jane.id)).status == "blocked"


async def test_a_suppression_outlives_its_contact(tx: Tx):
    jane = await people.create(tx, NewContact(phone=PHONE))
    await consents.opt_out(tx, "sms", PHONE, "keyword", contact_id=jane.id)

    await people.delete(tx, [jane.id])
    await people.create(tx, NewContact(phone=PHONE))

    assert await consents.suppressed(tx, "sms", [PHONE]) == {PHONE}


async def test_what_cannot_be_read_is_suppressed_as_written(tx: Tx):
    await consents.opt_out(tx, "sms", "Short 40404", "api")

    assert await consents.suppressed(tx, "sms", ["short 40404"]) == {"short 40404"}


async def test_suppressions_are_listed_with_their_reason(tx: Tx):
    await consents.opt_out(tx, "sms", PHONE, "keyword", {"text": "STOP"})

    [entry] = await consents.suppressions(tx)

    assert (entry.address, entry.reason, entry.evidence) == (PHONE, "keyword", {"text": "STOP"})


async def test_consent_is_of_one_account(database: Database, account: int, other_account: int):
    async with database.tx(other_account) as tx:
        theirs = await people.create(tx, NewContact(phone=PHONE))
        await consents.opt_out(tx, "sms", PHONE, "keyword")

    async with database.tx(account) as tx:
        assert await consents.suppressed(tx, "sms", [PHONE]) == set()
        assert await consents.opt_in(tx, "sms", PHONE, "keyword") is False
        with pytest.raises(NotFound):
            await consents.opt_out(tx, "sms", PHONE, "keyword", contact_id=theirs.id)
