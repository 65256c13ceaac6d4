"""Channel events start flows: once each, in the order of what people do, however often a worker dies."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests import talks, world
from trunkline.contacts import people
from trunkline.core import events
from trunkline.core.db import Database
from trunkline.core.jobs import JOBS, Claims, Desk
from trunkline.flows import logs, starting, starts, triggers
from trunkline.flows.starts import NewStart
from trunkline.flows.triggers import NewTrigger
from trunkline.messaging.channels import Channel
from trunkline.reactions import REACTIONS
from trunkline.worker import Worker

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"
NO_CHANNEL = "The contact has no number that a voice channel of this workspace calls."


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


async def on(database: Database, account: int, kind: Any, *actions: dict[str, Any], **more: Any) -> None:
    """A flow of one node that a trigger starts."""
    type = more.pop("type", "messaging")
    flow = talks.definition(talks.node(*actions), name=f"On {kind} {talks.uuid()[:8]}", type=type)
    kept = await talks.save(database, account, flow)
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind=kind, flow_id=kept.id, **more))


@pytest.mark.parametrize(
    ("type", "kind"),
    [
        ("call_in", "inbound_call"),
        ("call_in_missed", "missed_call"),
        ("new_conversation", "new_conversation"),
        ("welcome_message", "new_conversation"),
        ("referral", "referral"),
        ("optin", "opt_in"),
        ("optout", "opt_out"),
        ("stop_contact", "opt_out"),
    ],
)
async def test_an_event_pulls_its_trigger_once(
    database: Database, account: int, channel: Channel, type: str, kind: str
) -> None:
    await on(database, account, kind, talks.act("set_contact_name", name="@contact.name x"))
    noted = await world.happen(database, channel, type, PHONE, "e1", name="Ann")
    await world.happen(database, channel, type, PHONE, "e1", name="Ann")

    await world.react(database)

    async with database.tx(account) as tx:
        assert (await people.get(tx, noted.contact_id)).name == "Ann x"


@pytest.mark.parametrize("type", ["call_out", "call_out_missed", "delete_contact"])
async def test_what_nobody_waits_for_starts_nothing(
    database: Database, account: int, channel: Channel, type: str
) -> None:
    for kind in ("inbound_call", "missed_call", "new_conversation", "referral", "opt_in", "opt_out"):
        await on(database, account, kind, talks.say("Hi"))
    await world.happen(database, channel, type, PHONE)

    await world.react(database)

    assert await talks.runs(database, account) == []


async def test_a_worker_that_dies_in_the_middle_changes_nothing(
    database: Database, account: int, channel: Channel
) -> None:
    await on(database, account, "missed_call", talks.say("You rang?"))
    await world.happen(database, channel, "call_in_missed", PHONE, "e1")
    await events.handle(database, REACTIONS)
    claims = Claims(database, "inbound")
    [first] = await claims.take(16)
    await world.execute(database.dsn, "update inbound set run_at = now() where account_id = $1", account)

    [second] = await claims.take(16)
    await Worker(database)._run_call(claims, second)
    with pytest.raises(Exception, match="claim"):
        await JOBS[first.name].run(Desk(database, first, database.tools), *first.args)

    assert await talks.said(database, account) == ["You rang?"]


async def test_what_a_person_does_and_says_is_answered_in_order(
    database: Database, account: int, channel: Channel
) -> None:
    await on(database, account, "missed_call", talks.say("You rang?"))
    await on(database, account, "catch_all", talks.say("You wrote?"))

    await world.happen(database, channel, "call_in_missed", PHONE)
    await events.handle(database, REACTIONS)
    await world.say(database, channel, PHONE, "hi")
    await events.handle(database, REACTIONS)
    await world.happen(database, channel, "call_in_missed", PHONE)
    await world.react(database)

    assert await talks.said(database, account) == ["You rang?", "You wrote?", "You rang?"]


async def test_a_beginning_that_the_channel_told_is_no_beginning_again(
    database: Database, account: int, channel: Channel
) -> None:
    await on(database, account, "new_conversation", talks.say("Welcome"))
    await on(database, account, "catch_all", talks.say("What?"))
    await world.happen(database, channel, "new_conversation", PHONE)
    await world.react(database)

    await world.say(database, channel, PHONE, "hi")
    await world.react(database)

    assert await talks.said(database, account) == ["Welcome", "What?"]


async def test_a_referral_without_a_referrer_finds_triggers_for_any(
    database: Database, account: int, channel: Channel
) -> None:
    await on(database, account, "referral", talks.say("By ad"), referrer="ad-7")
    await on(database, account, "referral", talks.say("By chance"))
    await world.happen(database, channel, "referral", PHONE, extra={"referrer_id": None})

    await world.react(database)

    assert await talks.said(database, account) == ["By chance"]


async def test_flows_see_what_the_provider_said(database: Database, account: int, channel: Channel) -> None:
    await on(database, account, "new_conversation", talks.say("@trigger.type @trigger.params.source"))
    await world.happen(database, channel, "new_conversation", PHONE, extra={"source": "QR"})

    await world.react(database)

    assert await talks.said(database, account) == ["chat QR"]


async def test_a_trigger_of_another_channel_hears_nothing(database: Database, account: int, channel: Channel) -> None:
    other = await world.simulator(database, account)
    await on(database, account, "missed_call", talks.say("You rang?"), channel_id=other.id)
    await world.happen(database, channel, "call_in_missed", PHONE)

    await world.react(database)

    assert await talks.said(database, account) == []


async def test_who_is_blocked_starts_nothing(database: Database, account: int, channel: Channel) -> None:
    await on(database, account, "missed_call", talks.say("You rang?"))
    [contact] = await world.contacts(database, account, [PHONE])
    async with database.tx(account) as tx:
        await people.change_status(tx, [contact], "blocked")
    await world.happen(database, channel, "call_in_missed", PHONE)

    await world.react(database)

    assert await talks.runs(database, account) == []


async def test_a_voice_flow_is_left_to_whoever_holds_the_line(
    database: Database, account: int, channel: Channel
) -> None:
    await on(database, account, "inbound_call", talks.act("say_msg", text="Hello"), type="voice")
    await world.happen(database, channel, "call_in", PHONE)

    await world.react(database)

    assert await talks.runs(database, account) == []


async def test_a_voice_flow_without_a_voice_channel_is_refused_in_the_log(
    database: Database, account: int, channel: Channel
) -> None:
    flow = talks.definition(talks.node(talks.act("say_msg", text="Hello")), name="IVR", type="voice")
    kept = await talks.save(database, account, flow)
    contacts = await world.contacts(database, account, [PHONE, "+40740111223"])

    async with database.tx(account) as tx:
        start = await starts.create(tx, NewStart(flow_id=kept.id, contacts=contacts))
    await world.react(database)
    await starting.finish(database)

    async with database.tx(account) as tx:
        assert (await starts.get(tx, start.id)).status == "completed"
        assert {entry.text for entry in await logs.page(tx, flow=kept.id)} == {NO_CHANNEL}


async def test_a_missed_call_is_not_returned_without_a_voice_channel(
    database: Database, account: int, channel: Channel
) -> None:
    await on(database, account, "missed_call", talks.act("say_msg", text="Hello"), type="voice")
    noted = await world.happen(database, channel, "call_in_missed", PHONE)

    await world.react(database)

    async with database.tx(account) as tx:
        [entry] = await logs.page(tx, contact=noted.contact_id)
    assert (entry.kind, entry.text) == ("failure", NO_CHANNEL)
    assert await talks.runs(database, account) == []
