"""The official Python client with flows, campaigns, starts, runs, resthooks and archives."""

from datetime import UTC, date, datetime

import anyio
import asyncpg
import pytest
from temba_client.exceptions import TembaBadRequestError

from tests import talks, world
from trunkline.contacts import fields
from trunkline.flows import archives
from trunkline.flows.stored import Stored
from trunkline.webhooks import resthooks

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
async def drinks(database, account) -> Stored:
    return await talks.save(database, account, talks.drinks())


async def test_campaigns_and_their_events(official, database, account, group, drinks):
    async with database.tx(account) as tx:
        await fields.create(tx, "EDD", "datetime")

    def begin():
        campaign = official.create_campaign("Reminders", "Reporters")
        campaign = official.update_campaign(campaign, "Reminding", group=str(group.uuid))
        return campaign, official.create_campaign_event(campaign, "edd", 2, "days", 9, message="Hi")

    def end(campaign, event):
        changed = official.update_campaign_event(event, "edd", -1, "weeks", -1, flow=str(drinks.uuid))
        listed = official.get_campaign_events(campaign=campaign).all()
        official.delete_campaign_event(event)
        return changed, listed, official.get_campaign_events(uuid=event.uuid).all(), official.get_campaigns().all()

    campaign, event = await anyio.to_thread.run_sync(begin)
    await world.react(database)
    changed, listed, left, campaigns = await anyio.to_thread.run_sync(end, campaign, event)

    assert (campaign.name, campaign.archived, campaign.group.name) == ("Reminding", False, "Reporters")
    assert (event.message, event.flow, event.relative_to.key, event.offset) == ({"eng": "Hi"}, None, "edd", 2)
    assert (changed.uuid, changed.flow.name, changed.message, changed.unit) == (event.uuid, "Drinks", None, "weeks")
    assert [each.uuid for each in listed] == [event.uuid]
    assert (left, [each.uuid for each in campaigns]) == ([], [campaign.uuid])


async def test_flows_starts_and_runs(official, database, account, drinks, ann, group):
    channel = await world.simulator(database, account)

    def begin():
        flows = official.get_flows(type="message", archived=False).all()
        return flows, official.create_flow_start(
            flows[0], urns=["tel:+250788123123"], groups=[str(group.uuid)], restart_participants=False, params={"a": 1}
        )

    def end(start):
        starts = official.get_flow_starts(uuid=start.uuid).all()
        runs = official.get_runs(flow=drinks.uuid, responded=True, reverse=True).all()
        return starts, runs, official.get_runs(paths=False).all()

    flows, start = await anyio.to_thread.run_sync(begin)
    await world.react(database)
    await world.say(database, channel, "+250788123123", "coffee")
    await world.react(database)
    starts, runs, pathless = await anyio.to_thread.run_sync(end, start)

    assert [(flow.name, flow.expires, flow.results[0].key) for flow in flows] == [("Drinks", 60, "drink")]
    assert (start.flow.name, start.status, start.params) == ("Drinks", "pending", {"a": 1})
    assert (start.restart_participants, start.exclude_active) == (False, False)
    assert [each.contacts[0].name for each in starts] == ["Ann"]
    assert [(run.contact.name, run.values["drink"].category, len(run.path)) for run in runs] == [("Ann", "Coffee", 3)]
    assert [run.path for run in pathless] == [[]]
    assert runs[0].start.uuid == start.uuid


async def test_definitions(official, database, account, drinks):
    async with database.tx(account) as tx:
        await fields.create(tx, "Drink")

    def story():
        return official.get_definitions(flows=[drinks.uuid], dependencies="all")

    export = await anyio.to_thread.run_sync(story)

    assert export.version == "13"
    assert [flow["name"] for flow in export.flows] == ["Drinks"]
    assert [field["key"] for field in export.fields] == ["drink"]


async def test_resthooks(official, database, account):
    async with database.tx(account) as tx:
        await resthooks.get_or_create(tx, ["new-report"])
        await resthooks.note(tx, [("new-report", {"n": 1})])

    def story():
        hooks = official.get_resthooks().all()
        subscriber = official.create_resthook_subscriber(hooks[0].resthook, "https://hooks.example.com/1")
        with pytest.raises(TembaBadRequestError) as again:
            official.create_resthook_subscriber("new-report", "https://hooks.example.com/1")
        found = official.get_resthook_subscribers(id=subscriber.id, resthook="new-report").all()
        official.delete_resthook_subscriber(subscriber)
        events = official.get_resthook_events(resthook="new-report").all()
        return hooks, found, str(again.value), official.get_resthook_subscribers().all(), events

    hooks, found, again, left, events = await anyio.to_thread.run_sync(story)

    assert [hook.resthook for hook in hooks] == ["new-report"]
    assert [each.target_url for each in found] == ["https://hooks.example.com/1"]
    assert (again, left) == ("URL is already subscribed to this event.", [])
    assert [event.data for event in events] == [{"n": 1}]


async def test_archives(official, database, account, connection, drinks, ann):
    await connection.execute(
        """
        insert into flow_runs (account_id, uuid, flow_id, contact_id, session, status, modified_at, exited_at)
        values ($1, gen_random_uuid(), $2, $3, gen_random_uuid(), 'completed', '2026-04-01T10:00Z', '2026-04-01T10:00Z')
        """,
        account,
        drinks.id,
        ann.id,
    )
    await archives.build(database, account, until=date(2026, 4, 10))

    found = await anyio.to_thread.run_sync(lambda: official.get_archives(type="run", period="daily").all())

    assert [(each.start_date, each.record_count) for each in found] == [(datetime(2026, 4, 1, tzinfo=UTC), 1)]
