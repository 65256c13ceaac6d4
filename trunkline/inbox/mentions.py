"""Mentions: colleagues who are called in a note, and whether they have seen it."""

import re
from collections.abc import Sequence

from trunkline.core.db import Tx, sql
from trunkline.inbox import assignment, changes
from trunkline.inbox.conversations import Assignee
from trunkline.inbox.notes import Note


async def note(tx: Tx, note: Note) -> list[int]:
    """Call those whose name or address stands behind an @ in a note; returns them."""
    called = called_in(note.body, await assignment.assignees(tx)) if "@" in note.body else []
    others = [id for id in called if id != note.user_id]
    if others:
        await tx.run(INSERT, tx.account, note.id, note.conversation_id, others)
        changes.record_changed(tx, [note.conversation_id])
    return others


async def seen(tx: Tx, conversation_id: int, user_id: int) -> None:
    """Somebody opened the conversation in which they were called."""
    if await tx.run(SEEN, tx.account, user_id, conversation_id):
        changes.record_changed(tx, [conversation_id])


def called_in(text: str, colleagues: Sequence[Assignee]) -> list[int]:
    """Longer names first, so that Ana Maria is not taken for Ana."""
    found: list[int] = []
    names = [(name, one.id) for one in colleagues for name in (one.name, one.email) if name]
    for name, id in sorted(names, key=lambda each: -len(each[0])):
        pattern = re.compile(rf"(?<!\w)@{re.escape(name)}(?!\w)", re.IGNORECASE)
        if pattern.search(text):
            found.append(id)
            text = pattern.sub("", text)
    return list(dict.fromkeys(found))


INSERT = sql("""
    insert into note_mentions (account_id, note_id, conversation_id, user_id)
    select $1, $2, $3, id from unnest($4::bigint[]) as called (id) order by id on conflict do nothing
""")

SEEN = sql("""
    update note_mentions set seen_at = now()
    where account_id = $1 and user_id = $2 and conversation_id = $3 and seen_at is null
""")
