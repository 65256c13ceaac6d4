"""Statements: every movement of a month of the account's own calendar, between what was there before and after."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import date, datetime

from msgspec import Struct

from trunkline.billing.credits import Balance, Entry
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid


class Statement(Struct, frozen=True):
    """`since` until before `until`. Opening balance and entries add up to the closing one, always."""

    month: str
    since: datetime
    until: datetime
    opening: Balance
    closing: Balance
    received: int
    spent: int
    entries: list[Entry]


async def of_month(tx: Tx, month: str | None = None) -> Statement:
    """The statement of a month like `2026-03`, by default of this one."""
    frame = await tx.one(_Frame, FRAME, tx.account, clock.now(), _first(month) if month else None)
    # One look, so that what is booked meanwhile is in both numbers or in neither: the balance is reckoned back.
    rows = await tx.one(_Sums, SUMS, tx.account, frame.since, frame.until)
    entries = await tx.fetch(Entry, ENTRIES, tx.account, frame.since, frame.until, rows.last)
    opening = Balance(rows.available, rows.reserved)
    closing = Balance(
        opening.available + sum(change(one, "available") for one in entries),
        opening.reserved + sum(change(one, "reserved") for one in entries),
    )
    received = sum(one.amount for one in entries if one.source in ("granted", "agency"))
    spent = sum(change(one, "spent") for one in entries)
    return Statement(f"{frame.month:%Y-%m}", frame.since, frame.until, opening, closing, received, spent, entries)


class Summary(Struct, frozen=True):
    """A month without its entries, for accounts that have many of them."""

    month: str
    since: datetime
    until: datetime
    opening: int
    closing: int
    reserved: int
    received: int
    spent: int


async def summary(tx: Tx, month: str | None = None) -> Summary:
    """What came and went in a month like `2026-03`, by default in this one."""
    frame = await tx.one(_Frame, FRAME, tx.account, clock.now(), _first(month) if month else None)
    sums = await tx.one(_Month, SUMMARY, tx.account, frame.since, frame.until)
    shown = f"{frame.month:%Y-%m}"
    opening = sums.closing - sums.change
    return Summary(shown, frame.since, frame.until, opening, sums.closing, sums.reserved, sums.received, sums.spent)


async def entries(tx: Tx, month: Summary, before: int | None = None, limit: int = 50) -> list[Entry]:
    """The entries of a month, the newest first; `before` is the id of the last one seen."""
    return await tx.fetch(Entry, PAGE, tx.account, month.since, month.until, before, limit)


async def used_today(tx: Tx) -> int:
    """The credits that the account of `tx` spent since its midnight."""
    return await tx.value(int, TODAY, tx.account, clock.now()) or 0


def change(entry: Entry, book: str) -> int:
    """What an entry adds to a book."""
    return entry.amount * ((entry.target == book) - (entry.source == book))


def as_csv(statement: Statement) -> str:
    """The entries with a first and a last line for the balances. Texts cannot become formulas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    opening, closing = statement.opening, statement.closing
    writer.writerow(_ends("opening", statement.since, opening))
    available, reserved = opening.available, opening.reserved
    for one in statement.entries:
        more, put_aside = change(one, "available"), change(one, "reserved")
        available, reserved = available + more, reserved + put_aside
        moved = (one.source, one.target, one.amount, more, put_aside, available, reserved)
        texts = (one.reason, one.reference, one.description)
        writer.writerow((clock.iso(one.at), one.id, *map(_plain, texts), *moved))
    writer.writerow(_ends("closing", statement.until, closing))
    return out.getvalue()


class _Frame(Struct, frozen=True):
    month: date
    since: datetime
    until: datetime


class _Month(Struct, frozen=True):
    closing: int
    reserved: int
    change: int
    received: int
    spent: int


class _Sums(Struct, frozen=True):
    available: int
    reserved: int
    last: int


def _first(month: str) -> date:
    found = MONTH.fullmatch(month)
    if found is None:
        raise Invalid({"month": ["The month must be written like 2026-03."]})
    return date(int(found[1]), int(found[2]), 1)


def _ends(what: str, at: datetime, balance: Balance) -> Sequence[object]:
    return (clock.iso(at), "", what, "", "", "", "", "", "", "", balance.available, balance.reserved)


def _plain(text: str) -> str:
    """Spreadsheets reckon with what begins like this."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


MONTH = re.compile(r"(2\d{3})-(0[1-9]|1[0-2])", re.ASCII)

COLUMNS = (
    "at", "entry", "reason", "reference", "description", "from", "to", "amount", "available_change",
    "reserved_change", "available", "reserved",
)  # fmt: skip

FRAME = sql("""
    select month, account_midnight($1, month) as since,
        account_midnight($1, (month + interval '1 month')::date) as until
    from (select coalesce($3::date, account_month($1, $2)) as month) chosen
    where exists (select from accounts where id = $1)
""")

# Reckoned back from what is there now, so that nobody sums up a ledger of years.
SUMS = sql("""
    select (coalesce(max(b.available), 0) - coalesce(sum(l.amount * ((l.target = 'available')::int
            - (l.source = 'available')::int)), 0))::bigint as available,
        (coalesce(max(b.reserved), 0) - coalesce(sum(l.amount * ((l.target = 'reserved')::int
            - (l.source = 'reserved')::int)), 0))::bigint as reserved,
        coalesce(max(l.id), 0) as last
    from (select 1) as one
    left join balances b on b.account_id = $1
    left join ledger l on l.account_id = $1 and l.at >= $2 and $3::timestamptz is not null
""")

SUMMARY = sql("""
    select (coalesce(max(b.available), 0) - coalesce(sum(c.change) filter (where l.at >= $3), 0))::bigint as closing,
        coalesce(max(b.reserved), 0)::bigint as reserved,
        coalesce(sum(c.change) filter (where l.at < $3), 0)::bigint as change,
        coalesce(sum(l.amount) filter (where l.at < $3 and l.source in ('granted', 'agency')), 0)::bigint as received,
        coalesce(sum(l.amount * ((l.target = 'spent')::int - (l.source = 'spent')::int))
            filter (where l.at < $3), 0)::bigint as spent
    from (select 1) as one
    left join balances b on b.account_id = $1
    left join ledger l on l.account_id = $1 and l.at >= $2
    left join lateral (
        select l.amount * ((l.target = 'available')::int - (l.source = 'available')::int) as change) c on true
""")

PAGE = sql("""
    select id, at, source, target, amount, available, reason, reference, description, actor from ledger
    where account_id = $1 and at >= $2 and at < $3 and ($4::bigint is null or id < $4) order by id desc limit $5
""")

ENTRIES = sql("""
    select id, at, source, target, amount, available, reason, reference, description, actor from ledger
    where account_id = $1 and at >= $2 and at < $3 and id <= $4 order by id
""")

TODAY = sql("""
    select coalesce(sum(case when target = 'spent' then amount when source = 'spent' then -amount end), 0)::bigint
    from ledger where account_id = $1 and at >= account_midnight($1, account_day($1, $2))
""")
