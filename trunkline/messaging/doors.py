"""Doors: where mail comes in. A worker opens one listener per address that its SMTP channels name in `listen`."""

import asyncio

import msgspec
import structlog
from msgspec import Struct

from trunkline.channels.mail.inbound import Envelope, MailDoor
from trunkline.channels.smtp import Claim, Smtp
from trunkline.core.crypto import BadSeal
from trunkline.core.db import Database
from trunkline.core.errors import TrunklineError, Unavailable
from trunkline.messaging import channels, receiving
from trunkline.messaging.channels import Channel

log = structlog.get_logger("doors")


class Resident(Struct, frozen=True):
    """A channel that takes in mail behind a door; without `adapter` its settings cannot be used."""

    channel: Channel
    adapter: Smtp | None


class Doors:
    """The open listeners of one process; channels that come and go are noticed within seconds."""

    def __init__(self, database: Database):
        self.database = database
        self._known: dict[int, Resident] = {}
        self._residents: dict[str, list[tuple[Channel, Smtp]]] = {}
        self._open: dict[str, MailDoor] = {}
        self._shut: set[str] = set()

    async def close(self) -> None:
        while self._open:
            await self._open.popitem()[1].close()

    async def look(self) -> None:
        """Open what is missing, close what nobody wants any more."""
        found = await channels.of_kind(self.database, "smtp")
        self._known = {channel.id: self._resident(channel) for channel in found}
        residents: dict[str, list[tuple[Channel, Smtp]]] = {}
        for resident in self._known.values():
            if resident.adapter and resident.adapter.config.listen:
                pair = (resident.channel, resident.adapter)
                residents.setdefault(resident.adapter.config.listen, []).append(pair)
        self._residents = residents
        self._shut &= set(residents)
        for listen in set(self._open) - set(residents):
            await self._open.pop(listen).close()
        for listen in set(residents) - set(self._open):
            await self._open_door(listen)

    def _resident(self, channel: Channel) -> Resident:
        """The same one until its settings change: opening them costs milliseconds."""
        known = self._known.get(channel.id)
        if known and (known.channel.config, known.channel.address) == (channel.config, channel.address):
            return Resident(channel, known.adapter)
        try:
            adapter = channels.adapter(self.database.tools, channel)
        except (BadSeal, msgspec.ValidationError, TrunklineError) as error:
            log.warning("mail_channel_unusable", channel=channel.id, account=channel.account_id, error=str(error))
            return Resident(channel, None)
        assert isinstance(adapter, Smtp)
        return Resident(channel, adapter)

    async def _open_door(self, listen: str) -> None:
        try:
            door = MailDoor(
                listen,
                lambda envelope: self._deliver(listen, envelope),
                accept=lambda mailbox: self._home(listen, mailbox) is not None,
            )
            await door.open()
        except (OSError, TrunklineError) as error:
            if listen not in self._shut:  # another worker of this machine may hold it: said once, tried again
                log.warning("mail_door_shut", listen=listen, error=str(error))
            self._shut.add(listen)
            return
        self._shut.discard(listen)
        self._open[listen] = door

    def _home(self, listen: str, mailbox: str) -> tuple[Channel, Smtp] | None:
        """The one channel that a mailbox belongs to: whose mark it bears, else whose name, else whose domain it is.

        A domain that several accounts share says nothing about whose a mail is, so it goes to none of them.
        """
        claims = [(adapter.claim(mailbox), channel, adapter) for channel, adapter in self._residents.get(listen, ())]
        best = max((claim for claim, _, _ in claims), default=Claim.NONE)
        homes = [(channel, adapter) for claim, channel, adapter in claims if claim == best]
        if best == Claim.NONE or (best == Claim.DOMAIN and len({channel.account_id for channel, _ in homes}) > 1):
            return None
        return homes[0]

    async def _deliver(self, listen: str, envelope: Envelope) -> None:
        """Store the mail once for each channel it is meant for; when this returns, the peer may forget it."""
        meant: dict[int, tuple[Channel, Smtp, list[str]]] = {}
        for mailbox in envelope.recipients:
            home = self._home(listen, mailbox)
            if home is None:  # it was there when the peer named it
                raise Unavailable("The mailbox")
            channel, adapter = home
            meant.setdefault(channel.id, (channel, adapter, []))[2].append(mailbox)
        for channel, adapter, mailboxes in meant.values():
            own = msgspec.structs.replace(envelope, recipients=mailboxes)
            items = await asyncio.to_thread(adapter.take_in, own)
            await receiving.take(self.database, channel, items)
