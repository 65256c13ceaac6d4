"""Definitions: flows and campaigns as a file."""

from decimal import Decimal

import msgspec
import pytest

from tests import talks
from trunkline.campaigns import sequences
from trunkline.campaigns.sequences import NewPoint, Series
from trunkline.contacts import fields
from trunkline.flows import endings, triggers
from trunkline.flows.stored import Stored
from trunkline.flows.triggers import NewTrigger

pytestmark = pytest.mark.anyio

EMPTY = {"flows": [], "campaigns": [], "triggers": [], "fields": [], "groups": []}


@pytest.fixture
async def child(database, account) -> Stored:
    return await talks.save(database, account, talks.drinks())


@pytest.fixture
async def parent(database, account, child) -> Stored:
    enter = talks.act("enter_flow", flow={"uuid": str(child.uuid), "name": child.name})
    return await talks.save(database, account, talks.definition(talks.node(enter), name="Parent"))


@pytest.fixture
async def campaign(database, account, group, child) -> Series:
    async with database.tx(account) as tx:
        await fields.create(tx, "EDD", "datetime")
        await fields.create(tx, "Drink")
        await fields.create(tx, "Unused")
        series = await sequences.create(tx, "Reminders", group.id)
        await sequences.add_point(tx, series.id, NewPoint(relative_to="edd", distance=1, unit="days", flow_id=child.id))
        await triggers.create(tx, NewTrigger(kind="keyword", flow_id=child.id, keywords=["drink"]))
        return series


def names(file) -> dict[str, list[str]]:
    return {
        "flows": sorted(each["name"] for each in file["flows"]),
        "campaigns": [each["name"] for each in file["campaigns"]],
        "triggers": [each["flow"]["name"] for each in file["triggers"]],
        "fields": sorted(each["key"] for each in file["fields"]),
        "groups": [each["name"] for each in file["groups"]],
    }


async def test_nothing_asked_for_is_nothing(api, parent):
    answer = await api.get("/definitions.json")

    assert answer.json() == {"version": "13", "site": "http://127.0.0.1", **EMPTY}


async def test_a_flow_comes_with_all_that_it_needs(api, parent, campaign):
    file = (await api.get(f"/definitions.json?flow={parent.uuid}")).json()

    assert names(file) == {
        "flows": ["Drinks", "Parent"],
        "campaigns": ["Reminders"],
        "triggers": ["Drinks"],
        "fields": ["drink", "edd"],
        "groups": ["Reporters"],
    }


async def test_flows_may_come_with_flows_and_triggers_alone(api, parent, campaign):
    file = (await api.get(f"/definitions.json?flow={parent.uuid}&dependencies=flows")).json()

    assert names(file) == {
        "flows": ["Drinks", "Parent"], "campaigns": [], "triggers": ["Drinks"], "fields": [], "groups": [],
    }  # fmt: skip


async def test_flows_may_come_alone(api, parent, child, campaign):
    address = f"/definitions.json?flow={parent.uuid}&flow={child.uuid}&campaign={campaign.uuid}&dependencies=none"

    file = (await api.get(address)).json()

    assert names(file) == {
        "flows": ["Drinks", "Parent"], "campaigns": ["Reminders"], "triggers": [], "fields": [], "groups": [],
    }  # fmt: skip


async def test_a_campaign_comes_with_its_flows(api, campaign):
    file = (await api.get(f"/definitions.json?campaign={campaign.uuid}")).json()

    assert (names(file)["campaigns"], names(file)["flows"]) == (["Reminders"], ["Drinks"])
    [event] = file["campaigns"][0]["events"]
    assert (event["event_type"], event["unit"], event["relative_to"]["key"]) == ("F", "D", "edd")


async def test_an_archived_flow_is_found_by_name_of_its_uuid(api, database, account, child):
    async with database.tx(account) as tx:
        await endings.archive(tx, [child.id])

    file = (await api.get(f"/definitions.json?flow={child.uuid}")).json()

    assert names(file)["flows"] == ["Drinks"]


async def test_flows_of_others_are_unknown(api, database, other_account):
    theirs = await talks.save(database, other_account, talks.definition())

    file = (await api.get(f"/definitions.json?flow={theirs.uuid}")).json()

    assert file["flows"] == []


async def test_numbers_come_out_as_they_went_in(api, database, account):
    flow = await talks.save(database, account, talks.definition(_ui={"zoom": 1.25}))

    file = msgspec.json.decode((await api.get(f"/definitions.json?flow={flow.uuid}")).content)

    assert file["flows"][0]["_ui"] == {"zoom": float(Decimal("1.25"))}


async def test_it_is_no_list_for_programs_that_forget_the_suffix(api):
    answer = await api.get("/definitions", headers={"accept": "application/json"})

    assert answer.content == b"{}"
