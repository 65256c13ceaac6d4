"""Estimates: whom a broadcast would reach, who is dropped and why, what it would cost and how long it would take."""

from typing import Any

from msgspec import Struct

from trunkline.billing import credits, metering, prices
from trunkline.campaigns import audiences, confirming, exclusions, expanding
from trunkline.campaigns.records import Broadcast
from trunkline.contacts import people, searching
from trunkline.contacts.records import Contact
from trunkline.core import segments
from trunkline.core.db import Tx, sql
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel


class Drops(Struct, frozen=True):
    """Everybody in an audience by what becomes of them, each counted once, for the first reason in this order.

    `excluded` is whom the campaign itself leaves out, `duplicate` is whose address belongs to another contact, who
    gets it.
    """

    asked: int
    excluded: int
    blocked: int
    archived: int
    stopped: int
    do_not_disturb: int
    duplicate: int
    no_address: int
    opted_out: int
    reached: int


class Bill(Struct, frozen=True):
    """`cost` is at least so much: what fills the slots may make a text longer. `available` is None where it is free.

    `seconds` is None where nothing is known of the channel's pace.
    """

    encoding: str
    length: int
    segments: int
    each: int
    cost: int
    available: int | None
    seconds: float | None

    @property
    def left(self) -> int | None:
        """Credits afterwards; fewer than none when they do not suffice."""
        return None if self.available is None else self.available - self.cost


async def channel_of(tx: Tx, broadcast: Broadcast) -> Channel:
    """What it would go out on now; raises `Invalid` where nothing is connected."""
    return await channels.choose(tx, broadcast.channel, broadcast.channel_id, "platform" if broadcast.pool else None)


async def drops(tx: Tx, audience: dict[str, Any], channel: Channel) -> Drops:
    """Count an audience; it looks at each of its contacts, so ask for it apart from pages."""
    await audiences.check_filled(tx, audience)
    subject = audiences.subject(audience)
    given = (tx.account, subject, channel.schemes, channel.sends_as)
    if statement := audiences.ready(audience, DROPS):
        return await tx.one(Drops, statement, *given)
    source, values = await audiences.source_of(tx, audience, 5, asking=MATCHING)
    excluded, more = await exclusions.condition(tx, audience, 5 + len(values))
    text = _DROPS_OF_ALL if audience["type"] == "all" else _DROPS
    text = text.format(source=source.replace("{cursor}", "0"), excluded=excluded)
    return await tx.one(Drops, searching.statement(text), *given, *values, *more)


async def sample(tx: Tx, audience: dict[str, Any], channel: Channel, limit: int = 10) -> list[Contact]:
    """Some of those who would be reached."""
    statement, more = audiences.ready(audience, SAMPLE), []
    if statement is None:
        source, more = await audiences.composed(tx, audience, first=6)
        statement = searching.statement(_SAMPLE.format(source=source.format(cursor=0)))
    subject = audiences.subject(audience)
    ids = await tx.column(int, statement, tx.account, subject, channel.schemes, channel.sends_as, limit, *more)
    return await people.get_many(tx, ids)


async def is_crowd(tx: Tx, broadcast: Broadcast, channel: Channel) -> bool:
    """Whether so many would be reached that somebody should be asked once more."""
    most = confirming.MOST_UNASKED
    return await audiences.size(tx, broadcast.audience, channel.schemes, channel.sends_as, most + 1) > most


async def bill(tx: Tx, broadcast: Broadcast, channel: Channel, recipients: int) -> Bill:
    """What a broadcast comes to for so many."""
    counted = segments.count(expanding.plain(broadcast.body))
    parts = counted.segments if channel.sends_as == "sms" else 1
    metered = await metering.is_metered(tx)
    each = prices.campaign_message(channel.kind, channel.sends_as, pool=channel.pool, metered=metered, segments=parts)
    pace = channel.rate or await tx.value(float, PACE, tx.account, channel.id)
    return Bill(
        encoding=counted.encoding,
        length=counted.length,
        segments=parts,
        each=each,
        cost=each * recipients,
        available=(await credits.balance(tx)).available if each else None,
        seconds=recipients / pace if pace else None,
    )


# Who matches at all; how they are dropped is judged outside.
MATCHING = """
    select c.id, {fit} from contacts c where c.account_id = $1 and $2::bigint is not null
        and c.deleted_at is null and ({candidates}::bigint[] is null or c.id = any({candidates})) and {where}"""

_JUDGED = """
    select count(*) as asked,
        count(*) filter (where fate = 'excluded') as excluded,
        count(*) filter (where fate = 'blocked') as blocked,
        count(*) filter (where fate = 'archived') as archived,
        count(*) filter (where fate = 'stopped') as stopped,
        count(*) filter (where fate = 'do_not_disturb') as do_not_disturb,
        count(*) filter (where fate = 'duplicate') as duplicate,
        count(*) filter (where fate = 'no_address') as no_address,
        count(*) filter (where fate = 'opted_out') as opted_out,
        count(*) filter (where fate = 'reached') as reached
    from (
        select case
            when {{excluded}} then 'excluded'
            when c.status <> 'active' then c.status
            when c.do_not_disturb then 'do_not_disturb'
            when a.path is null then case when exists (
                select from urns u where u.account_id = $1 and u.scheme = any($3::text[]) and u.path in (
                    lower(c.email), c.phone, ltrim(c.phone, '+'))) then 'duplicate' else 'no_address' end
            when x.address is not null then 'opted_out'
            else 'reached' end as fate
        from {contacts}
        left join {addresses}
        left join suppressions x on x.account_id = $1 and x.kind = $4
            and x.address = case a.scheme when 'whatsapp' then '+' || a.path else a.path end
    ) judged
"""
_FIRST = "u.contact_id, u.scheme, u.path from urns u where u.account_id = $1 and u.scheme = any($3::text[])"
_DROPS = _JUDGED.format(
    contacts="({source}) as s (id, fit) join contacts c on c.account_id = $1 and c.id = s.id and c.deleted_at is null",
    addresses=f"""lateral (
            select {_FIRST} and u.contact_id = c.id order by u.scheme, u.priority, u.id limit 1) a on true""",
)
# Of everybody one walk over all contacts beside one over all addresses is cheaper than a probe for each.
_DROPS_OF_ALL = _JUDGED.format(
    contacts="""(select * from contacts where account_id = $1 and deleted_at is null and $2::bigint is not null) c
        cross join lateral (select c.id) s""",
    addresses=f"""(
            select distinct on (u.contact_id) {_FIRST} order by u.contact_id, u.scheme, u.priority, u.id
        ) a on a.contact_id = c.id""",
)
DROPS = {
    kind: sql((_DROPS_OF_ALL if kind == "all" else _DROPS).format(source=source.format(cursor=0), excluded="false"))
    for kind, source in audiences.SOURCES.items()
}

_SAMPLE = f"""
    select s.id from ({{source}}) as s (id, fit) {audiences.REACHED} order by s.id limit $5
"""
SAMPLE = {kind: sql(_SAMPLE.format(source=source.format(cursor=0))) for kind, source in audiences.SOURCES.items()}

# As fast as the last one that was of some size went out on this channel.
PACE = sql("""
    select total / greatest(extract(epoch from completed_at - started_at), 1)::float8 from broadcasts
    where account_id = $1 and channel_id = $2 and status = 'sent' and total >= 100 and completed_at > started_at
    order by created_at desc, id desc limit 1
""")
