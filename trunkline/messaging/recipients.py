"""Recipients: from addresses as they were typed to the contacts behind them, and who must not be written to."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from trunkline import channels as adapters
from trunkline.contacts import consents, people, urns
from trunkline.contacts.urns import Address
from trunkline.core import clock, mailaddr, phones
from trunkline.core.db import Tx, sql
from trunkline.core.urns import Urn
from trunkline.core.urns import make as make_urn
from trunkline.messaging.channels import Channel


class Recipient(Struct, frozen=True):
    contact_id: int
    urn: Urn


TEMPLATE_REQUIRED = "The recipient has not written for too long: only an approved template may be sent."


def read(sends_as: str, typed: str) -> str:
    """The one spelling of an address that a kind of channel reaches; raises ValueError with a sentence."""
    return mailaddr.parse(typed) if sends_as == "email" else phones.parse(typed)


async def resolve(tx: Tx, channel: Channel, addresses: Sequence[str], *, source: str) -> dict[str, Recipient]:
    """The contact behind each address; unknown ones become contacts. Who is suppressed is left out, and not made one.

    Somebody known by their phone number is the same person on WhatsApp.
    """
    reach = {address: _urn(channel, address) for address in addresses}
    stopped = await consents.suppressed(tx, channel.sends_as, [urn.path for urn in reach.values()])
    reach = {address: urn for address, urn in reach.items() if urn.path not in stopped}
    if not reach:
        return {}
    if next(iter(reach.values())).scheme in ("tel", "mailto"):
        found = await people.get_or_create(tx, list(reach.values()), source=source)
        owners = {urn: id for urn, (id, _) in zip(reach.values(), found, strict=True)}
    else:
        owners = await _by_phone(tx, {urn: Urn("tel", address) for address, urn in reach.items()}, source)
    return {address: Recipient(owners[urn], urn) for address, urn in reach.items()}


async def refused(tx: Tx, contacts: Sequence[int]) -> set[int]:
    """Which of these are blocked, opted out or must not be disturbed."""
    return set(await tx.column(int, REFUSED, tx.account, list(contacts)))


async def silent(tx: Tx, channel: Channel, contacts: Sequence[int]) -> set[int]:
    """Those whom this channel may send approved templates only, because they have not written lately."""
    hours = window(channel)
    if hours is None or not contacts:
        return set()
    since = clock.now() - timedelta(hours=hours)
    return set(contacts) - set(await tx.column(int, WROTE, tx.account, channel.id, list(contacts), since))


def window(channel: Channel) -> int | None:
    """For how many hours somebody's message lets us answer on this channel in our own words; None for always."""
    return adapters.get(channel.kind).can.reply_window_hours.get(channel.sends_as)


async def open_until(tx: Tx, channel: Channel, contact_id: int) -> datetime | None:
    """Until when our own words may be sent; None when that has no end, or ended long ago."""
    hours = window(channel)
    if hours is None:
        return None
    at = await tx.value(datetime, WROTE_AT, tx.account, channel.id, contact_id)
    return at + timedelta(hours=hours) if at else None


def _urn(channel: Channel, address: str) -> Urn:
    if channel.sends_as == "email":
        return Urn("mailto", address)
    return Urn("tel", address) if "tel" in channel.schemes else make_urn(channel.schemes[0], address)


async def _by_phone(tx: Tx, phone_of: dict[Urn, Urn], source: str) -> dict[Urn, int]:
    """Owners of addresses that are made of phone numbers; who has only the number gets the address too."""
    owners = await urns.owners(tx, phone_of)
    while missing := [urn for urn in phone_of if urn not in owners]:
        found = await people.get_or_create(tx, [phone_of[urn] for urn in missing], source=source)
        wanted = {urn: id for urn, (id, _) in zip(missing, found, strict=True)}
        won = await urns.take(tx, [(id, Address(urn, None, "to"), 1) for urn, id in wanted.items()])
        owners |= {urn: wanted[urn] for urn in won}
        if lost := [urn for urn in missing if urn not in won]:  # somebody else attached it just now
            owners |= await urns.owners(tx, lost)
    return owners


REFUSED = sql("""
    select id from contacts where account_id = $1 and id = any($2)
        and (status in ('blocked', 'stopped') or do_not_disturb or deleted_at is not null)
""")

WROTE = sql("""
    select c.id from unnest($3::bigint[]) as c (id) where (
        select true from messages m where m.account_id = $1 and m.contact_id = c.id and m.channel_id = $2
            and m.direction = 'in' and m.created_at > $4 limit 1)
""")

WROTE_AT = sql("""
    select created_at from messages
    where account_id = $1 and contact_id = $3 and channel_id = $2 and direction = 'in' order by id desc limit 1
""")
