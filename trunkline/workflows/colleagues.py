"""Colleagues: who is told by mail, past the pipeline of messages to contacts. Never inside a transaction."""

from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from trunkline.accounts import users
from trunkline.channels.base import Mail, Outbound, Wire
from trunkline.core.db import Tx
from trunkline.core.jobs import Desk
from trunkline.core.urns import Urn
from trunkline.messaging import channels
from trunkline.messaging.carrier import Carrier
from trunkline.messaging.channels import Channel


async def addresses(tx: Tx, user_ids: Sequence[int]) -> list[str]:
    """The mail addresses of active members; nobody named means everybody."""
    members = [member for member in await users.members(tx) if member.active]
    return [member.email for member in members if not user_ids or member.id in user_ids]


async def mail(desk: Desk, to: Sequence[str], subject: str, body: str, key: str) -> str | None:
    """Mail something to each address; returns why it could not be done. A repeat is the very same mail."""
    async with desk.tx() as tx:
        channel = await mail_channel(tx)
    if channel is None:
        return "No e-mail channel is connected to this workspace."
    adapter = channels.adapter(desk.tools, channel)
    letters = [
        Outbound(
            id=place,
            uuid=str(uuid5(NAMESPACE_URL, f"{key}:{address}")),
            to=Urn("mailto", address),
            text=body,
            mail=Mail(subject=subject),
        )
        for place, address in enumerate(to)
    ]
    wire = Wire(await desk.tools.http(), desk.tools.egress, Carrier(desk.database))
    try:
        sent = [one for letter in letters for one in await adapter.send(wire, [letter])]
    finally:
        await adapter.close()
    return next((one.error.detail or one.error.code for one in sent if one.error), None)


async def mail_channel(tx: Tx) -> Channel | None:
    own = [channel for channel in await channels.all_of(tx, "email") if channel.active]
    return next((channel for channel in own if channel.is_default), own[0] if own else None)
