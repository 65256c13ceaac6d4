"""Campaigns: what groups get around dates."""

import pytest

from trunkline.campaigns import sequences
from trunkline.campaigns.sequences import Series
from trunkline.contacts import groups

pytestmark = pytest.mark.anyio


@pytest.fixture
async def campaign(database, account, group) -> Series:
    async with database.tx(account) as tx:
        return await sequences.create(tx, "Reminders", group.id)


async def test_a_campaign_is_told_with_its_group(api, campaign, group):
    answer = await api.get("/campaigns.json")

    [told] = answer.json()["results"]
    assert list(told) == ["uuid", "name", "archived", "group", "created_on"]
    assert told == {
        "uuid": str(campaign.uuid),
        "name": "Reminders",
        "archived": False,
        "group": {"uuid": str(group.uuid), "name": "Reporters"},
        "created_on": campaign.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


async def test_one_is_found_by_uuid(api, database, account, campaign, group):
    async with database.tx(account) as tx:
        await sequences.create(tx, "Others", group.id)

    found = (await api.get(f"/campaigns.json?uuid={campaign.uuid}")).json()["results"]
    nothing = (await api.get(f"/campaigns.json?uuid={group.uuid}")).json()["results"]

    assert [each["name"] for each in found] == ["Reminders"]
    assert nothing == []


async def test_the_newest_comes_first_and_dates_do_not_matter(api, database, account, campaign, group):
    async with database.tx(account) as tx:
        await sequences.create(tx, "Others", group.id)

    answer = await api.get("/campaigns.json?after=2100-01-01&before=junk&reverse=true")

    assert [each["name"] for each in answer.json()["results"]] == ["Others", "Reminders"]


async def test_a_campaign_is_made_for_a_group_by_name(api, group):
    answer = await api.post("/campaigns.json", json={"name": " Reminders ", "group": "rePorters"})

    assert answer.status_code == 201
    assert (answer.json()["name"], answer.json()["group"]["uuid"]) == ("Reminders", str(group.uuid))


async def test_a_campaign_gets_another_name_and_group(api, database, account, campaign, smart):
    body = {"name": "New name", "group": str(smart.uuid)}

    answer = await api.post(f"/campaigns.json?uuid={campaign.uuid}", json=body)

    assert answer.status_code == 200
    assert (answer.json()["uuid"], answer.json()["name"]) == (str(campaign.uuid), "New name")
    assert answer.json()["group"] == {"uuid": str(smart.uuid), "name": "Tall"}


async def test_the_own_name_may_stay(api, campaign, group):
    answer = await api.post(f"/campaigns.json?uuid={campaign.uuid}", json={"name": "REMINDERS", "group": "Reporters"})

    assert (answer.status_code, answer.json()["name"]) == (200, "REMINDERS")


async def test_an_archived_one_is_neither_listed_nor_changed(api, database, account, campaign):
    async with database.tx(account) as tx:
        await sequences.archive(tx, [campaign.id])

    listed = await api.get("/campaigns.json")
    changed = await api.post(f"/campaigns.json?uuid={campaign.uuid}", json={"name": "A", "group": "Reporters"})

    assert listed.json()["results"] == []
    assert (changed.status_code, changed.json()) == (404, {"detail": "Not found."})


async def test_those_of_others_are_unknown(api, database, other_account):
    async with database.tx(other_account) as tx:
        theirs = await sequences.create(tx, "Theirs", (await groups.create(tx, "Them")).id)

    listed = (await api.get(f"/campaigns.json?uuid={theirs.uuid}")).json()["results"]
    changed = await api.post(f"/campaigns.json?uuid={theirs.uuid}", json={"name": "A", "group": "Them"})

    assert listed == []
    assert (changed.status_code, changed.json()) == (404, {"detail": "Not found."})


async def test_several_problems_are_told_at_once(api):
    answer = await api.post("/campaigns.json", json={"name": "", "group": "nope"})

    assert answer.status_code == 400
    assert answer.json() == {"name": ["This field may not be blank."], "group": ["No such object: nope"]}


async def test_there_is_no_delete(api, campaign):
    answer = await api.delete(f"/campaigns.json?uuid={campaign.uuid}")

    assert (answer.status_code, answer.json()) == (405, {"detail": 'Method "DELETE" not allowed.'})
