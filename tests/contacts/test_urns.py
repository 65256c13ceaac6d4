"""Addresses of contacts: one owner each, in order, in step with email and phone."""

import pytest

from trunkline.contacts import people, urns
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database, Tx
from trunkline.core.urns import Urn

pytestmark = pytest.mark.anyio

FIRST, SECOND = Urn("tel", "+15551234567"), Urn("tel", "+15557654321")
MAIL = Urn("mailto", "a@example.com")


async def owned(tx: Tx, contact: int) -> list[Urn]:
    return [record.urn for record in (await urns.of(tx, [contact]))[contact]]


async def test_added_addresses_are_appended(tx: Tx):
    contact = await people.create(tx, NewContact(phone=FIRST.path))

    added = await urns.add(tx, contact.id, [SECOND, FIRST, MAIL])

    assert added == [SECOND, MAIL]
    assert await owned(tx, contact.id) == [FIRST, SECOND, MAIL]


async def test_an_added_email_is_shown(tx: Tx):
    contact = await people.create(tx, NewContact(phone=FIRST.path))

    await urns.add(tx, contact.id, [MAIL])

    assert (await people.get(tx, contact.id)).email == MAIL.path


async def test_an_address_of_somebody_else_is_not_taken(tx: Tx):
    owner = await people.create(tx, NewContact(phone=FIRST.path))
    contact = await people.create(tx, NewContact())

    added = await urns.add(tx, contact.id, [FIRST])

    assert added == []
    assert await urns.owners(tx, [FIRST]) == {FIRST: owner.id}


async def test_when_the_first_phone_goes_the_next_is_shown(tx: Tx):
    contact = await people.create(tx, NewContact(urns=[FIRST, SECOND]))

    removed = await urns.remove(tx, contact.id, [FIRST, MAIL])

    assert removed == [FIRST]
    assert (await people.get(tx, contact.id)).phone == SECOND.path


async def test_replacing_sets_the_order(tx: Tx):
    contact = await people.create(tx, NewContact(urns=[FIRST, MAIL]))

    added, removed = await urns.replace(tx, contact.id, [SECOND, FIRST])

    assert (added, removed) == ([SECOND], [MAIL])
    assert await owned(tx, contact.id) == [SECOND, FIRST]
    shown = await people.get(tx, contact.id)
    assert (shown.phone, shown.email) == (SECOND.path, None)


async def test_a_claim_tells_whose_the_address_is(tx: Tx):
    contact, other = await people.create(tx, NewContact()), await people.create(tx, NewContact(urns=[MAIL]))

    answers = [await urns.claim(tx, contact.id, urn) for urn in (FIRST, FIRST, MAIL)]

    assert answers == ["claimed", "owned", "taken"]
    assert await owned(tx, other.id) == [MAIL]


async def test_the_channel_of_an_address_is_remembered(tx: Tx):
    contact = await people.create(tx, NewContact(urns=[FIRST]))

    await urns.prefer_channel(tx, {FIRST: 7})

    assert (await urns.of(tx, [contact.id]))[contact.id][0].channel_id == 7


async def test_who_is_heard_is_answered_where_they_wrote_from(tx: Tx):
    contact = await people.create(tx, NewContact(urns=[FIRST, SECOND, MAIL]))

    await urns.heard(tx, 7, [MAIL])
    await urns.heard(tx, 8, [SECOND])
    await urns.heard(tx, 8, [SECOND])

    kept = (await urns.of(tx, [contact.id]))[contact.id]
    assert [(one.urn, one.channel_id) for one in kept] == [(SECOND, 8), (MAIL, 7), (FIRST, None)]


async def test_addresses_of_another_account_are_unknown(database: Database, account: int, other_account: int):
    async with database.tx(other_account) as tx:
        theirs = await people.create(tx, NewContact(urns=[FIRST]))

    async with database.tx(account) as tx:
        assert await urns.owners(tx, [FIRST]) == {}
        assert await owned(tx, theirs.id) == []
        assert await urns.remove(tx, theirs.id, [FIRST]) == []

    async with database.tx(other_account) as tx:
        assert await owned(tx, theirs.id) == [FIRST]
