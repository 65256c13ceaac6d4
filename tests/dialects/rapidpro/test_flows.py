"""Flows as they are listed."""

from datetime import timedelta

import pytest

from tests import talks
from trunkline.flows import endings
from trunkline.flows.stored import Stored

pytestmark = pytest.mark.anyio


@pytest.fixture
async def drinks(database, account) -> Stored:
    return await talks.save(database, account, talks.drinks())


async def test_a_flow_tells_what_it_saves_and_who_is_in_it(api, database, account, drinks, connection):
    await connection.execute(
        "insert into flow_runs (account_id, uuid, flow_id, contact_id, session, status)"
        " select $1, gen_random_uuid(), $2, 1, gen_random_uuid(), unnest(array['waiting', 'waiting', 'expired'])",
        account,
        drinks.id,
    )

    [told] = (await api.get("/flows.json")).json()["results"]

    order = "uuid name type archived labels expires runs results parent_refs created_on modified_on"
    assert list(told) == order.split()
    assert (told["uuid"], told["name"], told["type"]) == (str(drinks.uuid), "Drinks", "message")
    assert (told["archived"], told["labels"], told["expires"], told["parent_refs"]) == (False, [], 60, [])
    assert told["runs"] == {
        "active": 0, "waiting": 2, "completed": 0, "interrupted": 0, "expired": 1, "failed": 0,
    }  # fmt: skip
    [result] = told["results"]
    assert (result["key"], result["name"]) == ("drink", "Drink")
    assert result["categories"] == ["Tea", "Coffee", "Other", "No Response"]
    assert len(result["node_uuids"]) == 1


@pytest.mark.parametrize(
    ("ours", "theirs", "expires"),
    [("messaging", "message", 60), ("messaging_background", "background", 0), ("messaging_offline", "survey", 0)],
)
async def test_types_have_other_names_here(api, database, account, ours, theirs, expires):
    await talks.save(database, account, talks.definition(type=ours))

    [told] = (await api.get(f"/flows.json?type={theirs}")).json()["results"]

    assert (told["type"], told["expires"]) == (theirs, expires)


async def test_flows_are_filtered(api, database, account, drinks):
    gone = await talks.save(database, account, talks.definition(name="Gone"))
    async with database.tx(account) as tx:
        await endings.archive(tx, [gone.id])
    past = (drinks.modified_at - timedelta(days=1)).isoformat()

    async def names(**query: str) -> list[str]:
        return [each["name"] for each in (await api.get("/flows.json", params=query)).json()["results"]]

    assert await names() == ["Gone", "Drinks"]
    assert await names(archived="true") == ["Gone"]
    assert await names(archived="0") == ["Drinks"]
    assert await names(uuid=str(drinks.uuid)) == ["Drinks"]
    assert await names(type="voice") == []
    assert await names(type="junk") == []
    assert await names(before=past) == []
    assert await names(after=past) == ["Gone", "Drinks"]
    assert await names(after="junk") == []


async def test_flows_of_others_are_not_shown(api, database, other_account):
    theirs = await talks.save(database, other_account, talks.definition())

    answer = await api.get(f"/flows.json?uuid={theirs.uuid}")

    assert answer.json()["results"] == []


async def test_many_flows_are_walked(api, account, connection):
    await connection.execute(
        """
        insert into flows (account_id, uuid, name, name_key, type, spec)
        select $1, gen_random_uuid(), 'Flow ' || n, 'flow ' || n, 'messaging', '14' from generate_series(1, 505) n
        """,
        account,
    )

    first = (await api.get("/flows.json")).json()
    second = (await api.get(first["next"])).json()
    third = (await api.get(second["next"])).json()
    back = (await api.get(third["previous"])).json()

    assert [len(page["results"]) for page in (first, second, third)] == [250, 250, 5]
    assert len({each["uuid"] for page in (first, second, third) for each in page["results"]}) == 505
    assert back["results"] == second["results"]
    assert third["next"] is None
