"""Which channel reaches which URN of a contact."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from trunkline.core import phones
from trunkline.flows import addresses
from trunkline.flows.addresses import Address
from trunkline.flows.assets import Assets, Channel
from trunkline.flows.contact import Contact


class Destination(NamedTuple):
    address: Address
    channel: Channel


def destinations(assets: Assets, contact: Contact, role: str = "send") -> Iterator[Destination]:
    """The contact's URNs that some channel reaches, in order of preference."""
    for text in contact.urns:
        address = addresses.read(text)
        if channel := choose(assets, address, role):
            yield Destination(address, channel)


def preferred(assets: Assets, contact: Contact, role: str = "send") -> Destination | None:
    return next(destinations(assets, contact, role), None)


def choose(assets: Assets, address: Address, role: str) -> Channel | None:
    """The channel that the URN is pinned to if it still can, else the one nearest to the number, else the first."""
    pinned = assets.channels.get(address.channel_uuid) if address.channel_uuid else None
    if pinned and _can(pinned, address, role):
        return pinned
    able = [channel for channel in assets.channels.values() if _can(channel, address, role)]
    if address.scheme != "tel" or not able:
        return able[0] if able else None
    return _nearest(able, address.path)


def country(assets: Assets, contact: Contact) -> str:
    """Where the contact is: by the channel that reaches it, else by its first number; "" when neither says."""
    if not contact.urns:
        return ""
    found = preferred(assets, contact)
    if found and found.channel.country:
        return found.channel.country
    numbers = (address for text in contact.urns if (address := addresses.read(text)).scheme == "tel")
    number = next(numbers, None)
    return _nation(number.path) if number else ""


def _can(channel: Channel, address: Address, role: str) -> bool:
    return role in channel.roles and address.scheme in channel.schemes


def _nearest(able: list[Channel], number: str) -> Channel | None:
    """Of channels in the number's country or open to others, the one that shares most leading digits with it.

    Among equals the later one.
    """
    nation = None
    best, longest = None, 0
    for channel in able:
        if channel.country and not channel.allow_international:
            nation = _nation(number) if nation is None else nation
            if nation and nation != channel.country:
                continue
        shared = max(_shared(prefix, number) for prefix in channel.match_prefixes or (channel.address,))
        if shared >= longest:
            best, longest = channel, shared
    return best


@lru_cache(maxsize=65_536)
def _nation(number: str) -> str:
    """Cached, for it takes a tenth of a millisecond, and contacts come again."""
    return phones.country_of(number) or ""


def _shared(one: str, other: str) -> int:
    one, other = one.removeprefix("+"), other.removeprefix("+")
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
