"""Trying: a campaign to a few addresses, to be looked at before everybody gets it. Nothing of it is counted."""

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from trunkline.billing import credits, metering, prices
from trunkline.campaigns import broadcasts
from trunkline.campaigns.records import Broadcast
from trunkline.channels.base import Mail, Outbound, Sent, Wire
from trunkline.contacts import consents, urns, values
from trunkline.core import ids, mailhtml, text
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Conflict
from trunkline.core.tools import Tools
from trunkline.core.urns import Urn
from trunkline.messaging import channels, delivery
from trunkline.messaging.carrier import Carrier
from trunkline.messaging.channels import Channel
from trunkline.messaging.sending import segment_count

REFERENCE = "campaign test"
OPTED_OUT = "The recipient has opted out."


class Tried(Struct, frozen=True):
    """`error` says why it did not go out."""

    to: str
    error: str | None = None


async def send(database: Database, account: int, actor: str, id: int, addresses: Sequence[str]) -> list[Tried]:
    """Send it to these mailboxes now, each filled in for the contact who lives there; an answer for each, in order.

    Raises `Conflict` for what is no mail or says nothing, `OutOfCredits` where it must be paid for.
    """
    wanted = [Urn("mailto", address) for address in dict.fromkeys(addresses)]
    async with database.tx(account, actor) as tx:
        if (await broadcasts.get(tx, id)).channel != "email":
            raise Conflict("no_content", "The campaign has no mail to try.")
    return await to(database, account, actor, id, wanted)


async def to(database: Database, account: int, actor: str, id: int, wanted: Sequence[Urn]) -> list[Tried]:
    """The same for a campaign of any kind, to addresses of its channel."""
    async with database.tx(account, actor) as tx:
        broadcast = await broadcasts.get(tx, id)
        if not (broadcast.body.strip() or (broadcast.html or "").strip()):
            raise Conflict("no_content", "The campaign says nothing yet.")
        routing = "platform" if broadcast.pool else None
        channel = await channels.choose(tx, broadcast.channel, broadcast.channel_id, routing)
        stopped = await consents.suppressed(tx, channel.sends_as, [urn.path for urn in wanted])
        letters = await _letters(tx, broadcast, [urn for urn in wanted if urn.path not in stopped])
        parts = max((segment_count(channel, one.text) for one in letters), default=1)
        price = prices.price(channel.kind, pool=channel.pool, metered=await metering.is_metered(tx), segments=parts)
        if price and letters:
            await credits.charge(tx, price * len(letters), REFERENCE, f"broadcast:{id}")
    failed = {
        letters[one.id].to.path: one.error.detail for one in await _hand_over(database, channel, letters) if one.error
    }
    if price and failed:
        async with database.tx(account, actor) as tx:
            await credits.refund_spent(tx, price * len(failed), REFERENCE, f"broadcast:{id}")
    told = {**dict.fromkeys(stopped, OPTED_OUT), **failed}
    return [Tried(urn.path, told.get(urn.path)) for urn in wanted]


async def _letters(tx: Tx, broadcast: Broadcast, wanted: Sequence[Urn]) -> list[Outbound]:
    """What each of them gets; their places are their ids."""
    letter, mailed = mailhtml.Letter(None, broadcast.body), broadcast.channel == "email"
    if mailed:
        letter = await asyncio.to_thread(
            mailhtml.letter, broadcast.html, broadcast.body, preview=broadcast.preview_text or "", tracked=False
        )
    subject = broadcast.subject or (broadcast.variants[0]["subject"] if broadcast.variants else "")
    living = await urns.owners(tx, wanted)
    people = await values.of_contacts(tx, list(living.values()), {"company"}) if living else {}
    way_out: dict[str, Any] = {"unsubscribe_url": tx.database.tools.url("/")}
    return [
        _outbound(
            n,
            urn,
            letter,
            subject if mailed else None,
            {**people.get(living.get(urn, 0), {}), **broadcast.variables, **way_out},
        )
        for n, urn in enumerate(wanted)
    ]


def _outbound(n: int, to: Urn, letter: mailhtml.Letter, subject: str | None, known: dict[str, Any]) -> Outbound:
    words, mail = text.compile(letter.text).render(known, missing="empty"), None
    if subject is not None:
        html = text.compile(letter.html).render(known, escape="html", missing="empty") if letter.html else None
        mail = Mail(
            subject=text.compile(f"[Test] {subject}").render(known, escape="header", missing="empty"), html=html
        )
    return Outbound(id=n, uuid=str(ids.new_uuid()), to=to, text=words, mail=mail)


async def _hand_over(database: Database, channel: Channel, letters: Sequence[Outbound]) -> list[Sent]:
    """Past the queue, with an adapter of its own, so that the answer is there at once."""
    tools: Tools = database.tools
    adapter = channels.adapter(tools, channel)
    wire = Wire(await tools.http(), tools.egress, Carrier(database))
    sent: list[Sent] = []
    try:
        for start in range(0, len(letters), adapter.can.batch):
            sent += await delivery.attempt(adapter, wire, letters[start : start + adapter.can.batch])
    finally:
        await adapter.close()
    return sent
