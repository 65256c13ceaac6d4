"""Flows with all that belongs to them: into a workspace, changed there, and out again."""

from typing import Any

import pytest

from tests import talks, world
from tests.flows import generating
from trunkline.campaigns import sequences, transfers
from trunkline.contacts import fields, groups
from trunkline.core.db import Database
from trunkline.flows import endings, revisions, stored, triggers
from trunkline.flows.triggers import NewTrigger

pytestmark = pytest.mark.anyio


def envelope(flow: dict[str, Any], **more: Any) -> dict[str, Any]:
    group = {"uuid": talks.uuid(), "name": "Guests"}
    reference = {"uuid": flow["uuid"], "name": flow["name"]}
    return {
        "version": "13",
        "site": "https://elsewhere.example",
        "flows": [flow],
        "groups": [{**group, "query": None}],
        "fields": [
            {"key": "drink", "name": "Drink", "type": "text"},
            {"key": "edd", "name": "EDD", "type": "datetime"},
        ],
        "triggers": [
            {
                "trigger_type": "K",
                "flow": reference,
                "keywords": ["thirsty"],
                "match_type": "F",
                "groups": [group],
                "exclude_groups": [],
            }
        ],
        "campaigns": [
            {
                "uuid": talks.uuid(),
                "name": "Visits",
                "group": group,
                "events": [
                    {
                        "uuid": talks.uuid(),
                        "offset": -2,
                        "unit": "D",
                        "event_type": "F",
                        "delivery_hour": 9,
                        "message": None,
                        "relative_to": {"label": "EDD", "key": "edd"},
                        "start_mode": "S",
                        "flow": reference,
                    }
                ],
            }
        ],
        **more,
    }


async def bring(database: Database, account: int, file: dict[str, Any], **options: Any) -> dict[str, Any]:
    async with database.tx(account) as tx:
        return await transfers.import_file(tx, file, **options)


async def test_a_file_brings_all_that_its_flows_need(database: Database, account: int) -> None:
    result = await bring(database, account, envelope(talks.drinks()))

    assert [(flow["name"], flow["action"], flow["valid"]) for flow in result["flows"]] == [("Drinks", "created", True)]
    async with database.tx(account) as tx:
        flow = await stored.find(tx, "drinks")
        group = await groups.find(tx, "Guests")
        assert flow
        assert group
        [trigger] = await triggers.all_of(tx)
        assert (trigger.flow_id, trigger.keywords, trigger.groups) == (flow.id, ["thirsty"], [group.id])
        [sequence] = await sequences.all_of(tx)
        [point] = await sequences.points(tx, [sequence.id])
        assert (point.distance, point.unit, point.start_mode, point.flow_id) == (-2, "days", "skip", flow.id)
        assert [field.key for field in await fields.all(tx)] == ["drink", "edd"]


async def test_a_dry_run_changes_nothing(database: Database, account: int) -> None:
    file = envelope(talks.definition(talks.node(talks.act("enter_flow", flow={"uuid": talks.uuid(), "name": "Gone"}))))

    result = await bring(database, account, file, dry_run=True)

    assert "missing_dependency" in [issue["type"] for issue in result["issues"]]
    async with database.tx(account) as tx:
        assert (await stored.page(tx), await groups.all(tx), await fields.all(tx)) == ([], [], [])


async def test_the_same_file_again_updates(database: Database, account: int) -> None:
    file = envelope(talks.drinks())
    await bring(database, account, file)
    file["flows"][0]["nodes"][0]["actions"][0]["text"] = "Tea, coffee or juice?"

    result = await bring(database, account, file)

    assert [flow["action"] for flow in result["flows"]] == ["updated"]
    async with database.tx(account) as tx:
        [flow] = await stored.page(tx)
        assert flow.revision == 2
        assert len(await triggers.all_of(tx)) == len(await sequences.all_of(tx)) == 1


async def test_an_archived_flow_comes_back(database: Database, account: int) -> None:
    file = envelope(talks.drinks())
    await bring(database, account, file)
    async with database.tx(account) as tx:
        [flow] = await stored.page(tx)
        await endings.archive(tx, [flow.id])

    await bring(database, account, file)

    async with database.tx(account) as tx:
        assert [flow.archived for flow in await stored.page(tx)] == [False]


async def test_what_comes_out_goes_in_elsewhere(database: Database, account: int, other_account: int) -> None:
    flow = talks.drinks(_ui={"nodes": {}, "stickies": {"a": {"title": "Ünïcode", "n": 1.50}}})
    await bring(database, account, envelope(flow))

    async with database.tx(account) as tx:
        file = await transfers.export_file(tx)
    await bring(database, other_account, file)
    async with database.tx(other_account) as tx:
        again = await transfers.export_file(tx)

    assert [shape(file), shape(again)] == [shape(file)] * 2
    assert again["flows"][0]["_ui"]["stickies"] != {}


def shape(file: dict[str, Any]) -> dict[str, Any]:
    """A file without what is made up anew by each import."""
    return {
        "flows": [
            (flow["name"], [[action.get("text") for action in node["actions"]] for node in flow["nodes"]])
            for flow in file["flows"]
        ],
        "fields": file["fields"],
        "groups": [group["name"] for group in file["groups"]],
        "triggers": [(trigger["trigger_type"], trigger["keywords"]) for trigger in file["triggers"]],
        "campaigns": [(one["name"], [event["offset"] for event in one["events"]]) for one in file["campaigns"]],
    }


async def test_a_definition_comes_back_as_it_was_saved(database: Database, account: int) -> None:
    flow = talks.drinks(_ui={"nodes": {talks.uuid(): {"position": {"left": 10, "top": 20.25}}}}, vars=["x"])

    kept = await talks.save(database, account, flow)

    async with database.tx(account) as tx:
        assert await revisions.definition(tx, kept.id) == {**flow, "revision": 1}


async def test_saving_the_same_makes_no_revision(database: Database, account: int) -> None:
    flow = talks.drinks()
    await talks.save(database, account, flow)

    again = await talks.save(database, account, {**flow, "revision": 9})

    assert again.revision == 1


async def test_a_broken_definition_is_kept_and_not_run(database: Database, account: int) -> None:
    await world.simulator(database, account)
    node = talks.node(talks.say("Hi"), to=talks.uuid())

    kept = await talks.save(database, account, talks.definition(node))

    assert (kept.valid, kept.info["issues"][0]["type"]) == (False, "invalid_flow")


async def test_a_schedule_without_times_is_left_out_and_told(database: Database, account: int) -> None:
    file = envelope(talks.drinks())
    file["triggers"][0] |= {"trigger_type": "S", "keywords": None}

    result = await bring(database, account, file)

    assert [issue["type"] for issue in result["issues"]] == ["trigger_left_out"]
    async with database.tx(account) as tx:
        assert await triggers.all_of(tx) == []


async def scheduled(database: Database, account: int, **more: Any) -> dict[str, Any]:
    """The export of a workspace with one flow, started by a schedule of mornings in Kigali."""
    flow = await talks.save(database, account, talks.definition(talks.node(talks.say("Good morning"))))
    async with database.tx(account) as tx:
        group = await groups.create(tx, "Guests")
        new = NewTrigger(
            kind="schedule", flow_id=flow.id, groups=[group.id], cron="0 9 * * 1-5", timezone="Africa/Kigali", **more
        )
        await triggers.create(tx, new)
        return await transfers.export_file(tx)


async def test_a_schedule_of_ours_comes_along_with_its_times(
    database: Database, account: int, other_account: int
) -> None:
    file = await scheduled(database, account)

    result = await bring(database, other_account, file)

    assert result["issues"] == []
    async with database.tx(other_account) as tx:
        [trigger] = await triggers.all_of(tx)
        assert (trigger.kind, trigger.cron) == ("schedule", "0 9 * * 1-5")
        assert await triggers.zones(tx, [trigger]) == {trigger.id: "Africa/Kigali"}


async def test_the_same_schedule_again_is_no_second_one(database: Database, account: int, other_account: int) -> None:
    file = await scheduled(database, account)

    for _ in range(2):
        await bring(database, other_account, file)

    async with database.tx(other_account) as tx:
        assert len(await triggers.all_of(tx)) == 1


async def test_single_contacts_of_a_schedule_are_told_to_be_forgotten(
    database: Database, account: int, other_account: int
) -> None:
    file = await scheduled(database, account, contacts=await world.contacts(database, account, ["+40740111222"]))

    result = await bring(database, other_account, file)

    assert [issue["type"] for issue in result["issues"]] == ["contacts_left_out"]


@pytest.mark.parametrize(
    "ours",
    [
        None,
        [],
        {},
        {"schedule": {"cron": 5}},
        {"schedule": {"cron": "often"}},
        {"schedule": {"cron": "0 9 * * *", "timezone": "Mars/Olympus"}},
        {"schedule": {"cron": "0 9 * * *", "timezone": "../etc/passwd"}},
        {"schedule": {"cron": "0 9 30 2 *"}},
    ],
)
async def test_times_that_make_no_sense_are_left_out_and_told(database: Database, account: int, ours: Any) -> None:
    file = envelope(talks.drinks())
    file["triggers"][0] |= {"trigger_type": "S", "keywords": None, "_trunkline": ours}

    result = await bring(database, account, file)

    assert [issue["type"] for issue in result["issues"]] == ["trigger_left_out"]


async def test_a_schedule_for_nobody_is_left_out_and_told(database: Database, account: int) -> None:
    file = envelope(talks.drinks())
    ours = {"schedule": {"cron": "0 9 * * *"}, "contacts": 2}
    file["triggers"][0] |= {"trigger_type": "S", "keywords": None, "groups": [], "_trunkline": ours}

    result = await bring(database, account, file)

    assert [issue["type"] for issue in result["issues"]] == ["trigger_left_out"]


async def test_a_megabyte_of_flows_comes_in_talks_and_goes_out(
    database: Database, account: int, other_account: int
) -> None:
    channel = await world.simulator(database, account)
    file = generating.export(1_000_000)
    first = next(flow for flow in file["flows"] if flow["type"] == "messaging")
    file["triggers"][0]["groups"] = []

    result = await bring(database, account, file)
    for text in ("join", "", "tea"):
        await world.say(database, channel, "+40740111222", text)
        await world.react(database)
    async with database.tx(account) as tx:
        exported = await transfers.export_file(tx)
    again = await bring(database, other_account, exported)

    assert {change["action"] for change in result["flows"]} == {"created"}
    assert [flow["nodes"] != [] and flow["_ui"] != {} for flow in exported["flows"]] == [True] * len(file["flows"])
    assert {change["action"] for change in again["flows"]} == {"created"}
    assert sum(steps for _, steps in await talks.runs(database, account)) > 1
    assert first["name"] in {flow["name"] for flow in exported["flows"]}


@pytest.mark.parametrize("keywords", [[], ["two words"], ["averyveryverylongword"], ["\0"]])
async def test_keywords_that_cannot_be_are_left_out_and_told_beforehand(
    database: Database, account: int, keywords: list[str]
) -> None:
    file = envelope(talks.drinks())
    file["triggers"][0]["keywords"] = keywords

    foretold = await bring(database, account, file, dry_run=True)
    result = await bring(database, account, file)

    assert [issue["type"] for issue in foretold["issues"]] == ["trigger_left_out"]
    assert [issue["type"] for issue in result["issues"]] == ["trigger_left_out"]
    async with database.tx(account) as tx:
        assert await triggers.all_of(tx) == []


@pytest.mark.parametrize("broken", [{"language": "klingon"}, {"type": "odd"}])
async def test_a_flow_whose_head_is_broken_is_kept_and_told_beforehand(
    database: Database, account: int, broken: dict[str, Any]
) -> None:
    file = envelope(talks.drinks(**broken), triggers=[], campaigns=[])

    foretold = await bring(database, account, file, dry_run=True)
    result = await bring(database, account, file)

    assert [change["valid"] for change in foretold["flows"]] == [False]
    assert [change["valid"] for change in result["flows"]] == [False]
    async with database.tx(account) as tx:
        assert [flow.valid for flow in await stored.page(tx)] == [False]
