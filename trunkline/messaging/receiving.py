"""Receiving: from a provider's call to a stored message, in one transaction; answering happens after the commit.

A repeat is told by the provider's message id under a unique key, so any number of copies at once make one message.
"""

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.channels.base import ChannelEvent, Inbound, OptOut, Status
from trunkline.channels.talking import Keypress
from trunkline.contacts import people, urns
from trunkline.core import clock, ids
from trunkline.core.db import Database, Tx, json_text, sql
from trunkline.core.errors import Malformed, NotFound
from trunkline.core.jobs import Desk, job
from trunkline.core.text import clean
from trunkline.messaging import (
    bouncing,
    channel_events,
    channels,
    consenting,
    keypads,
    measures,
    media,
    statuses,
)
from trunkline.messaging.channel_events import Noted
from trunkline.messaging.channels import POOL, Channel
from trunkline.messaging.events import MessageReceived

Item = Inbound | Status | OptOut | ChannelEvent | Keypress
"""What a provider may tell us."""

EARLY_SECONDS = (1, 5, 30, 300)
"""When we look again for the message of a delivery report."""

LONGEST = 65_536
"""Characters of an inbound text that are kept."""

DEEPEST = 64
"""Levels of what a provider tells beside a message."""


class Received(Struct, frozen=True):
    message_id: int
    duplicate: bool
    contact_id: int


class Taken(Struct, frozen=True):
    messages: list[Received]
    events: list[Noted]


async def take(database: Database, channel: Channel, items: Sequence[Item]) -> list[Received]:
    """Store what a provider told us about one channel. On a pool channel each item finds its own workspace."""
    return (await take_all(database, channel, items)).messages


async def take_all(database: Database, channel: Channel, items: Sequence[Item]) -> Taken:
    """As `take`; says of events too what became of them."""
    items = [_cleaned(item) for item in items]
    taken, early = await _take(database, channel, items)
    if early:
        async with database.tx(channel.account_id) as tx:
            _look_later(tx, channel, early, 0)
    reports, opt_outs = (sum(isinstance(item, kind) for item in items) for kind in (Status, OptOut))
    repeats = [each.duplicate for each in taken.messages]
    measures.received(channel, reports, opt_outs, repeats, len(taken.events))
    return taken


async def _take(database: Database, channel: Channel, items: Sequence[Item]) -> tuple[Taken, list[Status]]:
    """What was stored, and the reports that came before our own note of the send, as far as one can tell."""
    taken = Taken([], [])
    early: list[Status] = []
    for account, batch in (await _by_account(database, channel, items)).items():
        batch = [await _with_files(database, account, channel, item) for item in batch]
        async with database.tx(account, actor=f"channel:{channel.id}") as tx:
            reports = [item for item in batch if isinstance(item, Status)]
            if reports:
                early += (await statuses.report(tx, channel.id, reports)).unknown
                await bouncing.judge(tx, channel, reports)
            for item in batch:
                if isinstance(item, OptOut):
                    with contextlib.suppress(NotFound):  # the message is long gone, and nothing can be done
                        await consenting.unsubscribe(tx, item.message_id, item.evidence)
            messages = [item for item in batch if isinstance(item, Inbound)]
            if messages:
                taken.messages.extend(await store(tx, channel, messages))
            occurred = [item for item in batch if isinstance(item, ChannelEvent)]
            if occurred:
                taken.events.extend(await channel_events.store(tx, channel, occurred))
            await keypads.press(tx, channel.id, [item for item in batch if isinstance(item, Keypress)])
    return taken, [report for report in early if report.external_id and not report.message_id]


def _look_later(tx: Tx, channel: Channel, reports: Sequence[Status], tries: int) -> None:
    moment = clock.now() + timedelta(seconds=EARLY_SECONDS[tries])
    look_again.later(tx, channel.id, msgspec.to_builtins(reports), tries + 1, at=moment)


@job("receiving.look_again", apart=True)
async def look_again(desk: Desk, channel_id: int, reports: list[dict[str, Any]], tries: int) -> None:
    """Delivery reports that named no message: a provider may be faster than our own note of what it took."""
    async with desk.tx() as tx:
        channel = await channels.with_deleted(tx, channel_id)
    _, early = await _take(desk.database, channel, msgspec.convert(reports, list[Status]))
    if early and tries < len(EARLY_SECONDS):
        async with desk.tx() as tx:
            _look_later(tx, channel, early, tries)


async def store(tx: Tx, channel: Channel, messages: Sequence[Inbound]) -> list[Received]:
    """Store inbound messages; one answer per message, in order."""
    messages = [_cleaned(message) for message in messages]
    names = {message.urn: message.name for message in messages if message.name}
    addresses = [message.urn for message in messages]
    contacts = await people.get_or_create(tx, addresses, names=names, source=channel.sends_as)
    rows = [_row(message, contact_id) for message, (contact_id, _) in zip(messages, contacts, strict=True)]
    columns = [list(column) for column in zip(*rows, strict=True)]
    stored = await tx.fetch(_Stored, INSERT, tx.account, channel.id, *columns, channel.sends_as)
    known = {row.position: row for row in stored}
    if len(known) < len(messages):
        # A repeat: its first copy was committed by somebody else, perhaps just now.
        again = [n for n in range(1, len(messages) + 1) if n not in known]
        named = [messages[n - 1].external_id or "" for n in again]
        for row in await tx.fetch(_Stored, FIND, tx.account, channel.id, again, named):
            known[row.position] = row
    fresh = [row for row in stored if not row.duplicate]
    await people.touch(tx, [contacts[row.position - 1][0] for row in fresh], inbound=clock.now())
    await urns.heard(tx, channel.id, [addresses[row.position - 1] for row in fresh])
    for row in fresh:
        tx.record(_event(channel, messages[row.position - 1], contacts[row.position - 1][0], row.id))
    return [Received(known[n].id, known[n].duplicate, contacts[n - 1][0]) for n in range(1, len(messages) + 1)]


class _Stored(Struct, frozen=True):
    position: int
    id: int
    duplicate: bool


class _Owner(Struct, frozen=True):
    position: int
    account: int | None


async def _by_account(database: Database, channel: Channel, items: Sequence[Item]) -> dict[int, list[Item]]:
    """Whose each item is. A pool channel's answer goes to the workspace that wrote to that address last."""
    if channel.account_id != POOL:
        return {channel.account_id: list(items)}
    async with database.system() as tx:
        owners = await tx.fetch(
            _Owner,
            OWNERS,
            channel.id,
            [item.external_id if isinstance(item, Status) else None for item in items],
            [item.urn.path if isinstance(item, Inbound | ChannelEvent | Keypress) else None for item in items],
        )
    batches: dict[int, list[Item]] = {}
    for owner in owners:
        item = items[owner.position - 1]
        if owner.account is not None:
            batches.setdefault(owner.account, []).append(item)
        elif isinstance(item, Status):
            batches.setdefault(POOL, []).append(item)  # whose it is will be known when our own note of the send is
        # Nobody here ever wrote to the address of any other.
    return batches


async def _with_files(database: Database, account: int, channel: Channel, item: Item) -> Item:
    if not isinstance(item, Inbound) or not any(attachment.content for attachment in item.attachments):
        return item
    async with database.tx(account) as tx:
        if await tx.rows(FIND, tx.account, channel.id, [1], [item.external_id or ""]):
            return item  # a repeat: its files are kept with the first copy
    kept = await media.keep(database, account, item.attachments)
    return msgspec.structs.replace(item, attachments=kept)


def _cleaned(value: Any, depth: int = 0) -> Any:
    """The same without the characters that the database does not take, wherever a provider hid them."""
    if depth > DEEPEST:
        raise Malformed("The body is nested too deeply.")
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Struct):
        return msgspec.structs.replace(value, **_cleaned(msgspec.structs.asdict(value), depth))
    if isinstance(value, dict):
        return {clean(str(name)): _cleaned(one, depth + 1) for name, one in value.items()}
    return [_cleaned(one, depth + 1) for one in value] if isinstance(value, list | tuple) else value


def _row(message: Inbound, contact_id: int) -> tuple[object, ...]:
    return (
        contact_id,
        message.urn.scheme,
        message.urn.path,
        "reaction" if message.reaction else "html" if message.html else "text",
        message.text[:LONGEST],
        message.html[: LONGEST * 4] if message.html else None,
        message.subject[:998] if message.subject else None,
        json_text(message.attachments or None),
        message.external_id or f"none:{ids.new_uuid()}",
        message.received_at,
    )


def _event(channel: Channel, message: Inbound, contact_id: int, id: int) -> MessageReceived:
    return MessageReceived(
        id=id,
        contact_id=contact_id,
        channel_id=channel.id,
        sends_as=channel.sends_as,
        scheme=message.urn.scheme,
        address=message.urn.path,
        text=message.text[:1000],
        received_at=message.received_at or clock.now(),
        subject=message.subject,
        thread=msgspec.to_builtins(message.thread) if message.thread else None,
        visitor=message.visitor,
        automatic=message.automatic,
        reaction=message.reaction,
        words=channel.sends_as in ("sms", "whatsapp"),
        assistant_id=message.assistant_id,
    )


INSERT = sql("""
    with arrived as (
        select * from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[], $11::text[], $12::timestamptz[]) with ordinality
            as a (contact_id, scheme, address, kind, body, html, subject, attachments, external_id, received_at,
            position)
    ), stored as (
        insert into messages (account_id, direction, status, channel_id, contact_id, scheme, address, kind, body, html,
            subject, attachments, external_id, sent_at)
        select $1, 'in', 'received', $2, contact_id, scheme, address, kind, body, html, subject,
            attachments::jsonb, external_id, coalesce(received_at, now())
        from arrived order by position
        on conflict (account_id, channel_id, external_id) where direction = 'in' and external_id is not null do nothing
        returning id, external_id
    ), counted as (
        insert into daily (account_id, name, day, subject, value)
        select $1, 'messages.in', account_day($1, now()), $13, count(*) from stored having count(*) > 0
    )
    select min(a.position) as position, s.id, false as duplicate
    from stored s join arrived a on a.external_id = s.external_id group by s.id
""")

FIND = sql("""
    select wanted.position, m.id, true as duplicate
    from unnest($3::bigint[], $4::text[]) as wanted (position, external_id)
    join messages m on m.account_id = $1 and m.channel_id = $2 and m.direction = 'in'
        and m.external_id = wanted.external_id
""")

OWNERS = sql(
    """
    select item.position, coalesce(
        (select m.account_id from messages m where m.channel_id = $1 and m.direction = 'out'
            and m.external_id = item.external_id limit 1),
        (select m.account_id from messages m join urns u on u.account_id = m.account_id and u.contact_id = m.contact_id
            where u.path = item.address and m.channel_id = $1 and m.direction = 'out' and m.address = item.address
            order by m.id desc limit 1)) as account
    from unnest($2::text[], $3::text[]) with ordinality as item (external_id, address, position)
    """,
    system=True,
)
