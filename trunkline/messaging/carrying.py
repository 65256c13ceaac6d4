"""Carrying: messages that were sent and received elsewhere. They are history: nothing of them is sent again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.contacts import names
from trunkline.core import ids
from trunkline.core.db import Tx, json_text, sql
from trunkline.core.ids import new_uuid
from trunkline.messaging.channels import Sealed


class Carried(Struct, frozen=True, kw_only=True):
    """`labels` are names; `urn` is scheme and path."""

    uuid: UUID
    contact_id: int
    channel_id: int
    flow_id: int | None
    urn: tuple[str, str]
    is_incoming: bool
    status: str
    is_voice: bool
    is_archived: bool
    text: str
    attachments: list[dict[str, Any]]
    quick_replies: list[Any]
    labels: Sequence[str]
    created_at: datetime
    sent_at: datetime | None


async def carry(tx: Tx, given: Sequence[Carried]) -> int:
    """How many are new; those whose uuid is here already stay as they are."""
    if not given:
        return 0
    rows = [
        (
            one.uuid,
            "in" if one.is_incoming else "out",
            one.status,
            one.contact_id,
            one.channel_id,
            one.flow_id,
            *one.urn,
            "call" if one.is_voice else "text",
            one.text,
            json_text(one.attachments or None),
            json_text(one.quick_replies or None),
            "archived" if one.is_archived else "visible",
            one.created_at,
            one.sent_at,
        )
        for one in given
    ]
    made = dict(await tx.rows(INSERT, tx.account, *(list(column) for column in zip(*rows, strict=True))))
    marks = [(made[one.uuid], names.key(label)) for one in given if one.uuid in made for label in one.labels]
    if marks:
        await tx.run(MARK, tx.account, *(list(column) for column in zip(*marks, strict=True)))
    return len(made)


async def retired(tx: Tx, key: str, name: str) -> int:
    """A channel that stands for one of another server, which knows it as `key`; made once.

    It names old messages. It was never connected here, so nothing leaves by it and nobody is charged for it.
    """
    address = f"moved:{key}"
    if known := await tx.value(int, KNOWN, tx.account, address):
        return known
    uuid, tools = new_uuid(), tx.database.tools
    sealed = tools.vault.seal(msgspec.json.encode(Sealed(ids.token(40), {})), aad=f"channel:{uuid}")
    return await tx.value(int, RETIRE, tx.account, uuid, name[:255], name[:255].casefold(), address, sealed) or 0


INSERT = sql("""
    insert into messages (account_id, uuid, direction, status, contact_id, channel_id, flow_id, scheme, address, kind,
        body, attachments, quick_replies, visibility, created_at, sent_at)
    select $1, uuid, direction, status, contact_id, channel_id, flow_id, scheme, address, kind, body,
        attachments::jsonb, quick_replies::jsonb, visibility, created_at, sent_at
    from unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::text[],
        $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::timestamptz[])
        as g (uuid, direction, status, contact_id, channel_id, flow_id, scheme, address, kind, body, attachments,
        quick_replies, visibility, created_at, sent_at)
    where not exists (select from messages m where m.account_id = $1 and m.uuid = g.uuid)
    order by created_at, uuid
    returning uuid, id
""")

MARK = sql("""
    insert into message_labels (account_id, label_id, message_id)
    select $1, l.id, g.message_id from unnest($2::bigint[], $3::text[]) as g (message_id, name_key)
    join labels l on l.account_id = $1 and l.name_key = g.name_key
    on conflict do nothing
""")

KNOWN = sql("select id from channels where account_id = $1 and address = $2 and deleted_at is not null")

RETIRE = sql("""
    insert into channels (account_id, uuid, kind, sends_as, name, name_key, address, schemes, config, semantics, active,
        deleted_at)
    values ($1, $2, 'simulator', 'sms', $3, $4, $5, '{}', $6, 'at_most_once', false, now()) returning id
""")
