"""Whom a broadcast reaches."""

import pytest

from tests import world
from trunkline.campaigns import audiences
from trunkline.contacts import changing, consents, groups, people, tags
from trunkline.core.db import Database
from trunkline.core.errors import Conflict, Invalid

pytestmark = pytest.mark.anyio

NUMBERS = [f"+4074000{n:04d}" for n in range(8)]
ALL = {"type": "all"}


async def size(database: Database, account: int, audience: dict, scheme: str = "tel", kind: str = "sms") -> int:
    async with database.tx(account) as tx:
        return await audiences.size(tx, await audiences.check(tx, audience), [scheme], kind, 1000)


async def test_everybody_with_an_address_is_reached(database: Database, account: int) -> None:
    await world.contacts(database, account, NUMBERS)
    await world.contacts(database, account, ["jane@example.org"], "mailto")

    assert await size(database, account, ALL) == 8
    assert await size(database, account, ALL, "mailto", "email") == 1


async def test_who_does_not_want_it_or_is_gone_is_not_reached(database: Database, account: int) -> None:
    found = await world.contacts(database, account, NUMBERS)
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "sms", NUMBERS[0], "api")
        await people.change_status(tx, [found[1]], "blocked")
        await people.change_status(tx, [found[2]], "archived")
        await people.change_status(tx, [found[3]], "stopped")
        await people.delete(tx, [found[4]])
        await people.update(tx, found[5], people.Changes(do_not_disturb=True))

    assert await size(database, account, ALL) == 2


async def test_an_opt_out_counts_for_its_kind_of_channel(database: Database, account: int) -> None:
    await world.contacts(database, account, NUMBERS[:2])
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "voice", NUMBERS[0], "api")

    assert await size(database, account, ALL) == 2
    assert await size(database, account, ALL, "tel", "voice") == 1


async def test_an_opt_out_of_whatsapp_counts_though_its_addresses_are_written_without_plus(
    database: Database, account: int
) -> None:
    await world.contacts(database, account, ["40740000001", "40740000002"], "whatsapp")
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "whatsapp", "40740000001", "word")

    assert await size(database, account, ALL, "whatsapp", "whatsapp") == 1


async def test_groups_and_tags_and_named_contacts(database: Database, account: int) -> None:
    found = await world.contacts(database, account, NUMBERS)
    async with database.tx(account) as tx:
        group = await groups.create(tx, "VIP")
        await groups.add(tx, group.id, found[:3])
        tag = await tags.create(tx, "gold")
        await tags.add(tx, found[:2], [tag.id])

    assert await size(database, account, {"type": "group", "id": group.id}) == 3
    assert await size(database, account, {"type": "tag", "id": tag.id}) == 2
    assert await size(database, account, {"type": "contacts", "ids": [*found[:5], found[0]]}) == 5


@pytest.mark.parametrize(
    "audience",
    [
        {"type": "everyone"},
        {"type": "group", "id": 2**40},
        {"type": "group"},
        {"type": "group", "id": "1"},
        {"type": "tag", "id": 2**40},
        {"type": "contacts"},
        {"type": "contacts", "ids": []},
        {"type": "contacts", "ids": [2**40]},
        {"type": "contacts", "ids": list(range(1, 10_002))},
    ],
)
async def test_what_does_not_exist_is_refused(database: Database, account: int, audience: dict) -> None:
    with pytest.raises(Invalid):
        await size(database, account, audience)


async def test_nobody_reaches_another_accounts_people(database: Database, account: int, other_account: int) -> None:
    found = await world.contacts(database, account, NUMBERS[:2])
    async with database.tx(account) as tx:
        group = await groups.create(tx, "VIP")

    for audience in ({"type": "group", "id": group.id}, {"type": "contacts", "ids": found}):
        with pytest.raises(Invalid):
            await size(database, other_account, audience)
    assert await size(database, other_account, ALL) == 0


async def test_a_query_is_an_audience(database: Database, account: int) -> None:
    found = await world.contacts(database, account, NUMBERS)
    async with database.tx(account) as tx:
        await changing.set_fields(tx, {id: {"plan": "gold"} for id in found[:3]})
        await people.change_status(tx, [found[0]], "blocked")

    assert await size(database, account, {"type": "query", "query": "plan = gold OR tel = +40740000007"}) == 3


async def test_a_query_of_an_audience_must_be_readable(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        with pytest.raises(Invalid):
            await audiences.check(tx, {"type": "query", "query": "nosuch = 1"})


async def test_a_segment_is_an_audience_once_it_is_filled(database: Database, account: int) -> None:
    await world.contacts(database, account, NUMBERS)
    async with database.tx(account) as tx:
        group = await groups.create(tx, "Most", query="tel ~ 000")
        by_hand = await groups.create(tx, "Some")
        segment = {"type": "segment", "id": group.id}
        with pytest.raises(Conflict):
            await audiences.size(tx, await audiences.check(tx, segment), ["tel"], "sms", 1000)
        with pytest.raises(Invalid):
            await audiences.check(tx, {"type": "segment", "id": by_hand.id})

    await world.react(database)

    assert await size(database, account, segment) == 8


async def test_whoever_is_named_in_one_of_the_exclusions_is_left_out(database: Database, account: int) -> None:
    found = await world.contacts(database, account, NUMBERS)
    async with database.tx(account) as tx:
        staff = await groups.create(tx, "Staff")
        await groups.add(tx, staff.id, found[:2])
        tag = await tags.create(tx, "angry")
        await tags.add(tx, found[1:3], [tag.id])
    left_out = {"groups": [staff.id], "tags": [tag.id], "query": "tel = +40740000007"}

    sizes = [
        await size(database, account, {**ALL, "exclude": {name: left_out[name]}})
        for name in ("groups", "tags", "query")
    ]

    assert sizes == [6, 6, 7]
    assert await size(database, account, {**ALL, "exclude": left_out}) == 4


async def test_an_audience_by_query_or_group_leaves_people_out_too(database: Database, account: int) -> None:
    found = await world.contacts(database, account, NUMBERS)
    async with database.tx(account) as tx:
        most, staff = await groups.create(tx, "Most"), await groups.create(tx, "Staff")
        await groups.add(tx, most.id, found[:6])
        await groups.add(tx, staff.id, found[:2])
    left_out = {"exclude": {"groups": [staff.id]}}

    assert await size(database, account, {"type": "group", "id": most.id, **left_out}) == 4
    assert await size(database, account, {"type": "query", "query": "tel ~ 000", **left_out}) == 6


@pytest.mark.parametrize(
    ("left_out", "field"),
    [
        ({"groups": [2**40]}, "exclude.groups"),
        ({"tags": [2**40]}, "exclude.tags"),
        ({"campaigns": [2**40]}, "exclude.campaigns"),
        ({"query": "nosuch = 1"}, "exclude.query"),
        ({"days": 0}, "exclude.days"),
        ({"days": 366}, "exclude.days"),
    ],
)
async def test_exclusions_that_make_no_sense_are_refused(
    database: Database, account: int, left_out: dict, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await size(database, account, {**ALL, "exclude": left_out})

    assert set(refused.value.fields) == {field}


async def test_without_exclusions_an_audience_is_kept_as_before(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        assert await audiences.check(tx, {**ALL, "exclude": {"groups": [], "query": " "}}) == ALL


async def test_a_sample_is_about_its_share_and_always_the_same(database: Database, account: int) -> None:
    await world.contacts(database, account, [f"+4075{n:07d}" for n in range(1000)])

    async def part(seed: int) -> int:
        async with database.tx(account) as tx:
            sample = {**ALL, "sample": {"percent": 20, "seed": seed}}
            return await audiences.size(tx, sample, ["tel"], "sms", 1000)

    assert await part(7) == await part(7)
    assert 130 < await part(7) < 270
