"""Bulk actions on the page of contacts: whom a form means, what the page shows of it, who may."""

import re

import httpx2
import pytest

from trunkline.contacts import bulk, groups, people, tags
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database, Tx

pytestmark = pytest.mark.anyio


@pytest.fixture
async def token(ana: httpx2.AsyncClient) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', (await ana.get("/me")).text)
    assert found
    return found[1]


async def contacts(tx: Tx, *names: str) -> list[int]:
    return [(await people.create(tx, NewContact(name=name))).id for name in names]


async def done(database: Database, account: int) -> bulk.Action:
    async with database.tx(account) as tx:
        [action] = await bulk.all(tx)
        while await bulk.portion(tx, action.id):
            pass
        return await bulk.get(tx, action.id)


async def test_chosen_ones_are_tagged_and_the_page_offers_to_undo(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int
) -> None:
    async with database.tx(account) as tx:
        one, _ = await contacts(tx, "Ann", "Bob")

    await ana.post("/contacts/choice/tags", data={"csrf": token, "tag": "vip", "id": str(one)})
    page = await ana.get("/contacts")

    action = await done(database, account)
    assert (action.status, action.changed) == ("done", 1)
    assert "1 contact tagged." in page.text
    assert f'action="/contacts/actions/{action.id}/undo"' in page.text


async def test_all_means_whom_the_filters_of_the_page_leave(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int
) -> None:
    async with database.tx(account) as tx:
        await contacts(tx, "Ann", "Ann", "Bob")
    wanted = {"all": "1", "wanted.query": 'name = "Ann"'}

    await ana.post("/contacts/choice/tags", data={"csrf": token, "tag": "vip", **wanted})
    part = await ana.get("/contacts/actions?latest=1", headers={"HX-Request": "true"})

    assert 'data-hx-trigger="every 1s"' in part.text
    assert (await done(database, account)).changed == 2


async def test_the_group_that_is_looked_at_is_left(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int
) -> None:
    async with database.tx(account) as tx:
        group, [one, two] = await groups.create(tx, "Club"), await contacts(tx, "Ann", "Bob")
        await groups.add(tx, group.id, [one, two])

    page = await ana.get(f"/contacts?group={group.id}")
    await ana.post("/contacts/choice/leaving", data={"csrf": token, "wanted.group": str(group.id), "id": str(one)})

    assert "Take out of Club" in page.text
    async with database.tx(account) as tx:
        assert await groups.members(tx, group.id) == [two]


async def test_an_action_is_stopped_and_undone(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int
) -> None:
    async with database.tx(account) as tx:
        tag, _ = await tags.create(tx, "VIP"), await contacts(tx, "Ann", "Bob")
        action = await bulk.start(tx, "tag", tag.id, filter=people.Filter())
        await bulk.portion(tx, action.id, 1)

    await ana.post(f"/contacts/actions/{action.id}/stop", data={"csrf": token})
    page = await ana.get("/contacts/actions")
    await ana.post(f"/contacts/actions/{action.id}/undo", data={"csrf": token})

    assert "Stopped." in page.text
    async with database.tx(account) as tx:
        assert (await bulk.get(tx, action.id)).status == "undone"
        assert (await tags.get(tx, tag.id)).count == 0


@pytest.mark.parametrize("given", [{}, {"all": "1", "wanted.query": "name ="}], ids=["nobody", "unreadable"])
async def test_what_means_nobody_is_refused(
    ana: httpx2.AsyncClient, token: str, database: Database, account: int, given: dict[str, str]
) -> None:
    answer = await ana.post("/contacts/choice/removal", data={"csrf": token, **given})

    assert answer.status_code == 422
    async with database.tx(account) as tx:
        assert await bulk.all(tx) == []


async def test_nothing_was_done_yet(ana: httpx2.AsyncClient) -> None:
    page = await ana.get("/contacts/actions")

    assert page.status_code == 200
    assert "Nothing was done to many contacts yet." in page.text
