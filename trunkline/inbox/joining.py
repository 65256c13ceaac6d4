"""Joining: the visitor of a chat window turned out to be somebody we know, so what they said there is that one's."""

from collections.abc import Sequence

from trunkline.contacts import people, urns
from trunkline.core.db import Tx, sql
from trunkline.core.events import Happened
from trunkline.core.jobs import job
from trunkline.core.urns import Urn
from trunkline.inbox import merging
from trunkline.inbox.events import ConversationsChanged


async def visitors_joined(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: after the messages of theirs that wait for an answer already, hence the same queue and key."""
    for one in happened:
        event = one.event
        join.later(tx, event.contact_id, event.into_id, event.channel_id, event.addresses, key=str(event.contact_id))


@job("chat.join", queue="inbound")
async def join(tx: Tx, contact_id: int, into_id: int, channel_id: int, addresses: list[str]) -> None:
    """Give addresses, messages and conversation of one contact on one channel to another.

    The first one is deleted when nothing else is known of them.
    """
    if contact_id == into_id or len(await tx.column(int, LOCK, tx.account, sorted({contact_id, into_id}))) < 2:
        return
    moved = await urns.remove(tx, contact_id, [Urn("webchat", path) for path in addresses])
    await urns.add(tx, into_id, moved)
    await _join_conversations(tx, contact_id, into_id, channel_id)
    await tx.run(MESSAGES, tx.account, contact_id, into_id, channel_id)
    if not await tx.value(bool, IS_SOMEBODY, tx.account, contact_id):
        await people.delete(tx, [contact_id])


async def _join_conversations(tx: Tx, contact_id: int, into_id: int, channel_id: int) -> None:
    """The other contact's living conversation takes it all in; without one it simply changes hands."""
    living = await tx.rows(LIVING, tx.account, [contact_id, into_id], channel_id)
    homes: dict[int, int] = {contact: id for id, contact in living}
    source, target = homes.get(contact_id), homes.get(into_id)
    if source is None:
        return
    if target is None:
        await tx.run(HAND_OVER, tx.account, source, into_id)
        tx.record(ConversationsChanged([source]))
        return
    await merging.take_in(tx, source, target)


LOCK = sql("""
    select id from contacts where account_id = $1 and id = any($2) and deleted_at is null order by id for no key update
""")

LIVING = sql("""
    select id, contact_id from conversations
    where account_id = $1 and contact_id = any($2) and channel_id = $3 and thread = '' and deleted_at is null
    order by id for update
""")

HAND_OVER = sql("update conversations set contact_id = $3, updated_at = now() where account_id = $1 and id = $2")

# Broadcasts reach a contact once, so theirs stay where they are.
MESSAGES = sql("""
    update messages set contact_id = $3
    where account_id = $1 and contact_id = $2 and channel_id = $4 and broadcast_id is null
""")

# Whatever a colleague, an import or another channel knows of somebody makes them more than a passer-by.
IS_SOMEBODY = sql("""
    select exists (select from urns where account_id = $1 and contact_id = $2)
        or exists (select from messages where account_id = $1 and contact_id = $2)
        or exists (select from conversations where account_id = $1 and contact_id = $2 and deleted_at is null)
        or exists (select from contact_tags where account_id = $1 and contact_id = $2)
        or exists (select from group_members where account_id = $1 and contact_id = $2)
        or exists (select from contacts where account_id = $1 and id = $2
            and (fields <> '{}' or phone is not null or email is not null or company_id is not null))
""")
