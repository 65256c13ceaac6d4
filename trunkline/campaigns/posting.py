"""Posting: letters of drip campaigns whose moments have come take their places in the line, each moment once."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from trunkline.billing import credits, metering, prices
from trunkline.campaigns import audiences, expanding
from trunkline.contacts import people
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.messaging import channels
from trunkline.messaging.sending import segment_count


class Letter(Struct, frozen=True):
    drip_id: int
    status: str
    channel_id: int | None
    body: str


class Posted(Struct, frozen=True):
    """Who cannot be reached by mail is in neither."""

    queued: list[int]
    failed: int


async def post(tx: Tx, letter_id: int, point_id: int, contacts: Sequence[int], moments: Sequence[str]) -> None:
    """Queue a letter for contacts, each at their own moment; while its campaign rests the letters wait in the line."""
    await tx.run(LOCK_DRIP, tx.account, letter_id)
    letter = await tx.maybe(Letter, LOCK, tx.account, letter_id)
    if letter is None or letter.channel_id is None or letter.status not in ("sending", "paused"):
        return
    channel = await channels.with_deleted(tx, letter.channel_id)
    count = segment_count(channel, letter.body)
    price = prices.price(channel.kind, pool=channel.pool, metered=await metering.is_metered(tx), segments=count)
    affordable = await tx.value(int, expanding.AFFORDABLE, tx.account, price) or 0 if price else len(contacts)
    posted = await tx.one(
        Posted, POST, tx.account, list(contacts), channel.schemes, channel.sends_as,
        [datetime.fromisoformat(at) for at in moments], point_id, affordable, channel.id, letter_id, count, price,
    )  # fmt: skip
    queued = len(posted.queued)
    await credits.reserve(tx, queued * price, "broadcast", f"broadcast:{letter.drip_id}")
    await tx.run(ADVANCE, tx.account, [letter.drip_id, letter_id], queued + posted.failed)
    key = f"broadcast:{letter_id}:"
    await tx.run(expanding.COUNT, tx.account, f"{key}queued", queued, f"{key}failed", posted.failed)
    await tx.run(expanding.COUNT, tx.account, f"{key}failed.insufficient_credits", posted.failed, "", 0)
    if letter.status == "sending":
        await people.touch(tx, posted.queued, outbound=clock.now())
        tx.wake("outbound")


# The campaign first, as whoever pauses it does.
LOCK_DRIP = sql("""
    select from broadcasts where account_id = $1 and id = (
        select drip_id from broadcasts where account_id = $1 and id = $2) for update
""")

LOCK = sql("""
    select drip_id, status, channel_id, body from broadcasts
    where account_id = $1 and id = $2 and type = 'letter' for update
""")

ADVANCE = sql("""
    update broadcasts set total = total + $3::int where account_id = $1 and id = any($2::bigint[]) and $3 > 0
""")

# What came before is left out; who has no address has had this moment all the same.
POST = sql(f"""
    with fresh as (
        insert into sequence_letters (account_id, point_id, contact_id, due_at)
        select $1, $6, given.id, given.due_at from unnest($2::bigint[], $5::timestamptz[]) as given (id, due_at)
        order by given.id, given.due_at
        on conflict do nothing returning contact_id, due_at
    ), source as materialized (
        select f.contact_id as id, f.due_at,
            (select {audiences.FIT} from contacts c where c.account_id = $1 and c.id = f.contact_id) as fit
        from fresh f order by f.contact_id
    ), recipient as (
        select s.id as contact_id, s.due_at, a.scheme, a.path, row_number() over () <= $7 as paid
        from source s {audiences.REACHED}
    ), message as (
        insert into messages (account_id, direction, status, lane, channel_id, broadcast_id, contact_id, scheme,
            address, segments, credits, credit_state, reason, failed_at, scheduled_at)
        select $1, 'out', case when paid then 'queued' else 'failed' end, 2, $8, $9, contact_id, scheme, path, $10,
            case when paid then $11::int else 0 end, case when paid and $11 > 0 then 'reserved' else 'none' end,
            case when not paid then 'insufficient_credits' end, case when not paid then now() end, due_at
        from recipient
        returning id, status, contact_id
    ), waiting as (
        insert into outbound (lane, channel_id, account_id, broadcast_id, run_at, id)
        select 2, $8, $1, $9, now(), id from message where status = 'queued'
    )
    select coalesce(array_agg(contact_id order by contact_id) filter (where status = 'queued'), '{{}}') as queued,
        count(*) filter (where status = 'failed') as failed
    from message
""")
