"""Drip campaigns: who gets which letter when, each once, and what came of it."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from starlette.applications import Starlette

from tests import world
from trunkline import callbacks
from trunkline.billing import credits
from trunkline.campaigns import broadcasts, drips, expanding, moments, points, posting, sequences
from trunkline.campaigns.drips import NewStep
from trunkline.campaigns.records import Broadcast, Changes, NewBroadcast, Progress
from trunkline.contacts import consents, fields, groups, people
from trunkline.core.db import Database
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.messaging import carrier, statuses, tracking
from trunkline.messaging.channels import Channel
from trunkline.messaging.statuses import Change

pytestmark = pytest.mark.anyio

ANA, BOB = "ana@example.com", "bob@example.com"
HELLO = NewStep(subject="Hello {{first_name|there}}", html="<style>p{color:red}</style><p>Hi</p>")
LATER = NewStep(subject="Later", html="<p>Three days</p>", distance=3)
AGENT = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account, **{"as": "email"})


@pytest.fixture
async def group(database: Database, account: int, channel: Channel) -> int:
    async with database.tx(account) as tx:
        return (await groups.create(tx, "Readers")).id


async def draft(database: Database, account: int, group: int, *steps: NewStep) -> int:
    async with database.tx(account) as tx:
        new = NewBroadcast(name="Welcome", channel="email", audience={"type": "group", "id": group})
        id = (await drips.create(tx, new, steps)).id
    await world.react(database)
    return id


async def begin(database: Database, account: int, group: int, *steps: NewStep) -> int:
    id = await draft(database, account, group, *(steps or (HELLO, LATER)))
    await act(database, account, drips.send, id)
    return id


async def act(database: Database, account: int, action, *args: object):
    async with database.tx(account) as tx:
        done = await action(tx, *args)
    await world.react(database)
    return done


async def join(database: Database, account: int, group: int, *addresses: str) -> list[int]:
    found = await world.contacts(database, account, addresses, "mailto")
    await act(database, account, groups.add, group, found)
    return found


async def go_on(database: Database, account: int) -> None:
    """Whatever is due now goes out."""
    await points.look(database)
    await world.react(database)
    await world.deliver(database, account)
    await world.react(database)


async def days_later(database: Database, account: int, days: int) -> None:
    """Every moment that is waited for has come so much nearer."""
    await world.execute(
        database.dsn,
        "update sequence_moments set due_at = due_at - make_interval(days => $2) where account_id = $1",
        account,
        days,
    )
    await go_on(database, account)


async def mails(database: Database, channel: Channel) -> list[tuple[str, str | None]]:
    async with database.tx(channel.account_id) as tx:
        return sorted((one.to, one.subject) for one in await carrier.outbox(tx, channel.id))


async def waiting(database: Database, account: int) -> list[datetime]:
    rows = await world.execute(
        database.dsn, "select due_at from sequence_moments where account_id = $1 order by due_at", account
    )
    return [row[0] for row in rows]


async def read(database: Database, account: int, id: int) -> tuple[Broadcast, Progress, list[Progress]]:
    async with database.tx(account) as tx:
        broadcast = await broadcasts.get(tx, id)
        each = await drips.progress(tx, id)
        steps = [each[step.id] for step in await drips.steps(tx, id)]
        return broadcast, (await broadcasts.progress(tx, [broadcast]))[id], steps


async def test_who_joins_gets_the_first_letter_at_once(database, account, group, channel) -> None:
    await begin(database, account, group)

    await join(database, account, group, ANA)
    await go_on(database, account)

    assert await mails(database, channel) == [(ANA, "Hello there")]


async def test_the_next_letter_comes_in_its_time(database, account, group, channel) -> None:
    await begin(database, account, group)
    await join(database, account, group, ANA)
    await go_on(database, account)
    [moment] = await waiting(database, account)

    await days_later(database, account, 3)

    assert abs(moment - datetime.now(UTC) - timedelta(days=3)) < timedelta(hours=2)
    assert await mails(database, channel) == [(ANA, "Hello there"), (ANA, "Later")]
    assert await waiting(database, account) == []


async def test_members_count_as_joined_when_it_begins(database, account, group, channel) -> None:
    await join(database, account, group, ANA)
    await world.execute(
        database.dsn, "update group_members set joined_at = now() - interval '9 days' where account_id = $1", account
    )

    await begin(database, account, group)
    await go_on(database, account)

    assert await mails(database, channel) == [(ANA, "Hello there")]
    assert len(await waiting(database, account)) == 1


async def test_who_comes_into_a_segment_has_joined(database, account, channel) -> None:
    [ana] = await world.contacts(database, account, [ANA], "mailto")
    async with database.tx(account) as tx:
        segment = (await groups.create(tx, "Friends", query='name = "Ana Pop"')).id
    await world.react(database)
    await begin(database, account, segment)

    await act(database, account, people.update, ana, people.Changes(first_name="Ana", last_name="Pop"))
    await go_on(database, account)
    await act(database, account, people.update, ana, people.Changes(city="Cluj"))
    await go_on(database, account)

    assert await mails(database, channel) == [(ANA, "Hello Ana")]


async def test_a_draft_writes_to_nobody(database, account, group, channel) -> None:
    await draft(database, account, group, HELLO)

    await join(database, account, group, ANA)
    await go_on(database, account)

    assert (await mails(database, channel), await waiting(database, account)) == ([], [])


async def test_of_other_dates_only_what_is_ahead_comes(database, account, group, channel) -> None:
    async with database.tx(account) as tx:
        await fields.create(tx, "Visit", "datetime")
    ana, bob = await join(database, account, group, ANA, BOB)
    now = datetime.now(UTC)
    async with database.tx(account) as tx:
        await people.set_fields(tx, {ana: {"visit": (now - timedelta(hours=1)).isoformat()}})
        await people.set_fields(tx, {bob: {"visit": (now + timedelta(days=2)).isoformat()}})
    await world.react(database)

    day = NewStep(subject="Visit", html="<p>Today</p>", relative_to="visit", unit="hours")
    await begin(database, account, group, day)
    await days_later(database, account, 2)

    assert await mails(database, channel) == [(BOB, "Visit")]


async def test_it_is_a_letter_like_that_of_a_broadcast(database, account, group, channel) -> None:
    await begin(database, account, group, HELLO)

    await join(database, account, group, ANA)
    await go_on(database, account)

    async with database.tx(account) as tx:
        [mail] = await carrier.outbox(tx, channel.id)
    assert '<p style="color: red;">Hi</p>' in (mail.html or "")
    assert "/o/" in (mail.html or "")
    assert "/u/" in (mail.html or "")
    assert "/u/" in mail.text


async def test_who_opted_out_or_left_gets_nothing(database, account, group, channel) -> None:
    await begin(database, account, group, LATER)
    _, bob = await join(database, account, group, ANA, BOB)

    async with database.tx(account) as tx:
        await consents.opt_out(tx, "email", ANA, "test")
    await act(database, account, groups.remove, group, [bob])
    await days_later(database, account, 3)

    assert await mails(database, channel) == []


async def test_each_moment_comes_once_whatever_is_done_again(database, account, group, channel) -> None:
    id = await begin(database, account, group, HELLO)
    [ana] = await join(database, account, group, ANA)
    [at] = await waiting(database, account)
    async with database.tx(account) as tx:
        [step] = await drips.steps(tx, id)
    await go_on(database, account)

    async with database.tx(account) as tx:
        await moments.schedule(tx, [step.id], [ana])
        await posting.post(tx, step.letter_id, step.id, [ana, ana], [at.isoformat()] * 2)
    await go_on(database, account)

    assert await mails(database, channel) == [(ANA, "Hello there")]
    assert await waiting(database, account) == []


async def test_two_workers_with_the_same_moments_write_one_letter_each(database, account, group, channel) -> None:
    id = await begin(database, account, group, LATER)
    found = await join(database, account, group, *(f"c{n}@example.com" for n in range(20)))
    at = datetime.now(UTC).isoformat()
    async with database.tx(account) as tx:
        [step] = await drips.steps(tx, id)

    async def post() -> None:
        async with database.tx(account) as tx:
            await posting.post(tx, step.letter_id, step.id, found, [at] * 20)

    await asyncio.gather(*(post() for _ in range(4)))
    await world.deliver(database, account)

    broadcast, progress, [of_step] = await read(database, account, id)
    assert len(await mails(database, channel)) == 20
    assert (broadcast.total, progress.sent, of_step.total, of_step.sent) == (20, 20, 20, 20)


class Died(Exception):
    """What happens to a worker."""


async def test_a_worker_that_dies_before_its_commit_loses_nothing(database, account, group, channel) -> None:
    id = await begin(database, account, group, HELLO)
    [ana] = await join(database, account, group, ANA)
    [at] = await waiting(database, account)
    await points.look(database)

    with pytest.raises(Died):
        async with database.tx(account) as tx:
            [step] = await drips.steps(tx, id)
            await posting.post(tx, step.letter_id, step.id, [ana], [at.isoformat()])
            raise Died
    await go_on(database, account)

    assert await mails(database, channel) == [(ANA, "Hello there")]


async def test_a_moment_that_is_worked_out_again_while_it_comes_is_the_same(database, account, group, channel) -> None:
    id = await begin(database, account, group, HELLO)
    [ana] = await join(database, account, group, ANA)
    await points.look(database)

    async with database.tx(account) as tx:
        [step] = await drips.steps(tx, id)
        await moments.schedule(tx, [step.id], [ana])
    again = await waiting(database, account)
    await go_on(database, account)
    await go_on(database, account)

    assert len(again) == 1
    assert await mails(database, channel) == [(ANA, "Hello there")]


async def test_a_date_that_moves_makes_another_moment(database, account, group, channel) -> None:
    async with database.tx(account) as tx:
        await fields.create(tx, "Visit", "datetime")
    visit = NewStep(subject="Visit", html="<p>Soon</p>", relative_to="visit", distance=-1)
    await begin(database, account, group, visit)
    [ana] = await join(database, account, group, ANA)

    for days in (5, 9):
        at = (datetime.now(UTC) + timedelta(days=days)).isoformat()
        await act(database, account, people.set_fields, {ana: {"visit": at}})
        await days_later(database, account, days)

    assert await mails(database, channel) == [(ANA, "Visit"), (ANA, "Visit")]


async def test_while_it_is_paused_letters_wait(database, account, group, channel) -> None:
    id = await begin(database, account, group, HELLO)
    await act(database, account, broadcasts.pause, id)
    await join(database, account, group, ANA)
    await go_on(database, account)
    before = await mails(database, channel)

    await act(database, account, broadcasts.resume, id)
    await go_on(database, account)

    assert (before, await mails(database, channel)) == ([], [(ANA, "Hello there")])


async def test_canceling_ends_it_for_good(database, account, group, channel) -> None:
    id = await begin(database, account, group)
    await act(database, account, broadcasts.pause, id)
    await join(database, account, group, ANA)
    await go_on(database, account)

    await act(database, account, broadcasts.cancel, id)
    await join(database, account, group, BOB)
    await days_later(database, account, 3)

    _, progress, _ = await read(database, account, id)
    assert (await mails(database, channel), await waiting(database, account)) == ([], [])
    assert (progress.total, progress.canceled, progress.queued) == (1, 1, 0)


async def test_it_is_paid_for_and_given_back(database, account, group, channel) -> None:
    await world.grant(database, account, 1)
    id = await begin(database, account, group, HELLO)

    await join(database, account, group, ANA, BOB)
    await go_on(database, account)

    async with database.tx(account) as tx:
        balance = await credits.balance(tx)
        assert await credits.check(tx) is None
    _, progress, _ = await read(database, account, id)
    assert (balance.reserved, progress.total) == (0, 2)
    assert progress.sent + progress.failed == 2
    assert progress.sent == len(await mails(database, channel))


async def test_a_changed_text_is_another_letter_and_figures_stay(database, account, group, channel) -> None:
    id = await begin(database, account, group, HELLO)
    await join(database, account, group, ANA)
    await go_on(database, account)
    await act(database, account, broadcasts.pause, id)
    async with database.tx(account) as tx:
        [step] = await drips.steps(tx, id)

    new = [NewStep(id=step.id, subject="Better", html='<p><a href="https://shop.test">Shop</a></p>')]
    await act(database, account, drips.update, id, Changes(), new)
    await act(database, account, broadcasts.resume, id)
    await join(database, account, group, BOB)
    await go_on(database, account)

    broadcast, progress, [of_step] = await read(database, account, id)
    assert await mails(database, channel) == [(ANA, "Hello there"), (BOB, "Better")]
    assert (broadcast.subject, progress.sent, of_step.sent, of_step.total) == ("Better", 2, 2, 2)


async def test_a_step_that_is_added_later_is_not_sent_for_the_past(database, account, group, channel) -> None:
    id = await begin(database, account, group, HELLO)
    await join(database, account, group, ANA)
    await go_on(database, account)
    await act(database, account, broadcasts.pause, id)
    async with database.tx(account) as tx:
        [step] = await drips.steps(tx, id)

    kept = NewStep(id=step.id, subject=HELLO.subject, html=HELLO.html)
    extra = NewStep(subject="Extra", html="<p>Extra</p>", unit="minutes")
    await act(database, account, drips.update, id, Changes(), [kept, extra])
    await act(database, account, broadcasts.resume, id)
    await go_on(database, account)
    before = await mails(database, channel)
    await join(database, account, group, BOB)
    await go_on(database, account)

    assert before == [(ANA, "Hello there")]
    assert await mails(database, channel) == [(ANA, "Hello there"), (BOB, "Extra"), (BOB, "Hello there")]


async def test_another_time_does_not_send_a_step_again(database, account, group, channel) -> None:
    id = await begin(database, account, group, HELLO)
    await join(database, account, group, ANA)
    await go_on(database, account)
    await act(database, account, broadcasts.pause, id)
    async with database.tx(account) as tx:
        [step] = await drips.steps(tx, id)

    moved = NewStep(id=step.id, subject=HELLO.subject, html=HELLO.html, distance=2)
    await act(database, account, drips.update, id, Changes(), [moved])
    await act(database, account, broadcasts.resume, id)
    await join(database, account, group, BOB)
    await days_later(database, account, 2)

    assert await mails(database, channel) == [(ANA, "Hello there"), (BOB, "Hello there")]


async def test_who_leaves_and_joins_again_begins_anew(database, account, group, channel) -> None:
    await begin(database, account, group, HELLO)
    [ana] = await join(database, account, group, ANA)
    await go_on(database, account)

    await act(database, account, groups.remove, group, [ana])
    await join(database, account, group, ANA)
    await go_on(database, account)

    assert await mails(database, channel) == [(ANA, "Hello there")] * 2


async def test_a_group_that_is_deleted_leaves_a_drip_that_can_be_ended(database, account, group, channel) -> None:
    id = await begin(database, account, group, LATER)
    await join(database, account, group, ANA)
    await act(database, account, groups.delete, group)

    await act(database, account, broadcasts.pause, id)
    with pytest.raises(Invalid):
        await act(database, account, drips.update, id, Changes(name="New"))
    canceled = await act(database, account, broadcasts.cancel, id)
    await days_later(database, account, 3)

    assert canceled.status == "canceled"
    assert await mails(database, channel) == []


async def test_a_step_that_is_taken_out_is_not_sent_any_more(database, account, group, channel) -> None:
    id = await begin(database, account, group, HELLO, LATER)
    await act(database, account, broadcasts.pause, id)
    await join(database, account, group, ANA)
    await go_on(database, account)
    async with database.tx(account) as tx:
        [_, later] = await drips.steps(tx, id)

    kept = [NewStep(id=later.id, subject="Later", html=LATER.html, distance=3)]
    await act(database, account, drips.update, id, Changes(), kept)
    await act(database, account, broadcasts.resume, id)
    await days_later(database, account, 3)

    assert await mails(database, channel) == [(ANA, "Later")]


async def test_another_group_is_another_audience(database, account, group, channel) -> None:
    id = await draft(database, account, group, HELLO)
    async with database.tx(account) as tx:
        other = (await groups.create(tx, "Others")).id
    await join(database, account, group, ANA)
    await join(database, account, other, BOB)

    await act(database, account, drips.update, id, Changes(audience={"type": "group", "id": other}))
    await act(database, account, drips.send, id)
    await go_on(database, account)

    assert await mails(database, channel) == [(BOB, "Hello there")]


async def test_too_many_bounces_of_all_letters_stop_it(database, account, group, channel) -> None:
    id = await begin(database, account, group, HELLO)
    await join(database, account, group, *(f"c{n}@example.com" for n in range(50)))
    await go_on(database, account)
    rows = await world.execute(database.dsn, "select id from messages where account_id = $1 limit 5", account)

    async with database.tx(account) as tx:
        await statuses.apply_many(tx, [Change(row[0], "failed", reason="hard_bounce") for row in rows])
    await world.react(database)

    broadcast, progress, _ = await read(database, account, id)
    assert (broadcast.status, progress.bounced) == ("paused", 5)
    assert "5 of 50" in (broadcast.failure or "")


async def test_opens_and_clicks_are_those_of_the_step_and_the_campaign(database, account, group, channel) -> None:
    linked = NewStep(subject="Shop", html='<p><a href="https://shop.test/">Shop</a></p>')
    id = await begin(database, account, group, linked, LATER)
    await join(database, account, group, ANA, BOB)
    await go_on(database, account)
    rows = await world.execute(
        database.dsn, "select id, broadcast_id from messages where account_id = $1 order by id limit 1", account
    )
    await world.execute(database.dsn, "update messages set sent_at = sent_at - interval '1 minute'")
    vault = database.tools.vault
    link = tracking.token(vault, account, rows[0][1], rows[0][0], 1)
    transport = httpx2.ASGITransport(Starlette(routes=callbacks.routes(database)))

    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=AGENT) as reader:
        answer = await reader.get(f"/l/{link}")
    await world.execute(database.dsn, "update mail_hits set at = at - interval '10 seconds' where not judged")
    await tracking.judge(database)

    events = await world.execute(
        database.dsn, "select data from events where account_id = $1 and type = 'message.clicked'", account
    )
    _, progress, [first, second] = await read(database, account, id)
    assert answer.headers["location"] == "https://shop.test/"
    assert (progress.sent, progress.opened, progress.clicked) == (2, 1, 1)
    assert (first.opened, first.clicked, second.opened, second.total) == (1, 1, 0, 0)
    assert f",{id}," in str(events[0][0]).replace(" ", "")


async def test_letters_and_sequences_of_drips_stand_in_no_list(database, account, group, channel) -> None:
    id = await begin(database, account, group)
    await expanding.finish(database)

    async with database.tx(account) as tx:
        rows, total = await broadcasts.page(tx)
        [step, _] = await drips.steps(tx, id)
        assert ([row.id for row in rows], total, rows[0].status) == ([id], 1, "sending")
        assert await sequences.all_of(tx) == []
        with pytest.raises(NotFound):
            await broadcasts.get(tx, step.letter_id)


async def test_drips_may_be_called_alike(database, account, group, channel) -> None:
    ids = {await draft(database, account, group, HELLO) for _ in range(2)}

    assert len(ids) == 2


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([], "steps"),
        ([HELLO] * 51, "steps"),
        ([NewStep(subject="A", html="<p>A</p>", distance=-1)], "steps.0.offset"),
        ([HELLO, NewStep(subject="A", html="<p>A</p>", relative_to="birthday")], "steps.1.relative_to"),
        ([NewStep(subject="A", html="<p>A</p>", id=1)], "steps.0.id"),
    ],
)
async def test_steps_that_cannot_be_are_refused(database, account, group, channel, steps, field) -> None:
    with pytest.raises(Invalid) as refused:
        await draft(database, account, group, *steps)

    assert list(refused.value.fields) == [field]


async def test_it_cannot_be_sent_twice_nor_changed_while_it_sends(database, account, group, channel) -> None:
    id = await begin(database, account, group)

    for work in (lambda tx: drips.send(tx, id), lambda tx: drips.update(tx, id, Changes(name="New"))):
        with pytest.raises(Conflict):
            async with database.tx(account) as tx:
                await work(tx)


async def test_a_foreign_drip_is_unknown(database, account, other_account, group, channel) -> None:
    id = await draft(database, account, group, HELLO)

    for work in (lambda tx: drips.send(tx, id), lambda tx: drips.update(tx, id, Changes(name="New"))):
        with pytest.raises(NotFound):
            async with database.tx(other_account) as tx:
                await work(tx)
    async with database.tx(other_account) as tx:
        assert (await drips.steps(tx, id), await drips.progress(tx, id)) == ([], {})
