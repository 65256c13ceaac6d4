"""Preparing: what happens between the claim and the send, in the claim's transaction.

Whatever must not go out any more (canceled, opted out, expired, blocked, handed over before a crash) leaves the
line here; broadcast messages get their text, their segments and their final price.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.billing import credits, prices
from trunkline.channels.base import Attachment, Outbound
from trunkline.contacts import values
from trunkline.core import clock, opaque, text
from trunkline.core.db import Tx, column, sql
from trunkline.core.urns import Urn
from trunkline.messaging import choices, lines, mailing, measures, recipients, statuses
from trunkline.messaging.channels import Channel
from trunkline.messaging.lines import Claimed, Line
from trunkline.messaging.recipients import TEMPLATE_REQUIRED
from trunkline.messaging.sending import BULK, segment_count
from trunkline.messaging.statuses import Change

Ready = tuple[Claimed, Outbound]

NOTHING = (None, None, None)
FRESH_SECONDS = 2.0
MOST_TEXTS = 1000
SLICE = 8


class Base(Struct, frozen=True):
    """The text of a broadcast that its messages share until they are rendered."""

    id: int
    subject: str | None
    body: str
    html: str | None
    template_id: int | None
    variables: dict[str, Any]
    metered: bool
    letter_html: str | None
    letter_text: str | None
    variants: list[dict[str, Any]] | None

    def subject_of(self, message: Claimed) -> str | None:
        if self.variants and message.variant:
            return self.variants[message.variant - 1]["subject"]
        return self.subject


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


class Rendered(Struct, frozen=True, gc=False):
    """`kept` is what must be stored of it: None for the parts that every recipient gets as they stand.

    A mail goes out as `letter`, with links and ways out of its own; nobody needs those to read it again.
    """

    body: str
    html: str | None
    subject: str | None
    segments: int
    credits: int
    kept: tuple[str | None, str | None, str | None]
    letter: tuple[str, str | None] | None = None

    @property
    def same(self) -> bool:
        return self.kept == NOTHING


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
    base = await (texts or Texts()).of(tx, line.broadcast_id) if line.broadcast_id and stay else None
    stay, unheard = await _heard(tx, channel, stay, base)
    drop += [(m, Change(m.id, "failed", reason="template_required", error=TEMPLATE_REQUIRED)) for m in unheard]
    rendered: dict[int, Rendered] = {}
    if base and stay:
        rendered = await _render(tx, base, channel, stay)
        stay, short = await _settle_price(tx, stay, rendered)
        drop += [(message, Change(message.id, "failed", reason="insufficient_credits")) for message in short]
    if drop or gone:
        await statuses.apply_many(tx, [change for _, change in drop])
        await lines.release(tx, line, [message for message, _ in drop] + gone)
        for _, change in drop:
            measures.WITHHELD.of(channel.kind, change.reason or change.status).add()
    unmarked = [m for m in stay if not (m.id in rendered and _is_new(m, rendered[m.id]))]
    if unmarked:
        await lines.mark(tx, unmarked)
    return [(m, _outbound(tx, line, channel, m, rendered.get(m.id))) async for m in _by_turns(stay)]


async def _by_turns(messages: Sequence[Claimed]) -> AsyncIterator[Claimed]:
    """One after the other, and between a few of them a turn for everybody else: a portion of mails keeps the loop for
    so long that all connections to the relay would run dry."""
    for start in range(0, len(messages), SLICE):
        for message in messages[start : start + SLICE]:
            yield message
        await asyncio.sleep(0)


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


async def _heard(
    tx: Tx, channel: Channel, messages: list[Claimed], base: Base | None
) -> tuple[list[Claimed], list[Claimed]]:
    """Parts those who may get this from those whom only a template reaches by now."""
    if recipients.window(channel) is None or (base is not None and base.template_id is not None):
        return messages, []
    free = {m.id for m in messages if m.template_id is None}
    silent = await recipients.silent(tx, channel, [m.contact_id for m in messages if m.id in free])
    unheard = [m for m in messages if m.id in free and m.contact_id in silent]
    late = {m.id for m in unheard}
    return [m for m in messages if m.id not in late], unheard


async def _render(tx: Tx, base: Base, channel: Channel, messages: Sequence[Claimed]) -> dict[int, Rendered]:
    body_of, html_of = text.compile(base.body), text.compile(base.html or "")
    letter = _Letter(tx, base) if base.letter_text is not None else None
    subjects = [base.subject, *(variant["subject"] for variant in base.variants or ())]
    sources = [body_of, html_of, *(text.compile(subject or "") for subject in subjects)]
    sources += letter.sources if letter else []
    names = {name for template in sources for name in template.names if not mailing.is_mark(name)}
    said = [name for name in (*body_of.names, *html_of.names) if not mailing.is_mark(name)]
    people = await values.of_contacts(tx, [message.contact_id for message in messages], names) if names else {}
    out = {}
    async for message in _by_turns(messages):
        known = {**people.get(message.contact_id, {}), **base.variables}
        body = body_of.render(known, missing="empty")
        html = html_of.render(known, escape="html", missing="empty") if base.html else None
        source = base.subject_of(message)
        subject = text.compile(source).render(known, escape="header", missing="empty") if source else None
        kept = (body if said else None, html if said else None, subject if subject != base.subject else None)
        count = segment_count(channel, body)
        price = prices.campaign_message(
            channel.kind, channel.sends_as, pool=channel.pool, metered=base.metered, segments=count
        )
        sent = letter.to(message, known) if letter else None
        out[message.id] = Rendered(body, html, subject, count, price, kept, sent)
    return out


class _Letter:
    """The mail of a broadcast, ready for the marks of each recipient."""

    def __init__(self, tx: Tx, base: Base) -> None:
        self.tools, self.account, self.broadcast = tx.database.tools, tx.account, base.id
        self.text = text.compile(base.letter_text or "")
        self.html = text.compile(base.letter_html) if base.letter_html else None
        self.sources = [self.text, *([self.html] if self.html else [])]
        names = {name for source in self.sources for name in source.names}
        self.marks = sorted(name for name in names if mailing.is_mark(name))

    def to(self, message: Claimed, known: dict[str, Any]) -> tuple[str, str | None]:
        known = {**known, **mailing.marks(self.tools, self.account, self.broadcast, message.id, self.marks)}
        html = self.html.render(known, escape="html", missing="empty") if self.html else None
        return self.text.render(known, missing="empty"), html


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
        [text.kept[0] for text in texts],
        column(text.kept[1] for text in texts),
        column(text.kept[2] for text in texts),
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
        if rendered and rendered.letter:
            body, html = rendered.letter
        mail = mailing.mail(tx, message, subject, html, bulk=line.broadcast_id != 0)
    return Outbound(
        id=message.id,
        uuid=str(message.uuid),
        to=Urn(message.scheme, message.address),
        text=body,
        account_id=line.account_id,
        attachments=[msgspec.convert(a, Attachment) for a in message.attachments or ()],
        quick_replies=choices.texts(message.quick_replies),
        mail=mail,
        extra={
            **(message.headers or {}),
            "contact_id": message.contact_id,
            "conversation_id": message.conversation_id,
            **_outside_ids(tx, channel, message),
        },
        led=bool((message.headers or {}).get("led")),
        logged=line.lane != BULK,
    )


def _outside_ids(tx: Tx, channel: Channel, message: Claimed) -> dict[str, Any]:
    """What the owner of a custom channel knows the contact by, in calls of their own."""
    if channel.kind != "custom_http":
        return {}
    return {"contact_ref": opaque.write(tx.database.tools.vault, "contact", message.contact_id)}


BASE = sql("""
    select b.id, b.subject, b.body, b.html, b.template_id, b.variables, a.metered, b.letter_html, b.letter_text,
        b.variants
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
