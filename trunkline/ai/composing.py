"""Composing: whether an assistant is writing an answer just now, for whoever waits and watches."""

from trunkline.core.db import Tx, sql
from trunkline.core.urns import Urn


async def is_typing(tx: Tx, channel_id: int, urn: Urn) -> bool:
    """Whether a turn runs in the living conversation of this address on a channel. A turn that hangs does not count."""
    return bool(await tx.value(bool, TYPING, tx.account, channel_id, urn.scheme, urn.path))


TYPING = sql("""
    select exists (
        select from urns u
        join conversations c on c.account_id = u.account_id and c.contact_id = u.contact_id and c.channel_id = $2
            and c.deleted_at is null
        join assistant_turns t on t.account_id = c.account_id and t.conversation_id = c.id and t.outcome = 'running'
            and t.started_at > now() - interval '2 minutes'
        where u.account_id = $1 and u.scheme = $3 and u.path = $4)
""")
