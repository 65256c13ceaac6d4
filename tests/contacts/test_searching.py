"""Contact queries in lists and counts."""

from datetime import UTC, datetime

import pytest

from trunkline.contacts import changing, fields, groups, people, searching, urns
from trunkline.contacts.listing import Filter
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Invalid
from trunkline.core.urns import Urn

pytestmark = pytest.mark.anyio


async def contact(tx: Tx, name: str, **given: object) -> int:
    return (await people.create(tx, NewContact(name=name, **given))).id  # type: ignore[arg-type]


async def found(tx: Tx, query: str) -> list[str]:
    contacts, total, _ = await people.page_and_total(tx, Filter(query=query))
    assert total == len(contacts)
    return sorted(one.name for one in contacts)


async def test_a_list_is_filtered_by_a_query(tx: Tx):
    await fields.create(tx, "Age", "number")
    await contact(tx, "Ann Lee", fields={"age": "40"})
    await contact(tx, "Annabel", fields={"age": "7"})
    await contact(tx, "Bob", fields={"age": "50"})

    assert await found(tx, "ann AND age > 18") == ["Ann Lee"]


async def test_the_query_joins_the_other_filters(tx: Tx):
    await contact(tx, "Ann", country="RO")
    await contact(tx, "Anna", country="RW")

    page = await people.page(tx, Filter(query="name ~ ann", country="rw", search="ann"))

    assert [one.name for one in page] == ["Anna"]


async def test_values_follow_their_contact(tx: Tx):
    id = await contact(tx, "Ann", fields={"plan": "gold", "city": "Iasi"})
    await changing.set_fields(tx, {id: {"plan": "Silver", "city": None}})

    assert await found(tx, "plan = silver") == ["Ann"]
    assert await found(tx, 'plan = gold OR city != ""') == []


async def test_groups_are_known_by_name(tx: Tx):
    group = await groups.create(tx, "Very Important")
    await groups.add(tx, group.id, [await contact(tx, "Ann")])
    await contact(tx, "Bob")

    assert await found(tx, 'group = "very important"') == ["Ann"]
    assert await found(tx, 'group != "very important"') == ["Bob"]


async def test_addresses_of_all_schemes_are_searched(tx: Tx):
    id = await contact(tx, "Ann", phone="+40721000111")
    await urns.add(tx, id, [Urn("telegram", "987654321")])

    assert await found(tx, "urn ~ 54321") == ["Ann"]
    assert await found(tx, "telegram = 987654321") == ["Ann"]
    assert await found(tx, "tel ~ 54321") == []


@pytest.mark.parametrize(
    ("query", "code"), [("age >", "syntax"), ("nosuch = 1", "unknown_property"), ("group = Nobody", "invalid_group")]
)
async def test_a_query_that_cannot_be_read_is_invalid(tx: Tx, query: str, code: str):
    with pytest.raises(Invalid) as refused:
        await people.page(tx, Filter(query=query))

    assert refused.value.code == code
    assert list(refused.value.fields) == ["query"]


async def test_nobody_of_another_account_is_found(database: Database, account: int, other_account: int):
    async with database.tx(other_account) as tx:
        await contact(tx, "Ann", phone="+40721000222", fields={"plan": "gold"})

    async with database.tx(account) as tx:
        await fields.create(tx, "Plan")
        for query in (
            "name ~ ann",
            "urn ~ 000222",
            "plan = gold",
            'plan != ""',
            "tel = +40721000222",
            "created_on > 01-01-2000",
        ):
            assert await found(tx, query) == []


async def test_the_deleted_are_not_found(tx: Tx):
    id = await contact(tx, "Ann", fields={"plan": "gold"})
    await people.delete(tx, [id])

    assert await searching.count(tx, await searching.read(tx, "plan = gold")) == 0


async def test_many_matches_are_counted_exactly(tx: Tx):
    wanted = [Urn("ext", f"x{n}") for n in range(10_050)]
    await people.get_or_create(tx, wanted, names=dict.fromkeys(wanted, "Crowd"))

    _, listed, capped = await people.page_and_total(tx, Filter(query="name ~ crowd"))

    assert (listed, capped) == (10_000, True)
    assert await searching.count(tx, await searching.read(tx, "name ~ crowd")) == 10_050


async def test_dates_are_read_as_the_account_writes_them(tx: Tx):
    await contact(tx, "Ann")

    today = datetime.now(UTC).strftime("%d-%m-%Y")

    assert await found(tx, f"created_on >= {today}") == ["Ann"]
