"""Chats of the developer dialect."""

from typing import Literal

from trunkline.dialects.base import Call, Cursor, Paged, Stream, Tx, json_array
from trunkline.dialects.developer import shapes, walks
from trunkline.dialects.developer.dialect import developer
from trunkline.inbox import cards, listing
from trunkline.inbox.cards import ConversationCard


@developer.get("/conversations", seconds=300)
async def list_conversations(
    tx: Tx,
    call: Call,
    cursor: Cursor,
    *,
    companyId: str | None = None,
    channel: Literal["web_chat", "all"] = "web_chat",
) -> Paged[shapes.ConversationOut] | Stream:
    """List all chat conversations, the newest first, or those with people of one company.

    `channel=all` adds the conversations of every other channel; they know no visitor.
    """
    company = await walks.company(tx, companyId)
    kind = None if channel == "all" else channel
    whole_ip = bool(call.caller.scopes & {"*", "visitor-ip"})

    def shape(card: ConversationCard) -> shapes.ConversationOut:
        return shapes.conversation(card, whole_ip=whole_ip)

    if cursor.limit is None:
        return Stream("application/json", json_array(shape(card) async for card in cards.every(tx, kind, company)))
    after = walks.behind(call, f"conversations:{channel}", cursor, tuple[int])
    found = await cards.page(tx, kind, company, after=after and after[0], limit=cursor.limit)
    total, capped = await listing.total(tx, listing.Filter(channel=kind, company_id=company))
    return Paged(
        [shape(card) for card in found],
        None if capped else total,
        next=walks.further(call, f"conversations:{channel}", cursor, found, (found[-1].id,) if found else ()),
    )
