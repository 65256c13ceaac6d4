"""Contacts: made, found, changed, deleted, and the same for 64 callers at once."""

import asyncio

import asyncpg
import pytest

from trunkline.contacts import companies, groups, people, tags, urns
from trunkline.contacts.people import Changes, NewContact
from trunkline.core import clock
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.urns import Urn

pytestmark = pytest.mark.anyio

JANE = NewContact(first_name="Jane", last_name="Smith", email="Jane@Example.com", phone="+1 555-123-4567")


async def test_a_contact_is_stored_with_normal_addresses(tx: Tx):
    contact = await people.create(tx, JANE)

    assert contact.name == "Jane Smith"
    assert contact.email == "jane@example.com"
    assert contact.phone == "+15551234567"


async def test_the_typed_form_of_a_phone_is_kept(tx: Tx):
    contact = await people.create(tx, JANE)

    records = (await urns.of(tx, [contact.id]))[contact.id]

    assert [(r.scheme, r.path, r.raw) for r in records] == [
        ("tel", "+15551234567", "+1 555-123-4567"),
        ("mailto", "jane@example.com", "Jane@Example.com"),
    ]


async def test_nothing_is_required(tx: Tx):
    contact = await people.create(tx, NewContact())

    assert (contact.name, contact.email, contact.phone, contact.status) == ("", None, None, "active")


async def test_the_full_name_wins_over_its_parts(tx: Tx):
    contact = await people.create(tx, NewContact(name="Ada King Lovelace", first_name="Grace", last_name="Hopper"))

    assert (contact.name, contact.first_name, contact.last_name) == ("Ada King Lovelace", "Ada", "King Lovelace")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("  Zoe\u0308 ", "Zo\u00eb"), ("👨‍👩‍👧 Family", "👨‍👩‍👧 Family"), ("Eve\r\nBcc: x", "Eve Bcc: x"), ("   ", "")],
)
async def test_names_are_stored_composed_and_on_one_line(tx: Tx, typed: str, stored: str):
    contact = await people.create(tx, NewContact(name=typed))

    assert contact.name == stored


@pytest.mark.parametrize(
    "new",
    [
        NewContact(email="a@b..c"),
        NewContact(phone="555"),
        NewContact(name="x" * 513),
        NewContact(lead_score=101),
        NewContact(company_id=10**12),
    ],
)
async def test_what_cannot_be_stored_is_refused(tx: Tx, new: NewContact):
    with pytest.raises(Invalid):
        await people.create(tx, new)


async def test_a_phone_that_cannot_be_dialled_may_be_kept_as_text(tx: Tx):
    contact = await people.create(tx, NewContact(phone="ext. 12"), loose_phone=True)

    assert contact.phone == "ext. 12"
    assert (await urns.of(tx, [contact.id]))[contact.id] == []


async def test_a_taken_phone_names_its_owner(tx: Tx):
    jane = await people.create(tx, JANE)

    with pytest.raises(Conflict) as refused:
        await people.create(tx, NewContact(name="Other", phone="+15551234567"))

    assert refused.value.code == "contact_exists"
    assert refused.value.details == {"contact_id": jane.id, "field": "phone", "owners": {"phone": jane.id}}


async def test_the_owner_of_the_phone_comes_before_the_owner_of_the_email(tx: Tx):
    by_phone = await people.create(tx, NewContact(phone="+15551234567"))
    by_email = await people.create(tx, NewContact(email="a@example.com"))

    with pytest.raises(Conflict) as refused:
        await people.create(tx, NewContact(phone="+15551234567", email="a@example.com"))

    assert refused.value.details["contact_id"] == by_phone.id
    assert refused.value.details["owners"] == {"phone": by_phone.id, "email": by_email.id}


async def test_a_refused_contact_leaves_nothing_behind(tx: Tx):
    await people.create(tx, NewContact(email="a@example.com"))

    with pytest.raises(Conflict):
        await people.create(tx, NewContact(phone="+15551234567", email="a@example.com"))

    assert await people.find(tx, Urn("tel", "+15551234567")) is None
    assert await people.total(tx) == (1, False)


async def test_a_company_is_found_or_made_by_name(tx: Tx):
    first = await people.create(tx, NewContact(name="A", company="Acme Inc"))
    second = await people.create(tx, NewContact(name="B", company="ACME  inc"))

    assert first.company == "Acme Inc"
    assert second.company_id == first.company_id


async def test_a_company_has_one_primary_contact(tx: Tx):
    first = await people.create(tx, NewContact(name="A", company="Acme", is_primary=True))
    second = await people.create(tx, NewContact(name="B", company="Acme", is_primary=True))

    assert (await people.get(tx, first.id)).is_primary is False
    assert (await people.get(tx, second.id)).is_primary is True


async def test_undeclared_custom_fields_become_text_fields(tx: Tx):
    contact = await people.create(tx, NewContact(fields={"plan": "gold", "Seats": 3}))

    assert contact.fields == {"plan": "gold", "Seats": 3}


async def test_only_what_is_given_changes(tx: Tx):
    jane = await people.create(tx, JANE)

    changed = await people.update(tx, jane.id, Changes(city="Oslo"))

    assert (changed.city, changed.email, changed.name) == ("Oslo", jane.email, jane.name)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        (Changes(name="Ann Lee"), ("Ann Lee", "Ann", "Lee")),
        (Changes(first_name="Ann"), ("Ann Smith", "Ann", "Smith")),
        (Changes(last_name=None), ("Jane", "Jane", "")),
        (Changes(name="Ann Lee", first_name="Bob"), ("Ann Lee", "Ann", "Lee")),
        (Changes(name=None), ("", "", "")),
    ],
)
async def test_writing_one_side_of_the_name_rewrites_the_other(tx: Tx, changes: Changes, names: tuple[str, str, str]):
    jane = await people.create(tx, JANE)

    changed = await people.update(tx, jane.id, changes)

    assert (changed.name, changed.first_name, changed.last_name) == names


async def test_a_new_email_replaces_the_address(tx: Tx):
    jane = await people.create(tx, JANE)

    changed = await people.update(tx, jane.id, Changes(email="j@example.org"))

    assert changed.email == "j@example.org"
    assert await people.find(tx, Urn("mailto", "jane@example.com")) is None
    assert (await people.find(tx, Urn("mailto", "j@example.org"))) == changed


async def test_a_phone_of_somebody_else_is_refused_and_nothing_changes(database: Database, account: int):
    async with database.tx(account) as tx:
        jane = await people.create(tx, JANE)
        other = await people.create(tx, NewContact(phone="+15550000000"))

    with pytest.raises(Conflict) as refused:
        async with database.tx(account) as tx:
            await people.update(tx, jane.id, Changes(city="Oslo", phone="+15550000000"))

    assert refused.value.details["contact_id"] == other.id
    async with database.tx(account) as tx:
        assert await people.get(tx, jane.id) == jane


async def test_an_emptied_phone_is_gone_with_its_address(tx: Tx):
    jane = await people.create(tx, JANE)

    changed = await people.update(tx, jane.id, Changes(phone=None))

    assert changed.phone is None
    assert await people.find(tx, Urn("tel", "+15551234567")) is None


async def test_an_undialable_phone_may_replace_a_number(tx: Tx):
    jane = await people.create(tx, JANE)

    changed = await people.update(tx, jane.id, Changes(phone="call mum"), loose_phone=True)

    assert changed.phone == "call mum"
    assert await people.find(tx, Urn("tel", "+15551234567")) is None


async def test_custom_values_and_metadata_merge_and_null_removes(tx: Tx):
    contact = await people.create(tx, NewContact(fields={"a": "1", "b": "2"}, metadata={"x": 1, "y": {"z": 2}}))

    changed = await people.update(tx, contact.id, Changes(fields={"a": None, "c": "3"}, metadata={"x": None}))

    assert changed.fields == {"b": "2", "c": "3"}
    assert changed.metadata == {"y": {"z": 2}}


async def test_the_status_stopped_notes_when(tx: Tx):
    jane = await people.create(tx, JANE)

    stopped = await people.update(tx, jane.id, Changes(status="stopped"))
    again = await people.update(tx, jane.id, Changes(status="active"))

    assert stopped.unsubscribed_at is not None
    assert again.unsubscribed_at is None


async def test_the_blocked_leave_their_groups(tx: Tx):
    jane = await people.create(tx, JANE)
    vip = await groups.create(tx, "VIP")
    await groups.add(tx, vip.id, [jane.id])

    await people.change_status(tx, [jane.id], "blocked")

    assert (await groups.get(tx, vip.id)).size == 0


async def test_many_are_renamed_at_once(tx: Tx):
    one, two = await people.create(tx, NewContact(name="A")), await people.create(tx, NewContact(name="B"))

    changed = await people.rename(tx, {one.id: "A", two.id: "Bea Ray"})

    assert changed == [two.id]
    assert (await people.get(tx, two.id)).last_name == "Ray"


async def test_fields_of_many_are_merged_at_once(tx: Tx):
    one = await people.create(tx, NewContact(fields={"a": "1", "b": "2"}))
    two = await people.create(tx, NewContact())

    changed = await people.set_fields(tx, {one.id: {"a": "", "c": "3"}, two.id: {"d": "4"}})

    assert sorted(changed) == [one.id, two.id]
    assert [c.fields for c in await people.get_many(tx, [one.id, two.id])] == [{"b": "2", "c": "3"}, {"d": "4"}]


async def test_a_deleted_contact_frees_its_addresses(tx: Tx):
    jane = await people.create(tx, JANE)

    await people.delete(tx, [jane.id])
    again = await people.create(tx, JANE)

    assert again.id != jane.id
    with pytest.raises(NotFound):
        await people.get(tx, jane.id)


async def test_a_deleted_contact_leaves_groups_and_tags(tx: Tx):
    jane = await people.create(tx, JANE)
    vip, [red] = await groups.create(tx, "VIP"), await tags.get_or_create(tx, ["red"])
    await groups.add(tx, vip.id, [jane.id])
    await tags.add(tx, [jane.id], [red.id])

    await people.delete(tx, [jane.id])

    assert (await groups.get(tx, vip.id)).size == 0
    assert (await tags.get(tx, red.id)).count == 0


async def test_deleting_twice_does_nothing_the_second_time(tx: Tx):
    jane = await people.create(tx, JANE)

    first, second = await people.delete(tx, [jane.id]), await people.delete(tx, [jane.id])

    assert (first, second) == ([jane.id], [])


async def test_a_deleted_contact_cannot_be_changed(tx: Tx):
    jane = await people.create(tx, JANE)
    await people.delete(tx, [jane.id])

    with pytest.raises(NotFound):
        await people.update(tx, jane.id, Changes(city="Oslo"))


async def test_an_address_gets_one_contact_however_often_it_is_asked_for(tx: Tx):
    phone, mail = Urn("tel", "+15551234567"), Urn("mailto", "a@example.com")

    [first, second, again] = await people.get_or_create(tx, [phone, mail, phone], names={phone: "Ann Lee"})

    assert first == again
    assert first[0] != second[0]
    assert (await people.get(tx, first[0])).last_name == "Lee"
    assert await people.get_or_create(tx, [phone]) == [(first[0], False)]


async def test_64_callers_at_once_make_one_contact(database: Database, account: int, connection: asyncpg.Connection):
    wanted = [Urn("tel", "+15551234567"), Urn("mailto", "a@example.com")]

    async def call(n: int) -> list[tuple[int, bool]]:
        async with database.tx(account) as tx:
            return await people.get_or_create(tx, wanted if n % 2 else wanted[::-1])

    answers = await asyncio.gather(*(call(n) for n in range(64)))

    assert len({id for answer in answers for id, _ in answer}) == 2
    assert sum(new for answer in answers for _, new in answer) == 2
    assert await connection.fetchval("select count(*) from contacts where account_id = $1", account) == 2
    assert await connection.fetchval("select count(*) from urns where account_id = $1", account) == 2


async def test_16_creations_of_one_phone_make_one_contact(database: Database, account: int):
    async def call() -> int:
        async with database.tx(account) as tx:
            try:
                return (await people.create(tx, JANE)).id
            except Conflict as conflict:
                return int(str(conflict.details["contact_id"]))

    ids = await asyncio.gather(*(call() for _ in range(16)))

    assert len(set(ids)) == 1


async def test_touching_moves_forward_only(tx: Tx):
    jane = await people.create(tx, JANE)
    later, earlier = clock.now(), jane.created_at.replace(year=2020)

    await people.touch(tx, [jane.id], inbound=later)
    await people.touch(tx, [jane.id], inbound=earlier, outbound=earlier)

    touched = await people.get(tx, jane.id)
    assert (touched.last_inbound_at, touched.last_seen_at, touched.last_contacted_at) == (later, later, earlier)


async def test_contacts_of_another_account_do_not_exist(database: Database, account: int, other_account: int):
    async with database.tx(other_account) as tx:
        theirs = await people.create(tx, JANE)
        company = await companies.create(tx, "Theirs")

    async with database.tx(account) as tx:
        assert await people.get_many(tx, [theirs.id]) == []
        assert await people.find(tx, Urn("tel", "+15551234567")) is None
        assert await people.delete(tx, [theirs.id]) == []
        assert await people.change_status(tx, [theirs.id], "blocked") == []
        with pytest.raises(NotFound):
            await people.update(tx, theirs.id, Changes(city="Oslo"))
        with pytest.raises(Invalid):
            await people.create(tx, NewContact(company_id=company.id))

    async with database.tx(other_account) as tx:
        assert await people.get(tx, theirs.id) == theirs


async def test_two_accounts_may_know_the_same_person(database: Database, account: int, other_account: int):
    async with database.tx(account) as tx:
        ours = await people.create(tx, JANE)

    async with database.tx(other_account) as tx:
        theirs = await people.create(tx, JANE)

    assert ours.id != theirs.id


async def test_creation_and_change_are_recorded(database: Database, account: int, connection: asyncpg.Connection):
    async with database.tx(account) as tx:
        jane = await people.create(tx, NewContact(name="Jane", source="api"))
        await people.update(tx, jane.id, Changes(city="Oslo", fields={"plan": "gold"}))
        await people.update(tx, jane.id, Changes(city="Oslo"))

    rows = await connection.fetch("select type, data::text from events where account_id = $1 order by id", account)
    assert [row["type"] for row in rows] == ["contact.created", "contact.updated"]
    assert '["city", "fields.plan"]' in rows[1]["data"]
