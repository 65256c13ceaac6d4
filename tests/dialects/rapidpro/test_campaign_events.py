"""Events of campaigns: messages and flows around dates."""

from typing import Any

import asyncpg
import pytest

from tests import talks, world
from trunkline.accounts import settings
from trunkline.campaigns import sequences
from trunkline.campaigns.sequences import Series
from trunkline.contacts import fields, groups
from trunkline.flows.stored import Stored

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory):
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def connection(database):
    connection = await asyncpg.connect(database.dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def campaign(database, account, group) -> Series:
    async with database.tx(account) as tx:
        await fields.create(tx, "EDD", "datetime")
        await fields.create(tx, "Nick")
        return await sequences.create(tx, "Reminders", group.id)


@pytest.fixture
async def survey(database, account) -> Stored:
    return await talks.save(database, account, talks.definition(talks.node(talks.say("Hi")), name="Survey"))


@pytest.fixture
def wanted(campaign) -> dict[str, Any]:
    return {
        "campaign": str(campaign.uuid),
        "relative_to": "edd",
        "offset": -2,
        "unit": "days",
        "delivery_hour": 9,
        "message": "Two days to go",
    }


async def test_an_event_sends_a_message(api, campaign, wanted):
    answer = await api.post("/campaign_events.json", json=wanted)

    assert answer.status_code == 201
    told = answer.json()
    order = "uuid campaign relative_to offset unit delivery_hour flow message created_on"
    assert list(told) == order.split()
    assert {**told, "uuid": "", "created_on": ""} == {
        "uuid": "",
        "campaign": {"uuid": str(campaign.uuid), "name": "Reminders"},
        "relative_to": {"key": "edd", "name": "EDD", "label": "EDD"},
        "offset": -2,
        "unit": "days",
        "delivery_hour": 9,
        "flow": None,
        "message": {"eng": "Two days to go"},
        "created_on": "",
    }


async def test_an_event_starts_a_flow(api, campaign, wanted, survey):
    del wanted["message"]
    wanted |= {"relative_to": "created_on", "unit": "hours", "delivery_hour": -1, "flow": str(survey.uuid)}

    answer = await api.post("/campaign_events.json", json=wanted)

    assert answer.status_code == 201
    assert answer.json()["flow"] == {"uuid": str(survey.uuid), "name": "Survey"}
    assert answer.json()["message"] is None
    assert answer.json()["relative_to"] == {"key": "created_on", "name": "Created On", "label": "Created On"}


async def test_a_message_comes_in_several_languages(api, database, account, wanted):
    async with database.tx(account) as tx:
        await settings.put(tx, {"languages": "fra,eng"})
    missing = {**wanted, "message": {"eng": "Two"}}
    whole = {**wanted, "message": {"eng": "Two", "fra": "Deux"}}

    refused = await api.post("/campaign_events.json", json=missing)
    made = await api.post("/campaign_events.json", json=whole)

    assert refused.json() == {"message": ["Message text in default flow language is required."]}
    assert made.json()["message"] == {"eng": "Two", "fra": "Deux"}


async def test_a_change_keeps_the_uuid_and_may_leave_out_the_campaign(api, database, wanted, survey):
    made = (await api.post("/campaign_events.json", json=wanted)).json()
    await world.react(database)
    del wanted["message"], wanted["campaign"]

    changed = await api.post(
        f"/campaign_events.json?uuid={made['uuid']}",
        json={**wanted, "offset": "5", "flow": str(survey.uuid), "message": None},
    )

    assert changed.status_code == 200
    assert (changed.json()["uuid"], changed.json()["campaign"]) == (made["uuid"], made["campaign"])
    assert (changed.json()["offset"], changed.json()["message"]) == (5, None)
    assert changed.json()["flow"]["name"] == "Survey"


async def test_what_is_being_scheduled_cannot_be_changed(api, database, wanted):
    made = (await api.post("/campaign_events.json", json=wanted)).json()

    early = await api.post(f"/campaign_events.json?uuid={made['uuid']}", json=wanted)
    await world.react(database)
    later = await api.post(f"/campaign_events.json?uuid={made['uuid']}", json=wanted)

    assert early.status_code == 400
    assert early.json() == {"non_field_errors": ["Cannot modify events which are currently being scheduled."]}
    assert later.status_code == 200


async def test_an_event_stays_in_its_campaign(api, database, account, wanted, group):
    made = (await api.post("/campaign_events.json", json=wanted)).json()
    async with database.tx(account) as tx:
        other = await sequences.create(tx, "Others", group.id)

    answer = await api.post(f"/campaign_events.json?uuid={made['uuid']}", json={**wanted, "campaign": str(other.uuid)})

    assert (answer.status_code, answer.json()) == (400, {"campaign": ["Cannot change campaign for existing events"]})


async def test_events_are_found_by_uuid_and_campaign(api, database, account, campaign, wanted, group):
    made = (await api.post("/campaign_events.json", json=wanted)).json()
    async with database.tx(account) as tx:
        other = await sequences.create(tx, "Others", group.id)
    await api.post("/campaign_events.json", json={**wanted, "campaign": str(other.uuid)})

    async def number(query: str) -> int:
        return len((await api.get(f"/campaign_events.json?{query}")).json()["results"])

    assert [
        await number(""),
        await number(f"uuid={made['uuid']}"),
        await number(f"campaign={campaign.uuid}"),
        await number("campaign=Reminders"),
        await number("campaign=reminders"),
        await number("campaign=xyz"),
        await number(f"uuid={campaign.uuid}"),
    ] == [2, 1, 1, 1, 0, 0, 0]


async def test_those_of_an_archived_campaign_are_gone(api, database, account, campaign, wanted):
    made = (await api.post("/campaign_events.json", json=wanted)).json()
    async with database.tx(account) as tx:
        await sequences.archive(tx, [campaign.id])

    created = await api.post("/campaign_events.json", json=wanted)

    assert created.json() == {"campaign": [f"No such object: {campaign.uuid}"]}
    assert (await api.get("/campaign_events.json")).json()["results"] == []
    assert (await api.delete(f"/campaign_events.json?uuid={made['uuid']}")).status_code == 404


async def test_a_deleted_event_is_gone(api, wanted):
    made = (await api.post("/campaign_events.json", json=wanted)).json()

    codes = [(await api.delete(f"/campaign_events.json?uuid={made['uuid']}")).status_code for _ in range(2)]

    assert codes == [204, 404]
    assert (await api.get("/campaign_events.json")).json()["results"] == []


async def test_those_of_others_are_unknown(api, database, other_account, wanted):
    async with database.tx(other_account) as tx:
        theirs = await sequences.create(tx, "Theirs", (await groups.create(tx, "Them")).id)
        point = await sequences.add_point(
            tx, theirs.id, sequences.NewPoint(relative_to="created_on", distance=1, unit="days", message={"eng": "Hi"})
        )

    made = await api.post("/campaign_events.json", json={**wanted, "campaign": str(theirs.uuid)})

    assert made.json() == {"campaign": [f"No such object: {theirs.uuid}"]}
    assert (await api.get(f"/campaign_events.json?uuid={point.uuid}")).json()["results"] == []
    assert (await api.delete(f"/campaign_events.json?uuid={point.uuid}")).status_code == 404


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"offset": 1e99}, {"offset": ["A valid integer is required."]}),
        ({"offset": 100_001}, {"offset": ["Ensure this value is less than or equal to 100000."]}),
        ({"offset": "soon"}, {"offset": ["A valid integer is required."]}),
        ({"offset": True}, {"offset": ["A valid integer is required."]}),
        ({"unit": "fortnight"}, {"unit": ['"fortnight" is not a valid choice.']}),
        ({"delivery_hour": 24}, {"delivery_hour": ["Ensure this value is less than or equal to 23."]}),
        ({"delivery_hour": -2}, {"delivery_hour": ["Ensure this value is greater than or equal to -1."]}),
        ({"message": None}, {"non_field_errors": ["Flow or a message text required."]}),
        ({"message": ""}, {"message": {"eng": ["This field may not be blank."]}}),
        ({"message": {}}, {"message": ["This dictionary may not be empty."]}),
        ({"message": {"base": "Hi"}}, {"message": {"base": ["Not an allowed ISO 639-3 language code."]}}),
        ({"message": "x" * 4097}, {"message": {"eng": ["Ensure this field has no more than 4096 characters."]}}),
        ({"relative_to": "nope"}, {"relative_to": ["No such object: nope"]}),
        ({"relative_to": "nick"}, {"relative_to": ["Not a field of dates: nick"]}),
        ({"flow": "nope"}, {"flow": ["No such object: nope"]}),
        ({"campaign": "Reminders"}, {"campaign": ["No such object: Reminders"]}),
    ],
    ids=lambda value: repr(value)[:50],
)
async def test_an_event_that_cannot_be(api, wanted, changed, problem):
    """Line 49 of the list of bad inputs."""
    answer = await api.post("/campaign_events.json", json={**wanted, **changed})

    assert (answer.status_code, answer.json()) == (400, problem)


async def test_both_a_flow_and_a_message_are_too_much(api, wanted, survey):
    answer = await api.post("/campaign_events.json", json={**wanted, "flow": str(survey.uuid)})

    assert answer.json() == {"non_field_errors": ["Flow or a message text required."]}


async def test_all_that_is_missing_is_told(api):
    answer = await api.post("/campaign_events.json", json={})

    names = ["campaign", "relative_to", "offset", "unit", "delivery_hour"]
    assert answer.json() == {name: ["This field is required."] for name in names}
