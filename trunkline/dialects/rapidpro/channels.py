"""Channels that messages come and go by."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.core import phones
from trunkline.core.db import Tx
from trunkline.dialects.base import Paged
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.wire import Moment, moment
from trunkline.dialects.walking import Place, Walk
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel


class Device(Struct, frozen=True):
    """The phone behind a channel that is one."""

    name: str
    power_level: int
    power_status: str | None
    power_source: str | None
    network_type: str | None


class ChannelOut(Struct, frozen=True):
    """`country` is that of the phone number. `device` and `last_seen` are null: none of our channels is a phone."""

    uuid: UUID
    name: str
    address: str | None
    type: str
    country: str | None
    device: Device | None
    last_seen: Moment | None
    created_on: Moment


class ChannelQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the channel with this UUID.")] = None
    address: Annotated[str | None, Meta(description="Only the channel with this address.")] = None


@rapidpro.get("/channels.json")
async def list_channels(tx: Tx, walk: Walk, query: ChannelQuery) -> Paged[ChannelOut]:
    """List the channels of your workspace."""
    uuid, born = reading.uuid(query.uuid), await channels.birthdays(tx)
    found = [
        each
        for each in await channels.all_of(tx)
        if (uuid is None or each.uuid == uuid) and (not query.address or each.address == query.address)
    ]

    def place(channel: Channel) -> Place:
        return born[channel.id], channel.id

    page = await walk.page(lists.walked(found, place), place)
    rows = [_shape(each, moment(born[each.id])) for each in page.rows]
    return Paged(rows, next=page.next, previous=page.previous)


def _shape(channel: Channel, created_on: str) -> ChannelOut:
    is_phone = "tel" in channel.schemes and channel.address.startswith("+")
    return ChannelOut(
        uuid=channel.uuid,
        name=channel.name,
        address=channel.address or None,
        type=SLUGS.get(channel.kind, channel.kind),
        country=phones.country_of(channel.address) if is_phone else None,
        device=None,
        last_seen=None,
        created_on=created_on,
    )


SLUGS = {"custom_http": "external"}
"""Kinds that this API has another word for."""
