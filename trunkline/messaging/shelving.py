"""Shelving: messages that are put away or deleted. Reports go on counting them."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.jobs import Desk, job

BATCH = 2_000


class Shelved(Struct, frozen=True):
    """A message that somebody named."""

    id: int
    uuid: UUID
    direction: str


async def find(tx: Tx, ids: Sequence[int], uuids: Sequence[UUID]) -> list[Shelved]:
    """Those of these messages that are there, by their numbers or their uuids; deleted ones are not."""
    return await tx.fetch(Shelved, FIND, tx.account, list(ids), list(uuids))


async def archive(tx: Tx, messages: Sequence[int]) -> None:
    """Put away what came in."""
    await tx.run(MOVE, tx.account, list(messages), "visible", "archived")


async def restore(tx: Tx, messages: Sequence[int]) -> None:
    """Back to where it was."""
    await tx.run(MOVE, tx.account, list(messages), "archived", "visible")


async def delete(tx: Tx, messages: Sequence[int]) -> None:
    """For good: its words are forgotten, its labels come off."""
    await tx.run(STRIP, tx.account, list(messages))
    await tx.run(DELETE, tx.account, list(messages))


async def archive_of(tx: Tx, contacts: Sequence[int]) -> int:
    """Put away what these contacts wrote. Returns how many messages that were."""
    return await tx.run(ARCHIVE_OF, tx.account, list(contacts))


def delete_of(tx: Tx, contacts: Sequence[int]) -> None:
    """Delete what was said with contacts who are gone: hidden for good, and its words forgotten, in the background."""
    for contact in contacts:
        forget.later(tx, contact)


@job("messages.forget", apart=True)
async def forget(desk: Desk, contact: int) -> None:
    """Delete a contact's messages, some thousands at a time."""
    while True:
        async with desk.tx() as tx:
            if await tx.run(FORGET, tx.account, contact, BATCH) < BATCH:
                return


FIND = sql("""
    select id, uuid, direction from messages where account_id = $1 and id in (
        select i.id from messages i where i.account_id = $1 and i.id = any($2::bigint[])
        union all
        select u.id from messages u where u.account_id = $1 and u.uuid = any($3::uuid[]))
    and visibility <> 'deleted' order by id
""")

MOVE = sql("""
    update messages set visibility = $4
    where account_id = $1 and id = any($2::bigint[]) and direction = 'in' and visibility = $3
""")

STRIP = sql("delete from message_labels where account_id = $1 and message_id = any($2::bigint[])")

DELETE = sql("""
    update messages set visibility = 'deleted', body = '', html = null, subject = null, attachments = null,
        quick_replies = null, variables = null
    where account_id = $1 and id = any($2::bigint[]) and direction = 'in' and visibility <> 'deleted'
""")

ARCHIVE_OF = sql("""
    update messages set visibility = 'archived'
    where account_id = $1 and contact_id = any($2::bigint[]) and direction = 'in' and visibility = 'visible'
""")

FORGET = sql("""
    update messages set visibility = 'deleted', body = '', html = null, subject = null, attachments = null,
        quick_replies = null, variables = null
    where account_id = $1 and id in (
        select id from messages where account_id = $1 and contact_id = $2 and visibility <> 'deleted'
        order by id limit $3 for update)
""")
