"""Figures: what a campaign came to, as rates and by variant."""

from msgspec import Struct

from trunkline.campaigns.records import Broadcast, Progress
from trunkline.core.db import Tx, sql


class Link(Struct, frozen=True):
    """An address in a campaign's mail, and how many people followed it."""

    number: int
    url: str
    clicks: int


class Split(Struct, frozen=True):
    """What became of those who got one subject of an A/B test."""

    subject: str
    percent: int
    progress: Progress


def handed_over(progress: Progress) -> int:
    """Everything that ever left us for good, whatever became of it later."""
    return progress.handed_over + progress.returned


def delivered(broadcast: Broadcast, progress: Progress) -> int:
    """Mail has arrived when the other side took it and it did not bounce; elsewhere a report must say so."""
    return progress.sent + progress.arrived if broadcast.channel == "email" else progress.arrived


def rate(part: int, whole: int) -> float:
    """Percent with one decimal; what bounced after it was opened must not make more than a hundred."""
    return min(100.0, round(100 * part / whole, 1)) if whole else 0.0


async def split(tx: Tx, broadcast: Broadcast) -> list[Split]:
    """The subjects of an A/B test side by side."""
    variants = broadcast.variants or []
    counts: list[dict[str, int]] = [{"total": 0} for _ in variants]
    names = [f"broadcast:{broadcast.id}.{n}:{what}" for n in range(1, len(variants) + 1) for what in COUNTED]
    for name, value in await tx.rows(COUNTS, tx.account, names):
        number, what = name.partition(".")[2].split(":")
        counts[int(number) - 1][what] = max(0, int(value))
    return [
        Split(variant["subject"], variant["percent"], Progress(**known))
        for variant, known in zip(variants, counts, strict=True)
    ]


async def links(tx: Tx, broadcast: Broadcast) -> list[Link]:
    """The addresses that its mails lead to, in their order."""
    return await tx.fetch(Link, LINKS, tx.account, broadcast.id)


COUNTED = [name for name in Progress.__struct_fields__ if name != "queued"]

COUNTS = sql("select name, sum(value) from tallies where account_id = $1 and name = any($2::text[]) group by name")

LINKS = sql("""
    select l.number, l.url, coalesce((
        select sum(t.value) from tallies t
        where t.account_id = $1 and t.name = 'broadcast:' || l.broadcast_id || ':link.' || l.number
    ), 0)::bigint as clicks
    from broadcast_links l where l.account_id = $1 and l.broadcast_id in (
        select $2 union all select b.id from broadcasts b where b.account_id = $1 and b.drip_id = $2
    ) order by l.broadcast_id, l.number
""")
