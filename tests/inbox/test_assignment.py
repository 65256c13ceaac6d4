"""Assignment: only colleagues who may answer get conversations."""

import pytest

from trunkline.core.errors import Invalid, NotFound
from trunkline.inbox import assignment, filing

pytestmark = pytest.mark.anyio


@pytest.fixture
def opened(new_contact, new_channel, new_message):
    async def open(tx):
        [id] = await filing.file(tx, [await new_message(await new_contact(), await new_channel())])
        return id

    return open


@pytest.mark.parametrize("role", ["owner", "admin", "editor", "agent"])
async def test_whoever_may_answer_can_get_it(tx, opened, new_user, role):
    id, user = await opened(tx), await new_user(role)

    assigned = await assignment.assign(tx, id, user)

    assert assigned.assignee is not None
    assert (assigned.assignee.id, assigned.assignee.name) == (user, "Agent Jones")


async def test_viewers_the_inactive_and_strangers_cannot(tx, opened, new_user, other_account):
    id = await opened(tx)
    users = [await new_user("viewer"), await new_user(active=False), await new_user(account_id=other_account), 0]

    for user in users:
        with pytest.raises(Invalid) as caught:
            await assignment.assign(tx, id, user)
        assert caught.value.message == ("User not found or does not have permission to be assigned conversations.")
        assert caught.value.fields == {}


async def test_nobody_is_an_assignee_too(tx, opened, new_user):
    id = await opened(tx)
    await assignment.assign(tx, id, await new_user())

    assert (await assignment.assign(tx, id, None)).assignee is None


async def test_only_a_change_is_told(database, account, events, opened, new_user):
    user = await new_user()
    async with database.tx(account) as tx:
        id = await opened(tx)

    for _ in range(2):
        async with database.tx(account) as tx:
            await assignment.assign(tx, id, user)

    assert len(await events("conversation.assigned")) == 1


async def test_foreign_conversation_is_unknown(database, account, other_account, opened, new_user):
    async with database.tx(account) as mine:
        id = await opened(mine)

    async with database.tx(other_account) as theirs:
        with pytest.raises(NotFound):
            await assignment.assign(theirs, id, None)


async def test_everybody_who_may_answer_is_listed(tx, new_user):
    zoe, adam = await new_user(name="Zoe"), await new_user("owner", name="Adam")
    await new_user("viewer")

    assert [one.id for one in await assignment.assignees(tx)] == [adam, zoe]
