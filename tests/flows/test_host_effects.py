"""What flows do to the world around them, and what the world around starts in flows."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from tests import talks, world
from tests.peers import sink
from trunkline.contacts import fields, groups, people
from trunkline.core import schedules
from trunkline.core.db import Database
from trunkline.flows import logs, stored, triggers
from trunkline.flows.triggers import NewTrigger
from trunkline.inbox import tickets, topics
from trunkline.messaging import channels, labels
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


async def on(database: Database, account: int, kind: Any, *actions: dict[str, Any], **more: Any) -> int:
    """A flow of one node that a trigger starts."""
    flow = talks.definition(talks.node(*actions), name=f"On {kind} {talks.uuid()[:8]}")
    kept = await talks.save(database, account, flow)
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind=kind, flow_id=kept.id, **more))
    return kept.id


async def hear(database: Database, channel: Channel, *texts: str, sender: str = PHONE, **more: Any) -> int:
    contact = 0
    for text in texts:
        contact = (await world.say(database, channel, sender, text, **more)).contact_id
        await world.react(database)
    return contact


async def test_a_contact_is_changed_as_the_flow_says(database: Database, account: int, channel: Channel) -> None:
    async with database.tx(account) as tx:
        vips, guests = await groups.create(tx, "VIPs"), await groups.create(tx, "Guests")
        await fields.create(tx, "Age", "number")
        await fields.create(tx, "Born", "datetime")
    await on(
        database,
        account,
        "catch_all",
        talks.act("set_contact_name", name="Ann Lee"),
        talks.act("set_contact_language", language="fra"),
        talks.act("set_contact_timezone", timezone="Africa/Kigali"),
        talks.act("set_contact_field", field={"key": "age", "name": "Age"}, value="040.50"),
        talks.act("set_contact_field", field={"key": "born", "name": "Born"}, value="01-02-2001 10:30"),
        talks.act("add_contact_groups", groups=[{"uuid": str(g.uuid), "name": g.name} for g in (vips, guests)]),
        talks.act("remove_contact_groups", groups=[{"uuid": str(guests.uuid), "name": "Guests"}]),
    )

    id = await hear(database, channel, "hi")

    async with database.tx(account) as tx:
        contact = await people.get(tx, id)
        assert (contact.name, contact.language, contact.timezone) == ("Ann Lee", "fra", "Africa/Kigali")
        assert contact.fields == {"age": "40.5", "born": "2001-02-01T08:30:00+00:00"}
        assert [group.name for group in (await groups.of(tx, [id]))[id]] == ["VIPs"]


async def test_what_a_flow_set_another_reads(database: Database, account: int, channel: Channel) -> None:
    async with database.tx(account) as tx:
        await fields.create(tx, "Age", "number")
    age = {"key": "age", "name": "Age"}
    await on(database, account, "catch_all", talks.act("set_contact_field", field=age, value="@(fields.age + 1)"))
    await on(database, account, "keyword", talks.say("@(fields.age + 0.5)"), keywords=["age"])
    id = await hear(database, channel, "hi")
    async with database.tx(account) as tx:
        await people.set_fields(tx, {id: {"age": 7}})

    await hear(database, channel, "hi", "age")

    assert await talks.said(database, account) == ["8.5"]


async def test_an_input_gets_its_labels(database: Database, account: int, channel: Channel) -> None:
    async with database.tx(account) as tx:
        label = await labels.create(tx, "Spam")
    spam = {"uuid": str(label.uuid), "name": "Spam"}
    await on(database, account, "catch_all", talks.act("add_input_labels", labels=[spam]))

    await hear(database, channel, "hi", "ho")

    async with database.tx(account) as tx:
        assert (await labels.get(tx, label.id)).size == 2


async def test_a_ticket_is_opened_once(database: Database, account: int, channel: Channel) -> None:
    async with database.tx(account) as tx:
        topic = await topics.create(tx, "Sales")
    flow = await on(
        database,
        account,
        "keyword",
        talks.act("open_ticket", topic={"uuid": str(topic.uuid), "name": "Sales"}, note="Wants to buy"),
        keywords=["buy"],
    )

    id = await hear(database, channel, "buy", "buy")

    async with database.tx(account) as tx:
        [ticket] = await tickets.page(tx, contact=id)
    assert (ticket.status, ticket.topic_id, ticket.flow_id) == ("open", topic.id, flow)
    rows = await world.execute(
        database.dsn,
        """select c.is_ticket, n.body from conversations c join notes n on n.conversation_id = c.id
        where c.account_id = $1""",
        account,
    )
    assert [tuple(row) for row in rows] == [(True, "Wants to buy")]


async def test_a_closed_ticket_may_start_a_flow(database: Database, account: int, channel: Channel) -> None:
    await on(database, account, "keyword", talks.act("open_ticket"), keywords=["help"])
    await on(database, account, "closed_ticket", talks.say("How was it?"))
    id = await hear(database, channel, "help please")

    async with database.tx(account) as tx:
        [ticket] = await tickets.page(tx, contact=id)
        await tickets.close(tx, [ticket.id])
    await world.react(database)

    assert await talks.said(database, account) == ["How was it?"]


async def test_an_open_ticket_keeps_the_catch_all_silent(database: Database, account: int, channel: Channel) -> None:
    await on(database, account, "keyword", talks.act("open_ticket"), keywords=["buy"])
    await on(database, account, "catch_all", talks.say("What?"))

    await hear(database, channel, "hm", "buy", "hello?")

    assert await talks.said(database, account) == ["What?"]


async def test_a_new_conversation_has_a_trigger_of_its_own(database: Database, account: int, channel: Channel) -> None:
    await on(database, account, "new_conversation", talks.say("Welcome"))
    await on(database, account, "catch_all", talks.say("What?"))

    await hear(database, channel, "hi", "ho")

    assert await talks.said(database, account) == ["Welcome", "What?"]


async def test_a_missed_call_and_a_referral_start_flows(database: Database, account: int, channel: Channel) -> None:
    await on(database, account, "missed_call", talks.say("You rang?"))
    await on(database, account, "referral", talks.say("Sent by @trigger.params.by"), referrer="ad-7")

    await world.happen(database, channel, "call_in_missed", PHONE)
    await world.happen(database, channel, "referral", PHONE, extra={"referrer_id": "AD-7", "by": "Joe"})
    await world.happen(database, channel, "referral", PHONE, extra={"referrer_id": "other"})
    await world.react(database)

    assert await talks.said(database, account) == ["You rang?", "Sent by Joe"]


async def test_opting_in_starts_a_flow(database: Database, account: int, channel: Channel) -> None:
    await on(database, account, "opt_in", talks.say("Good to have you back"))

    await hear(database, channel, "STOP", "START")

    assert await talks.said(database, account) == ["Good to have you back"]


async def test_groups_limit_a_trigger(database: Database, account: int, channel: Channel) -> None:
    async with database.tx(account) as tx:
        vips, banned = await groups.create(tx, "VIPs"), await groups.create(tx, "Banned")
    await on(database, account, "keyword", talks.say("Hi"), keywords=["hi"])
    await on(
        database, account, "keyword", talks.say("Dear"), keywords=["hi"], groups=[vips.id], exclude_groups=[banned.id]
    )
    both, vip, nobody = await world.contacts(database, account, ["+40740000001", "+40740000002", "+40740000003"])
    async with database.tx(account) as tx:
        await groups.add(tx, vips.id, [both, vip])
        await groups.add(tx, banned.id, [both])

    for phone in ("+40740000001", "+40740000002", "+40740000003"):
        await hear(database, channel, "hi", sender=phone)

    assert await talks.said(database, account) == ["Hi", "Dear", "Hi"]
    assert nobody


async def test_a_flow_starts_another_for_a_group(database: Database, account: int, channel: Channel) -> None:
    async with database.tx(account) as tx:
        group = await groups.create(tx, "Family")
    contacts = await world.contacts(database, account, ["+40740000001", "+40740000002"])
    async with database.tx(account) as tx:
        await groups.add(tx, group.id, contacts)
    other = await talks.save(
        database, account, talks.definition(talks.node(talks.say("Hi from @parent.contact.name")), name="Other")
    )
    await on(
        database,
        account,
        "catch_all",
        talks.act("set_contact_name", name="Ann"),
        talks.act(
            "start_session",
            flow={"uuid": str(other.uuid), "name": "Other"},
            groups=[{"uuid": str(group.uuid), "name": "Family"}],
        ),
    )

    await hear(database, channel, "hi")

    assert await talks.said(database, account) == ["Hi from Ann", "Hi from Ann"]


async def test_a_flow_writes_to_a_group_word_for_word(database: Database, account: int, channel: Channel) -> None:
    async with database.tx(account) as tx:
        group = await groups.create(tx, "Family")
    contacts = await world.contacts(database, account, ["+40740000001"])
    async with database.tx(account) as tx:
        await groups.add(tx, group.id, contacts)
    family = {"uuid": str(group.uuid), "name": "Family"}
    await on(database, account, "catch_all", talks.act("send_broadcast", text="@input.text", groups=[family]))

    await hear(database, channel, "Mail joe@contact.name")

    assert await talks.said(database, account, "+40740000001") == ["Mail joe@contact.name"]


async def test_a_child_flow_returns_to_its_parent(database: Database, account: int, channel: Channel) -> None:
    wait = talks.uuid()
    child = talks.definition(talks.node(talks.say("Name?"), to=wait), talks.question({}, id=wait), name="Child")
    await talks.save(database, account, child)
    then = talks.uuid()
    enter = talks.act("enter_flow", flow={"uuid": child["uuid"], "name": "Child"})
    parent = talks.definition(
        talks.question({"completed": then}, operand="@child.status", wait=False, actions=(enter,)),
        talks.node(talks.say("Thanks @child.results.answer"), id=then),
        name="Parent",
    )
    kept = await talks.save(database, account, parent)
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="keyword", keywords=["go"], flow_id=kept.id))

    await hear(database, channel, "go", "Ann")

    assert await talks.said(database, account) == ["Name?", "Thanks Ann"]
    assert await talks.runs(database, account) == [("completed", 2), ("completed", 2)]


async def test_a_flow_that_goes_in_circles_leaves_only_its_failure(
    database: Database, account: int, channel: Channel
) -> None:
    here = talks.uuid()
    flow = talks.definition(talks.node(talks.say("Again"), to=here, id=here))
    kept = await talks.save(database, account, flow)
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="catch_all", flow_id=kept.id))

    id = await hear(database, channel, "hi")

    assert await talks.said(database, account) == []
    async with database.tx(account) as tx:
        assert [entry.kind for entry in await logs.page(tx, contact=id)] == ["failure"]
    assert [status for status, _ in await talks.runs(database, account)] == ["failed"]


async def test_a_changed_flow_goes_on_with_its_new_words(database: Database, account: int, channel: Channel) -> None:
    flow = talks.drinks()
    kept = await talks.save(database, account, flow)
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="keyword", keywords=["thirsty"], flow_id=kept.id))
    await hear(database, channel, "thirsty")
    flow["nodes"][2]["actions"][1]["text"] = "Here you are"

    await talks.save(database, account, flow)
    await hear(database, channel, "tea")

    assert await talks.said(database, account) == ["Tea or coffee?", "Here you are"]


async def test_a_node_that_is_gone_ends_the_session(database: Database, account: int, channel: Channel) -> None:
    flow = talks.drinks()
    kept = await talks.save(database, account, flow)
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="keyword", keywords=["thirsty"], flow_id=kept.id))
    id = await hear(database, channel, "thirsty")

    async with database.tx(account) as tx:
        await stored.save(tx, {**flow, "nodes": [talks.node(talks.say("New"))]})
    await hear(database, channel, "tea")

    assert [status for status, _ in await talks.runs(database, account)] == ["failed"]
    async with database.tx(account) as tx:
        assert [entry.kind for entry in await logs.page(tx, contact=id)] == ["failure"]


async def test_a_message_without_a_way_is_written_down(database: Database, account: int, channel: Channel) -> None:
    await on(database, account, "missed_call", talks.say("You rang?"))
    twitter = msgspec.structs.replace(channel, schemes=["twitter"])

    contact = (await world.happen(database, twitter, "call_in_missed", "joe")).contact_id
    await world.react(database)

    async with database.tx(account) as tx:
        assert [entry.code for entry in await logs.page(tx, contact=contact)] == ["no_route"]


async def test_what_cannot_be_paid_is_written_down(database: Database, account: int, channel: Channel) -> None:
    await world.grant(database, account, 1)
    await on(database, account, "catch_all", talks.say("One"), talks.say("Two"))

    id = await hear(database, channel, "hi")

    assert await talks.said(database, account) == ["One"]
    async with database.tx(account) as tx:
        assert [entry.code for entry in await logs.page(tx, contact=id)] == ["insufficient_credits"]


async def test_who_is_blocked_is_not_heard_and_who_was_archived_is_back(
    database: Database, account: int, channel: Channel
) -> None:
    await on(database, account, "catch_all", talks.say("Hi"))
    blocked, archived = await world.contacts(database, account, ["+40740000001", "+40740000002"])
    async with database.tx(account) as tx:
        await people.change_status(tx, [blocked], "blocked")
        await people.change_status(tx, [archived], "archived")

    for phone in ("+40740000001", "+40740000002"):
        await hear(database, channel, "hello", sender=phone)

    assert await talks.said(database, account, "+40740000001") == []
    assert await talks.said(database, account, "+40740000002") == ["Hi"]
    async with database.tx(account) as tx:
        assert (await people.get(tx, archived)).status == "active"


async def test_a_schedule_starts_its_flow(database: Database, account: int, channel: Channel) -> None:
    contacts = await world.contacts(database, account, ["+40740000001", "+40740000002"])
    await on(database, account, "schedule", talks.say("Good morning"), contacts=contacts, cron="0 9 * * *")
    await world.execute(database.dsn, "update schedules set next_at = now() where account_id = $1", account)

    await schedules.fire(database)
    await world.react(database)

    assert await talks.said(database, account) == ["Good morning", "Good morning"]


async def test_an_archived_trigger_fires_no_more(database: Database, account: int, channel: Channel) -> None:
    contacts = await world.contacts(database, account, ["+40740000001"])
    await on(database, account, "schedule", talks.say("Good morning"), contacts=contacts, cron="0 9 * * *")
    async with database.tx(account) as tx:
        await triggers.archive(tx, [one.id for one in await triggers.all_of(tx)])

    assert await world.execute(database.dsn, "select from schedules where account_id = $1", account) == []


async def test_a_mail_leaves_by_the_workspaces_own_channel(database: Database, account: int, channel: Channel) -> None:
    mail = talks.act("send_email", addresses=["boss@example.org"], subject="New lead", body="It is @contact.name")
    await on(database, account, "catch_all", talks.act("set_contact_name", name="Ann"), mail)

    first = await hear(database, channel, "hi")
    async with sink.running(sink.Sink()) as relay:
        settings = {"host": "127.0.0.1", "port": relay.port, "tls": "none", "from": "acme@example.com"}
        async with database.tx(account) as tx:
            await channels.create(tx, "smtp", "Mail", "acme@example.com", settings)
        await hear(database, channel, "hi")

    assert [mail.recipients for mail in relay.taken] == [["boss@example.org"]]
    assert b"It is Ann" in relay.taken[0].raw
    async with database.tx(account) as tx:
        assert [entry.kind for entry in await logs.page(tx, contact=first)] == ["email", "error"]
