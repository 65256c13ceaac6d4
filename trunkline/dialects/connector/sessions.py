"""Chat sessions of the connector dialect, and summaries of what was said."""

from datetime import timedelta

from trunkline.contacts import people
from trunkline.core import clock
from trunkline.dialects.base import Call, Tx
from trunkline.dialects.connector import session_shapes as shapes
from trunkline.dialects.connector.dialect import ContactId, connector
from trunkline.inbox import sessions


@connector.get("/chat-sessions/recent")
async def recent_sessions(tx: Tx, call: Call, query: shapes.RecentQuery) -> shapes.ChatSessionsOut:
    """List the chat sessions in which something happened within the last `hours`, the newest first.

    A session is a stretch of a conversation between its opening and its closing. With `includeMessages` each has its
    newest 200 messages, oldest first.
    """
    since = clock.now() - timedelta(hours=query.hours)
    rows = await sessions.recent(tx, since, status=query.status, limit=query.limit)
    said = await sessions.said(tx, rows) if query.includeMessages else None
    return shapes.ChatSessionsOut([shapes.session(call.vault, row, said) for row in rows])


@connector.get("/chat-sessions/{contactId}", noun="contact")
async def contact_sessions(
    tx: Tx, call: Call, contactId: ContactId, query: shapes.SessionsQuery
) -> shapes.ChatSessionsOut:
    """List the chat sessions of a contact, the newest first."""
    contact = await people.get(tx, contactId)
    rows = await sessions.of_contact(tx, contact.id, status=query.status, limit=query.limit)
    return shapes.ChatSessionsOut([shapes.session(call.vault, row, None) for row in rows])
