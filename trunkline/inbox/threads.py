"""Threads: which of a contact's e-mail conversations a mail belongs to. On other channels there is one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trunkline.channels.base import Thread
from trunkline.channels.mail import tokens
from trunkline.channels.mail.words import plain_subject
from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound
from trunkline.messaging import channels

REFERENCES = 10
"""How many of the ids that a mail answers are looked up, the newest first."""
LENGTH = 200


class FiledMessage(Struct, frozen=True, kw_only=True):
    """An inbound message on its way into a conversation."""

    id: int
    contact_id: int
    channel_id: int
    sends_as: str
    text: str
    received_at: datetime
    subject: str | None = None
    thread: Thread | None = None
    visitor: dict[str, Any] | None = None


def key(sends_as: str, subject: str | None) -> str:
    """What tells conversations of one contact on one channel apart when nothing better does."""
    return plain_subject(subject or "")[:LENGTH] if sends_as == "email" else ""


async def keys(tx: Tx, messages: Sequence[FiledMessage]) -> dict[int, str]:
    """The thread of each message: by our token in the recipient, by the mails it answers, by its subject.

    Tokens are signed and references must be known; either way the conversation must be the writer's own.
    """
    found = {message.id: key(message.sends_as, message.subject) for message in messages}
    mails = [message for message in messages if message.sends_as == "email" and message.thread]
    found.update(await _answered(tx, mails))
    found.update(await _named(tx, mails))
    return found


async def _answered(tx: Tx, mails: Sequence[FiledMessage]) -> dict[int, str]:
    probes = [(mail, id) for mail in mails for id in _references(mail)]
    if not probes:
        return {}
    columns = (
        [mail.contact_id for mail, _ in probes],
        [mail.channel_id for mail, _ in probes],
        [id for _, id in probes],
    )
    rows = await tx.rows(ANSWERED, tx.account, *columns)
    # The newest reference stands last in `probes`, so it wins.
    return {probes[position - 1][0].id: thread for position, thread in rows}


async def _named(tx: Tx, mails: Sequence[FiledMessage]) -> dict[int, str]:
    wanted: list[tuple[FiledMessage, int]] = []
    signing: dict[int, bytes | None] = {}
    for mail in mails:
        if mail.thread is None or not mail.thread.token:
            continue
        if mail.channel_id not in signing:
            signing[mail.channel_id] = await _signing_key(tx, mail.channel_id)
        signed = signing[mail.channel_id]
        if signed and (id := tokens.unseal(signed, "reply", mail.thread.token)) is not None:
            wanted.append((mail, id))
    if not wanted:
        return {}
    columns = (
        [mail.contact_id for mail, _ in wanted],
        [mail.channel_id for mail, _ in wanted],
        [id for _, id in wanted],
    )
    rows = await tx.rows(NAMED, tx.account, *columns)
    return {wanted[position - 1][0].id: thread for position, thread in rows}


async def _signing_key(tx: Tx, channel_id: int) -> bytes | None:
    try:
        channel = await channels.get(tx, channel_id)
    except NotFound:
        return None  # disconnected since: the subject must do
    return tokens.signing_key(channels.open_sealed(tx.database.tools, channel).secret)


def _references(mail: FiledMessage) -> list[str]:
    if mail.thread is None:
        return []
    answered = [mail.thread.message_id] if mail.thread.message_id else []
    return list(dict.fromkeys([*mail.thread.references, *answered]))[-REFERENCES:]


ANSWERED = sql("""
    select r.position, c.thread
    from unnest($2::bigint[], $3::bigint[], $4::text[]) with ordinality
        as r (contact_id, channel_id, external_id, position)
    cross join lateral (
        select m.conversation_id from messages m
        where m.account_id = $1 and m.channel_id = r.channel_id and m.external_id = r.external_id
            and m.direction = 'out' and m.conversation_id is not null
        union all
        select m.conversation_id from messages m
        where m.account_id = $1 and m.channel_id = r.channel_id and m.external_id = r.external_id
            and m.direction = 'in' and m.conversation_id is not null
    ) m
    join conversations c on c.account_id = $1 and c.id = m.conversation_id and c.contact_id = r.contact_id
        and c.channel_id = r.channel_id and c.deleted_at is null
    order by r.position
""")

NAMED = sql("""
    select r.position, c.thread
    from unnest($2::bigint[], $3::bigint[], $4::bigint[]) with ordinality
        as r (contact_id, channel_id, id, position)
    join conversations c on c.account_id = $1 and c.id = r.id and c.contact_id = r.contact_id
        and c.channel_id = r.channel_id and c.deleted_at is null
    order by r.position
""")
