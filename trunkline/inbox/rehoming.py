"""Rehoming: a conversation turns out to be with somebody else, and goes to that contact with the address behind it."""

from trunkline.contacts import people, urns
from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound
from trunkline.core.urns import Urn
from trunkline.inbox import conversations, merging
from trunkline.inbox.events import ConversationsChanged


async def change_contact(tx: Tx, id: int, contact_id: int) -> int:
    """Give a conversation, its messages and the addresses they came from to another contact.

    Returns where it is now: when they have a conversation of the same kind already, that one takes it in.
    """
    conversation = await conversations.get(tx, id)
    before = conversation.contact_id
    if before == contact_id:
        return id
    await people.get(tx, contact_id)
    if len(await tx.column(int, LOCK, tx.account, sorted({before, contact_id}))) < 2:
        raise NotFound("contact", contact_id)
    given = [Urn(*row) for row in await tx.rows(ADDRESSES, tx.account, id)]
    moved = await urns.remove(tx, before, given) if given else []
    if moved:
        await urns.add(tx, contact_id, moved)
    await tx.run(MESSAGES, tx.account, id, contact_id)
    key = (contact_id, conversation.channel_id, conversation.thread)
    living = await tx.value(int, LIVING, tx.account, *key, id)
    if living is not None:
        await merging.take_in(tx, id, living)
        return living
    await tx.run(HAND_OVER, tx.account, id, contact_id)
    tx.record(ConversationsChanged([id]))
    return id


LOCK = sql("""
    select id from contacts where account_id = $1 and id = any($2) and deleted_at is null order by id for no key update
""")

ADDRESSES = sql("""
    select distinct scheme, address from messages where account_id = $1 and conversation_id = $2 and direction = 'in'
""")

# Broadcasts reach a contact once, so theirs stay where they are.
MESSAGES = sql("""
    update messages set contact_id = $3
    where account_id = $1 and conversation_id = $2 and contact_id <> $3 and broadcast_id is null
""")

LIVING = sql("""
    with both_of_them as (
        select id from conversations
        where account_id = $1 and (id = $5 or (contact_id = $2 and channel_id = $3 and thread = $4))
            and deleted_at is null
        order by id for update
    )
    select id from both_of_them where id <> $5
""")

HAND_OVER = sql("update conversations set contact_id = $3, updated_at = now() where account_id = $1 and id = $2")
