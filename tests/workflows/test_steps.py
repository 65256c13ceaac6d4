"""Steps: what each action does and each condition answers, through a whole run."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests import canvases, world
from tests.canvases import canvas, step, trigger
from trunkline.accounts import users
from trunkline.contacts import companies, groups, people, tags
from trunkline.contacts.records import Changes
from trunkline.core.db import Database
from trunkline.inbox import replies
from trunkline.knowledge import documents
from trunkline.messaging import templates
from trunkline.messaging.channels import Channel
from trunkline.workflows import appointments, notices

pytestmark = pytest.mark.anyio


async def go(database: Database, account: int, jane: int, *steps: dict[str, Any]) -> None:
    """Let a new tag of Jane's set these steps going."""
    await canvases.active(database, account, canvas(trigger("tag_added", tag_name="go"), *steps))
    await start(database, account, jane)


async def ask(database: Database, account: int, jane: int, condition: dict[str, Any]) -> bool:
    """What a condition says of Jane."""
    await canvases.active(database, account, canvases.fork(trigger("tag_added", tag_name="go"), condition))
    await start(database, account, jane)
    said = await canvases.worn(database, account, jane) & {"yes", "no"}
    assert len(said) == 1
    return said == {"yes"}


async def start(database: Database, account: int, jane: int) -> None:
    async with database.tx(account) as tx:
        [tag] = await tags.get_or_create(tx, ["go"])
        await tags.add(tx, [jane], [tag.id])
    await world.react(database)


async def written(database: Database, account: int) -> list[Any]:
    """The messages that went out, in order."""
    return await world.execute(
        database.dsn, "select * from messages where account_id = $1 and direction = 'out' order by id", account
    )


async def colleague(database: Database, account: int, name: str, role: str = "agent") -> int:
    async with database.system(account) as tx:
        made = await users.create(tx, f"{name}{account}@example.org", role, password="plain words make it", name=name)
        return made.member.id


async def test_a_mail_with_the_contacts_values(database: Database, account: int, jane: int, email: Channel) -> None:
    letter = step("send_email", subject="Hi {{first_name}}", body="Dear {{contact.first_name}} {{nobody}}!")

    await go(database, account, jane, letter)

    [message] = await written(database, account)
    assert (message["subject"], message["contact_id"]) == ("Hi Jane", jane)
    assert message["body"].startswith("Dear Jane !\n\nUnsubscribe: http")


async def test_values_in_html_are_escaped(database: Database, account: int, jane: int, email: Channel) -> None:
    async with database.tx(account) as tx:
        await people.update(tx, jane, Changes(city="<b>Cluj</b>"))
    letter = step("send_email", subject="Hi", body_html="<p onclick='x()'>From {{city}}</p>", from_name="Acme {{city}}")

    await go(database, account, jane, letter)

    [message] = await written(database, account)
    assert "<p>From &lt;b&gt;Cluj&lt;/b&gt;</p>" in message["html"]


async def test_a_mail_from_a_template(database: Database, account: int, jane: int, email: Channel) -> None:
    async with database.tx(account) as tx:
        draft = templates.Draft(key="hello", channel="email", subject="Hello {{first_name}}", body="<h1>Welcome</h1>")
        template = await templates.create(tx, draft)

    await go(database, account, jane, step("send_email", email_template_id=template.id))

    [message] = await written(database, account)
    assert (message["subject"], message["template_id"]) == ("Hello Jane", template.id)
    assert "Welcome" in message["html"]


async def test_who_wants_no_mail_gets_none_and_goes_on(
    database: Database, account: int, jane: int, email: Channel
) -> None:
    async with database.tx(account) as tx:
        await people.update(tx, jane, Changes(do_not_disturb=True))

    await go(database, account, jane, step("send_email", subject="Hi", body="Hi"), step("add_tag", tag_name="after"))

    assert await canvases.log(database, account) == [("send_email", "skipped"), ("add_tag", "completed")]
    assert await written(database, account) == []


async def test_without_a_channel_a_mail_fails(database: Database, account: int, jane: int) -> None:
    await go(database, account, jane, step("send_email", subject="Hi", body="Hi"), step("add_tag", tag_name="after"))

    assert await canvases.executions(database, account) == [("failed", jane)]
    assert await canvases.log(database, account) == [("send_email", "failed")]


async def test_an_answer_stays_in_the_conversation(database: Database, account: int, jane: int, email: Channel) -> None:
    await canvases.active(
        database, account, canvas(trigger("email_received"), step("send_email", subject="Got it", body="Thanks"))
    )

    await world.say(database, email, "jane@example.com", "It broke", id="<1@example.com>", subject="Help")
    await world.react(database)

    [message] = await written(database, account)
    [talk] = await world.execute(database.dsn, "select * from conversations where account_id = $1", account)
    assert (message["conversation_id"], talk["messages_count"]) == (talk["id"], 2)


async def test_a_notice_for_everybody_and_one_for_a_colleague(database: Database, account: int, jane: int) -> None:
    agent = await colleague(database, account, "ann")
    told = step("send_notification", "all", message="{{first_name}} is here", title="New")
    one = step("send_notification", "one", message="Yours", notify_user_ids=[agent, 999_999_999])

    await go(database, account, jane, told, one)

    async with database.tx(account) as tx:
        found = await notices.of_user(tx, agent)
    assert [(notice.title, notice.body, notice.user_id) for notice in found] == [
        ("Flow", "Yours", agent),
        ("New", "Jane is here", None),
    ]


async def test_a_notice_by_mail(database: Database, account: int, jane: int, email: Channel) -> None:
    agent = await colleague(database, account, "ann")
    told = step("send_notification", message="Look", channel="both", email="boss@example.org", notify_user_ids=[agent])

    await go(database, account, jane, told)

    rows = await world.execute(
        database.dsn, "select recipient, body from simulator_outbox where account_id = $1 order by seq", account
    )
    assert [tuple(row) for row in rows] == [(f"ann{account}@example.org", "Look"), ("boss@example.org", "Look")]


async def test_an_address_that_comes_to_nothing_fails(
    database: Database, account: int, jane: int, email: Channel
) -> None:
    await go(database, account, jane, step("send_notification", message="Look", email="{{nobody}}"))

    assert await canvases.executions(database, account) == [("failed", jane)]


async def test_what_steps_keep_does_not_hide_the_contact(
    database: Database, account: int, jane: int, email: Channel
) -> None:
    letter = step("send_email", subject="Hi", body="Hi")

    await go(database, account, jane, letter, step("add_tag", tag_name="{{email}} {{mail.message_id}}"))

    [message] = await written(database, account)
    assert f"jane@example.com {message['id']}" in await canvases.worn(database, account, jane)


async def test_tags_come_and_go(database: Database, account: int, jane: int) -> None:
    await go(
        database,
        account,
        jane,
        step("add_tag", "a", tag_name="from {{first_name}}"),
        step("remove_tag", "b", tag_name="GO"),
        step("remove_tag", "c", tag_name="never heard of"),
    )

    assert await canvases.worn(database, account, jane) == {"from Jane"}
    assert await canvases.executions(database, account) == [("completed", jane)]


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("city", "{{first_name}}ville", lambda jane: jane.city == "Janeville"),
        ("job_title", "CTO", lambda jane: jane.title == "CTO"),
        ("lead_score", "70", lambda jane: jane.lead_score == 70),
        ("status", "unsubscribed", lambda jane: jane.status == "stopped"),
        ("company", "Acme", lambda jane: jane.company == "Acme"),
        ("email", "jane@example.org", lambda jane: jane.email == "jane@example.org"),
        ("custom_fields.plan", "gold", lambda jane: jane.fields["plan"] == "gold"),
        ("plan", "gold", lambda jane: jane.fields["plan"] == "gold"),
        ("last_name", "", lambda jane: jane.name == "Jane"),
    ],
)
async def test_a_field_is_written(database: Database, account: int, jane: int, field: str, value: str, read) -> None:
    await go(database, account, jane, step("update_contact", field=field, value=value))

    async with database.tx(account) as tx:
        assert read(await people.get(tx, jane)), await canvases.notes(database, account)


@pytest.mark.parametrize(("field", "value"), [("lead_score", "many"), ("email", "no address"), ("status", "happy")])
async def test_a_value_that_does_not_fit_fails(
    database: Database, account: int, jane: int, field: str, value: str
) -> None:
    await go(database, account, jane, step("update_contact", field=field, value=value))

    assert await canvases.executions(database, account) == [("failed", jane)]


async def test_the_conversation_goes_to_a_colleague(
    database: Database, account: int, jane: int, email: Channel
) -> None:
    agent = await colleague(database, account, "ann")
    async with database.tx(account) as tx:
        talk = await replies.start(tx, jane, "email", "Hello", subject="Hello")

    await go(database, account, jane, step("assign_agent", agent_id=agent))

    [row] = await world.execute(database.dsn, "select assignee_id from conversations where id = $1", talk.id)
    assert row[0] == agent


async def test_a_mail_is_assigned_when_it_is_filed(database: Database, account: int, jane: int, email: Channel) -> None:
    agent = await colleague(database, account, "ann")
    await canvases.active(database, account, canvas(trigger("email_received"), step("assign_agent", agent_id=agent)))

    await world.say(database, email, "jane@example.com", "It broke", subject="Help")
    await world.react(database)
    await world.execute(database.dsn, "update jobs set run_at = now() - interval '1 second'")
    await world.react(database)

    rows = await world.execute(database.dsn, "select assignee_id from conversations where account_id = $1", account)
    assert [row[0] for row in rows] == [agent]


async def test_colleagues_take_turns(database: Database, account: int) -> None:
    agents = sorted([await colleague(database, account, "ann"), await colleague(database, account, "bob")])
    await colleague(database, account, "eve", role="viewer")
    await canvases.active(database, account, canvas(trigger(), step("assign_agent", round_robin=True)))

    await world.contacts(database, account, [f"p{n}@example.com" for n in range(4)], "mailto")
    await world.react(database)

    rows = await world.execute(
        database.dsn, "select owner_id from contacts where account_id = $1 order by owner_id", account
    )
    assert [row[0] for row in rows] == [agents[0], agents[0], agents[1], agents[1]]


async def test_a_deal_is_made_and_moved(database: Database, account: int, jane: int) -> None:
    async with database.tx(account) as tx:
        won = (await companies.stages(tx))[3]
    deal = step("create_deal", deal_name="{{last_name}} Ltd", value="1,200.50", pipeline_id=1)

    await go(database, account, jane, deal, step("move_deal", stage_id=won.id))

    async with database.tx(account) as tx:
        company = await companies.get(tx, (await people.get(tx, jane)).company_id or 0)
        deals = await companies.deals_of(tx, [jane])
    assert (company.name, str(company.deal_value), company.stage_id) == ("Doe Ltd", "1200.50", won.id)
    assert deals == {jane: 1}


async def test_without_a_deal_nothing_moves(database: Database, account: int, jane: int) -> None:
    async with database.tx(account) as tx:
        won = (await companies.stages(tx))[3]

    await go(database, account, jane, step("move_deal", stage_id=won.id))

    assert await canvases.notes(database, account) == ["The contact has no part in a deal."]


async def test_groups_come_and_go(database: Database, account: int, jane: int) -> None:
    async with database.tx(account) as tx:
        first, second = (await groups.create(tx, "First")).id, (await groups.create(tx, "Second")).id
        await groups.add(tx, second, [jane])

    await go(database, account, jane, step("add_to_group", group_id=first), step("remove_from_group", group_id=second))

    async with database.tx(account) as tx:
        assert [group.id for group in (await groups.of(tx, [jane]))[jane]] == [first]


async def test_an_appointment_goes_out_as_an_invitation(
    database: Database, account: int, jane: int, email: Channel
) -> None:
    date = step(
        "create_calendar_event",
        summary="Demo for {{first_name}}",
        description="Line 1\nLine 2; with, marks",
        location="Room {{city|7}}",
        start_offset_minutes=60,
        duration_minutes=45,
        attendees="boss@example.org, jane@example.com",
        timezone="Europe/Bucharest",
    )

    await go(database, account, jane, date)

    [message] = await written(database, account)
    async with database.tx(account) as tx:
        [kept] = await appointments.of_contact(tx, jane)
    [file] = json.loads(message["attachments"])
    invitation = base64.b64decode(file["content"]).decode().replace("\r\n ", "")
    assert (kept.summary, (kept.ends_at - kept.starts_at).seconds) == ("Demo for Jane", 45 * 60)
    assert json.loads(message["headers"])["cc"] == ["boss@example.org"]
    assert "DESCRIPTION:Line 1\\nLine 2\\; with\\, marks\r\n" in invitation
    assert invitation.count("ATTENDEE") == 2


async def test_an_appointment_without_a_mail_channel_is_kept(database: Database, account: int, jane: int) -> None:
    await go(database, account, jane, step("create_calendar_event", summary="Demo"))

    assert await canvases.notes(database, account) == ["Not mailed: no e-mail channel is connected."]
    async with database.tx(account) as tx:
        assert len(await appointments.of_contact(tx, jane)) == 1


class Peer:
    """Somebody's web server: answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = []
        self.asked: list[tuple[str, dict[str, str], str]] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *lines = head.strip().splitlines()
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.asked.append((line.split(" ")[0], headers, body.decode()))
        status, text = self.answers.pop(0) if self.answers else (200, "{}")
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    yield peer
    server.close()


async def test_a_call_tells_what_is_known_and_hears_the_answer(
    database: Database, account: int, jane: int, peer: Peer
) -> None:
    peer.answers = [(200, '{"plan": {"name": "gold"}}')]
    tag = step("add_tag", tag_name="{{webhook.body.plan.name}}")

    await go(database, account, jane, step("webhook_call", url=peer.url, method="POST"), tag)

    [(method, headers, body)] = peer.asked
    assert method == "POST"
    assert '"email":"jane@example.com"' in body
    assert len(headers["idempotency-key"]) == 36
    assert "gold" in await canvases.worn(database, account, jane)


async def test_a_get_has_no_body(database: Database, account: int, jane: int, peer: Peer) -> None:
    await go(database, account, jane, step("webhook_call", url=peer.url + "?id={{id}}", method="get"))

    [(method, _, body)] = peer.asked
    assert (method, body) == ("GET", "")


async def test_a_peer_that_stumbles_is_called_again_with_the_same_key(
    database: Database, account: int, jane: int, peer: Peer
) -> None:
    peer.answers = [(503, "busy"), (200, "fine")]

    await go(database, account, jane, step("webhook_call", url=peer.url))
    before = await canvases.log(database, account)
    await canvases.pass_time(database, account)
    await world.react(database)

    first, second = (headers["idempotency-key"] for _, headers, _ in peer.asked)
    assert (before, first == second) == ([("webhook_call", "retrying")], True)
    assert await canvases.log(database, account) == [("webhook_call", "completed")]


async def test_a_peer_that_never_answers_well_fails_after_four_tries(
    database: Database, account: int, jane: int, peer: Peer
) -> None:
    peer.answers = [(500, "")] * 9

    await go(database, account, jane, step("webhook_call", url=peer.url))
    for _ in range(5):
        await canvases.pass_time(database, account)
        await world.react(database)

    assert len(peer.asked) == 4
    assert await canvases.executions(database, account) == [("failed", jane)]


async def test_a_refusal_is_final(database: Database, account: int, jane: int, peer: Peer) -> None:
    peer.answers = [(404, "")]

    await go(database, account, jane, step("webhook_call", url=peer.url))

    assert await canvases.notes(database, account) == ["The call was answered with 404."]


async def test_a_private_address_is_not_called(database: Database, account: int, jane: int) -> None:
    async with database.tx(account) as tx:
        await people.update(tx, jane, Changes(city="10.0.0.1"))

    await go(database, account, jane, step("webhook_call", url="https://{{city}}/"))

    assert await canvases.executions(database, account) == [("failed", jane)]


@pytest.mark.parametrize(
    ("field", "operator", "value", "answer"),
    [
        ("first_name", "equals", "jane", True),
        ("first_name", "not_equals", "jane", False),
        ("email", "contains", "@EXAMPLE", True),
        ("email", "not_contains", "@example", False),
        ("email", "ends_with", ".com", True),
        ("last_name", "starts_with", "D", True),
        ("lead_score", "greater_than", 9, True),
        ("lead_score", ">", "10", False),
        ("lead_score", "<=", "10", True),
        ("lead_score", "less_than", "x", False),
        ("city", "is_empty", None, True),
        ("phone", "is_not_empty", None, True),
        ("custom_fields.plan", "equals", "gold", True),
        ("plan", "is_set", None, True),
        ("created_at", "greater_than", "2020-01-01", True),
        ("tags", "contains", "go", True),
        ("status", "is", "active", True),
        ("trigger.tag_name", "equals", "go", True),
        ("nothing.there", "is_empty", None, True),
        ("first_name", "equals", "{{contact.first_name}}", True),
    ],
)
async def test_a_condition_on_a_field(
    database: Database, account: int, jane: int, field: str, operator: str, value: object, answer: bool
) -> None:
    async with database.tx(account) as tx:
        await people.update(tx, jane, Changes(lead_score=10, fields={"plan": "gold"}))

    said = await ask(database, account, jane, step("if_else", field=field, operator=operator, value=value))

    assert said is answer


async def test_a_condition_on_what_a_contact_field_holds(database: Database, account: int, jane: int) -> None:
    condition = step("contact_field", field="email", operator="equals", value="jane@example.com")

    assert await ask(database, account, jane, condition)


@pytest.mark.parametrize(("name", "answer"), [("GO", True), ("other", False)])
async def test_a_condition_on_a_tag(database: Database, account: int, jane: int, name: str, answer: bool) -> None:
    assert await ask(database, account, jane, step("has_tag", tag_name=name)) is answer


@pytest.mark.parametrize("member", [True, False])
async def test_a_condition_on_a_group(database: Database, account: int, jane: int, member: bool) -> None:
    async with database.tx(account) as tx:
        group = (await groups.create(tx, "Group")).id
        if member:
            await groups.add(tx, group, [jane])

    assert await ask(database, account, jane, step("in_group", group_id=group)) is member


@pytest.mark.parametrize("subtype", ["email_opened", "email_clicked"])
@pytest.mark.parametrize(("hours", "answer"), [(1, False), (3, True), (None, True)])
async def test_a_condition_on_a_mail_that_was_seen(
    database: Database, account: int, jane: int, subtype: str, hours: int | None, answer: bool
) -> None:
    column = {"email_opened": "opened_at", "email_clicked": "clicked_at"}[subtype]
    await world.execute(
        database.dsn,
        f"""insert into engagements (account_id, message_id, broadcast_id, contact_id, {column})
            values ($1, 1, 1, $2, now() - interval '2 hours')""",
        account,
        jane,
    )

    assert await ask(database, account, jane, step(subtype, within_hours=hours)) is answer


async def test_a_reply_is_drafted_as_a_note_and_not_sent(
    database: Database, account: int, jane: int, email: Channel
) -> None:
    async with database.tx(account) as tx:
        question = "What are your opening hours?"
        new = documents.NewDocument(kind="qa", title="Hours", question=question, answer="We are open from 9 to 17.")
        await documents.create(tx, new)
    await world.react(database)
    await canvases.active(database, account, canvas(trigger("email_received"), step("ai_reply", max_tokens=100)))

    await world.say(database, email, "jane@example.com", "What are your opening hours?", subject="Hours")
    await world.react(database)
    await world.execute(database.dsn, "update jobs set run_at = now() - interval '1 second'")
    await world.react(database)

    rows = await world.execute(database.dsn, "select body from notes where account_id = $1", account)
    assert [("9 to 17" in row[0], row[0].startswith("Drafted reply:")) for row in rows] == [(True, True)]
    assert await written(database, account) == []


async def test_without_an_answer_nothing_is_drafted(
    database: Database, account: int, jane: int, email: Channel
) -> None:
    async with database.tx(account) as tx:
        await replies.start(tx, jane, "email", "Hello", subject="Hello")

    await go(database, account, jane, step("ai_reply"))

    assert await canvases.log(database, account) == [("ai_reply", "skipped")]


async def test_without_a_conversation_there_is_nothing_to_reply_to(database: Database, account: int, jane: int) -> None:
    await go(database, account, jane, step("ai_reply"))

    assert await canvases.notes(database, account) == ["There is no conversation with the contact to reply in."]
