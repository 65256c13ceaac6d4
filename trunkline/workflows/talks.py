"""Talks: the conversation that an execution is about."""

from trunkline.core.db import Tx, sql
from trunkline.core.errors import Unavailable
from trunkline.workflows.executions import Execution


async def of(tx: Tx, execution: Execution) -> int | None:
    """The conversation of the mail that set it going, else the contact's latest one that is not over.

    A mail that was not filed yet is waited for: that takes moments.
    """
    message = execution.context.get("trigger", {}).get("message_id")
    if message is not None and execution.context["trigger"]["type"] == "email_received":
        for status, conversation in await tx.rows(FILED, tx.account, message):
            if conversation is not None:
                return conversation
            if status == "received":
                raise Unavailable("The conversation", retry_after=1)
    if execution.contact_id is None:
        return None
    return await tx.value(int, LATEST, tx.account, execution.contact_id)


async def mail_id(tx: Tx, message_id: int) -> str | None:
    """The Message-ID of a mail that somebody sent."""
    found = await tx.value(str, MAIL_ID, tx.account, message_id)
    return found if found and "@" in found else None


FILED = sql("""
    select m.status, c.id from messages m
    left join conversations c on c.account_id = $1 and c.id = m.conversation_id and c.deleted_at is null
    where m.account_id = $1 and m.id = $2
""")

LATEST = sql("""
    select id from conversations
    where account_id = $1 and contact_id = $2 and status in ('open', 'pending', 'snoozed') and deleted_at is null
    order by last_message_at desc nulls last, id desc limit 1
""")

MAIL_ID = sql("select external_id from messages where account_id = $1 and id = $2 and direction = 'in'")
