"""Conversations: how they begin, what an answer does to them, how they end."""

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.core.errors import Invalid, NotFound
from trunkline.inbox import changes, conversations, filing
from trunkline.inbox.changes import Changes
from trunkline.inbox.conversations import Replied
from trunkline.messaging import channels

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def opened(new_contact, new_channel, new_message):
    async def open(tx):
        [id] = await filing.file(tx, [await new_message(await new_contact(), await new_channel())])
        return id

    return open


def answer(id, **facts):
    return Replied(**{"conversation_id": id, "text": "Hi Jane", "at": NOON, **facts})


async def test_started_one_is_open_and_the_callers(tx, new_contact, new_channel, new_user):
    contact, user = await new_contact(), await new_user()
    channel = await channels.get(tx, await new_channel("email"))

    made = await conversations.start(tx, contact, channel, subject="Offer", priority="high", user_id=user)

    assert (made.contact_id, made.channel, made.status, made.priority) == (contact, "email", "open", "high")
    assert (made.subject, made.is_read, made.last_message_at is not None) == ("Offer", True, True)
    assert made.assignee is not None
    assert (made.assignee.id, made.assignee.name) == (user, "Agent Jones")


async def test_starting_again_reopens_the_living_one(tx, new_contact, new_channel, new_user):
    contact, user = await new_contact(), await new_user()
    channel = await channels.get(tx, await new_channel())
    first = await conversations.start(tx, contact, channel)
    await changes.close(tx, first.id)

    again = await conversations.start(tx, contact, channel, user_id=user)

    assert (again.id, again.status, again.resolved_at, again.assignee_id) == (first.id, "open", None, user)


async def test_answer_to_a_started_mail_joins_it(tx, new_contact, new_channel, new_message):
    contact, channel_id = await new_contact(), await new_channel("email")
    made = await conversations.start(tx, contact, await channels.get(tx, channel_id), subject="Offer")

    [home] = await filing.file(tx, [await new_message(contact, channel_id, subject="Re: Offer")])

    assert home == made.id


async def test_start_with_a_foreign_contact_is_invalid(tx, other_account, new_contact, new_channel):
    channel = await channels.get(tx, await new_channel())

    with pytest.raises(Invalid) as caught:
        await conversations.start(tx, await new_contact(other_account), channel)

    assert list(caught.value.fields) == ["contact_id"]


async def test_unknown_priority_is_invalid(tx, new_contact, new_channel):
    channel = await channels.get(tx, await new_channel())

    with pytest.raises(Invalid) as caught:
        await conversations.start(tx, await new_contact(), channel, priority="asap")

    assert list(caught.value.fields) == ["priority"]


async def test_agents_answer_is_counted_and_shown(tx, opened):
    id = await opened(tx)
    later = NOON + timedelta(minutes=5)

    await conversations.replied(tx, [answer(id, text="y" * 300, at=later, user_id=7)])

    found = await conversations.get(tx, id)
    assert (found.preview, found.messages_count, found.last_message_at) == ("y" * 200, 2, later)
    assert found.first_response_at == later


async def test_first_response_is_set_once(tx, opened):
    id = await opened(tx)
    await conversations.replied(tx, [answer(id, user_id=7)])

    await conversations.replied(tx, [answer(id, user_id=7, at=NOON + timedelta(hours=1))])

    assert (await conversations.get(tx, id)).first_response_at == NOON


async def test_agents_answer_reopens_a_closed_one(tx, opened):
    id = await opened(tx)
    await changes.close(tx, id)

    await conversations.replied(tx, [answer(id, user_id=7)])

    found = await conversations.get(tx, id)
    assert (found.status, found.resolved_at) == ("open", None)


async def test_automations_neither_reopen_nor_respond(tx, opened):
    id = await opened(tx)
    await changes.close(tx, id)

    await conversations.replied(tx, [answer(id, by_ai=True), answer(id, text="Bye")])

    found = await conversations.get(tx, id)
    assert (found.status, found.first_response_at) == ("closed", None)
    assert (found.messages_count, found.ai_replies_count, found.is_ai_handled) == (3, 1, True)
    assert found.preview == "Bye"


async def test_answers_in_foreign_conversations_touch_nothing(tx, database, account, other_account, opened):
    async with database.tx(account) as mine:
        id = await opened(mine)

    async with database.tx(other_account) as theirs:
        await conversations.replied(theirs, [answer(id, text="gotcha")])
        await conversations.mark_read(theirs, [id])

    found = await conversations.get(tx, id)
    assert (found.preview, found.messages_count, found.is_read) == ("Hello", 1, False)


async def test_looking_marks_it_read_and_tells_once(database, account, events, opened):
    async with database.tx(account) as tx:
        id = await opened(tx)

    for _ in range(2):
        async with database.tx(account) as tx:
            await conversations.mark_read(tx, [id])

    assert len(await events("conversation.changed")) == 1


async def test_deleted_is_gone(tx, opened):
    id = await opened(tx)

    await conversations.delete(tx, id)

    assert await conversations.get_many(tx, [id]) == []
    with pytest.raises(NotFound):
        await conversations.delete(tx, id)


async def test_found_by_uuid(tx, opened):
    found = await conversations.get(tx, await opened(tx))

    assert await conversations.by_uuids(tx, [found.uuid]) == [found]


async def test_foreign_ones_are_unknown(database, account, other_account, opened):
    async with database.tx(account) as mine:
        id = await opened(mine)
        uuid = (await conversations.get(mine, id)).uuid

    async with database.tx(other_account) as theirs:
        assert await conversations.by_uuids(theirs, [uuid]) == []
        for act in (conversations.get(theirs, id), conversations.delete(theirs, id), changes.close(theirs, id)):
            with pytest.raises(NotFound):
                await act


async def test_closing_notes_when_and_reopening_forgets(tx, opened):
    id = await opened(tx)

    await changes.close(tx, id)
    closed = await conversations.get(tx, id)
    await changes.update(tx, id, Changes(status="open"))
    reopened = await conversations.get(tx, id)

    assert (closed.status, closed.resolved_at is not None) == ("closed", True)
    assert (reopened.status, reopened.resolved_at) == ("open", None)


async def test_closing_twice_is_closing_once(database, account, events, opened):
    async with database.tx(account) as tx:
        id = await opened(tx)
        await changes.close(tx, id)
        first = await conversations.get(tx, id)

    async with database.tx(account) as tx:
        await changes.close(tx, id)
        again = await conversations.get(tx, id)

    assert again.resolved_at == first.resolved_at
    assert len(await events("conversation.closed")) == 1


async def test_what_is_not_named_stays(tx, opened):
    id = await opened(tx)
    await changes.update(tx, id, Changes(priority="urgent", is_pinned=True))

    await changes.update(tx, id, Changes(is_starred=True, is_read=True))

    found = await conversations.get(tx, id)
    assert (found.priority, found.is_pinned, found.is_starred, found.is_read) == ("urgent", True, True, True)
    assert found.status == "open"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (Changes(status="lost"), "status"),
        (Changes(priority="asap"), "priority"),
        (Changes(status="snoozed"), "snoozed_until"),
        (Changes(status="snoozed", snoozed_until=NOON.replace(year=2020)), "snoozed_until"),
    ],
)
async def test_bad_changes_name_their_field(tx, opened, given, field):
    id = await opened(tx)

    with pytest.raises(Invalid) as caught:
        await changes.update(tx, id, given)

    assert list(caught.value.fields) == [field]


async def test_snooze_moment_leaves_with_the_status(tx, opened):
    id, until = await opened(tx), NOON.replace(year=2999)
    await changes.update(tx, id, Changes(status="snoozed", snoozed_until=until))
    snoozed = await conversations.get(tx, id)

    await changes.update(tx, id, Changes(status="pending"))

    assert (snoozed.status, snoozed.snoozed_until) == ("snoozed", until)
    assert (await conversations.get(tx, id)).snoozed_until is None


async def test_many_change_alike(tx, opened, other_account, database):
    ids = [await opened(tx) for _ in range(3)]

    moved = await changes.update_many(tx, [*ids, 0], Changes(status="spam"))

    assert sorted(one.id for one in moved) == ids
    assert {one.status for one in await conversations.get_many(tx, ids)} == {"spam"}
