"""What a campaign's mails say, to whom which subject, and what the figures make of it."""

import pytest

from tests import world
from tests.world import next_portion
from trunkline.campaigns import broadcasts, figures
from trunkline.campaigns.records import NewBroadcast, Variant
from trunkline.core.db import Database
from trunkline.messaging import carrier, messages, statuses
from trunkline.messaging.channels import Channel
from trunkline.messaging.statuses import Change

pytestmark = pytest.mark.anyio

THREE: list[Variant] = [
    {"subject": "One", "percent": 50}, {"subject": "Two {{first_name}}", "percent": 30},
    {"subject": "Three", "percent": 20},
]  # fmt: skip


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account, **{"as": "email"})


async def sent(database: Database, account: int, recipients: int, **more) -> int:
    await world.contacts(database, account, [f"c{n}@x.test" for n in range(recipients)], "mailto")
    async with database.tx(account) as tx:
        new = NewBroadcast(name="News", channel="email", html="<style>p{color:red}</style><p>Hi</p>", **more)
        id = (await broadcasts.create(tx, new)).id
        await broadcasts.send(tx, id)
        await next_portion(tx, id)
    await world.deliver(database, account)
    return id


async def test_the_letter_is_made_once_and_its_html_is_not_stored_again(
    database: Database, account: int, channel: Channel
) -> None:
    id = await sent(database, account, 3, subject="News")

    rows = await world.execute(database.dsn, "select body, html, subject from messages where broadcast_id = $1", id)
    async with database.tx(account) as tx:
        delivered = await carrier.outbox(tx, channel.id)
    assert {tuple(row) for row in rows} == {(None, None, None)}
    assert all('<p style="color: red;">Hi</p>' in (mail.html or "") for mail in delivered)
    assert len({mail.html for mail in delivered}) == 3


async def test_each_subject_goes_to_its_share(database: Database, account: int, channel: Channel) -> None:
    id = await sent(database, account, 300, type="ab_test", variants=THREE)

    async with database.tx(account) as tx:
        subjects = [mail.subject for mail in await carrier.outbox(tx, channel.id)]
        split = await figures.split(tx, await broadcasts.get(tx, id))
    told = {subject: subjects.count(subject) for subject in set(subjects)}
    assert {part.subject.removesuffix("{{first_name}}"): part.progress.total for part in split} == told
    assert sum(told.values()) == 300
    assert 110 < told["One"] < 190
    assert 30 < told["Three"] < 95


async def test_a_variant_is_read_again_as_it_was_sent(database: Database, account: int, channel: Channel) -> None:
    id = await sent(database, account, 30, type="ab_test", variants=THREE)

    rows = await world.execute(database.dsn, "select id from messages where broadcast_id = $1 order by id", id)
    async with database.tx(account) as tx:
        stored = {m.address: m.subject for m in await messages.get_many(tx, [row[0] for row in rows])}
        delivered = {mail.to: mail.subject for mail in await carrier.outbox(tx, channel.id)}
    assert stored == delivered


async def test_figures_follow_each_variant(database: Database, account: int, channel: Channel) -> None:
    id = await sent(database, account, 40, type="ab_test", variants=THREE)
    rows = await world.execute(
        database.dsn, "select id from messages where broadcast_id = $1 and variant = 1 order by id", id
    )

    async with database.tx(account) as tx:
        await statuses.apply_many(tx, [Change(rows[0][0], "failed", reason="hard_bounce"), Change(rows[1][0], "read")])
        broadcast = await broadcasts.get(tx, id)
        [first, *_] = await figures.split(tx, broadcast)

    assert first.progress.total == len(rows)
    assert (first.progress.bounced, first.progress.returned, first.progress.read) == (1, 1, 1)
    assert figures.delivered(broadcast, first.progress) == len(rows) - 1


async def test_a_bounce_that_turns_out_to_have_arrived_is_none(
    database: Database, account: int, channel: Channel
) -> None:
    id = await sent(database, account, 2, subject="News")
    rows = await world.execute(database.dsn, "select id from messages where broadcast_id = $1 order by id", id)

    async with database.tx(account) as tx:
        await statuses.apply_many(tx, [Change(rows[0][0], "failed", reason="soft_bounce")])
        broadcast = await broadcasts.get(tx, id)
        bounced = (await broadcasts.progress(tx, [broadcast]))[id]
        await statuses.apply_many(tx, [Change(rows[0][0], "delivered")])
        arrived = (await broadcasts.progress(tx, [broadcast]))[id]

    assert (bounced.bounced, figures.handed_over(bounced), figures.delivered(broadcast, bounced)) == (1, 2, 1)
    assert (arrived.bounced, figures.handed_over(arrived), figures.delivered(broadcast, arrived)) == (0, 2, 2)


@pytest.mark.parametrize(
    ("part", "whole", "rate"), [(0, 0, 0.0), (1, 3, 33.3), (2, 3, 66.7), (3, 3, 100.0), (4, 3, 100.0), (5, 0, 0.0)]
)
def test_rates_are_percents_with_one_decimal(part: int, whole: int, rate: float) -> None:
    assert figures.rate(part, whole) == rate
