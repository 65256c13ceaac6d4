"""Contacts that integrations bring along: met by their address, made once, never taken over."""

import asyncio

import pytest

from trunkline.contacts import arriving, people
from trunkline.contacts.records import NewContact
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.urns import Urn

pytestmark = pytest.mark.anyio

VISITOR = Urn("ext", "visitor-1")


async def test_somebody_unknown_is_made_with_all_that_is_told(tx):
    id, is_new = await arriving.meet(tx, VISITOR, NewContact(first_name="Jane", email="jane@example.com"))

    contact = await people.get(tx, id)
    assert is_new
    assert (contact.first_name, contact.email) == ("Jane", "jane@example.com")
    assert await people.find(tx, VISITOR) == contact


async def test_somebody_known_stays_as_they_are(tx):
    first, _ = await arriving.meet(tx, VISITOR, NewContact(first_name="Jane"))

    again, is_new = await arriving.meet(tx, VISITOR, NewContact(first_name="Eve", email="eve@example.com"))

    assert (again, is_new) == (first, False)
    assert (await people.get(tx, first)).email is None


async def test_addresses_of_others_are_not_taken(tx):
    owner = await people.create(tx, NewContact(email="jane@example.com", phone="+15551234567"))

    id, _ = await arriving.meet(tx, VISITOR, NewContact(email="jane@example.com", phone="+15551234567"))

    contact = await people.get(tx, id)
    assert id != owner.id
    assert (contact.email, contact.phone) == (None, None)


async def test_an_address_that_is_none_is_refused(tx):
    with pytest.raises(Invalid):
        await arriving.meet(tx, VISITOR, NewContact(email="jane"))


async def test_many_who_come_at_once_are_one(database, account):
    async def meet(n):
        async with database.tx(account) as tx:
            new = NewContact(first_name=f"Jane {n}", email="jane@example.com")
            return await arriving.meet(tx, VISITOR, new)

    met = await asyncio.gather(*(meet(n) for n in range(8)))

    assert len({id for id, _ in met}) == 1
    assert sum(is_new for _, is_new in met) == 1


async def test_the_phone_tells_who_it_is(tx):
    first, is_new = await arriving.create_or_get(tx, NewContact(phone="+15551234567", email="a@example.com"))

    again, again_new = await arriving.create_or_get(tx, NewContact(phone="+15551234567", email="b@example.com"))

    assert (is_new, again_new) == (True, False)
    assert again == first


async def test_an_unknown_list_stops_everything(tx):
    with pytest.raises(NotFound):
        await arriving.create_or_get(tx, NewContact(phone="+15551234567"), lists=[2**62])

    assert await people.find(tx, Urn("tel", "+15551234567")) is None
