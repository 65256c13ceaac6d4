"""Send-outs: every message for many, whoever asked for it, under one count of numbers.

A campaign goes out on the one channel that it was made for. A message in several languages goes to each recipient on
whatever channel reaches them, in their language, with the expressions in it worked out: it runs as a start of flows.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.urns import Urn
from trunkline.flows import starts
from trunkline.flows.starts import NewStart, Origin

Place = tuple[datetime, int]

SHOWN = 100
"""So many of the contacts that a campaign names one by one are told."""


class SendOut(Struct, frozen=True):
    """`translations` is `{language: {text, attachments, quick_replies}}`; of a campaign it has one, under "".

    `contacts` and `groups` are ids. `total` is final when `expanded`; `started` counts who had their turn.
    """

    id: int
    uuid: UUID
    status: str
    groups: list[int]
    contacts: list[int]
    urns: list[str]
    translations: dict[str, dict[str, Any]]
    base_language: str
    expanded: bool
    total: int
    started: int
    created_at: datetime


async def create(
    tx: Tx,
    translations: Mapping[str, Mapping[str, Any]],
    base_language: str,
    *,
    groups: Sequence[int] = (),
    contacts: Sequence[int] = (),
    urns: Sequence[Urn] = (),
    origin: Origin = "api",
) -> SendOut:
    """Send a message to all of these once; unknown addresses become contacts. The texts may hold expressions."""
    message = {
        "translations": translations,
        "base_language": base_language,
        "evaluate": True,
        "contacts": list(contacts),
        "urns": [str(urn) for urn in urns],
    }
    start = await starts.create(
        tx,
        NewStart(flow_id=0, origin=origin, groups=groups, contacts=contacts, urns=urns, message=message, numbered=True),
    )
    [made] = await page(tx, id=start.broadcast_id)
    return made


async def page(
    tx: Tx,
    *,
    id: int | None = None,
    uuid: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: Place | None = None,
    limit: int = 250,
    oldest_first: bool = False,
) -> list[SendOut]:
    """Those that were started, by (created_at, id); both ends of the time belong to it."""
    at, last = after or (None, None)
    statement = PAGE[after is not None, oldest_first]
    return await tx.fetch(SendOut, statement, tx.account, limit, since, until, at, last, id, uuid)


_BEHIND = "(created_at, {id}) {sign} ($5::timestamptz, $6::bigint)"
_NOWHERE = "$5::timestamptz is null and $6::bigint is null"

_PAGE = """
    select * from ((
        select s.broadcast_id as id, s.uuid, s.status, s.groups,
            array(select e::bigint from jsonb_array_elements_text(coalesce(s.message -> 'contacts', '[]')) e)
                as contacts,
            array(select jsonb_array_elements_text(coalesce(s.message -> 'urns', '[]'))) as urns,
            s.message -> 'translations' as translations, s.message ->> 'base_language' as base_language,
            s.expanded, s.total, (select coalesce(sum(t.value), 0)::bigint from tallies t
                where t.account_id = $1 and t.name = 'start:' || s.id) as started, s.created_at
        from flow_starts s
        where s.account_id = $1 and s.broadcast_id is not null and {behind_start} and {common}
            and ($7::bigint is null or s.broadcast_id = $7)
        order by s.created_at {direction}, s.broadcast_id {direction} limit $2
    ) union all (
        select b.id, b.uuid, case b.status when 'sending' then case when b.expanded then 'started' else 'queued' end
                when 'paused' then 'started' when 'sent' then 'completed' when 'canceled' then 'interrupted'
                else b.status end,
            case when b.audience ->> 'type' in ('group', 'segment')
                then array[(b.audience ->> 'id')::bigint] else '{{}}' end,
            array(select e::bigint from jsonb_array_elements_text(coalesce(b.audience -> 'ids', '[]')) e limit {shown}),
            '{{}}', jsonb_build_object('', jsonb_build_object('text', b.body)), '', b.expanded, b.total,
            b.total, b.created_at
        from broadcasts b
        where b.account_id = $1 and b.deleted_at is null and b.type in ('broadcast', 'ab_test')
            and b.status not in ('draft', 'scheduled') and {behind_campaign} and {common}
            and ($7::bigint is null or b.id = $7)
        order by b.created_at {direction}, b.id {direction} limit $2
    )) sent order by created_at {direction}, id {direction} limit $2
"""
_COMMON = """created_at >= coalesce($3::timestamptz, '-infinity')
            and created_at <= coalesce($4::timestamptz, 'infinity')
            and ($8::uuid is null or uuid = $8)"""

PAGE = {
    (behind, oldest_first): sql(
        _PAGE.format(
            behind_start=_BEHIND.format(id="broadcast_id", sign=sign) if behind else _NOWHERE,
            behind_campaign=_BEHIND.format(id="id", sign=sign) if behind else _NOWHERE,
            common=_COMMON,
            direction=direction,
            shown=SHOWN,
        )
    )
    for behind in (False, True)
    for oldest_first, direction, sign in ((False, "desc", "<"), (True, "asc", ">"))
}
