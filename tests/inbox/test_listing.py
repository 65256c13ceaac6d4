"""Listing: every filter, every order, honest totals."""

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.inbox import assignment, changes, conversations, filing, listing
from trunkline.inbox.changes import Changes
from trunkline.inbox.listing import Filter

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def opened(new_contact, new_channel, new_message):
    """Conversations, one a minute, the last one newest."""

    async def open(tx, number=1, sends_as="sms", **facts):
        channel = await new_channel(sends_as)
        messages = [
            await new_message(await new_contact(), channel, **{"received_at": NOON + timedelta(minutes=n), **facts})
            for n in range(number)
        ]
        return await filing.file(tx, messages)

    return open


def ids(found):
    return [one.id for one in found]


async def test_newest_activity_comes_first(tx, opened, new_message):
    one, two, three = await opened(tx, 3)
    first = await conversations.get(tx, one)
    late = await new_message(first.contact_id, first.channel_id, received_at=NOON + timedelta(hours=1))
    await filing.file(tx, [late])

    assert ids(await listing.page(tx)) == [one, three, two]


@pytest.mark.parametrize(
    ("sort_by", "order"),
    [("last_message_at", [0, 1, 2]), ("created_at", [0, 1, 2]), ("priority", [1, 2, 0]), ("status", [2, 0, 1])],
)
async def test_orders(tx, opened, sort_by, order):
    made = await opened(tx, 3)
    await changes.update(tx, made[0], Changes(priority="urgent", status="open"))
    await changes.update(tx, made[1], Changes(priority="low", status="pending"))
    await changes.update(tx, made[2], Changes(status="closed"))

    upward = await listing.page(tx, sort_by=sort_by, descending=False)
    downward = await listing.page(tx, sort_by=sort_by)

    assert ids(upward) == [made[n] for n in order]
    assert ids(downward) == ids(upward)[::-1]


async def test_filters(tx, opened, new_user):
    user = await new_user()
    plain, mine, starred, closed = await opened(tx, 4)
    [mail] = await opened(tx, sends_as="email", subject="100% off_er")
    await assignment.assign(tx, mine, user)
    await changes.update(tx, starred, Changes(is_starred=True, is_read=True, priority="high"))
    await changes.close(tx, closed)
    await conversations.replied(tx, [conversations.Replied(conversation_id=mail, text="ok", at=NOON, by_ai=True)])
    contact = (await conversations.get(tx, plain)).contact_id

    async def found(**filter):
        return sorted(ids(await listing.page(tx, Filter(**filter))))

    assert await found(status="closed") == [closed]
    assert await found(channel="email") == [mail]
    assert await found(assigned_to=user) == [mine]
    assert await found(assigned_to="unassigned") == [plain, starred, closed, mail]
    assert await found(contact_id=contact) == [plain]
    assert await found(priority="high") == [starred]
    assert await found(is_starred=True) == [starred]
    assert await found(is_ai_handled=True) == [mail]
    assert await found(is_read=True) == [starred]
    assert await found(search="hELL") == [plain, mine, starred, closed]
    assert await found(search="100% off_") == [mail]
    assert await found(search="100_") == []
    assert await found(status="open", assigned_to="unassigned", is_read=False) == [plain, mail]


async def test_company_filter(tx, opened, connection, account):
    made = await opened(tx, 2)
    contact = (await conversations.get(tx, made[0])).contact_id
    await connection.execute("update contacts set company_id = 9 where account_id = $1 and id = $2", account, contact)

    assert ids(await listing.page(tx, Filter(company_id=9))) == [made[0]]


async def test_pages_are_stable_over_ties(tx, opened):
    made = await opened(tx, 7, received_at=NOON)

    walked = [id for offset in (0, 3, 6) for id in ids(await listing.page(tx, limit=3, offset=offset))]

    assert walked == made[::-1]


async def test_walking_by_position_sees_everyone_once(tx, opened):
    made = await opened(tx, 7, received_at=NOON)
    walked, after = [], None

    while found := await listing.latest(tx, after=after, limit=3):
        walked += ids(found)
        after = (found[-1].last_message_at, found[-1].id)

    assert walked == made[::-1]


async def test_stream_sees_everyone_once(tx, opened):
    made = await opened(tx, 7)

    streamed = [id async for batch in listing.stream(tx, batch=3) for id in ids(batch)]

    assert streamed == made[::-1]


async def test_totals_follow_changes(tx, opened):
    made = await opened(tx, 4)
    await changes.close(tx, made[0])
    await conversations.delete(tx, made[1])

    assert await listing.total(tx) == (3, False)
    assert await listing.total(tx, Filter(status="open")) == (2, False)
    assert await listing.total(tx, Filter(is_read=False)) == (3, False)
    assert await listing.by_status(tx) == {"open": 2, "pending": 0, "snoozed": 0, "closed": 1, "spam": 0}


async def test_filtered_totals_are_capped(tx, opened, monkeypatch):
    await opened(tx, 3)
    monkeypatch.setattr(listing, "COUNTED", 2)

    assert await listing.total(tx, Filter(channel="sms")) == (2, True)


async def test_tags_are_shown_by_name(tx, opened, connection, account, database):
    async with database.tx(account) as other:
        [id] = await opened(other)
    for name in ("vip", "Angry"):
        await connection.execute(
            """
            with tag as (
                insert into tags (account_id, kind, name, name_key) values ($1, 'conversation', $2, lower($2))
                returning id
            ) insert into conversation_tags select $1, id, $3 from tag
            """,
            account,
            name,
            id,
        )

    [found] = await listing.page(tx)

    assert [(tag.name, tag.color) for tag in found.tags] == [("Angry", "#8B5CF6"), ("vip", "#8B5CF6")]


async def test_others_see_nothing(database, account, other_account, opened):
    async with database.tx(account) as mine:
        await opened(mine, 2)

    async with database.tx(other_account) as theirs:
        assert await listing.page(theirs) == []
        assert await listing.total(theirs) == (0, False)
        assert await listing.total(theirs, Filter(channel="sms")) == (0, False)
