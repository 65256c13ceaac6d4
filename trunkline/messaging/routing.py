"""Routing: which of somebody's addresses a message goes to, and through which channel."""

from collections.abc import Sequence

from trunkline.contacts import urns
from trunkline.contacts.urns import Record
from trunkline.core.db import Tx
from trunkline.core.urns import Urn
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel


async def of_contact(tx: Tx, contact_id: int) -> tuple[Urn, Channel] | None:
    """The preferred address that a channel reaches. The pool stands in for SMS where the account has no channel."""
    known = [channel for channel in await channels.all_of(tx) if channel.active]
    if not any(channel.sends_as == "sms" for channel in known) and (shared := await channels.pool(tx, "sms")):
        known.append(shared)
    return choose((await urns.of(tx, [contact_id]))[contact_id], known)


def choose(records: Sequence[Record], known: Sequence[Channel]) -> tuple[Urn, Channel] | None:
    """An address stays with the channel that it was heard on; else the default channel of its kind comes first."""
    for record in records:
        able = [channel for channel in known if record.scheme in channel.schemes and channel.sends_as != "voice"]
        if able:
            channel = min(able, key=lambda each: (each.id != record.channel_id, not each.is_default, each.id))
            return record.urn, channel
    return None
