"""Changes of the URNs a contact has: which, in what order, pinned to which channel."""

from collections.abc import Generator, Sequence
from typing import Literal

from trunkline.core.urns import BadUrn
from trunkline.flows import addresses, memberships
from trunkline.flows.addresses import Address
from trunkline.flows.assets import Channel
from trunkline.flows.contact import MAX_URNS
from trunkline.flows.events import ContactUrnsChanged
from trunkline.flows.requests import Answer, ClaimUrn, Request
from trunkline.flows.scene import Scene


def change(
    scene: Scene, urns: Sequence[str], modification: Literal["append", "remove", "set"]
) -> Generator[Request, Answer, bool]:
    """Whether anything changed. What is no URN, or somebody else's, is left out with an error."""
    given = [address for text in urns if (address := normal(scene, text))]
    held = [addresses.read(text) for text in scene.contact.urns]
    if modification == "remove":
        gone = {address.identity for address in given}
        return _replace(scene, [address for address in held if address.identity not in gone])
    kept = held if modification == "append" else []
    return (yield from _add(scene, kept, given, owned={address.identity: address for address in held}))


def prefer(scene: Scene, channel: Channel | None) -> bool:
    """URNs that the channel reaches come first, numbers are pinned to it; None forgets all channels."""
    held = [addresses.read(text) for text in scene.contact.urns]
    if channel is None:
        return _replace(scene, [address.on("") for address in held])
    if "send" not in channel.roles:
        return False
    pinned = [_pinned(address, channel) for address in held]
    return _replace(scene, sorted(pinned, key=lambda address: address.channel_uuid != channel.uuid))


def heard_on(scene: Scene, urn: str, channel: Channel | None) -> bool:
    """The URN that was just heard comes first, pinned to the channel that heard it."""
    heard = addresses.read(urn).identity
    held = [addresses.read(text) for text in scene.contact.urns]
    pin = channel.uuid if channel else ""
    moved = [address.on(pin) if address.identity == heard else address for address in held]
    return _replace(scene, sorted(moved, key=lambda address: address.identity != heard))


def normal(scene: Scene, text: str) -> Address | None:
    """As we spell it, or an error and None."""
    try:
        return addresses.parse(text, scene.environment.default_country)
    except BadUrn as error:
        scene.error(f"{text!r} is not a URN: {error}", "urn:invalid", urn=text)
        return None


def _add(
    scene: Scene, kept: list[Address], given: list[Address], owned: dict[str, Address]
) -> Generator[Request, Answer, bool]:
    kept, have = list(kept), {address.identity for address in kept}
    for address in given:
        if address.identity in have:
            continue
        if len(kept) >= MAX_URNS:
            scene.error(f"A contact has at most {MAX_URNS} URNs.", urn=address.identity)
            break
        mine = owned.get(address.identity)
        if not mine and not (yield ClaimUrn(scene.contact.uuid, address.identity)):
            scene.error(f"{address.identity} belongs to another contact.", "urn:taken", urn=address.identity)
            continue
        have.add(address.identity)
        kept.append(address)
    return _replace(scene, kept)


def _replace(scene: Scene, kept: Sequence[Address]) -> bool:
    urns = [address.text for address in kept]
    if urns == scene.contact.urns:
        return False
    scene.contact.urns = urns
    scene.log(ContactUrnsChanged(urns=urns))
    scene.moved()
    memberships.reevaluate(scene, scene.environment, ("urns",))
    return True


def _pinned(address: Address, channel: Channel) -> Address:
    """Numbers move between channels; accounts elsewhere belong to the channel that they wrote to."""
    if address.scheme in channel.schemes and (address.scheme == "tel" or not address.channel_uuid):
        return address.on(channel.uuid)
    return address
