"""Spoken: what is said and pressed in calls that flows lead, kept as messages; nobody sends or answers them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from trunkline.contacts import people
from trunkline.core import clock
from trunkline.core.db import Tx, json_text, sql
from trunkline.core.urns import Urn
from trunkline.messaging.sending import Draft


class Keyed(Struct, frozen=True):
    id: int
    uuid: UUID
    received_at: datetime


async def say(tx: Tx, channel_id: int, drafts: Sequence[Draft]) -> None:
    rows = [_row(draft) for draft in drafts]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        await tx.run(SAY, tx.account, channel_id, clock.now(), *columns)


async def press(tx: Tx, channel_id: int, contact_id: int, urn: Urn, keys: str, flow_id: int) -> Keyed:
    """Keys are an answer: they are kept as one, and the contact was heard."""
    now = clock.now()
    await people.touch(tx, [contact_id], inbound=now)
    columns = (contact_id, urn.scheme, urn.path, keys, flow_id, now)
    return await tx.one(Keyed, PRESS, tx.account, channel_id, *columns)


def _row(draft: Draft) -> tuple[object, ...]:
    files = json_text(draft.attachments or None)
    return draft.contact_id, draft.to.scheme, draft.to.path, draft.text, files, draft.uuid, draft.flow_id


SAY = sql("""
    insert into messages (account_id, direction, status, channel_id, sent_at, kind, contact_id, scheme, address, body,
        attachments, uuid, flow_id)
    select $1, 'out', 'sent', $2, $3, 'call', contact_id, scheme, address, body, attachments::jsonb,
        coalesce(uuid, new_uuid()), flow_id
    from unnest($4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::bigint[])
        with ordinality as s (contact_id, scheme, address, body, attachments, uuid, flow_id, position)
    order by position
""")

PRESS = sql("""
    insert into messages (account_id, direction, status, channel_id, kind, contact_id, scheme, address, body, flow_id,
        sent_at)
    values ($1, 'in', 'handled', $2, 'call', $3, $4, $5, $6, $7, $8)
    returning id, uuid, sent_at as received_at
""")
