"""Recipients: the people of a campaign taken along: as a sheet, or as a group to write to again."""

import csv
import io
import re
from collections.abc import AsyncIterator

from trunkline.campaigns import broadcasts, reports
from trunkline.campaigns.records import Broadcast
from trunkline.campaigns.reports import Outcome, Recipient
from trunkline.contacts import groups
from trunkline.contacts.groups import Group
from trunkline.core import clock
from trunkline.core.db import Database, Tx
from trunkline.core.jobs import job

PORTION = 5_000
HEADER = (
    "Contact", "Name", "Address", "Status", "Reason", "Error", "Variant", "Sent", "Delivered", "Failed", "Opened",
    "Opened by a machine", "Clicked", "Unsubscribed",
)  # fmt: skip


async def sheet(
    database: Database, account: int, actor: str, broadcast: Broadcast, outcome: Outcome | None = None
) -> AsyncIterator[bytes]:
    """CSV in pieces, each read in a transaction of its own, so that a slow reader holds none open."""
    yield _csv([HEADER])
    after, more = (0, 0), True
    while more:
        async with database.tx(account, actor) as tx:
            rows = await reports.recipients(tx, broadcast, outcome, after=after, limit=PORTION)
        if rows:
            yield _csv([_cells(row) for row in rows])
            after = (rows[-1].contact_id, rows[-1].message_id)
        more = len(rows) == PORTION


async def group(tx: Tx, broadcast: Broadcast, name: str, outcome: Outcome | None = None) -> Group:
    """A new group of those it went so for. It fills in the background, and stays as it is then."""
    made = await groups.create(tx, name)
    fill.later(tx, broadcast.id, made.id, outcome or "", 0, 0)
    return made


@job("broadcast.group")
async def fill(tx: Tx, id: int, group_id: int, outcome: str, contact: int, message: int) -> None:
    """A portion; the next one follows."""
    broadcast = await broadcasts.get(tx, id)
    rows = await reports.recipients(tx, broadcast, reports.outcome(outcome), after=(contact, message), limit=PORTION)
    if rows and await groups.get_many(tx, [group_id]):
        await groups.add(tx, group_id, sorted({row.contact_id for row in rows}))
    if len(rows) == PORTION:
        fill.later(tx, id, group_id, outcome, rows[-1].contact_id, rows[-1].message_id)


def _cells(row: Recipient) -> tuple[str, ...]:
    shown = f"+{row.address}" if row.scheme == "whatsapp" else row.address
    moments = (
        row.sent_at, row.delivered_at, row.failed_at, row.opened_at, row.machine_opened_at, row.clicked_at,
        row.unsubscribed_at,
    )  # fmt: skip
    known = (row.name, shown, row.status, row.reason, row.error)
    texts = [_safe(text or "") for text in known]
    return (str(row.contact_id), *texts, str(row.variant or ""), *(clock.iso(at) or "" for at in moments))


def _safe(text: str) -> str:
    """Nothing that a spreadsheet would work out; a phone number is none of that."""
    return f"'{text}" if FORMULA.match(text) and not PHONE.fullmatch(text) else text


def _csv(rows: list[tuple[str, ...]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


FORMULA = re.compile(r"'*\s*[=+\-@\t\r]")
PHONE = re.compile(r"\+[0-9]{1,20}")
