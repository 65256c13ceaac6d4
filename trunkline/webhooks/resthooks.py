"""Resthooks: names under which flows tell other people's programs what happened."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.egress import Egress
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.jobs import job

EVENTS_KEPT_DAYS = 30


class Resthook(Struct, frozen=True):
    id: int
    slug: str
    created_at: datetime
    modified_at: datetime


class Subscriber(Struct, frozen=True):
    id: int
    slug: str
    url: str
    created_at: datetime


class Occurrence(Struct, frozen=True):
    """What subscribers were told, kept for those who come and ask."""

    id: int
    slug: str
    data: dict[str, Any]
    created_at: datetime


async def get_or_create(tx: Tx, slugs: Sequence[str]) -> dict[str, Resthook]:
    """The resthooks with these slugs; those that are missing are made."""
    wanted = list(dict.fromkeys(_checked(slug) for slug in slugs))
    if wanted:
        await tx.run(PUT, tx.account, wanted)
    return {hook.slug: hook for hook in await tx.fetch(Resthook, BY_SLUGS, tx.account, wanted)}


async def all_of(tx: Tx) -> list[Resthook]:
    """Every resthook, in order of change."""
    return await tx.fetch(Resthook, ALL, tx.account)


async def delete(tx: Tx, slug: str) -> None:
    """Delete a resthook with its subscribers and events."""
    if await tx.value(int, DELETE, tx.account, slug) is None:
        raise NotFound("resthook", slug)


async def subscribe(tx: Tx, slug: str, url: str, *, egress: Egress | None = None) -> Subscriber:
    """Have a URL told whenever a flow calls the resthook. The address passes the egress guard by its form."""
    url = (egress or Egress()).check_url(url.strip())
    hooks = await tx.fetch(Resthook, BY_SLUGS, tx.account, [slug])
    if not hooks:
        raise NotFound("resthook", slug)
    id = await tx.value(int, SUBSCRIBE, tx.account, hooks[0].id, url)
    if id is None:
        raise Conflict("already_subscribed", "URL is already subscribed to this event.")
    return await tx.one(Subscriber, SUBSCRIBER, tx.account, id)


async def unsubscribe(tx: Tx, id: int) -> None:
    if not 0 < id < 2**63 or not await tx.run(UNSUBSCRIBE, tx.account, id):
        raise NotFound("subscriber", id)


async def drop(tx: Tx, slug: str, urls: Sequence[str]) -> int:
    """Forget subscribers that said they are gone."""
    return await tx.run(DROP, tx.account, slug, list(urls)) if urls else 0


async def subscribers(tx: Tx, slug: str | None = None) -> list[Subscriber]:
    """Who is told, the newest first; of one resthook or of all."""
    return await tx.fetch(Subscriber, SUBSCRIBERS, tx.account, slug)


async def note(tx: Tx, happened: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Keep what was told, as (slug, payload); slugs that do not exist are left out."""
    if happened:
        await tx.run(NOTE, tx.account, [slug for slug, _ in happened], [dict(data) for _, data in happened])


async def events(
    tx: Tx,
    slug: str | None = None,
    *,
    after: tuple[datetime, int] | None = None,
    limit: int = 250,
    oldest_first: bool = False,
) -> list[Occurrence]:
    """What was told, of one resthook or of all, behind (created_at, id) in their order; the newest first."""
    hook = None
    if slug is not None:
        hooks = await tx.fetch(Resthook, BY_SLUGS, tx.account, [slug])
        if not hooks:
            return []
        hook = hooks[0].id
    at, id = after or (None, None)
    return await tx.fetch(Occurrence, EVENTS[hook is not None, oldest_first], tx.account, at, id, limit, hook)


@job("resthook_events.prune", apart=True)
async def prune(desk: Any) -> None:
    """Delete old events of all accounts, in portions."""
    while True:
        async with desk.database.system() as tx:
            if await tx.run(PRUNE, EVENTS_KEPT_DAYS) < 5000:
                return


def _checked(slug: str) -> str:
    if not SLUG.fullmatch(slug):
        raise Invalid({"resthook": ["A slug has 1 to 50 small letters, digits and hyphens."]})
    return slug


SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}", re.ASCII)

_COLUMNS = "id, slug, created_at, modified_at"

PUT = sql("""
    insert into resthooks (account_id, slug) select $1, * from unnest($2::text[])
    on conflict (account_id, slug) do nothing
""")

BY_SLUGS = sql(f"select {_COLUMNS} from resthooks where account_id = $1 and slug = any($2)")

ALL = sql(f"select {_COLUMNS} from resthooks where account_id = $1 order by modified_at desc, id desc")

DELETE = sql("""
    with hook as (
        delete from resthooks where account_id = $1 and slug = $2 returning id
    ), subscriber as (
        delete from resthook_subscribers where account_id = $1 and resthook_id in (select id from hook)
    ), event as (
        delete from resthook_events where account_id = $1 and resthook_id in (select id from hook)
    )
    select id from hook
""")

SUBSCRIBE = sql("""
    insert into resthook_subscribers (account_id, resthook_id, url) values ($1, $2, $3)
    on conflict (account_id, resthook_id, url) do nothing returning id
""")

_SUBSCRIBER = """
    select s.id, h.slug, s.url, s.created_at from resthook_subscribers s
    join resthooks h on h.account_id = s.account_id and h.id = s.resthook_id where s.account_id = $1
"""

SUBSCRIBER = sql(f"{_SUBSCRIBER} and s.id = $2")

SUBSCRIBERS = sql(f"{_SUBSCRIBER} and ($2::text is null or h.slug = $2) order by s.id desc")

UNSUBSCRIBE = sql("delete from resthook_subscribers where account_id = $1 and id = $2")

DROP = sql("""
    delete from resthook_subscribers s using resthooks h
    where s.account_id = $1 and h.account_id = $1 and h.id = s.resthook_id and h.slug = $2 and s.url = any($3)
""")

NOTE = sql("""
    insert into resthook_events (account_id, resthook_id, data)
    select $1, h.id, told.data from unnest($2::text[], $3::jsonb[]) with ordinality as told (slug, data, position)
    join resthooks h on h.account_id = $1 and h.slug = told.slug order by told.position
""")

_BEHIND = {
    True: "(e.created_at, e.id) > (coalesce($2::timestamptz, '-infinity'), coalesce($3::bigint, 0))",
    False: "(e.created_at, e.id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::bigint, 0))",
}

EVENTS = {
    (of_one, oldest_first): sql(f"""
        select e.id, (select h.slug from resthooks h where h.account_id = $1 and h.id = e.resthook_id) as slug, e.data,
            e.created_at
        from resthook_events e
        where e.account_id = $1 and {behind} and {"e.resthook_id = $5::bigint" if of_one else "$5::bigint is null"}
        order by e.created_at {"asc" if oldest_first else "desc"}, e.id {"asc" if oldest_first else "desc"} limit $4
    """)
    for of_one in (False, True)
    for oldest_first, behind in _BEHIND.items()
}

PRUNE = sql(
    """
    delete from resthook_events where (account_id, id) in (
        select account_id, id from resthook_events where created_at < now() - make_interval(days => $1) limit 5000)
    """,
    system=True,
)
