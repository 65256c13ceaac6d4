"""Custom channels as their owners' programs use them: found by name, heard, and told what became of a message."""

import re
from datetime import timedelta

import msgspec
from msgspec import Struct

from trunkline.channels.base import Inbound, Status
from trunkline.channels.custom_http import CustomHttp
from trunkline.contacts import arriving
from trunkline.contacts.records import NewContact
from trunkline.core import clock, urns
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.urns import BadUrn, Urn
from trunkline.messaging import channels, measures, receiving, statuses
from trunkline.messaging.channels import Channel

KIND = CustomHttp.kind


class Heard(Struct, frozen=True):
    message_id: int
    contact_id: int
    duplicate: bool


async def find(tx: Tx, name: str) -> Channel:
    """The custom channel that is called so; raises `NotFound("channel")`."""
    channel = await channels.by_name(tx, name, KIND)
    if channel is None or not channel.active:
        raise NotFound("channel", name)
    return channel


async def addressed(tx: Tx, name: str | None, address: str) -> Channel:
    """The channel that somebody wrote to: by its name, else by its own address, else the default one."""
    if name:
        return await find(tx, name)
    own = [channel for channel in await channels.all_of(tx) if channel.kind == KIND and channel.active]
    if not own:
        raise NotFound("channel")
    by_address = (channel for channel in own if channel.address == address)
    return next(by_address, None) or next((channel for channel in own if channel.is_default), own[0])


def address(channel: Channel, sender: str) -> Urn:
    """How somebody is reached on a channel who has this id on the other side."""
    try:
        return urns.make(channel.schemes[0], sender)
    except BadUrn as error:
        raise Invalid({"customData.fromId": [str(error)]}) from None


async def hear(tx: Tx, channel: Channel, inbound: Inbound, profile: NewContact) -> Heard:
    """Store a message once, however often and from how many sides it comes; its writer becomes a contact.

    A reaction belongs to what we sent them last.
    """
    if earlier := await tx.maybe(_First, FIRST, tx.account, channel.id, inbound.external_id):
        return Heard(earlier.id, earlier.contact_id, True)
    await arriving.meet(tx, inbound.urn, profile)
    [received] = await receiving.store(tx, channel, [inbound])
    measures.received(channel, 0, 0, [received.duplicate])
    if inbound.reaction and not received.duplicate:
        await tx.run(ATTACH, tx.account, received.message_id, received.contact_id, channel.id)
    return Heard(received.message_id, received.contact_id, received.duplicate)


async def report(tx: Tx, status: Status) -> bool:
    """What became of a message that the other side knows by its own id or by ours. True when we know it.

    A report may overtake our own note that the message was taken: False says that we look again in a moment. Raises
    `NotFound("message")` for an id that is neither known nor of our form.
    """
    sid = status.external_id or ""
    own = [channel for channel in await channels.all_of(tx) if channel.kind == KIND]
    known = await tx.value(int, REPORTED, tx.account, [channel.id for channel in own], sid)
    if known is not None:
        await statuses.report(tx, known, [status])
        return True
    if not OUR_FORM.fullmatch(sid) or not own:
        raise NotFound("message", sid)
    for channel in own:
        again = msgspec.to_builtins([status])
        receiving.look_again.later(tx, channel.id, again, 1, at=clock.now() + timedelta(seconds=1))
    return False


class _First(Struct, frozen=True):
    id: int
    contact_id: int


OUR_FORM = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

FIRST = sql("""
    select id, contact_id from messages
    where account_id = $1 and channel_id = $2 and direction = 'in' and external_id = $3
""")

ATTACH = sql("""
    update messages set metadata = jsonb_build_object('reaction_to', (
        select max(o.id) from messages o
        where o.account_id = $1 and o.contact_id = $3 and o.channel_id = $4 and o.direction = 'out' and o.id < $2))
    where account_id = $1 and id = $2
""")

REPORTED = sql("""
    select channel_id from messages
    where account_id = $1 and channel_id = any($2::bigint[]) and external_id = $3 and direction = 'out'
    order by id desc limit 1
""")
