"""Archives: old messages and runs as files."""

from datetime import date
from typing import Annotated, get_args
from urllib.parse import urlencode

from msgspec import Meta, Struct

from trunkline.dialects.base import Call, Tx
from trunkline.dialects.rapidpro import reading
from trunkline.dialects.rapidpro.dialect import PAGE, rapidpro
from trunkline.dialects.rapidpro.reading import NEVER
from trunkline.flows import archives, downloads
from trunkline.flows.archives import Archive, Kind

PERIODS = ("daily", "monthly")
MOST = 1_000
FARTHEST = 10**9


class ArchiveOut(Struct, frozen=True):
    """`hash` is the MD5 of the file, which has one JSON object a line. `archive_type` is an older word for `type`."""

    type: str
    start_date: date
    period: str
    record_count: int
    size: int
    hash: str
    download_url: str
    archive_type: str


class ArchivesOut(Struct, frozen=True):
    count: int
    next: str | None
    previous: str | None
    results: list[ArchiveOut]


class ArchiveQuery(Struct):
    type: Annotated[str | None, Meta(description="Only archives of this type: message or run.")] = None
    archive_type: Annotated[str | None, Meta(description="An older word for type.")] = None
    period: Annotated[str | None, Meta(description="Only archives of this period: daily or monthly.")] = None
    before: Annotated[str | None, Meta(description="Beginning on this day or before.")] = None
    after: Annotated[str | None, Meta(description="Beginning on this day or after.")] = None
    limit: Annotated[str | None, Meta(description="How many to list, 250 unless it is said.")] = None
    offset: Annotated[str | None, Meta(description="How many to leave out before them.")] = None


@rapidpro.get("/archives.json")
async def list_archives(tx: Tx, call: Call, query: ArchiveQuery) -> ArchivesOut:
    """List the files of old messages and runs, the newest day first. A file's address is good for a day."""
    limit, offset = _number(query.limit, MOST) or PAGE, _number(query.offset, FARTHEST)
    kind, after_before = query.type or query.archive_type, reading.between(query.after, query.before)
    if after_before == NEVER or (kind and kind not in get_args(Kind)):
        return ArchivesOut(0, None, None, [])
    after, before = (each.date() if each else None for each in after_before)
    period = query.period if query.period in PERIODS else None
    chosen = {"kind": kind or None, "period": period, "after": after, "before": before}
    total = await archives.count(tx, **chosen)
    rows = await archives.page(tx, **chosen, offset=offset, limit=limit)
    return ArchivesOut(
        count=total,
        next=_link(call, limit, offset + limit) if offset + limit < total else None,
        previous=_link(call, limit, max(0, offset - limit)) if offset > 0 else None,
        results=[_shape(call, each) for each in rows],
    )


def _number(text: str | None, most: int) -> int:
    """What cannot be read was not said."""
    return min(int(text), most) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0


def _link(call: Call, limit: int, offset: int) -> str:
    kept = {name: values for name, values in call.query.items() if name not in ("limit", "offset")}
    asked = {**kept, "limit": [str(limit)], **({"offset": [str(offset)]} if offset else {})}
    return f"{call.url(call.path)}?{urlencode(asked, doseq=True)}"


def _shape(call: Call, archive: Archive) -> ArchiveOut:
    site = call.base_url.removesuffix(call.mount)
    path = downloads.path(call.vault, call.caller.account, archive.id) if archive.media_key else None
    return ArchiveOut(
        type=archive.kind,
        start_date=archive.start_date,
        period=archive.period,
        record_count=archive.records,
        size=archive.size,
        hash=archive.hash,
        download_url=site + path if path else "",
        archive_type=archive.kind,
    )
