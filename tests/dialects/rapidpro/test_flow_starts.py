"""Starts of flows, from the request to the contacts who are in."""

import asyncpg
import pytest

from tests import talks, world
from trunkline.accounts import settings
from trunkline.contacts import people
from trunkline.core import urns
from trunkline.flows import endings, starts
from trunkline.flows.starts import NewStart
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
async def survey(database, account) -> Stored:
    return await talks.save(
        database, account, talks.definition(talks.node(talks.say("Hi @trigger.params.first_name")), name="Survey")
    )


async def test_a_start_reaches_everybody(api, database, account, survey, ann, group):
    await world.simulator(database, account)

    answer = await api.post(
        "/flow_starts.json",
        json={
            "flow": str(survey.uuid),
            "groups": [str(group.uuid)],
            "contacts": [str(ann.uuid)],
            "urns": ["tel:+250788000001"],
            "params": {"first_name": "Ryan"},
        },
    )
    await world.react(database)
    [later] = (await api.get(f"/flow_starts.json?uuid={answer.json()['uuid']}")).json()["results"]

    assert answer.status_code == 201
    told = answer.json()
    order = "uuid flow status progress groups contacts params created_on modified_on id extra restart_participants"
    assert list(told) == [*order.split(), "exclude_active"]
    assert told["flow"] == {"uuid": str(survey.uuid), "name": "Survey"}
    assert (told["status"], told["progress"]) == ("pending", {"total": -1, "started": 0})
    assert told["groups"] == [{"uuid": str(group.uuid), "name": "Reporters"}]
    assert {"uuid": str(ann.uuid), "name": "Ann"} in told["contacts"]
    assert told["params"] == told["extra"] == {"first_name": "Ryan"}
    assert (told["restart_participants"], told["exclude_active"]) == (True, False)
    assert (later["progress"], later["id"]) == ({"total": 2, "started": 2}, told["id"])
    assert await talks.said(database, account) == ["Hi Ryan", "Hi Ryan"]


async def test_an_unknown_address_becomes_a_contact(api, database, account, survey):
    answer = await api.post("/flow_starts.json", json={"flow": str(survey.uuid), "urns": ["tel:+250788000001"]})

    async with database.tx(account) as tx:
        made = await people.find(tx, urns.parse("tel:+250788000001"))
    assert made is not None
    assert answer.json()["contacts"] == [{"uuid": str(made.uuid), "name": None}]


@pytest.mark.parametrize("sent", [(0, 1), (False, True), ("no", "yes")])
async def test_who_is_left_out(api, survey, ann, sent):
    restart, exclude = sent

    answer = await api.post(
        "/flow_starts.json",
        json={
            "flow": str(survey.uuid),
            "contacts": ["tel:+250788123123"],
            "restart_participants": restart,
            "exclude_active": exclude,
        },
    )

    assert (answer.json()["restart_participants"], answer.json()["exclude_active"]) == (False, True)


async def test_older_params_are_made_plain(api, survey, ann):
    extra = {"first name!": "x" * 700, "list": ["a", None, {"b-c": 1.5}], "flag": True}

    answer = await api.post(
        "/flow_starts.json", json={"flow": str(survey.uuid), "contacts": [str(ann.uuid)], "extra": extra}
    )

    assert answer.json()["params"] == {
        "first_name_": "x" * 640,
        "list": {"0": "a", "1": "", "2": {"b_c": 1.5}},
        "flag": True,
    }


async def test_older_params_are_cut_at_256(api, survey, ann):
    extra = {"list": list(range(500))}

    answer = await api.post(
        "/flow_starts.json", json={"flow": str(survey.uuid), "contacts": [str(ann.uuid)], "extra": extra}
    )

    assert len(answer.json()["params"]["list"]) == 255


async def test_params_win_and_stay_as_they_are(api, survey, ann):
    params = {"a b": [1, None, "x" * 1000]}

    answer = await api.post(
        "/flow_starts.json",
        json={"flow": str(survey.uuid), "contacts": [str(ann.uuid)], "params": params, "extra": {"c": 1}},
    )

    assert answer.json()["params"] == answer.json()["extra"] == params


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ("text", "Must be a valid JSON object"),
        ([1], "Must be a valid JSON object"),
        (5, "Must be a valid JSON object"),
        ({"a": "x" * 10_000}, "Cannot exceed 10,000 characters encoded."),
    ],
    ids=["text", "list", "number", "long"],
)
@pytest.mark.parametrize("name", ["params", "extra"])
async def test_params_that_are_none(api, survey, ann, name, params, problem):
    """Line 46 of the list of bad inputs."""
    answer = await api.post(
        "/flow_starts.json", json={"flow": str(survey.uuid), "contacts": [str(ann.uuid)], name: params}
    )

    assert (answer.status_code, answer.json()) == (400, {name: [problem]})


async def test_a_start_without_anybody(api, survey):
    answer = await api.post("/flow_starts.json", json={"flow": str(survey.uuid), "contacts": []})

    assert answer.status_code == 400
    assert answer.json() == {"non_field_errors": ["Must specify at least one group, contact or URN"]}


async def test_an_archived_flow_may_be_named(api, database, account, survey, ann):
    async with database.tx(account) as tx:
        await endings.archive(tx, [survey.id])

    answer = await api.post("/flow_starts.json", json={"flow": str(survey.uuid), "contacts": [str(ann.uuid)]})

    assert answer.status_code == 201


async def test_all_problems_are_told_at_once(api, stranger):
    answer = await api.post(
        "/flow_starts.json",
        json={"contacts": [str(stranger.uuid)], "urns": ["tel:+250788123123", "foo"], "groups": "Reporters"},
    )

    assert answer.json() == {
        "flow": ["This field is required."],
        "groups": ['Expected a list of items but got type "str".'],
        "contacts": [f"No such object: {stranger.uuid}"],
        "urns": {"1": ["Invalid URN: foo. Ensure phone numbers contain country codes."]},
    }


async def test_a_refused_start_leaves_no_contact_behind(api, database, account, survey):
    answer = await api.post(
        "/flow_starts.json", json={"flow": str(survey.uuid), "urns": ["tel:+250788000002"], "params": 5}
    )

    async with database.tx(account) as tx:
        assert await people.find(tx, urns.parse("tel:+250788000002")) is None
    assert answer.status_code == 400


async def test_a_suspended_workspace_starts_nothing(api, database, account, survey, ann):
    async with database.tx(account) as tx:
        await settings.put(tx, {"flagged": True}, operator=True)

    answer = await api.post("/flow_starts.json", json={"flow": str(survey.uuid), "contacts": [str(ann.uuid)]})

    assert answer.status_code == 400
    assert answer.json()["non_field_errors"][0].startswith("Sorry, your workspace is currently flagged.")


async def test_starts_of_flows_and_triggers_are_not_listed(api, database, account, survey, ann):
    async with database.tx(account) as tx:
        for origin in ("ui", "api", "zapier", "flow", "trigger"):
            await starts.create(tx, NewStart(flow_id=survey.id, origin=origin, contacts=[ann.id]))

    listed = (await api.get("/flow_starts.json")).json()["results"]

    assert len(listed) == 3


async def test_a_start_by_zapier_is_known_as_such(api, database, account, survey, ann):
    body = {"flow": str(survey.uuid), "contacts": [str(ann.uuid)]}

    await api.post("/flow_starts.json", json=body, headers={"user-agent": "Zapier/1"})

    async with database.tx(account) as tx:
        assert [each.origin for each in await starts.page(tx)] == ["zapier"]


async def test_starts_are_walked_both_ways_by_their_change(api, account, survey, connection):
    await connection.execute(
        """
        insert into flow_starts (account_id, uuid, flow_id, origin, created_by, modified_at)
        select $1, gen_random_uuid(), $2, 'api', 'test', '2026-01-01T00:00:00Z'::timestamptz + n / 4 * interval '1s'
        from generate_series(1, 300) n
        """,
        account,
        survey.id,
    )

    first = (await api.get("/flow_starts.json")).json()
    second = (await api.get(first["next"])).json()
    oldest = (await api.get("/flow_starts.json?reverse=yes")).json()["results"]
    bounded = await api.get("/flow_starts.json?after=2026-01-01T00:00:10Z&before=2026-01-01T00:00:10.000000Z")

    newest = [each["id"] for page in (first, second) for each in page["results"]]
    assert len(newest) == 300
    assert newest == sorted(newest, reverse=True)
    assert [each["id"] for each in oldest] == sorted(newest)[:250]
    assert len(bounded.json()["results"]) == 4
