"""References to things in bodies: by uuid, by name, by URN. All of a list are looked up at once."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from trunkline.accounts import users
from trunkline.campaigns import sequences
from trunkline.contacts import groups as all_groups
from trunkline.contacts import people
from trunkline.contacts import urns as addresses
from trunkline.core import urns
from trunkline.core.errors import NotFound
from trunkline.core.urns import BadUrn
from trunkline.dialects.rapidpro.fields import NULL, Field, Items, Reading, Text, Wrong
from trunkline.dialects.rapidpro.reading import loose_uuid
from trunkline.flows import stored
from trunkline.inbox import tickets, topics
from trunkline.messaging import labels


class Kind(Protocol):
    """A kind of thing that bodies refer to."""

    async def find(self, reading: Reading, texts: Sequence[str]) -> Mapping[str, Any]:
        """What each text refers to; those that refer to nothing are left out."""
        ...

    def problem(self, found: Any, text: str) -> str | None:
        """Why this one will not do, in a sentence."""
        ...


class One(Field):
    """One thing that must be there."""

    def __init__(self, help: str, kind: Kind, *, required: bool = True, null: bool = False) -> None:
        super().__init__(help, required=required, null=null)
        self.thing = kind

    async def read(self, reading: Reading, value: Any) -> Any:
        [found] = await _resolve(reading, self.thing, [value])
        return found


class Many(Items):
    """Things that must all be there; the first that is not speaks for the list."""

    def __init__(self, help: str, kind: Kind, *, most: int = 100, required: bool = True, empty: str = "") -> None:
        super().__init__(help, Text("A reference.", most=1000), most=most, required=required, empty=empty)
        self.thing = kind

    async def read(self, reading: Reading, value: Any) -> list[Any]:
        return await _resolve(reading, self.thing, self.listed(value))


class Contacts:
    """By uuid or URN, among the living. Found as `people.Contact`."""

    async def find(self, reading: Reading, texts: Sequence[str]) -> Mapping[str, Any]:
        wanted, by_urn = _uuids(texts), {}
        for text in texts:
            if text not in wanted and (urn := _urn(text)):
                by_urn[text] = urn
        found = {}
        if wanted:
            known = await people.by_uuid(reading.tx, list(wanted.values()))
            found |= {text: known[uuid] for text, uuid in wanted.items() if uuid in known}
        if by_urn:
            owners = await addresses.owners(reading.tx, by_urn.values())
            known = {each.id: each for each in await people.get_many(reading.tx, list(owners.values()))}
            found |= {
                text: known[owners[urn]] for text, urn in by_urn.items() if urn in owners and owners[urn] in known
            }
        return found

    def problem(self, found: Any, text: str) -> str | None:
        return None


class Groups:
    """By uuid, or by name however it is written. Found as `groups.Group`."""

    def __init__(self, *, smart: bool = True) -> None:
        self.smart = smart

    async def find(self, reading: Reading, texts: Sequence[str]) -> Mapping[str, Any]:
        wanted = _uuids(texts)
        known = await all_groups.by_uuid(reading.tx, list(wanted.values())) if wanted else {}
        found = {text: known[uuid] for text, uuid in wanted.items() if uuid in known}
        if names := [text for text in texts if text not in found]:
            found |= await all_groups.by_names(reading.tx, names)
        return found

    def problem(self, found: Any, text: str) -> str | None:
        if found.query is not None and not self.smart:
            return f"Contact group must not be query based: {text}"
        return None


class Labels:
    """By uuid, or by name however it is written. Found as `labels.Label`."""

    async def find(self, reading: Reading, texts: Sequence[str]) -> Mapping[str, Any]:
        wanted = _uuids(texts)
        known = await labels.by_uuid(reading.tx, list(wanted.values())) if wanted else {}
        found = {text: known[uuid] for text, uuid in wanted.items() if uuid in known}
        for text in texts:
            if text not in found and (label := await labels.find(reading.tx, text)):
                found[text] = label
        return found

    def problem(self, found: Any, text: str) -> str | None:
        return None


class Flows:
    """By uuid, archived ones too. Found as what `stored.by_uuid` gives."""

    async def find(self, reading: Reading, texts: Sequence[str]) -> Mapping[str, Any]:
        wanted = _uuids(texts)
        known = await stored.by_uuid(reading.tx, list(wanted.values())) if wanted else {}
        return {text: known[uuid] for text, uuid in wanted.items() if uuid in known}

    def problem(self, found: Any, text: str) -> str | None:
        return None


class Campaigns:
    """By uuid, those in use. Found as `sequences.Series`."""

    async def find(self, reading: Reading, texts: Sequence[str]) -> Mapping[str, Any]:
        wanted = _uuids(texts)
        known = await sequences.by_uuid(reading.tx, list(wanted.values())) if wanted else {}
        return {text: known[uuid] for text, uuid in wanted.items() if uuid in known and not known[uuid].archived}

    def problem(self, found: Any, text: str) -> str | None:
        return None


class Topics:
    """By uuid. Found as `topics.Topic`."""

    async def find(self, reading: Reading, texts: Sequence[str]) -> Mapping[str, Any]:
        found = {}
        for text, uuid in _uuids(texts).items():
            try:
                found[text] = await topics.by_uuid(reading.tx, uuid)
            except NotFound:
                continue
        return found

    def problem(self, found: Any, text: str) -> str | None:
        return None


class Tickets:
    """By uuid. Found as `tickets.Ticket`."""

    async def find(self, reading: Reading, texts: Sequence[str]) -> Mapping[str, Any]:
        wanted = _uuids(texts)
        known = {ticket.uuid: ticket for ticket in await tickets.by_uuids(reading.tx, list(wanted.values()))}
        return {text: known[uuid] for text, uuid in wanted.items() if uuid in known}

    def problem(self, found: Any, text: str) -> str | None:
        return None


class Users:
    """By email address, those who work here now. Found as `users.Member`."""

    async def find(self, reading: Reading, texts: Sequence[str]) -> Mapping[str, Any]:
        members = {member.email: member for member in await users.members(reading.tx) if member.active}
        return {text: members[text.lower()] for text in texts if text.lower() in members}

    def problem(self, found: Any, text: str) -> str | None:
        return None


class Address(Field):
    """A URN with its country code, as an `urns.Urn`."""

    async def read(self, reading: Reading, value: Any) -> urns.Urn:
        text = Text("", most=255).check(value)
        try:
            return urns.parse(text)
        except BadUrn:
            raise Wrong([f"Invalid URN: {text}. Ensure phone numbers contain country codes."]) from None


async def _resolve(reading: Reading, kind: Kind, values: Sequence[Any]) -> list[Any]:
    texts = []
    for value in values:
        if value is None or value == "":
            raise Wrong([NULL])
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise Wrong(["Must be a string or integer"])
        texts.append(str(value))
    found = await kind.find(reading, [text for text in dict.fromkeys(texts) if "\0" not in text])
    for text in texts:
        if text not in found:
            raise Wrong([f"No such object: {text}"])
        if problem := kind.problem(found[text], text):
            raise Wrong([problem])
    return [found[text] for text in texts]


def _uuids(texts: Sequence[str]) -> dict[str, UUID]:
    return {text: uuid for text in texts if (uuid := loose_uuid(text))}


def _urn(text: str) -> urns.Urn | None:
    try:
        return urns.parse(text)
    except BadUrn:
        return None
