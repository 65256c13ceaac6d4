"""Tagging: the tags of conversations; the tags themselves are kept in `contacts/tags.py`."""

from collections.abc import Sequence

from trunkline.contacts import tags as all_tags
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid
from trunkline.inbox.changes import record_changed


async def add(tx: Tx, conversations: Sequence[int], tags: Sequence[int]) -> list[int]:
    """Put tags on conversations; returns those that got one that they had not."""
    await _check(tx, tags)
    changed = sorted(set(await tx.column(int, ADD, tx.account, sorted(set(conversations)), sorted(set(tags)))))
    record_changed(tx, changed)
    return changed


async def remove(tx: Tx, conversations: Sequence[int], tags: Sequence[int]) -> list[int]:
    """Take tags off conversations; returns those that lost one."""
    await _check(tx, tags)
    changed = sorted(set(await tx.column(int, REMOVE, tx.account, conversations, tags)))
    record_changed(tx, changed)
    return changed


async def replace(tx: Tx, conversation: int, tags: Sequence[int]) -> None:
    """Make these the only tags of a conversation."""
    await _check(tx, tags)
    removed = await tx.column(int, REMOVE_OTHERS, tx.account, conversation, tags)
    added = await tx.column(int, ADD, tx.account, [conversation], sorted(set(tags)))
    record_changed(tx, sorted({*removed, *added}))


async def _check(tx: Tx, tags: Sequence[int]) -> None:
    known = await all_tags.known(tx, tags, "conversation")
    fields = {
        f"tag_ids.{position}": [f"The selected tag_ids.{position} is invalid."]
        for position, tag in enumerate(tags)
        if tag not in known
    }
    if fields:
        raise Invalid(fields)


ADD = sql("""
    insert into conversation_tags (account_id, tag_id, conversation_id)
    select $1, t.id, c.id
    from conversations c cross join tags t
    where c.account_id = $1 and c.id = any($2::bigint[]) and c.deleted_at is null
        and t.account_id = $1 and t.id = any($3::bigint[])
    order by t.id, c.id
    on conflict do nothing returning conversation_id
""")

REMOVE = sql("""
    delete from conversation_tags
    where account_id = $1 and conversation_id = any($2::bigint[]) and tag_id = any($3::bigint[])
    returning conversation_id
""")

REMOVE_OTHERS = sql("""
    delete from conversation_tags
    where account_id = $1 and conversation_id = $2 and tag_id <> all($3::bigint[])
    returning conversation_id
""")
