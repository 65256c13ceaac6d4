"""History and notes: one sequence, in the order of what happened."""

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.core.errors import Invalid, NotFound
from trunkline.inbox import changes, conversations, filing, history, notes

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def talk(new_contact, new_channel, new_message):
    """A conversation with so many messages, a minute apart and in the past."""

    async def make(tx, number):
        contact, channel = await new_contact(), await new_channel()
        messages = [
            await new_message(contact, channel, text=f"m{n}", received_at=NOON + timedelta(minutes=n))
            for n in range(number)
        ]
        return (await filing.file(tx, messages))[0]

    return make


def bodies(part):
    return [entry.body for entry in part.entries]


async def test_oldest_first_with_notes_in_between(tx, talk, new_user, connection, account, database):
    async with database.tx(account) as other:
        id = await talk(other, 3)
        note = await notes.add(other, id, "call her", await new_user())
    await connection.execute(
        "update notes set created_at = $2 where id = $1", note.id, NOON + timedelta(minutes=1, seconds=30)
    )

    part = await history.read(tx, id)

    assert bodies(part) == ["m0", "m1", "call her", "m2"]
    assert [entry.type for entry in part.entries] == ["message", "message", "note", "message"]
    assert (part.entries[2].user_name, part.entries[0].direction, part.earlier) == ("Agent Jones", "in", None)


async def test_parts_meet_without_gap_or_overlap(tx, talk):
    id = await talk(tx, 10)
    for n in range(5):
        await notes.add(tx, id, f"n{n}", None)
    whole = bodies(await history.read(tx, id))

    walked, part = [], await history.read(tx, id, limit=4)
    walked = bodies(part)
    while part.earlier:
        part = await history.read(tx, id, before=part.earlier, limit=4)
        walked = bodies(part) + walked

    assert walked == whole
    assert len(whole) == 15


async def test_only_the_newest_200_come_at_first(tx, talk):
    id = await talk(tx, 205)

    part = await history.read(tx, id)

    assert (len(part.entries), part.entries[0].body, part.entries[-1].body) == (200, "m5", "m204")


async def test_note_touches_neither_status_nor_preview(tx, talk, new_user):
    id = await talk(tx, 1)
    await changes.close(tx, id)

    note = await notes.add(tx, id, "for us only", await new_user())

    found = await conversations.get(tx, id)
    assert (found.status, found.preview, found.first_response_at, found.messages_count) == ("closed", "m0", None, 1)
    assert await notes.all_of(tx, id) == [note]


@pytest.mark.parametrize("body", ["", "  ", "x" * 10_001])
async def test_bad_notes_are_refused(tx, talk, body):
    id = await talk(tx, 1)

    with pytest.raises(Invalid):
        await notes.add(tx, id, body, None)


async def test_foreign_conversation_is_unknown(database, account, other_account, talk):
    async with database.tx(account) as mine:
        id = await talk(mine, 1)
        await notes.add(mine, id, "secret", None)

    async with database.tx(other_account) as theirs:
        assert await notes.all_of(theirs, id) == []
        for act in (history.read(theirs, id), notes.add(theirs, id, "hi", None)):
            with pytest.raises(NotFound):
                await act
