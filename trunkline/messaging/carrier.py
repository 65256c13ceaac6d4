"""The built-in carrier behind simulator channels and chat windows. What it accepts is committed before it answers."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.channels import simulator
from trunkline.channels.base import Identity, Outbound, Status
from trunkline.channels.talking import Strokes
from trunkline.core import clock, ids
from trunkline.core.db import Database, Tx, json_text, sql
from trunkline.core.jobs import Desk, job
from trunkline.messaging import channels, keypads, receiving
from trunkline.messaging.chat import stream


class Delivered(Struct, frozen=True):
    """A message as the phone at the other end has it. `seq` grows by one and never skips a late commit."""

    seq: int
    external_id: str
    to: str
    text: str
    subject: str | None
    html: str | None
    attachments: list[Any]
    quick_replies: list[Any]
    sent_at: datetime


class Carrier:
    """Accepts messages for simulator channels and chat windows of this installation."""

    def __init__(self, database: Database):
        self.database = database

    async def accept(self, channel: Identity, messages: Sequence[Outbound], **behaviour: Any) -> list[str]:
        """Store messages in the channel's outbox; `loss` drops some of them silently, `duplicate` doubles some."""
        external_ids = [f"sim-{message.id}-{ids.token(12)}" for message in messages]
        lost = [random.random() < behaviour.get("loss", 0) for _ in messages]
        rows = [
            row
            for message, external, dropped in zip(messages, external_ids, lost, strict=True)
            if not dropped
            for row in [_row(message, external)] * (2 if random.random() < behaviour.get("duplicate", 0) else 1)
        ]
        async with self.database.tx(channel.account_id) as tx:
            if rows:
                columns = [list(column) for column in zip(*rows, strict=True)]
                last = await tx.value(int, NUMBER, tx.account, channel.id, len(rows)) or 0
                await tx.run(STORE, tx.account, channel.id, last - len(rows), *columns)
            after = behaviour.get("report_after_ms")
            if after is not None:
                at = clock.now() + timedelta(milliseconds=after)
                reports = [("failed" if dropped else "delivered") for dropped in lost]
                deliver_reports.later(tx, channel.id, external_ids, reports, at=at)
        return external_ids

    async def pressed(self, channel: Identity, call: int) -> Strokes:
        """What was pressed in a call on a simulator of a workspace since the last time."""
        async with self.database.tx(channel.account_id) as tx:
            return await keypads.take(tx, call)

    async def show(self, channel: Identity, messages: Sequence[Outbound]) -> set[int]:
        """Add messages to the streams of visitors, each once however often it is handed over."""
        async with self.database.tx(channel.account_id) as tx:
            return await stream.show(tx, channel.id, [(message.id, message.to.path) for message in messages])


@job("simulator.report", apart=True)
async def deliver_reports(desk: Desk, channel_id: int, external_ids: list[str], reports: list[str]) -> None:
    """The carrier's delivery reports, on the way that a provider's would take."""
    async with desk.tx() as tx:
        channel = await channels.with_deleted(tx, channel_id)
    statuses = [
        msgspec.convert(
            {"status": report, "external_id": external, "message_id": simulator.message_of(external)}, Status
        )
        for external, report in zip(external_ids, reports, strict=True)
    ]
    await receiving.take(desk.database, channel, statuses)


async def outbox(tx: Tx, channel_id: int, after: int = 0, limit: int = 1000) -> list[Delivered]:
    """What the channel has delivered since `after`, in order."""
    return await tx.fetch(Delivered, OUTBOX, tx.account, channel_id, after, limit)


def _row(message: Outbound, external: str) -> tuple[object, ...]:
    mail = message.mail
    return (
        external,
        message.id,
        message.to.path,
        message.text,
        mail.subject if mail else None,
        mail.html if mail else None,
        json_text([{"content_type": a.content_type, "url": a.url} for a in message.attachments]),
        json_text(message.quick_replies),
    )


# The row of the line is locked until the commit, so numbers are given in commit order.
NUMBER = sql("""
    insert into simulator_lines (account_id, channel_id, seq) values ($1, $2, $3)
    on conflict (channel_id) do update set seq = simulator_lines.seq + excluded.seq returning seq
""")

STORE = sql("""
    insert into simulator_outbox (account_id, channel_id, seq, external_id, message_id, recipient, body, subject, html,
        attachments, quick_replies)
    select $1, $2, $3 + position, external_id, message_id, recipient, body, subject, html,
        attachments::jsonb, quick_replies::jsonb
    from unnest($4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
        with ordinality as m (external_id, message_id, recipient, body, subject, html, attachments, quick_replies,
        position)
""")

OUTBOX = sql("""
    select seq, external_id, recipient as "to", body as text, subject, html, attachments, quick_replies, sent_at
    from simulator_outbox where account_id = $1 and channel_id = $2 and seq > $3 order by seq limit $4
""")
