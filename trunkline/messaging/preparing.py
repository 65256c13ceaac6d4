"""Preparing: what happens between the claim and the send, in the claim's transaction.

Whatever must not go out any more (canceled, opted out, expired, blocked, handed over before a crash) leaves the
line here; broadcast messages get their text, their segments and their final price.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.billing import credits, prices
from trunkline.channels.base import Attachment, Outbound
from trunkline.contacts import values
from trunkline.core import clock, text
from trunkline.core.db import Tx, sql
from trunkline.core.urns import Urn
from trunkline.messaging import lines, mailing, statuses
from trunkline.messaging.channels import Channel
from trunkline.messaging.lines import Claimed, Line
from trunkline.messaging.sending import BULK, segment_count
from trunkline.messaging.statuses import Change

Ready = tuple[Claimed, Outbound]

FRESH_SECONDS = 2.0
MOST_TEXTS = 1000


class Base(Struct, frozen=True):
    """The text of a broadcast that its messages share until they are rendered."""

    id: int
    subject: str | None
    body: str
    html: str | None
    variables: dict[str, Any]
    metered: bool


class Texts:
    """What broadcasts say, remembered for moments: while one is sending, its text does not change."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[float, Base]] = {}

    async def of(self, tx: Tx, id: int) -> Base:
        read_at, base = self._known.get((tx.account, id), (0.0, None))
        if base is None or clock.monotonic() - read_at > FRESH_SECONDS:
            if len(self._known) > MOST_TEXTS:
                self._known.clear()
            base = await tx.one(Base, BASE, tx.account, id)
            self._known[tx.account, id] = clock.monotonic(), base
        return base


class Rendered(Struct, frozen=True):
    """`same` says that every recipient gets the base text, so it need not be stored again."""

    body: str
    html: str | None
    subject: str | None
    segments: int
    credits: int
    same: bool


async def prepare(
    tx: Tx, line: Line, channel: Channel, claimed: Sequence[Claimed], texts: Texts | None = None
) -> list[Ready]:
    """The messages that really go out. The others are settled here and leave the queue."""
    once = channel.semantics == "at_most_once"
    stay, drop, gone = [], [], []
    for message in claimed:
        if message.before not in ("queued", "errored", "sending"):
            gone.append(message)
        elif why := _why_not(message, line, channel, once=once):
            drop.append((message, why))
        else:
            stay.append(message)
    rendered: dict[int, Rendered] = {}
    if line.broadcast_id and stay:
        rendered = await _render(tx, await (texts or Texts()).of(tx, line.broadcast_id), channel, stay)
        stay, short = await _settle_price(tx, stay, rendered)
        drop += [(message, Change(message.id, "failed", reason="insufficient_credits")) for message in short]
    if drop or gone:
        await statuses.apply_many(tx, [change for _, change in drop])
        await lines.release(tx, line, [message for message, _ in drop] + gone)
    unmarked = [m for m in stay if not (m.id in rendered and _is_new(m, rendered[m.id]))]
    if unmarked:
        await lines.mark(tx, unmarked)
    return [(message, _outbound(tx, line, channel, message, rendered.get(message.id))) for message in stay]


def _why_not(message: Claimed, line: Line, channel: Channel, *, once: bool) -> Change | None:
    if message.before == "sending" and once:
        return Change(message.id, "unknown", reason="ambiguous", error="A worker stopped while it was sending.")
    if not channel.active:
        return Change(message.id, "failed", reason="channel", error="The channel was disconnected.")
    if message.suppressed:
        return Change(message.id, "failed", reason="suppressed", error="The recipient has opted out.")
    if message.expired:
        return Change(message.id, "failed", reason="expired", error="Too late to be sent.")
    if message.contact_status is None:
        return Change(message.id, "failed", reason="contact_deleted")
    if message.contact_status == "blocked" or (line.broadcast_id and message.contact_status != "active"):
        return Change(message.id, "failed", reason=f"contact_{message.contact_status}")
    return None


async def _render(tx: Tx, base: Base, channel: Channel, messages: Sequence[Claimed]) -> dict[int, Rendered]:
    templates = [text.compile(part or "") for part in (base.body, base.html, base.subject)]
    names = {name for template in templates for name in template.names}
    people = await values.of_contacts(tx, [message.contact_id for message in messages], names) if names else {}
    out = {}
    for message in messages:
        known = {**people.get(message.contact_id, {}), **base.variables}
        body = templates[0].render(known, missing="empty")
        html = templates[1].render(known, escape="html", missing="empty") if base.html else None
        subject = templates[2].render(known, escape="header", missing="empty") if base.subject else None
        count = segment_count(channel, body)
        price = prices.price(channel.kind, pool=channel.pool, metered=base.metered, segments=count)
        out[message.id] = Rendered(body, html, subject, count, price, same=not names)
    return out


async def _settle_price(
    tx: Tx, messages: Sequence[Claimed], rendered: dict[int, Rendered]
) -> tuple[list[Claimed], list[Claimed]]:
    """Bring reservations to the real price and store the texts. Returns who can be paid for, and who cannot."""
    paid, short = [], []
    wanted = sum(max(0, rendered[m.id].credits - _reserved(m)) for m in messages)
    granted = await credits.reserve_up_to(tx, wanted, "broadcast", "segments") if wanted else 0
    spare = sum(max(0, _reserved(m) - rendered[m.id].credits) for m in messages)
    if spare:
        await credits.refund(tx, spare, "broadcast", "segments")
    for message in messages:
        more = max(0, rendered[message.id].credits - _reserved(message))
        if more > granted:
            short.append(message)
            continue
        granted -= more
        paid.append(message)
    if granted:
        await credits.refund(tx, granted, "broadcast", "segments")
    if changed := [m for m in paid if _is_new(m, rendered[m.id])]:
        await _store(tx, changed, [rendered[m.id] for m in changed])
    return paid, short


async def _store(tx: Tx, messages: Sequence[Claimed], texts: Sequence[Rendered]) -> None:
    """Keep what each recipient really gets, and mark it as being sent in the same write."""
    await tx.run(
        STORE,
        tx.account,
        [m.id for m in messages],
        [None if text.same else text.body for text in texts],
        [None if text.same else text.html for text in texts],
        [None if text.same else text.subject for text in texts],
        [text.segments for text in texts],
        [text.credits for text in texts],
        [m.attempts for m in messages],
    )


def _is_new(message: Claimed, text: Rendered) -> bool:
    """Whether the message's row must learn its text or its price."""
    return not text.same or text.credits != _reserved(message)


def _reserved(message: Claimed) -> int:
    return message.credits if message.credit_state == "reserved" else 0


def _outbound(tx: Tx, line: Line, channel: Channel, message: Claimed, rendered: Rendered | None) -> Outbound:
    body = rendered.body if rendered else message.body or ""
    mail = None
    if channel.sends_as == "email":
        subject = (rendered.subject if rendered else message.subject) or ""
        html = rendered.html if rendered else message.html
        mail = mailing.mail(tx, message, subject, html, bulk=line.broadcast_id != 0)
    return Outbound(
        id=message.id,
        uuid=str(message.uuid),
        to=Urn(message.scheme, message.address),
        text=body,
        attachments=[msgspec.convert(a, Attachment) for a in message.attachments or ()],
        quick_replies=message.quick_replies or (),
        mail=mail,
        extra={
            **(message.headers or {}),
            "contact_id": message.contact_id,
            "conversation_id": message.conversation_id,
        },
        logged=line.lane != BULK,
    )


BASE = sql("""
    select b.id, b.subject, b.body, b.html, b.variables, a.metered
    from broadcasts b join accounts a on a.id = b.account_id where b.account_id = $1 and b.id = $2
""")

STORE = sql("""
    update messages m set status = 'sending', attempts = s.attempts, body = s.body, html = s.html,
        subject = s.subject, segments = s.segments,
        credits = s.credits, credit_state = case when s.credits > 0 then 'reserved' else 'none' end
    from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::int[])
        as s (id, body, html, subject, segments, credits, attempts)
    where m.account_id = $1 and m.id = any($2) and m.id = s.id
""")
