"""Notices: what the dashboard tells colleagues, all of them or one."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.text import clean
from trunkline.workflows.events import NoticeAdded


class Notice(Struct, frozen=True):
    """`user_id` None is for everybody."""

    id: int
    user_id: int | None
    title: str
    body: str
    icon: str | None
    action_url: str | None
    created_at: datetime
    read_at: datetime | None


async def add(
    tx: Tx,
    title: str,
    body: str,
    *,
    icon: str | None = None,
    action_url: str | None = None,
    user_ids: Sequence[int] = (),
) -> list[int]:
    """Tell these colleagues, or without any everybody; who is no member of the workspace hears nothing."""
    texts = (clean(title)[:255], clean(body)[:2000], icon, action_url)
    rows = await tx.rows(ADD, tx.account, *texts, list(dict.fromkeys(user_ids)))
    for id, user_id in rows:
        tx.record(NoticeAdded(id, user_id))
    return [id for id, _ in rows]


async def of_user(tx: Tx, user_id: int, *, unread: bool = False, limit: int = 50) -> list[Notice]:
    """The newest notices for a user, those for everybody among them."""
    return await tx.fetch(Notice, OF_USER, tx.account, user_id, unread, limit)


async def mark_read(tx: Tx, ids: Sequence[int], user_id: int) -> None:
    """A notice for everybody is read when the first one has read it."""
    await tx.run(MARK_READ, tx.account, list(ids), user_id)


ADD = sql("""
    insert into notices (account_id, title, body, icon, action_url, user_id)
    select $1, $2, $3, $4, $5, told.user_id from (
        select null::bigint as user_id where cardinality($6::bigint[]) = 0
        union all
        select m.user_id from memberships m where m.account_id = $1 and m.active and m.user_id = any($6)
    ) told order by told.user_id
    returning id, user_id
""")

OF_USER = sql("""
    select id, user_id, title, body, icon, action_url, created_at, read_at from notices
    where account_id = $1 and (user_id = $2 or user_id is null) and (not $3::boolean or read_at is null)
    order by id desc limit $4
""")

MARK_READ = sql("""
    update notices set read_at = now()
    where account_id = $1 and id = any($2::bigint[]) and (user_id = $3 or user_id is null) and read_at is null
""")
