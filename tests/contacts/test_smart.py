"""Smart groups: filled by their query, then kept by every change."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests import world
from trunkline.accounts import settings
from trunkline.contacts import changing, fields, groups, imports, people, smart, urns
from trunkline.contacts.groups import Group
from trunkline.contacts.people import Changes, NewContact
from trunkline.core.db import Database, Statement, Tx
from trunkline.core.errors import Conflict, Invalid
from trunkline.core.urns import Urn
from trunkline.inbox import tickets
from trunkline.inbox.tickets import NewTicket

pytestmark = pytest.mark.anyio


@pytest.fixture
async def own(dsn: str, tmp_path: Any):
    async with world.own_database(dsn, tmp_path) as database:
        yield database


@pytest.fixture
async def home(own: Database) -> int:
    return await world.workspace(own)


async def contact(tx: Tx, name: str, **given: Any) -> int:
    return (await people.create(tx, NewContact(name=name, **given))).id


async def made(own: Database, home: int, query: str) -> Group:
    """A filled smart group, in an account whose field `age` is a number."""
    async with own.tx(home) as tx:
        if "age" not in await fields.get_or_create(tx, []):
            await fields.get_or_create(tx, ["age", "plan"])
            await fields.update(tx, "age", type="number")
        group = await groups.create(tx, "Smart", query=query)
    await world.react(own)
    async with own.tx(home) as tx:
        return await groups.get(tx, group.id)


async def members(own: Database, home: int, group: Group) -> list[int]:
    await world.react(own)
    async with own.tx(home) as tx:
        found = await groups.members(tx, group.id)
        assert (await groups.get(tx, group.id)).size == len(found)
        return found


async def test_a_group_is_filled_in_the_background(own: Database, home: int):
    async with own.tx(home) as tx:
        adult = await contact(tx, "Ann", fields={"age": "40"})
        await contact(tx, "Bob", fields={"age": "7"})
        await fields.update(tx, "age", type="number")
        group = await groups.create(tx, "Adults", query="age >= 18")

    assert (group.status, group.query) == ("initializing", "fields.age >= 18")
    assert await members(own, home, group) == [adult]
    async with own.tx(home) as tx:
        assert (await groups.get(tx, group.id)).status == "ready"


async def test_a_filling_goes_in_portions(own: Database, home: int):
    async with own.tx(home) as tx:
        ids = [await contact(tx, "Ann") for _ in range(5)]
        group = await groups.create(tx, "All", query='name != ""')

    async with own.tx(home) as tx:
        # Somebody is a member already, so that no index is asked.
        await tx.run(JOIN, home, group.id, ids[0])
        assert await smart.next_portion(tx, group.id, 0, size=2)
        half = await groups.get(tx, group.id)
        assert await smart.next_portion(tx, group.id, 0, size=2)
        assert not await smart.next_portion(tx, group.id, 0, size=2)

    assert (half.looked, half.status, half.size) == (2, "initializing", 2)
    assert await members(own, home, group) == ids


@pytest.mark.parametrize(
    ("query", "before", "after"),
    [
        ("age > 18", {"fields": {"age": "7"}}, {"fields": {"age": "19"}}),
        ("name ~ ann", {}, {"name": "Ann"}),
        ("name ~ ann", {}, {"last_name": "Ann"}),
        ("language = eng", {}, {"language": "eng"}),
        ("tel = +40721000111", {}, {"phone": "+40721000111"}),
        ('urn != ""', {}, {"email": "ann@example.com"}),
        ('plan = ""', {"fields": {"plan": "gold"}}, {"fields": {"plan": None}}),
    ],
)
async def test_a_change_lets_in_and_out(
    own: Database, home: int, query: str, before: dict[str, Any], after: dict[str, Any]
):
    group = await made(own, home, query)
    async with own.tx(home) as tx:
        id = await contact(tx, "Bob", **before)
    assert await members(own, home, group) == []

    async with own.tx(home) as tx:
        await people.update(tx, id, Changes(**after))
    assert await members(own, home, group) == [id]

    async with own.tx(home) as tx:
        undone = {"name": "Bob", "last_name": "", "language": None, "phone": None, "email": None}
        undone = {key: undone[key] for key in after if key in undone}
        await people.update(tx, id, Changes(**(undone or {"fields": {"age": None, "plan": "gold"}})))
    assert await members(own, home, group) == []


async def test_fields_set_in_bulk_count(own: Database, home: int):
    group = await made(own, home, "plan = gold")
    async with own.tx(home) as tx:
        ids = [await contact(tx, f"Ann {n}") for n in range(4)]
        await changing.set_fields(tx, {id: {"plan": "GOLD"} for id in ids[:3]})

    assert await members(own, home, group) == ids[:3]


async def test_addresses_added_by_themselves_count(own: Database, home: int):
    group = await made(own, home, 'telegram != ""')
    async with own.tx(home) as tx:
        id = await contact(tx, "Ann")
    await world.react(own)

    async with own.tx(home) as tx:
        await urns.add(tx, id, [Urn("telegram", "123456")])
    assert await members(own, home, group) == [id]

    async with own.tx(home) as tx:
        await urns.remove(tx, id, [Urn("telegram", "123456")])
    assert await members(own, home, group) == []


@pytest.mark.parametrize("status", ["blocked", "stopped", "archived"])
async def test_only_the_active_are_members(own: Database, home: int, status: Any):
    group = await made(own, home, "name ~ ann")
    async with own.tx(home) as tx:
        id = await contact(tx, "Ann")
    assert await members(own, home, group) == [id]

    async with own.tx(home) as tx:
        await people.change_status(tx, [id], status)
    assert await members(own, home, group) == []

    async with own.tx(home) as tx:
        await people.change_status(tx, [id], "active")
    assert await members(own, home, group) == [id]


async def test_whoever_writes_is_seen(own: Database, home: int):
    today = datetime.now(UTC) - timedelta(days=1)
    group = await made(own, home, f"last_seen_on >= {today:%d-%m-%Y}")
    channel = await world.simulator(own, home)

    received = await world.say(own, channel, "+40721000333", "Hello")

    assert await members(own, home, group) == [received.contact_id]


async def test_an_import_counts(own: Database, home: int):
    group = await made(own, home, "name ~ ann")
    async with own.tx(home) as tx:
        await imports.run(tx, io.BytesIO(b"email,name\na@example.com,Ann\nb@example.com,Bob\nc@example.com,Anna"))

    assert len(await members(own, home, group)) == 2


async def test_many_new_contacts_are_looked_at_in_jobs(own: Database, home: int):
    group = await made(own, home, "ext ~ abc")
    async with own.tx(home) as tx:
        await people.get_or_create(tx, [Urn("ext", f"abc{n}") for n in range(smart.MOST_AT_ONCE + 500)])

    await world.react(own)

    async with own.tx(home) as tx:
        assert (await groups.get(tx, group.id)).size == smart.MOST_AT_ONCE + 500


async def test_nobody_joins_or_leaves_by_hand(own: Database, home: int):
    group = await made(own, home, "name ~ ann")
    async with own.tx(home) as tx:
        id = await contact(tx, "Ann")
    await world.react(own)

    async with own.tx(home) as tx:
        for move in (groups.add, groups.remove):
            with pytest.raises(Conflict) as refused:
                await move(tx, group.id, [id])
            assert refused.value.code == "smart_group"
        await groups.replace(tx, id, [])
    assert await members(own, home, group) == [id]


async def test_another_query_changes_the_members(own: Database, home: int):
    group = await made(own, home, "name ~ ann")
    async with own.tx(home) as tx:
        ann, bob = await contact(tx, "Ann"), await contact(tx, "Bob")
    assert await members(own, home, group) == [ann]

    async with own.tx(home) as tx:
        await smart.change(tx, group.id, "name ~ bob")

    assert await members(own, home, group) == [bob]


@pytest.mark.parametrize("query", ["status = active", "id = 5", "nosuch = 1", "age >", 'group = ""'])
async def test_a_query_that_defines_nothing_is_refused(own: Database, home: int, query: str):
    async with own.tx(home) as tx:
        with pytest.raises(Invalid) as refused:
            await groups.create(tx, "Bad", query=query)

    assert list(refused.value.fields) == ["query"]


async def test_a_field_of_another_type_marks_the_group_or_fills_it_anew(own: Database, home: int):
    group = await made(own, home, "age > 18")
    async with own.tx(home) as tx:
        id = await contact(tx, "Ann", fields={"age": "40"})
        assert [one.id for one in await smart.using(tx, "age")] == [group.id]
    assert await members(own, home, group) == [id]

    async with own.tx(home) as tx:
        await fields.update(tx, "age", type="text")
    assert await members(own, home, group) == [id]
    async with own.tx(home) as tx:
        broken = await groups.get(tx, group.id)
        await fields.update(tx, "age", type="number")
    assert (broken.status, bool(broken.problem)) == ("invalid", True)

    await world.react(own)
    async with own.tx(home) as tx:
        assert (await groups.get(tx, group.id)).status == "ready"


async def test_a_ticket_counts_while_it_is_open(own: Database, home: int):
    group = await made(own, home, "tickets > 0")
    async with own.tx(home) as tx:
        id = await contact(tx, "Ann")
        [ticket] = await tickets.open_many(tx, [NewTicket(uuid=uuid4(), contact_id=id)])
    assert await members(own, home, group) == [id]

    async with own.tx(home) as tx:
        await tickets.close(tx, [ticket.id])
    assert await members(own, home, group) == []


async def test_a_change_during_a_filling_is_not_lost(own: Database, home: int):
    async with own.tx(home) as tx:
        await fields.create(tx, "Plan")
        ids = [await contact(tx, "Ann", fields={"plan": "gold"}) for _ in range(4)]
        group = await groups.create(tx, "Gold", query='plan = gold OR language != ""')
        await tx.run(JOIN, home, group.id, ids[0])

    async with own.tx(home) as tx:
        assert await smart.next_portion(tx, group.id, 0, size=2)
        await changing.set_fields(tx, {ids[0]: {"plan": "tin"}, ids[3]: {"plan": "tin"}})

    assert await members(own, home, group) == ids[1:3]


async def test_the_groups_of_anonymous_accounts_go_by_addresses_too(own: Database, home: int):
    async with own.tx(home) as tx:
        await settings.put(tx, {"anon": True})
        id = await contact(tx, "Ann", phone="+40721000111")
        with pytest.raises(Invalid):
            await people.page(tx, people.Filter(query="tel ~ 000111"))
        group = await groups.create(tx, "Local", query="tel ~ 000111")

    assert await members(own, home, group) == [id]


async def test_groups_of_others_do_not_count(own: Database, home: int):
    group = await made(own, home, "name ~ ann")
    other = await world.workspace(own)
    async with own.tx(other) as tx:
        await contact(tx, "Ann")

    assert await members(own, home, group) == []


JOIN = Statement("insert into group_members (account_id, group_id, contact_id) values ($1, $2, $3)", __name__, False)
