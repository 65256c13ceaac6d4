"""Bouncing: what failed mail tells about an address. Gone or objecting ends it at once, failing often ends it too."""

from collections.abc import Sequence

from msgspec import Struct

from trunkline.channels.base import Status
from trunkline.core.db import Tx, sql
from trunkline.messaging import consenting
from trunkline.messaging.channels import Channel

SOFT_LIMIT = 3
SOFT_DAYS = 14
SOURCES = {"hard_bounce": "bounce", "soft_bounce": "bounce", "complaint": "complaint"}


class Told(Struct, frozen=True):
    """Whom a report is about. `soft` counts the address's soft bounces of late."""

    position: int
    message_id: int
    contact_id: int
    address: str
    suppressed: bool
    soft: int


async def judge(tx: Tx, channel: Channel, reports: Sequence[Status]) -> None:
    """Suppress the addresses that these reports rule out; call it when the reports are applied.

    A full mailbox is not a missing one: three soft bounces in two weeks are needed.
    """
    telling = [report for report in reports if report.reason in SOURCES]
    if channel.sends_as != "email" or not telling:
        return
    columns = [report.external_id or "" for report in telling], [report.message_id or 0 for report in telling]
    done: set[str] = set()
    for told in await tx.fetch(Told, TOLD, tx.account, channel.id, *columns, SOFT_DAYS):
        report = telling[told.position - 1]
        passing = report.reason == "soft_bounce" and told.soft < SOFT_LIMIT
        if passing or told.suppressed or told.address in done:
            continue
        done.add(told.address)
        source = SOURCES[report.reason or ""]
        evidence = {"message": told.message_id, "reason": report.reason, "code": report.code, "detail": report.detail}
        await consenting.stop(tx, told.contact_id, channel.sends_as, told.address, source=source, evidence=evidence)


async def refused(tx: Tx, channel: Channel, contact_id: int, address: str, code: str | None, detail: str) -> None:
    """The relay says at once what a bounce says later: 5.1.x means that there is no such mailbox."""
    if channel.sends_as == "email" and (code or "").startswith("5.1."):
        evidence = {"reason": "refused", "code": code, "detail": detail}
        await consenting.stop(tx, contact_id, channel.sends_as, address, source="bounce", evidence=evidence)


TOLD = sql("""
    select r.position, m.id as message_id, m.contact_id, m.address,
        exists (select from suppressions s where s.account_id = $1 and s.kind = 'email' and s.address = m.address)
            as suppressed,
        (select count(*) from messages o where o.account_id = $1 and o.contact_id = m.contact_id
            and o.address = m.address and o.direction = 'out' and o.status = 'failed' and o.reason = 'soft_bounce'
            and o.failed_at > now() - make_interval(days => $5)) as soft
    from unnest($3::text[], $4::bigint[]) with ordinality as r (external_id, message_id, position)
    join messages m on m.account_id = $1 and m.channel_id = $2 and m.direction = 'out'
        and (m.external_id = r.external_id or m.id = r.message_id)
    order by r.position
""")
