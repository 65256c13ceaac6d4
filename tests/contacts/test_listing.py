"""Lists of contacts: filters, sorting, search, totals."""

import asyncio
from datetime import timedelta
from itertools import combinations

import asyncpg
import pytest

from trunkline.contacts import groups, listing, people, tags
from trunkline.contacts.listing import CONDITIONS, SORTS
from trunkline.contacts.people import Changes, Filter, NewContact
from trunkline.core.db import Database, Tx

pytestmark = pytest.mark.anyio


async def listed(tx: Tx, filter: Filter | None = None, *order: str, **options: int) -> list[str]:
    return [contact.name for contact in await people.page(tx, filter, *order, **options)]  # type: ignore[arg-type]


async def make(tx: Tx, *names: str, **values: object) -> list[int]:
    return [(await people.create(tx, NewContact(name=name, **values))).id for name in names]  # type: ignore[arg-type]


async def test_the_newest_come_first_with_their_tags(tx: Tx):
    ids = await make(tx, "One", "Two")
    [red] = await tags.get_or_create(tx, ["Red"])
    await tags.add(tx, ids[:1], [red.id])

    contacts = await people.page(tx)

    assert [(contact.name, contact.tags) for contact in contacts] == [("Two", []), ("One", [red])]


async def test_pages_follow_each_other(tx: Tx):
    await make(tx, *"abcde")

    pages = [await listed(tx, limit=2, offset=offset) for offset in (0, 2, 4, 6)]

    assert pages == [["e", "d"], ["c", "b"], ["a"], []]


async def test_a_keyset_continues_where_a_page_ended(tx: Tx):
    await make(tx, *"abcde")
    first = await people.page(tx, limit=2)

    second = await people.page(tx, limit=2, after=(first[-1].created_at, first[-1].id))

    assert [contact.name for contact in second] == ["c", "b"]


@pytest.mark.parametrize("sort", [*SORTS, "drop table"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
async def test_every_sort_lists_everybody_once(tx: Tx, sort: str, direction: str):
    await make(tx, "b", "a", "c")

    names = await listed(tx, None, sort, direction)

    assert sorted(names) == ["a", "b", "c"]


async def test_sorting_pays_no_heed_to_case(tx: Tx):
    await make(tx, "b", "A", "C")

    assert await listed(tx, None, "first_name", "asc") == ["A", "b", "C"]


async def test_sorting_by_company_puts_those_without_last(tx: Tx):
    await make(tx, "none")
    await make(tx, "zed", company="Zed")
    await make(tx, "acme", company="Acme")

    assert await listed(tx, None, "company", "asc") == ["acme", "zed", "none"]


async def test_deep_pages_keep_the_order(tx: Tx):
    await make(tx, "b", "a", "c")

    assert await listed(tx, None, "name", "desc", limit=2, offset=1) == ["b", "a"]


async def test_filters_hold_together(tx: Tx):
    [low, high] = [
        await make(tx, "low", lead_score=10, country="RO"),
        await make(tx, "high", lead_score=90, country="ro"),
    ]
    await make(tx, "elsewhere", lead_score=90)
    group, [red] = await groups.create(tx, "VIP"), await tags.get_or_create(tx, ["Red"])
    await groups.add(tx, group.id, [*low, *high])
    await tags.add(tx, [*low, *high], [red.id])

    everything = Filter(
        status=("active",), tag_id=red.id, group_id=group.id, country="RO", min_score=50, max_score=100, search="hig"
    )

    assert await listed(tx, everything) == ["high"]
    assert await people.total(tx, everything) == (1, False)
    assert await listed(tx, Filter(tag="RED")) == ["high", "low"]


@pytest.mark.parametrize(
    "filter",
    [
        Filter(tag="unknown"),
        Filter(tag_id=2**80),
        Filter(status=()),
        Filter(min_score=2**70),
        Filter(max_score=-5),
        Filter(group_id=-1),
    ],
)
async def test_a_filter_that_matches_nothing_is_an_empty_list(tx: Tx, filter: Filter):
    await make(tx, "a")

    assert await listed(tx, filter) == []
    assert await people.total(tx, filter) == (0, False)


@pytest.mark.parametrize(
    "term",
    [
        "ana",
        "ANA MARIA",
        "  pop ",
        "example.com",
        "+40 740 111",
        "40740",
        "acme",
        "zoë",
        "100%",
        "a_b",
        "back\\slash",
        "an",
    ],
)
async def test_search_finds_a_part_of_name_email_phone_or_company(tx: Tx, term: str):
    await people.create(
        tx,
        NewContact(
            name="Ana Maria Pop Zoë 100% a_b back\\slash",
            email="ana@example.com",
            phone="+40740111222",
            company="The Acme Co",
        ),
    )
    await make(tx, "Somebody else 100 axb")

    assert len(await listed(tx, Filter(search=term))) == 1


@pytest.mark.parametrize("term", ["%", "_", "\\", "' OR 1=1--", "x" * 10_000, ".*", "[a-z]+", "%%%", "___", "a%a"])
async def test_search_is_literal(tx: Tx, term: str):
    await make(tx, "Ana Maria")

    assert await listed(tx, Filter(search=term)) == []


async def test_a_search_for_spaces_asks_for_nothing(tx: Tx):
    await make(tx, "Ana")

    assert await listed(tx, Filter(search="   ")) == ["Ana"]


async def test_search_sees_what_this_transaction_wrote_and_not_what_it_deleted(tx: Tx):
    ids = await make(tx, "Ana Maria", "Ana Lucia")
    await people.delete(tx, ids[:1])

    assert await listed(tx, Filter(search="ana")) == ["Ana Lucia"]


async def test_a_term_that_matches_much_is_walked(tx: Tx, monkeypatch: pytest.MonkeyPatch):
    await make(tx, "Ana 1", "Bo", "Ana 2", "Ana 3")
    monkeypatch.setattr(listing, "MOST_COUNTED", 2)

    names, total = await listed(tx, Filter(search="ana"), limit=2), await people.total(tx, Filter(search="ana"))

    assert names == ["Ana 3", "Ana 2"]
    assert total == (2, True)


async def test_totals_follow_creation_and_deletion(tx: Tx):
    ids = await make(tx, "a", "b", "c")
    await people.delete(tx, ids[:1])

    assert await people.total(tx) == (2, False)
    assert await people.total(tx, Filter(status=("active",))) == (2, False)


async def test_page_and_total_agree(tx: Tx):
    await make(tx, "Ana 1", "Ana 2", "Bo")

    contacts, total, capped = await listing.page_and_total(tx, Filter(search="ana"), limit=1)

    assert ([contact.name for contact in contacts], total, capped) == (["Ana 2"], 2, False)


async def test_changes_are_walked_in_their_order(database: Database, account: int):
    async with database.tx(account) as tx:
        ids = await make(tx, "a", "b", "c")
    async with database.tx(account) as tx:
        await people.update(tx, ids[0], Changes(city="Oslo"))
        [last] = await people.get_many(tx, ids[:1])

        latest = await listing.modified(tx, limit=1)
        before = await listing.modified(tx, after=(last.updated_at, last.id))
        since = await listing.modified(tx, since=last.updated_at, until=last.updated_at + timedelta(1))
        oldest = await listing.modified(tx, ascending=True)

    assert [c.id for c in latest] == [ids[0]]
    assert [c.id for c in before] == [ids[2], ids[1]]
    assert [c.id for c in since] == [ids[0]]
    assert [c.id for c in oldest] == [ids[1], ids[2], ids[0]]


async def test_the_deleted_are_listed_apart(tx: Tx):
    ids = await make(tx, "a", "b")
    await people.delete(tx, ids[:1])

    assert [c.id for c in await listing.modified(tx, deleted=True)] == ids[:1]
    assert [c.id for c in await listing.modified(tx)] == ids[1:]


async def test_nobody_finds_another_accounts_contacts(database: Database, account: int, other_account: int):
    async with database.tx(other_account) as tx:
        await make(tx, "Ana Maria", company="Acme")
        group, [red] = await groups.create(tx, "VIP"), await tags.get_or_create(tx, ["Red"])

    async with database.tx(account) as tx:
        found = [
            await listed(tx, filter)
            for filter in (
                Filter(),
                Filter(search="ana"),
                Filter(search="an"),
                Filter(search="acme"),
                Filter(tag="Red"),
                Filter(tag_id=red.id),
                Filter(group_id=group.id),
            )
        ]

    assert found == [[]] * 7


async def test_the_search_function_serves_the_current_account_only(
    database: Database, account: int, other_account: int
):
    async with database.tx(other_account) as tx:
        await make(tx, "Ana Maria")

    async with database.tx(account) as tx:
        stolen = await tx._connection.fetch("select search_contacts($1, '%ana%', null, '%ana%', 10)", other_account)

    assert stolen == []


@pytest.mark.parametrize(("role", "uses_index"), [("trunkline_system", True), ("trunkline_app", False)])
async def test_only_the_system_role_may_search_by_index(connection: asyncpg.Connection, role: str, uses_index: bool):
    """The reason why search is a function that runs as that role."""
    await connection.execute("begin; set enable_seqscan = off; set enable_indexscan = off")
    await connection.execute(f"drop index contacts_created, contacts_score; set role {role}")

    plan = await connection.fetch("explain select id from contacts where deleted_at is null and search like '%maria%'")
    await connection.execute("rollback")

    assert any("contacts_search" in line[0] for line in plan) is uses_index


async def test_every_combination_of_conditions_is_valid_sql(tx: Tx):
    names = list(CONDITIONS)
    pairs = [*combinations(names, 1), *combinations(names, 2), tuple(names)]

    for conditions in pairs:
        await tx._connection.prepare(listing._count(conditions).text)

    for sort in SORTS:
        await tx._connection.prepare(listing._list(("tag_id", "walk"), sort, "asc", False).text)


async def test_lists_and_writers_do_not_wait_for_each_other(database: Database, account: int):
    async with database.tx(account) as writing:
        await make(writing, "a")

        async with database.tx(account) as reading:
            names = await asyncio.wait_for(listed(reading), 5)

    assert names == []
