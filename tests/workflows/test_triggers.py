"""Triggers: each event sets going whom it is about, once, and nobody hears his own echo."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests import canvases, world
from tests.canvases import canvas, step, trigger
from trunkline.contacts import companies, groups, people, tags
from trunkline.contacts.companies import CompanyChanges
from trunkline.contacts.events import ContactsImported
from trunkline.contacts.people import NewContact
from trunkline.contacts.records import Changes
from trunkline.core import clock, schedules
from trunkline.core.db import Database, Tx
from trunkline.messaging.channels import Channel
from trunkline.messaging.events import MailsClicked, MailsOpened
from trunkline.workflows import hooks, workflows

pytestmark = pytest.mark.anyio

TAG = step("add_tag", "mark", tag_name="seen")
Act = Callable[[Tx], Awaitable[object]]


async def listen(database: Database, account: int, subtype: str, **config: object) -> int:
    return (await canvases.active(database, account, canvas(trigger(subtype, **config), TAG))).id


async def do(database: Database, account: int, act: Act) -> None:
    async with database.tx(account) as tx:
        await act(tx)
    await world.react(database)


async def test_a_new_contact(database: Database, account: int) -> None:
    await listen(database, account, "contact_created")

    await do(database, account, lambda tx: people.create(tx, NewContact(first_name="Ann")))

    [(status, contact)] = await canvases.executions(database, account)
    assert status == "completed"
    assert await canvases.worn(database, account, contact or 0) == {"seen"}


@pytest.mark.parametrize(("field", "heard"), [(None, 1), ("city", 1), ("job_title", 0), ("custom_fields.plan", 0)])
async def test_a_changed_contact(database: Database, account: int, jane: int, field: str | None, heard: int) -> None:
    await listen(database, account, "contact_updated", field=field)

    await do(database, account, lambda tx: people.update(tx, jane, Changes(city="Cluj")))

    assert await canvases.executions(database, account) == [("completed", jane)] * heard


async def test_an_import_stands_for_its_contacts(database: Database, account: int, jane: int) -> None:
    made = await listen(database, account, "contact_created")
    changed = await listen(database, account, "contact_updated")
    [bob] = await world.contacts(database, account, ["bob@example.com"], "mailto")
    await world.execute(database.dsn, "delete from events where account_id = $1", account)

    async def imported(tx: Tx) -> None:
        tx.record(ContactsImported("import", [bob], [jane]))

    await do(database, account, imported)

    assert await canvases.executions(database, account, made) == [("completed", bob)]
    assert await canvases.executions(database, account, changed) == [("completed", jane)]


@pytest.mark.parametrize(("name", "heard"), [(None, 1), (" vip ", 1), ("Other", 0)])
async def test_a_tag_put_on(database: Database, account: int, jane: int, name: str | None, heard: int) -> None:
    await listen(database, account, "tag_added", tag_name=name)

    async def put_on(tx: Tx) -> None:
        [tag] = await tags.get_or_create(tx, ["VIP"])
        await tags.add(tx, [jane], [tag.id])

    await do(database, account, put_on)

    assert await canvases.executions(database, account) == [("completed", jane)] * heard


async def test_a_tag_taken_off(database: Database, account: int, jane: int) -> None:
    async with database.tx(account) as tx:
        [tag] = await tags.get_or_create(tx, ["VIP"])
        await tags.add(tx, [jane], [tag.id])
    await listen(database, account, "tag_removed", tag_name="VIP")

    await do(database, account, lambda tx: tags.remove(tx, [jane], [tag.id]))

    assert ("completed", jane) in await canvases.executions(database, account)


@pytest.mark.parametrize("wanted", ["this", "another"])
async def test_a_deal_that_moves_is_about_the_companys_primary_contact(
    database: Database, account: int, jane: int, wanted: str
) -> None:
    async with database.tx(account) as tx:
        company = (await companies.create(tx, "Acme")).id
        await people.create(tx, NewContact(first_name="Bob", company_id=company))
        await people.update(tx, jane, Changes(company_id=company, is_primary=True))
        lead, qualified, *_ = await companies.stages(tx)
    await world.react(database)
    await listen(database, account, "deal_stage_changed", stage_id=lead.id if wanted == "this" else qualified.id)

    await do(database, account, lambda tx: companies.update(tx, company, CompanyChanges(stage_id=lead.id)))

    expected = [("completed", jane)] if wanted == "this" else []
    assert await canvases.executions(database, account) == expected


async def test_a_mail(database: Database, account: int, jane: int, email: Channel) -> None:
    await listen(database, account, "email_received", subject_contains="help")

    await world.say(database, email, "jane@example.com", "It broke", subject="HELP me")
    await world.say(database, email, "jane@example.com", "Thanks", subject="Fine")
    await world.say(database, email, "jane@example.com", "I am away", subject="Help: away", automatic=True)
    await world.react(database)

    assert await canvases.executions(database, account) == [("completed", jane)]


async def test_a_short_message_is_no_mail(database: Database, account: int, jane: int) -> None:
    await listen(database, account, "email_received")
    sms = await world.simulator(database, account)

    await world.say(database, sms, "+40740111222", "Hello")
    await world.react(database)

    assert await canvases.executions(database, account) == []


@pytest.mark.parametrize("wanted", [None, 7])
async def test_a_campaign_that_is_opened(database: Database, account: int, jane: int, wanted: int | None) -> None:
    id = await listen(database, account, "campaign_opened")
    if wanted:
        await world.execute(
            database.dsn, """update workflows set trigger_config = '{"campaign_id": 7}' where id = $1""", id
        )

    async def opened(tx: Tx) -> None:
        tx.record(MailsOpened([(1, 7, jane), (2, 8, jane), (3, 0, jane)]))

    await do(database, account, opened)

    assert await canvases.executions(database, account) == [("completed", jane)] * (1 if wanted else 2)


async def test_a_link_of_a_campaign(database: Database, account: int, jane: int) -> None:
    drawn = canvas(trigger("campaign_clicked"), step("add_tag", tag_name="{{trigger.url}}"))
    await canvases.active(database, account, drawn)

    async def clicked(tx: Tx) -> None:
        tx.record(MailsClicked([(1, 7, jane, "https://example.com/a")]))

    await do(database, account, clicked)

    assert await canvases.worn(database, account, jane) == {"https://example.com/a"}


@pytest.mark.parametrize("subtype", ["webhook_received", "form_submitted"])
async def test_a_call_of_its_address(database: Database, account: int, subtype: str) -> None:
    drawn = canvas(trigger(subtype), step("add_tag", tag_name="{{payload.plan}}"))
    row = await canvases.active(database, account, drawn)
    target = await hooks.find(database, row.hook or "")

    await hooks.call(database, target, {"email": "New@Example.com", "name": "New One", "plan": "gold"})
    await world.react(database)

    [(status, contact)] = await canvases.executions(database, account)
    async with database.tx(account) as tx:
        made = await people.get(tx, contact or 0)
    assert (status, made.email, made.first_name) == ("completed", "new@example.com", "New")
    assert [tag.name for tag in made.tags] == ["gold"]


@pytest.mark.parametrize(("form", "heard"), [("signup", 1), ("other", 0)])
async def test_a_certain_form(database: Database, account: int, jane: int, form: str, heard: int) -> None:
    row = await canvases.active(database, account, canvas(trigger("form_submitted", form_id="signup"), TAG))
    target = await hooks.find(database, row.hook or "")

    await hooks.call(database, target, {"phone": "+40740111222", "form_id": form})
    await world.react(database)

    assert await canvases.executions(database, account) == [("completed", jane)] * heard


async def test_the_clock_calls_each_member_of_a_group(database: Database, account: int, jane: int) -> None:
    async with database.tx(account) as tx:
        group = (await groups.create(tx, "All")).id
        await groups.add(tx, group, [jane])
    await listen(database, account, "scheduled", cron="0 9 * * 1", group_id=group)

    await ring(database, account)

    assert await canvases.executions(database, account) == [("completed", jane)]


async def test_the_clock_calls_without_a_contact_too(database: Database, account: int) -> None:
    drawn = canvas(trigger("scheduled", cron="* * * * *"), step("send_notification", message="It is time"))
    await canvases.active(database, account, drawn)

    await ring(database, account)
    await ring(database, account)

    assert await canvases.executions(database, account) == [("completed", None)] * 2


async def test_one_moment_comes_once(database: Database, account: int) -> None:
    soon = clock.now() + timedelta(days=1)
    drawn = canvas(trigger("scheduled", run_at=clock.iso(soon)), step("send_notification", message="Now"))
    row = await canvases.active(database, account, drawn)
    async with database.tx(account) as tx:
        await workflows.pause(tx, row.id)
        await workflows.activate(tx, row.id)
    await world.react(database)
    early = await canvases.executions(database, account)

    await world.execute(
        database.dsn,
        """update workflows set trigger_config = jsonb_build_object('run_at', '2020-01-01T00:00:00Z') where id = $1""",
        row.id,
    )
    await canvases.pass_time(database, account)
    await world.react(database)

    assert early == []
    assert await canvases.executions(database, account) == [("completed", None)]


async def test_a_paused_clock_does_not_ring(database: Database, account: int) -> None:
    drawn = canvas(trigger("scheduled", cron="* * * * *"), step("send_notification", message="It is time"))
    row = await canvases.active(database, account, drawn)
    async with database.tx(account) as tx:
        await workflows.pause(tx, row.id)

    assert await world.execute(database.dsn, "select from schedules where account_id = $1", account) == []


async def test_a_draft_hears_nothing(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        await workflows.create(tx, "Draft", canvas=canvas(trigger(), TAG))

    await do(database, account, lambda tx: people.create(tx, NewContact(first_name="Ann")))

    assert await canvases.executions(database, account) == []


async def test_another_tenants_events_are_not_heard(database: Database, account: int, other_account: int) -> None:
    await listen(database, account, "contact_created")

    await do(database, other_account, lambda tx: people.create(tx, NewContact(first_name="Ann")))

    assert await canvases.executions(database, account) == []


async def test_an_event_that_is_handled_again_sets_nothing_going_again(
    database: Database, account: int, connection
) -> None:
    await listen(database, account, "contact_created")
    async with database.tx(account) as tx:
        await people.create(tx, NewContact(first_name="Ann"))
    statement = "select * from events where account_id = $1 and type = 'contact.created'"
    [event] = await world.execute(database.dsn, statement, account)
    await world.react(database)

    await connection.execute(
        """insert into events (account_id, id, type, actor, cause, depth, data) overriding system value
            values ($1, $2, $3, $4, $5, $6, $7)""",
        *(event[name] for name in ("account_id", "id", "type", "actor", "cause", "depth", "data")),
    )
    await world.react(database)

    assert len(await canvases.executions(database, account)) == 1


async def test_a_workflow_does_not_hear_what_it_causes(database: Database, account: int, jane: int) -> None:
    drawn = canvas(trigger("contact_updated"), step("update_contact", field="lead_score", value="{{trigger.at}}1"))
    drawn["nodes"][1]["config"] = {"field": "city", "value": "{{trigger.at}}"}
    await canvases.active(database, account, drawn)

    await do(database, account, lambda tx: people.update(tx, jane, Changes(country="RO")))

    assert await canvases.executions(database, account) == [("completed", jane)]


async def test_two_workflows_that_set_each_other_going_come_to_an_end(
    database: Database, account: int, jane: int
) -> None:
    for tag, other in (("ping", "pong"), ("pong", "ping")):
        off, on = step("remove_tag", tag_name=other), step("add_tag", tag_name=other)
        await canvases.active(database, account, canvas(trigger("tag_added", tag_name=tag), off, on), tag)

    async def serve(tx: Tx) -> None:
        [tag] = await tags.get_or_create(tx, ["ping"])
        await tags.add(tx, [jane], [tag.id])

    await do(database, account, serve)

    assert await canvases.executions(database, account) == [("completed", jane)] * 6


async def ring(database: Database, account: int) -> None:
    """Let the account's schedule be due now."""
    await world.execute(database.dsn, "update schedules set next_at = now() where account_id = $1", account)
    await schedules.fire(database)
    await world.react(database)
