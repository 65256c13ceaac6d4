"""Notes about contacts: the newest few of each are kept, who wrote them and when."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from trunkline.contacts.events import ContactUpdated
from trunkline.core.db import Tx, sql
from trunkline.core.text import clean

KEPT = 5
LENGTH = 10_000


class Note(Struct, frozen=True):
    """Email and name of the writer; both None for somebody who left, or for no person."""

    contact_id: int
    body: str
    created_at: datetime
    email: str | None
    name: str | None


async def add(tx: Tx, contact_id: int, body: str, user_id: int | None) -> None:
    await tx.run(INSERT, tx.account, contact_id, user_id, clean(body))
    await tx.run(FORGET, tx.account, contact_id, KEPT)
    await tx.run(BUMP, tx.account, contact_id)
    tx.record(ContactUpdated(contact_id, ["notes"]))


async def of(tx: Tx, contacts: Sequence[int]) -> dict[int, list[Note]]:
    """The notes of each contact that has any, the oldest first."""
    found: dict[int, list[Note]] = {}
    for note in await tx.fetch(Note, OF, tx.account, list(contacts)):
        found.setdefault(note.contact_id, []).append(note)
    return found


INSERT = sql("insert into contact_notes (account_id, contact_id, user_id, body) values ($1, $2, $3, $4)")

FORGET = sql("""
    delete from contact_notes where account_id = $1 and contact_id = $2 and id <= (
        select id from contact_notes where account_id = $1 and contact_id = $2 order by id desc offset $3 limit 1)
""")

BUMP = sql("update contacts set updated_at = now() where account_id = $1 and id = $2")

OF = sql("""
    select n.contact_id, n.body, n.created_at, u.email, u.name
    from contact_notes n left join users u on u.id = n.user_id
    where n.account_id = $1 and n.contact_id = any($2) order by n.contact_id, n.id
""")
